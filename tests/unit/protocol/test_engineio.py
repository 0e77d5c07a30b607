from __future__ import annotations

from tidegate.ids import EngineSid
from tidegate.protocol.engineio import encode_open


def test_open_packet_is_written_as_the_official_server_writes_it() -> None:
    packet = encode_open(EngineSid("lv_VI97HAXpY6yYWAAAC"), 25.0, 20.0, 1_000_000)

    assert packet == (
        '0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":[],"pingInterval":25000,'
        '"pingTimeout":20000,"maxPayload":1000000}'
    )


def test_fractions_of_a_second_become_whole_milliseconds() -> None:
    packet = encode_open(EngineSid("a"), 0.3, 0.2, 5)

    assert packet == (
        '0{"sid":"a","upgrades":[],"pingInterval":300,"pingTimeout":200,"maxPayload":5}'
    )
