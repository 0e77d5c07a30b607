from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import RemoteProtocolError
from tidegate.ids import NamespaceName, Sid
from tidegate.protocol.socketio import (
    RESERVED_EVENT_NAMES,
    Packet,
    PacketType,
    decode_packet,
    encode_ack,
    encode_connect,
    encode_connect_error,
    encode_disconnect,
    encode_event,
)

MAIN = NamespaceName("/")
NEWS = NamespaceName("/news")


# --- decoding: what a client may send ---------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "packet"),
    [
        ("0", Packet(PacketType.CONNECT, MAIN, auth={})),
        ('0{"token":"123"}', Packet(PacketType.CONNECT, MAIN, auth={"token": "123"})),
        ("0/news", Packet(PacketType.CONNECT, NEWS, auth={})),
        ("0/news,", Packet(PacketType.CONNECT, NEWS, auth={})),
        ('0/news,{"a":[1]}', Packet(PacketType.CONNECT, NEWS, auth={"a": [1]})),
        ("1", Packet(PacketType.DISCONNECT, MAIN)),
        ("1/news", Packet(PacketType.DISCONNECT, NEWS)),
        ("1/news,", Packet(PacketType.DISCONNECT, NEWS)),
        ('2["ev"]', Packet(PacketType.EVENT, MAIN, event_name="ev")),
        ('2/news,["ev"]', Packet(PacketType.EVENT, NEWS, event_name="ev")),
        ('212["ev"]', Packet(PacketType.EVENT, MAIN, 12, event_name="ev")),
        ('2/news,0["ev"]', Packet(PacketType.EVENT, NEWS, 0, event_name="ev")),
        ("37[]", Packet(PacketType.ACK, MAIN, 7)),
        ('3/news,7["a",1]', Packet(PacketType.ACK, NEWS, 7, args=(b'"a"', b"1"))),
    ],
)
def test_plain_packets(text: str, packet: Packet) -> None:
    assert decode_packet(text) == packet


def test_arguments_are_cut_out_byte_for_byte() -> None:
    packet = decode_packet('2["ev", {"b" : 1.50,"a":[ ]} ,"é\\u00e9",1e2,null]')

    assert packet.args == (
        b'{"b" : 1.50,"a":[ ]}',
        '"é\\u00e9"'.encode(),
        b"1e2",
        b"null",
    )


@pytest.mark.parametrize(
    ("text", "packet"),
    [
        (
            '51-["ev",{"_placeholder":true,"num":0}]',
            Packet(
                PacketType.EVENT,
                MAIN,
                attachments=1,
                event_name="ev",
                args=(b'{"_placeholder":true,"num":0}',),
            ),
        ),
        (
            '52-/news,7["ev"]',
            Packet(PacketType.EVENT, NEWS, 7, attachments=2, event_name="ev"),
        ),
        ('50-["ev"]', Packet(PacketType.EVENT, MAIN, event_name="ev")),
        ("61-/news,7[]", Packet(PacketType.ACK, NEWS, 7, attachments=1)),
    ],
)
def test_binary_packets_announce_their_attachments(text: str, packet: Packet) -> None:
    assert decode_packet(text) == packet


def test_what_looks_like_a_placeholder_is_data_in_a_plain_packet() -> None:
    packet = decode_packet('2["ev",{"_placeholder":true,"num":5}]')

    assert packet.args == (b'{"_placeholder":true,"num":5}',)


def test_query_of_a_namespace_is_dropped() -> None:
    assert decode_packet("0/news?token=secret,").namespace == "/news"


@pytest.mark.parametrize(
    ("name", "text"),
    [("5", "5"), ("5.0", "5"), ("-1", "-1"), ("1.5", "1.5"), ("9007199254740991",) * 2],
)
def test_number_as_event_name_is_passed_as_text(name: str, text: str) -> None:
    assert decode_packet(f"2[{name}]").event_name == text


def test_escapes_in_an_event_name_are_resolved() -> None:
    assert decode_packet('2["a\\u0062\\n\\ud83d\\ude00"]').event_name == "ab\n😀"


def test_half_of_a_surrogate_pair_becomes_the_replacement_character() -> None:
    packet = decode_packet('2["ev","cut \\ud83d","\\uDE00\\ud83d\\ude00","\\\\ud83d"]')

    assert packet.args == (b'"cut \\ufffd"', b'"\\ufffd\\ud83d\\ude00"', b'"\\\\ud83d"')


def test_event_with_as_many_arguments_as_allowed() -> None:
    assert decode_packet(f'2["ev"{",1" * 999}]').args == (b"1",) * 999


def test_largest_ack_id_is_what_javascript_counts_to() -> None:
    assert decode_packet('29007199254740991["ev"]').ack_id == 2**53 - 1


# --- decoding: what a client may not send -----------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty packet"),
        ("abc", "unknown packet type"),
        ("7", "unknown packet type"),
        ("-1", "unknown packet type"),
        ("٢[]", "unknown packet type"),
        ("0[]", "invalid payload"),
        ("0null", "invalid payload"),
        ('0"token"', "invalid payload"),
        ('0{"a":1e999}', "invalid payload"),
        ('0{"a":1', "invalid payload"),
        ('0/news{"a":1,"b":2}', "invalid payload"),
        ("1{}", "DISCONNECT with a payload"),
        ('1/news,"bye"', "DISCONNECT with a payload"),
        ("2", "invalid payload"),
        ("27", "invalid payload"),
        ("2{}", "invalid payload"),
        ("2null", "invalid payload"),
        ('2"ev"', "invalid payload"),
        ('2["ev"', "invalid payload"),
        ('2["ev"]]', "invalid payload"),
        ('2["ev",NaN]', "invalid payload"),
        ('2["ev",\n01]', "invalid payload"),
        ('2["\ud800"]', "invalid payload"),
        ('2abc["message-with-ack",1,"2",{"3":[false]}]', "invalid payload"),
        ('2-1["ev"]', "invalid payload"),
        ('2٣["ev"]', "invalid payload"),
        ('2news,["ev"]', "invalid payload"),
        ("2[]", "EVENT without a name"),
        ("2[null]", "invalid payload"),
        ("2[true]", "invalid payload"),
        ("2[{}]", "invalid payload"),
        ('2[["ev"]]', "invalid payload"),
        ("2[1e999]", "invalid payload"),
        ("2[1e21]", "event name out of range"),
        ("2[9007199254740992]", "event name out of range"),
        (f"2[{'9' * 4000}]", "event name out of range"),
        ('29007199254740992["ev"]', "ack id out of range"),
        ('200000000000000001["ev"]', "ack id out of range"),
        (f'2{"9" * 100_000}["ev"]', "ack id out of range"),
        (f'2["ev"{",1" * 1000}]', "too many arguments"),
        ("3[]", "ACK without an id"),
        ("37", "invalid payload"),
        ("37{}", "invalid payload"),
        ('4{"message":"no"}', "CONNECT_ERROR from a client"),
        ("4", "CONNECT_ERROR from a client"),
        ('5["ev"]', "malformed attachment count"),
        ('5-["ev"]', "malformed attachment count"),
        ('5-1-["ev"]', "malformed attachment count"),
        ('51.0-["ev"]', "malformed attachment count"),
        ('5٣-["ev"]', "malformed attachment count"),
        ('51["ev"]', "malformed attachment count"),
        ("6", "malformed attachment count"),
        (f'5{"9" * 100_000}-["ev"]', "too many attachments"),
        ("51-{}", "invalid payload"),
        ("51-[]", "EVENT without a name"),
        ("61-[]", "ACK without an id"),
        ('51-["ev",{"_placeholder":true,"num":1}]', "placeholder without an attachment"),
        ('50-["ev",{"_placeholder":true,"num":0}]', "placeholder without an attachment"),
        ('51-["ev",{"_placeholder":true}]', "placeholder without an attachment"),
        ('51-["ev",1e999]', "not valid JSON"),
    ],
)
def test_refused_packets(text: str, reason: str) -> None:
    with pytest.raises(RemoteProtocolError, match=f"{reason}$"):
        decode_packet(text)


@pytest.mark.parametrize("name", sorted(RESERVED_EVENT_NAMES))
@pytest.mark.parametrize("head", ["2", "51-"])
def test_reserved_event_names_are_refused(name: str, head: str) -> None:
    with pytest.raises(RemoteProtocolError, match="reserved event name"):
        decode_packet(f'{head}["{name}"]')


def test_escaped_reserved_event_name_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="reserved event name"):
        decode_packet('2["\\u0063onnect"]')


@pytest.mark.parametrize("head", ['0{"a":', '2["ev",', "37[", '51-["ev",'])
@pytest.mark.parametrize("bracket", ["[", '{"a":'])
def test_nesting_bombs_are_refused(head: str, bracket: str) -> None:
    with pytest.raises(RemoteProtocolError, match="nested too deeply"):
        decode_packet(head + bracket * 100_000)


@given(st.text(st.characters()) | st.from_regex(r"[0-6]([0-9]+-)?(/[a-z?]*,?)?[0-9]*[\[{].*"))
def test_any_text_is_a_packet_or_refused(text: str) -> None:
    try:
        namespace = decode_packet(text).namespace
    except RemoteProtocolError:
        return
    assert namespace.startswith("/")


# --- encoding ---------------------------------------------------------------------------------


def test_connect_reply_carries_sid_and_pid() -> None:
    assert encode_connect("/news", Sid("s1"), "p1") == '40/news,{"sid":"s1","pid":"p1"}'


def test_connect_reply_on_the_main_namespace_without_recovery() -> None:
    assert encode_connect("/", Sid("s1")) == '40{"sid":"s1"}'


def test_connect_error_without_data() -> None:
    assert encode_connect_error("/random", "Invalid namespace") == (
        '44/random,{"message":"Invalid namespace"}'
    )


@pytest.mark.parametrize(
    "data", [{"code": "token_expired", "retry": False}, b'{"code":"token_expired","retry":false}']
)
def test_connect_error_with_data(data: dict[str, Any] | bytes) -> None:
    assert encode_connect_error("/", "Unauthorized: expired", data) == (
        '44{"message":"Unauthorized: expired","data":{"code":"token_expired","retry":false}}'
    )


def test_disconnect() -> None:
    assert encode_disconnect("/") == "41"
    assert encode_disconnect("/news") == "41/news,"


def test_event_splices_its_arguments_in() -> None:
    packet = encode_event("/n", "ev", (b'{"a": 1}', b'"offset"'), ack_id=7)

    assert packet == b'42/n,7["ev",{"a": 1},"offset"]'


@pytest.mark.parametrize(
    ("args", "packet"),
    [((), b'42["ev"]'), ((b"1",), b'42["ev",1]'), ((b"1", b"2"), b'42["ev",1,2]')],
)
def test_event_with_few_arguments(args: tuple[bytes, ...], packet: bytes) -> None:
    assert encode_event("/", "ev", args) == packet


def test_first_ack_id_is_written() -> None:
    assert encode_event("/", "ev", (), ack_id=0) == b'420["ev"]'


def test_event_name_is_escaped_as_json() -> None:
    assert encode_event("/", 'a"b\né', ()) == '42["a\\"b\\né"]'.encode()


def test_event_with_attachments_is_a_binary_event() -> None:
    packet = encode_event("/n", "ev", (b'{"_placeholder":true,"num":0}',), ack_id=7, attachments=1)

    assert packet == b'451-/n,7["ev",{"_placeholder":true,"num":0}]'


def test_ack() -> None:
    assert encode_ack("/n", 7, (b"1", b'"2"')) == '43/n,7[1,"2"]'
    assert encode_ack("/", 0, ()) == "430[]"


def test_ack_with_attachments_is_a_binary_ack() -> None:
    packet = encode_ack("/", 7, (b'{"_placeholder":true,"num":0}',), attachments=1)

    assert packet == '461-7[{"_placeholder":true,"num":0}]'


# --- both ways --------------------------------------------------------------------------------

namespaces = st.just("/") | st.from_regex(r"/[a-z0-9\-é/]{1,20}", fullmatch=True)
event_names = st.text().filter(lambda name: name not in RESERVED_EVENT_NAMES)
ack_ids = st.integers(0, 2**53 - 1)
json_arguments = st.lists(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).map(msgspec.json.encode)
).map(tuple)


@given(namespaces, event_names, json_arguments, st.none() | ack_ids)
def test_event_survives_the_wire(
    namespace: str, name: str, args: tuple[bytes, ...], ack_id: int | None
) -> None:
    packet = encode_event(namespace, name, args, ack_id=ack_id).decode()

    assert decode_packet(packet[1:]) == Packet(
        PacketType.EVENT, NamespaceName(namespace), ack_id, event_name=name, args=args
    )


@given(namespaces, ack_ids, json_arguments, st.integers(0, 10))
def test_ack_survives_the_wire(
    namespace: str, ack_id: int, args: tuple[bytes, ...], attachments: int
) -> None:
    packet = encode_ack(namespace, ack_id, args, attachments=attachments)

    assert decode_packet(packet[1:]) == Packet(
        PacketType.ACK, NamespaceName(namespace), ack_id, attachments, args=args
    )
