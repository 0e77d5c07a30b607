from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import LocalProtocolError
from tidegate.ids import EngineSid, NamespaceName, Sid
from tidegate.protocol.connection import ConnectionConfig, ServerConnection
from tidegate.protocol.events import (
    AckReceived,
    ConnectionClosed,
    ConnectRequested,
    EventReceived,
    NamespaceLeft,
    ProtocolEvent,
)

MAIN = NamespaceName("/")
NEWS = NamespaceName("/news")
CUSTOM = NamespaceName("/custom")
PARSE_ERROR: list[ProtocolEvent] = [ConnectionClosed("parse error", 1002)]

# Those of the official conformance suites, and a connect timeout that leaves room for a ping.
CONFIG = ConnectionConfig(ping_interval=0.3, ping_timeout=0.2, connect_timeout=0.4)


def opened(
    config: ConnectionConfig = CONFIG, *, first_ping: float | None = None
) -> ServerConnection:
    """Return a connection that was opened at 100.0, its open packet sent."""
    connection = ServerConnection(EngineSid("e1"), config, 100.0, first_ping=first_ping)
    connection.data_to_send()
    return connection


def connected(*namespaces: NamespaceName, config: ConnectionConfig = CONFIG) -> ServerConnection:
    """Return a connection with these namespaces accepted, everything sent."""
    connection = opened(config)
    for namespace in namespaces:
        connection.receive_text(f"40{namespace},", 100.0)
        connection.accept(namespace, Sid("s1"))
    connection.data_to_send()
    return connection


# --- opening ----------------------------------------------------------------------------------


def test_server_speaks_first() -> None:
    connection = ServerConnection(EngineSid("e1"), CONFIG, 100.0)

    assert connection.data_to_send() == [
        '0{"sid":"e1","upgrades":[],"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}'
    ]


def test_packets_to_send_are_returned_once() -> None:
    connection = opened()

    assert connection.data_to_send() == []


def test_new_connection_is_open_and_has_no_namespace() -> None:
    connection = opened()

    assert (connection.is_closed, connection.close_reason) == (False, None)
    assert (connection.namespaces, connection.pending) == ((), ())


# --- connecting to a namespace ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "event", "reply"),
    [
        ("40", ConnectRequested(MAIN, {}), '40{"sid":"s1"}'),
        ('40{"token":"123"}', ConnectRequested(MAIN, {"token": "123"}), '40{"sid":"s1"}'),
        ("40/custom,", ConnectRequested(CUSTOM, {}), '40/custom,{"sid":"s1"}'),
        (
            '40/custom,{"token":"abc"}',
            ConnectRequested(CUSTOM, {"token": "abc"}),
            '40/custom,{"sid":"s1"}',
        ),
    ],
)
def test_client_connects(text: str, event: ConnectRequested, reply: str) -> None:
    connection = opened()

    assert connection.receive_text(text, 100.0) == [event]
    assert list(connection.pending) == [event.namespace]

    connection.accept(event.namespace, Sid("s1"))

    assert connection.data_to_send() == [reply]
    assert connection.namespaces == (event.namespace,)
    assert connection.pending == ()


def test_pid_offers_recovery() -> None:
    connection = opened()
    connection.receive_text("40", 100.0)

    connection.accept(MAIN, Sid("s1"), "p1")

    assert connection.data_to_send() == ['40{"sid":"s1","pid":"p1"}']


def test_recovering_client_presents_pid_and_offset() -> None:
    connection = opened()

    assert connection.receive_text('40/news,{"pid":"p1","offset":"e.1f","token":"t"}', 100.0) == [
        ConnectRequested(NEWS, {"pid": "p1", "offset": "e.1f", "token": "t"})
    ]


def test_unknown_namespace_is_refused_and_the_connection_lives_on() -> None:
    connection = opened()
    connection.receive_text("40/random", 100.0)

    connection.refuse(NamespaceName("/random"), "Invalid namespace")

    assert connection.data_to_send() == ['44/random,{"message":"Invalid namespace"}']
    assert (connection.is_closed, connection.pending) == (False, ())


def test_refusal_carries_its_data() -> None:
    connection = opened()
    connection.receive_text("40", 100.0)

    connection.refuse(MAIN, "Unauthorized: expired", {"code": "token_expired", "retry": False})

    assert connection.data_to_send() == [
        '44{"message":"Unauthorized: expired","data":{"code":"token_expired","retry":false}}'
    ]


def test_refused_client_may_ask_again() -> None:
    connection = opened()
    connection.receive_text("40", 100.0)
    connection.refuse(MAIN, "no")

    assert connection.receive_text("40", 100.1) == [ConnectRequested(MAIN, {})]


def test_namespaces_are_answered_in_any_order() -> None:
    connection = opened()
    connection.receive_text("40", 100.0)
    connection.receive_text("40/news,", 100.0)

    connection.accept(NEWS, Sid("s2"))
    connection.accept(MAIN, Sid("s1"))

    assert connection.data_to_send() == ['40/news,{"sid":"s2"}', '40{"sid":"s1"}']
    assert connection.namespaces == (NEWS, MAIN)


def test_second_connect_while_the_first_is_pending() -> None:
    connection = opened()
    connection.receive_text("40", 100.0)

    assert connection.receive_text("40", 100.0) == PARSE_ERROR
    assert connection.close_reason == "second CONNECT to a namespace"


def test_second_connect_after_the_first_was_accepted() -> None:
    connection = connected(MAIN)

    assert connection.receive_text("40", 100.0) == PARSE_ERROR
    assert connection.close_reason == "second CONNECT to a namespace"


def test_one_namespace_too_many_is_marked_for_refusal() -> None:
    connection = connected(MAIN, config=ConnectionConfig(max_namespaces=2))

    assert connection.receive_text("40/a", 100.0) == [ConnectRequested(NamespaceName("/a"), {})]
    assert connection.receive_text("40/b", 100.0) == [
        ConnectRequested(NamespaceName("/b"), {}, is_over_limit=True)
    ]


def test_two_namespaces_too_many_are_a_violation() -> None:
    connection = connected(MAIN, config=ConnectionConfig(max_namespaces=2))
    connection.receive_text("40/a", 100.0)
    connection.receive_text("40/b", 100.0)

    assert connection.receive_text("40/c", 100.0) == PARSE_ERROR
    assert connection.close_reason == "too many namespaces"


def test_refusing_the_one_too_many_keeps_the_connection_usable() -> None:
    connection = connected(MAIN, NEWS, config=ConnectionConfig(max_namespaces=2))

    for name in ("/a", "/b", "/c"):
        assert connection.receive_text(f"40{name}", 100.0) == [
            ConnectRequested(NamespaceName(name), {}, is_over_limit=True)
        ]
        connection.refuse(NamespaceName(name), "Too many namespaces")

    assert connection.namespaces == (MAIN, NEWS)


# --- leaving a namespace ----------------------------------------------------------------------


def test_client_leaves_and_the_connection_lives_on() -> None:
    connection = connected(MAIN)

    assert connection.receive_text("41", 100.0) == [NamespaceLeft(MAIN)]
    assert connection.namespaces == ()

    assert connection.handle_deadline(100.3) == []
    assert connection.data_to_send() == ["2"]


def test_client_that_left_its_last_namespace_has_to_connect_in_time() -> None:
    config = ConnectionConfig(connect_timeout=5.0)
    connection = connected(MAIN, NEWS, config=config)
    connection.receive_text("41", 200.0)
    assert connection.next_deadline() != 205.0
    connection.receive_text("41/news,", 201.0)

    assert connection.handle_deadline(206.0) == [ConnectionClosed("connect timeout", 1008)]


def test_client_that_left_its_last_namespace_may_come_back_in_time() -> None:
    connection = connected(MAIN, config=ConnectionConfig(connect_timeout=5.0))
    connection.receive_text("41", 100.0)
    connection.receive_text("40", 104.0)
    connection.accept(MAIN, Sid("again"))

    assert connection.handle_deadline(105.0) == []


def test_leaving_one_namespace_keeps_the_others() -> None:
    connection = connected(MAIN, CUSTOM)

    assert connection.receive_text("41/custom", 100.0) == [NamespaceLeft(CUSTOM)]
    assert connection.receive_text('42["message","message to main namespace"]', 100.0) == [
        EventReceived(MAIN, "message", (b'"message to main namespace"',))
    ]


def test_client_comes_back_to_a_namespace_it_left() -> None:
    connection = connected(NEWS)
    connection.receive_text("41/news,", 100.0)

    assert connection.receive_text("40/news,", 100.0) == [ConnectRequested(NEWS, {})]


def test_server_sends_a_client_out_of_a_namespace() -> None:
    connection = connected(MAIN, NEWS)

    connection.send_disconnect(NEWS)

    assert connection.data_to_send() == ["41/news,"]
    assert connection.namespaces == (MAIN,)


@pytest.mark.parametrize("late", ['42/news,1["ev"]', "43/news,1[]", "41/news,"])
def test_what_crossed_our_disconnect_on_the_way_is_dropped(late: str) -> None:
    connection = connected(MAIN, NEWS)
    connection.send_disconnect(NEWS)

    assert connection.receive_text(late, 100.0) == []
    assert connection.receive_text('42["ev"]', 100.0) == [EventReceived(MAIN, "ev")]


def test_binary_event_that_crossed_our_disconnect_is_dropped_whole() -> None:
    connection = connected(MAIN, NEWS)
    connection.receive_text('451-/news,["ev"]', 100.0)
    connection.send_disconnect(NEWS)

    assert connection.receive_binary(b"\x01", 100.0) == []
    assert connection.receive_text('42["ev"]', 100.0) == [EventReceived(MAIN, "ev")]


def test_client_comes_back_after_our_disconnect() -> None:
    connection = connected(NEWS)
    connection.send_disconnect(NEWS)

    assert connection.receive_text("40/news,", 100.0) == [ConnectRequested(NEWS, {})]
    assert connection.receive_text('42/news,["ev"]', 100.0) == PARSE_ERROR


# --- events and acks --------------------------------------------------------------------------


def test_event() -> None:
    connection = connected(MAIN)

    assert connection.receive_text('42["message",1,"2",{"3":[true]}]', 100.0) == [
        EventReceived(MAIN, "message", (b"1", b'"2"', b'{"3":[true]}'))
    ]


def test_event_that_asks_for_an_ack() -> None:
    connection = connected(MAIN)

    assert connection.receive_text('42456["message-with-ack",1,"2",{"3":[false]}]', 100.0) == [
        EventReceived(MAIN, "message-with-ack", (b"1", b'"2"', b'{"3":[false]}'), ack_id=456)
    ]

    connection.send_ack(MAIN, 456, (b"1", b'"2"', b'{"3":[false]}'))

    assert connection.data_to_send() == ['43456[1,"2",{"3":[false]}]']


def test_event_with_attachments() -> None:
    connection = connected(MAIN)
    args = (b'{"_placeholder":true,"num":0}', b'{"_placeholder":true,"num":1}')

    assert (
        connection.receive_text(
            '452-789["message-with-ack",'
            '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
            100.0,
        )
        == []
    )
    assert connection.receive_binary(b"\x01\x02\x03", 100.0) == []
    assert connection.receive_binary(b"\x04\x05\x06", 100.0) == [
        EventReceived(
            MAIN, "message-with-ack", args, (b"\x01\x02\x03", b"\x04\x05\x06"), ack_id=789
        )
    ]

    connection.send_ack(MAIN, 789, args, (b"\x01\x02\x03", b"\x04\x05\x06"))

    assert connection.data_to_send() == [
        '462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
        b"\x01\x02\x03",
        b"\x04\x05\x06",
    ]


def test_binary_event_that_announces_no_attachment_is_complete_at_once() -> None:
    connection = connected(MAIN)

    assert connection.receive_text('450-["ev",1]', 100.0) == [EventReceived(MAIN, "ev", (b"1",))]
    assert connection.receive_text('42["ev"]', 100.0) == [EventReceived(MAIN, "ev")]


def test_ack_of_a_client() -> None:
    connection = connected(NEWS)

    assert connection.receive_text('43/news,7["ok"]', 100.0) == [AckReceived(NEWS, 7, (b'"ok"',))]


def test_binary_ack_of_a_client() -> None:
    connection = connected(NEWS)

    assert connection.receive_text('461-/news,7[{"_placeholder":true,"num":0}]', 100.0) == []
    assert connection.receive_binary(b"\x01", 100.0) == [
        AckReceived(NEWS, 7, (b'{"_placeholder":true,"num":0}',), (b"\x01",))
    ]


def test_server_sends_events_in_order() -> None:
    connection = connected(MAIN, NEWS)

    connection.send_event(NEWS, "ev", (b'{"a":1}', b'"offset"'), ack_id=7)
    connection.send_event(MAIN, "file", (b'{"_placeholder":true,"num":0}',), attachments=(b"\x01",))
    connection.send_event(MAIN, "é", ())

    assert connection.data_to_send() == [
        '42/news,7["ev",{"a":1},"offset"]',
        '451-["file",{"_placeholder":true,"num":0}]',
        b"\x01",
        '42["é"]',
    ]


# --- violations -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not an Engine.IO packet that a client may send"),
        ("abc", "not an Engine.IO packet that a client may send"),
        ("0", "not an Engine.IO packet that a client may send"),
        ("2", "not an Engine.IO packet that a client may send"),
        ("2probe", "not an Engine.IO packet that a client may send"),
        ("3probe", "not an Engine.IO packet that a client may send"),
        ("5", "not an Engine.IO packet that a client may send"),
        ("7", "not an Engine.IO packet that a client may send"),
        ("bAQIDBA==", "not an Engine.IO packet that a client may send"),
        ("4", "empty packet"),
        ("4abc", "unknown packet type"),
        ("42{}", "invalid payload"),
        ('42abc["message-with-ack",1,"2",{"3":[false]}]', "invalid payload"),
        ('44{"message":"no"}', "CONNECT_ERROR from a client"),
        ('42/news,["ev"]', "packet for a namespace that is not connected"),
        ("43/news,1[]", "packet for a namespace that is not connected"),
        ("41/news,", "packet for a namespace that is not connected"),
        ('451-/news,["ev"]', "packet for a namespace that is not connected"),
        ('4511-["ev"]', "too many attachments"),
    ],
)
def test_violation_closes_the_connection(text: str, reason: str) -> None:
    connection = connected(MAIN)

    assert connection.receive_text(text, 100.0) == PARSE_ERROR
    assert (connection.is_closed, connection.close_reason) == (True, reason)


@pytest.mark.parametrize("text", ['42["ev"]', "431[]", "41", "4abc"])
def test_client_speaks_before_connect(text: str) -> None:
    assert opened().receive_text(text, 100.0) == PARSE_ERROR


@pytest.mark.parametrize("text", ['42["ev"]', "431[]", "41"])
def test_client_speaks_before_its_connect_is_answered(text: str) -> None:
    connection = opened()
    connection.receive_text("40", 100.0)

    assert connection.receive_text(text, 100.0) == PARSE_ERROR
    assert connection.pending == ()


def test_client_speaks_after_leaving() -> None:
    connection = connected(MAIN)
    connection.receive_text("41", 100.0)

    assert connection.receive_text('42["ev"]', 100.0) == PARSE_ERROR


def test_as_many_attachments_as_allowed() -> None:
    connection = connected(MAIN)

    assert connection.receive_text('4510-["ev"]', 100.0) == []
    for _ in range(9):
        assert connection.receive_binary(b"\x01", 100.0) == []
    assert connection.receive_binary(b"\x01", 100.0) == [
        EventReceived(MAIN, "ev", attachments=(b"\x01",) * 10)
    ]


def test_attachment_that_was_not_announced() -> None:
    connection = connected(MAIN)

    assert connection.receive_binary(b"\x01\x02\x03\x04", 100.0) == PARSE_ERROR
    assert connection.close_reason == "attachment that was not announced"


def test_one_attachment_more_than_announced() -> None:
    connection = connected(MAIN)
    connection.receive_text('451-["ev"]', 100.0)
    connection.receive_binary(b"\x01", 100.0)

    assert connection.receive_binary(b"\x02", 100.0) == PARSE_ERROR


@pytest.mark.parametrize("text", ['42["ev"]', "41", "40/news", '451-["ev"]'])
def test_text_packet_while_attachments_are_missing(text: str) -> None:
    connection = connected(MAIN)
    connection.receive_text('451-["ev"]', 100.0)

    assert connection.receive_text(text, 100.0) == PARSE_ERROR
    assert connection.close_reason == "text packet while attachments are missing"


def test_pong_between_attachments_is_no_violation() -> None:
    connection = connected(MAIN)
    connection.receive_text('451-["ev"]', 100.0)
    connection.handle_deadline(100.3)

    assert connection.receive_text("3", 100.3) == []
    assert connection.receive_binary(b"\x01", 100.3) == [
        EventReceived(MAIN, "ev", attachments=(b"\x01",))
    ]


def test_attachments_over_max_payload_together() -> None:
    connection = connected(MAIN, config=ConnectionConfig(max_payload=5))
    connection.receive_text('452-["ev"]', 100.0)

    assert connection.receive_binary(b"\x01\x02\x03", 100.0) == []
    assert connection.receive_binary(b"\x04\x05\x06", 100.0) == [
        ConnectionClosed("parse error", 1009)
    ]
    assert connection.close_reason == "attachments over max_payload"


# --- heartbeat --------------------------------------------------------------------------------


def test_pings_and_pongs() -> None:
    connection = connected(MAIN)
    now = 100.0

    for _ in range(3):
        assert connection.next_deadline() == now + 0.3
        now += 0.3
        assert connection.handle_deadline(now) == []
        assert connection.data_to_send() == ["2"]
        assert connection.next_deadline() == now + 0.2
        now += 0.05
        assert connection.receive_text("3", now) == []


def test_no_pong_in_time() -> None:
    connection = connected(MAIN)
    connection.handle_deadline(100.3)

    assert connection.handle_deadline(100.5) == [ConnectionClosed("ping timeout", 1011)]
    assert connection.close_reason == "ping timeout"


def test_pong_that_was_read_late_still_counts() -> None:
    connection = connected(MAIN)
    connection.handle_deadline(100.3)

    assert connection.receive_text("3", 101.0) == []
    assert connection.handle_deadline(101.0) == []
    assert connection.next_deadline() == 101.3


def test_late_timer_pings_instead_of_closing() -> None:
    connection = connected(MAIN)

    assert connection.handle_deadline(105.0) == []
    assert connection.data_to_send() == ["2"]
    assert connection.next_deadline() == 105.2


def test_early_timer_does_nothing() -> None:
    connection = connected(MAIN)

    assert connection.handle_deadline(100.2) == []
    assert connection.data_to_send() == []


def test_pong_without_a_ping_does_not_put_off_the_next_ping() -> None:
    connection = connected(MAIN)

    assert connection.receive_text("3", 100.2) == []
    assert connection.next_deadline() == 100.3


def test_events_are_no_pongs() -> None:
    connection = connected(MAIN)
    connection.handle_deadline(100.3)
    connection.receive_text('42["ev"]', 100.4)

    assert connection.handle_deadline(100.5) == [ConnectionClosed("ping timeout", 1011)]


def test_first_ping_may_come_earlier() -> None:
    connection = opened(first_ping=0.1)

    assert connection.next_deadline() == 100.1


@pytest.mark.parametrize("first_ping", [-0.1, 0.31])
def test_first_ping_within_the_interval(first_ping: float) -> None:
    with pytest.raises(LocalProtocolError, match="within ping_interval"):
        opened(first_ping=first_ping)


# --- connect timeout --------------------------------------------------------------------------

HASTY = ConnectionConfig(connect_timeout=5.0)


def test_no_connect_in_time() -> None:
    connection = opened(HASTY)

    assert connection.next_deadline() == 105.0
    assert connection.handle_deadline(105.0) == [ConnectionClosed("connect timeout", 1008)]


def test_pending_connect_does_not_stop_the_clock() -> None:
    connection = opened(HASTY)
    connection.receive_text("40", 104.0)

    assert connection.handle_deadline(105.0) == [ConnectionClosed("connect timeout", 1008)]
    assert connection.pending == ()


def test_refused_connect_does_not_reset_the_clock() -> None:
    connection = opened(HASTY)
    connection.receive_text("40", 104.0)
    connection.refuse(MAIN, "no")

    assert connection.next_deadline() == 105.0


def test_accepted_connect_stops_the_clock() -> None:
    connection = connected(MAIN, config=HASTY)

    assert connection.next_deadline() == 125.0
    assert connection.handle_deadline(106.0) == []


def test_pings_go_on_while_the_connect_is_awaited() -> None:
    connection = opened()

    connection.handle_deadline(100.3)

    assert connection.data_to_send() == ["2"]
    assert connection.next_deadline() == 100.4


# --- the end ----------------------------------------------------------------------------------


def test_client_closes() -> None:
    connection = connected(MAIN)

    assert connection.receive_text("1", 100.0) == [ConnectionClosed("client close", 1000)]
    assert connection.is_closed


def test_noop_is_ignored() -> None:
    connection = connected(MAIN)

    assert connection.receive_text("6", 100.0) == []
    assert not connection.is_closed


def test_transport_is_lost() -> None:
    connection = connected(MAIN)

    assert connection.connection_lost() == [ConnectionClosed("transport close", 1006)]
    assert connection.connection_lost() == []


def test_server_closes_after_its_last_words() -> None:
    connection = opened()
    connection.receive_text("40", 100.0)
    connection.refuse(MAIN, "no")

    connection.close()

    assert connection.data_to_send() == ['44{"message":"no"}']
    assert connection.close_reason == "server close"
    assert connection.connection_lost() == []


def test_first_reason_stands() -> None:
    connection = connected(MAIN)
    connection.receive_text("1", 100.0)

    connection.close()

    assert connection.close_reason == "client close"


def test_namespaces_of_a_closed_connection_tell_which_sockets_ended() -> None:
    connection = connected(MAIN, NEWS)
    connection.connection_lost()

    assert connection.namespaces == (MAIN, NEWS)


def test_closed_connection_ignores_everything() -> None:
    connection = connected(MAIN)
    connection.receive_text("40/news", 100.0)
    connection.receive_text("1", 100.0)

    connection.accept(NEWS, Sid("s2"))
    connection.refuse(NEWS, "no")
    connection.send_event(MAIN, "ev", ())
    connection.send_ack(MAIN, 1, ())
    connection.send_disconnect(MAIN)

    assert connection.receive_text("4abc", 100.0) == []
    assert connection.receive_binary(b"\x01", 100.0) == []
    assert connection.handle_deadline(999.0) == []
    assert connection.next_deadline() is None
    assert connection.data_to_send() == []


# --- misuse by the caller ---------------------------------------------------------------------


def test_accept_without_a_request() -> None:
    with pytest.raises(LocalProtocolError, match="no CONNECT to /news is pending"):
        opened().accept(NEWS, Sid("s1"))


def test_refuse_after_accept() -> None:
    with pytest.raises(LocalProtocolError, match="no CONNECT to / is pending"):
        connected(MAIN).refuse(MAIN, "no")


def test_accept_over_the_limit() -> None:
    connection = connected(MAIN, config=ConnectionConfig(max_namespaces=1))
    connection.receive_text("40/news", 100.0)

    with pytest.raises(LocalProtocolError, match="over max_namespaces"):
        connection.accept(NEWS, Sid("s2"))
    assert connection.pending == (NEWS,)


def test_sending_to_a_namespace_that_is_not_accepted() -> None:
    connection = connected(MAIN)
    connection.receive_text("40/news", 100.0)

    with pytest.raises(LocalProtocolError, match="/news is not accepted"):
        connection.send_event(NEWS, "ev", ())
    with pytest.raises(LocalProtocolError, match="/news is not accepted"):
        connection.send_ack(NEWS, 1, ())
    with pytest.raises(LocalProtocolError, match="/news is not accepted"):
        connection.send_disconnect(NEWS)


def test_sending_a_reserved_event_name() -> None:
    with pytest.raises(LocalProtocolError, match="disconnect is a reserved event name"):
        connected(MAIN).send_event(MAIN, "disconnect", ())


def test_sending_more_attachments_than_the_client_takes() -> None:
    with pytest.raises(LocalProtocolError, match="more attachments"):
        connected(MAIN).send_event(MAIN, "ev", (), attachments=(b"",) * 11)


# --- anything at all --------------------------------------------------------------------------

plausible_texts = st.sampled_from(
    [
        "40",
        "40/news,",
        '40/news,{"token":"t"}',
        "41",
        "41/news,",
        '42["ev",1]',
        '42/news,7["ev"]',
        "437[]",
        '451-["ev",{"_placeholder":true,"num":0}]',
        '452-/news,7["ev"]',
        '461-7[{"_placeholder":true,"num":0}]',
        "1",
        "2",
        "3",
        "6",
    ]
)
messages = st.lists(plausible_texts | st.text() | st.binary(), max_size=30)


@given(messages, st.booleans())
def test_whatever_arrives_ends_in_events(script: list[str | bytes], accepts: bool) -> None:
    connection = opened(ConnectionConfig())

    for message in script:
        was_closed = connection.is_closed
        if isinstance(message, str):
            events = connection.receive_text(message, 100.0)
        else:
            events = connection.receive_binary(message, 100.0)
        assert not (was_closed and events)
        for event in events:
            if isinstance(event, ConnectRequested) and accepts:
                connection.accept(event.namespace, Sid("s1"))
            if isinstance(event, EventReceived | AckReceived):
                assert event.namespace in connection.namespaces
        ends = [event for event in events if isinstance(event, ConnectionClosed)]
        assert len(ends) == (connection.is_closed and not was_closed)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from(["timer", "pong", "event"])), max_size=40)
)
def test_open_connection_always_has_a_deadline_it_keeps(steps: list[tuple[float, str]]) -> None:
    connection = connected(MAIN)
    now = 100.0

    for delay, step in steps:
        now += delay
        if step == "timer":
            connection.handle_deadline(now)
        else:
            connection.receive_text("3" if step == "pong" else '42["ev"]', now)
        deadline = connection.next_deadline()
        assert (deadline is None) == connection.is_closed
        if step == "timer" and deadline is not None:
            assert deadline > now
