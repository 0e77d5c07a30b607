"""The client's half of the protocol, literals in and literals out."""

from __future__ import annotations

import pytest

from tidegate.errors import RemoteProtocolError
from tidegate.ids import NamespaceName
from tidegate.protocol.socketio import PacketType
from tidegate.testing.wire import (
    Arrived,
    PacketReader,
    ack_messages,
    connect_message,
    disconnect_message,
    event_messages,
)

NEWS, MAIN = NamespaceName("/news"), NamespaceName("/")


def read(*messages: str | bytes) -> Arrived:
    reader = PacketReader()
    *first, last = [reader.read(message) for message in messages]
    assert not any(first)
    assert last is not None
    return last


def test_what_a_client_sends() -> None:
    assert connect_message("/news", {"token": "t"}) == '40/news,{"token":"t"}'
    assert connect_message("/", {}) == "40{}"
    assert event_messages(NEWS, "e", (1, "x"), None) == ['42/news,["e",1,"x"]']
    assert event_messages(MAIN, "e", (), 7) == ['427["e"]']
    assert ack_messages(NEWS, 3, (None,)) == ["43/news,3[null]"]
    assert disconnect_message(NEWS) == "41/news,"


def test_attachments_are_numbered_over_all_arguments() -> None:
    first, *rest = event_messages(NEWS, "e", (b"a", {"b": b"b"}), None)
    assert first == (
        '452-/news,["e",{"_placeholder":true,"num":0},{"b":{"_placeholder":true,"num":1}}]'
    )
    assert rest == [b"a", b"b"]


def test_what_a_client_reads() -> None:
    event = read('42/news,["e",{"n":1},"offset"]')
    assert (event.packet.event_name, event.values) == ("e", [{"n": 1}, "offset"])
    connected = read('40/news,{"sid":"s","pid":"p"}').packet
    assert connected.auth == {"sid": "s", "pid": "p"}
    refused = read('44/news,{"message":"no","data":{"code":"forbidden"}}').packet
    assert refused.type is PacketType.CONNECT_ERROR
    assert refused.auth == {"message": "no", "data": {"code": "forbidden"}}
    assert read("43/news,3[1,2]").values == [1, 2]
    assert read("41/news,").packet.type is PacketType.DISCONNECT


def test_attachments_return_to_their_places() -> None:
    event = read(
        '452-/news,["e",{"a":{"_placeholder":true,"num":1},"b":{"_placeholder":true,"num":0}}]',
        b"0",
        b"1",
    )
    assert event.values == [{"a": b"1", "b": b"0"}]


def test_nonsense_is_an_error() -> None:
    with pytest.raises(RemoteProtocolError):
        PacketReader().read("49")
