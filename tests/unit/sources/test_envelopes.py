"""What a broker hands over becomes a pattern, a payload and a message id, or is refused."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from tidegate.errors import MessageRejected
from tidegate.sources.envelopes import canonical_pattern, open_envelope
from tidegate.sources.message import AMQPContent, IncomingMessage

KINDS = ("auto", "nestjs", "cloudevents", "plain", "tidegate")
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
EVENT = {
    "cloudEvents_specversion": "1.0",
    "cloudEvents_id": "7",
    "cloudEvents_source": "/orders",
    "cloudEvents_type": "order.paid",
}


def opened(body: bytes | str, kind: str = "auto", **content: Any) -> IncomingMessage:
    return open_envelope(
        AMQPContent(body.encode() if isinstance(body, str) else body, **content), kind
    )


def refusal(body: bytes | str, kind: str = "auto", **content: Any) -> MessageRejected:
    with pytest.raises(MessageRejected) as caught:
        opened(body, kind, **content)
    assert caught.value.reason == "malformed"
    return caught.value


# NestJS


@pytest.mark.parametrize("kind", ["auto", "nestjs"])
def test_nestjs_emit(kind: str) -> None:
    message = opened('{"pattern":"user.created","data":{"id": 1}}', kind, routing_key="queue")
    assert (message.pattern, message.data) == ("user.created", b'{"id": 1}')
    assert message.message_id is None and message.attributes == {}
    assert message.content.routing_key == "queue"


def test_the_payload_is_not_re_encoded() -> None:
    data = '{ "b":1.0,\n"a" : "\\u00e9", "big": 12345678901234567890123, "a":2 }'
    assert opened(f'{{"pattern":"p","data": {data} }}').data == data.encode()


def test_nestjs_send_has_an_id() -> None:
    assert opened('{"pattern":"p","data":1,"id":"a1"}').message_id == "a1"
    assert opened('{"pattern":"p","data":1,"id":17}').message_id == "17"


def test_a_message_id_that_the_publisher_set_wins_over_the_id_of_a_nestjs_request() -> None:
    properties = {"message_id": "mine"}
    message = opened('{"pattern":"p","data":1,"id":"a1"}', properties=properties)
    assert message.message_id == "mine"


def test_nestjs_without_data_carries_null() -> None:
    assert opened('{"pattern":"p"}').data == b"null"


def test_nestjs_object_pattern_becomes_json_with_sorted_keys() -> None:
    message = opened('{"pattern":{"cmd":"x", "a":{"z":1,"b":[{"d":1,"c":2}]}},"data":0}')
    assert message.pattern == '{"a":{"b":[{"c":2,"d":1}],"z":1},"cmd":"x"}'


def test_a_pattern_that_is_json_in_a_text_is_the_same_pattern() -> None:
    assert opened('{"pattern":"{\\"b\\": 1, \\"a\\": 2}","data":0}').pattern == '{"a":2,"b":1}'
    assert canonical_pattern('{"b": 1, "a": 2}') == canonical_pattern({"a": 2, "b": 1})


def test_a_pattern_that_only_looks_like_json_stays_as_it_is() -> None:
    assert canonical_pattern("{user}.created") == "{user}.created"
    assert canonical_pattern('{"a":' * 5000) == '{"a":' * 5000


def test_nestjs_number_pattern() -> None:
    assert opened('{"pattern":5,"data":0}').pattern == "5"


def test_nestjs_with_wildcards_comes_by_a_topic_exchange() -> None:
    message = opened(
        '{"pattern":"user.1.created","data":{}}', exchange="users", routing_key="user.1.created"
    )
    assert (message.pattern, message.data) == ("user.1.created", b"{}")


@pytest.mark.parametrize("pattern", ["null", "true", '["a"]'])
def test_a_nestjs_pattern_of_a_wrong_type(pattern: str) -> None:
    assert refusal(f'{{"pattern":{pattern},"data":0}}', "nestjs").field == "pattern"


def test_a_nestjs_body_without_a_pattern() -> None:
    assert "pattern" in refusal('{"data":0}', "nestjs").detail


def test_a_fixed_nestjs_queue_takes_fields_that_nestjs_would_ignore() -> None:
    assert opened('{"pattern":"p","data":0,"by":"hand"}', "nestjs").pattern == "p"


def test_a_pattern_too_long_to_be_one() -> None:
    refusal(json.dumps({"pattern": "p" * 1025, "data": 0}))
    assert len(opened(json.dumps({"pattern": "p" * 1024, "data": 0})).pattern) == 1024


# Plain


@pytest.mark.parametrize("kind", ["auto", "plain"])
@pytest.mark.parametrize("body", ['{"a": 1}', "[1, 2]", '"text"', "null", "5"])
def test_plain_json_has_its_routing_key_as_pattern(kind: str, body: str) -> None:
    message = opened(f" {body}\n", kind, exchange="events", routing_key="order.paid")
    assert (message.pattern, message.data) == ("order.paid", body.encode())


@pytest.mark.parametrize(
    "body",
    [
        '{"pattern":"*.ts","data":1,"more":2}',
        '{"pattern":["a"],"data":1}',
        '{"pattern":null}',
        '{"data":1}',
        '["pattern"]',
        '{"deeper":{"pattern":"p","data":1}}',
        '{"tenant":"a","namespace":"/n","event":"e","more":1}',
        '{"tenant":"a","namespace":"n","event":"e"}',
        '{"tenant":5,"namespace":"/n","event":"e"}',
        '{"namespace":"/n","event":"e"}',
    ],
)
def test_plain_json_that_is_nearly_another_envelope(body: str) -> None:
    message = opened(body, exchange="events", routing_key="key")
    assert (message.pattern, message.data, message.tenant) == ("key", body.encode(), None)


def test_message_id_property() -> None:
    assert opened("1", properties={"message_id": "m"}).message_id == "m"
    assert opened("1", properties={"message_id": ""}).message_id is None
    assert refusal("1", properties={"message_id": "m" * 257}).field == "id"


# Tidegate


@pytest.mark.parametrize("kind", ["auto", "tidegate"])
def test_tidegate_says_all(kind: str) -> None:
    body = '{"tenant":"acme","namespace":"/n","event":"e","data":{"a": 1},"user":"42","id":"m"}'
    message = opened(body, kind, properties={"message_id": "other"})
    assert (message.tenant, message.namespace, message.pattern) == ("acme", "/n", "e")
    assert (message.data, message.user, message.room, message.message_id) == (
        b'{"a": 1}',
        "42",
        None,
        "m",
    )


def test_a_payload_that_looks_like_tidegate_never_overrules_the_tenant_header() -> None:
    body = '{"tenant":"victim","namespace":"/n","event":"e"}'
    message = opened(body, routing_key="key", headers={"tenantId": "acme"})
    assert (message.tenant, message.pattern) == (None, "key")


@pytest.mark.parametrize(
    "body",
    ['{"tenant":"a"}', '[{"tenant":"a","namespace":"/n","event":"e"}]', "[]", '{"tenant":5}', "1"],
)
def test_a_tidegate_queue_takes_exactly_one_request(body: str) -> None:
    refusal(body, "tidegate")


# Headers of every envelope


def test_trace_context() -> None:
    for body in ("1", '{"pattern":"p"}', '{"tenant":"a","namespace":"/n","event":"e"}'):
        assert opened(body, headers={"traceparent": TRACE}).trace == TRACE
    assert opened("1", headers=EVENT | {"cloudEvents_traceparent": TRACE}).trace == TRACE


@pytest.mark.parametrize("trace", ["", "00-1-2-3", 5, b"x", TRACE + "\n"])
def test_a_broken_trace_context_does_not_cost_the_message(trace: object) -> None:
    assert opened("1", headers={"traceparent": trace}).trace is None


RETRIED = {"x-tidegate-exchange": "events", "x-tidegate-routing-key": "order.paid"}


def test_a_retried_dead_letter_comes_as_it_was_first_published() -> None:
    message = opened("1", routing_key="queue", headers=RETRIED)
    assert message.pattern == "order.paid"
    assert (message.content.exchange, message.content.routing_key) == ("events", "order.paid")


def test_the_headers_of_a_retry_count_only_on_the_default_exchange() -> None:
    assert opened("1", exchange="other", routing_key="key", headers=RETRIED).pattern == "key"


@pytest.mark.parametrize("broken", [{}, {"x-tidegate-routing-key": 5}])
def test_half_of_the_headers_of_a_retry_do_not_count(broken: dict[str, Any]) -> None:
    incomplete = {"x-tidegate-exchange": "events"} | broken
    assert opened("1", routing_key="queue", headers=incomplete).pattern == "queue"


# Bad bytes


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"text",
        b"{",
        b"\xef\xbb\xbf{}",
        b'{"pattern":"p","data":"\xff"}',
        b'{"pattern":"p","data":{"\xc3\x28":1}}',
        b'{"pattern":"p","data":NaN}',
        b'{"pattern":"p","data":1}{',
        b'{"pattern":"p","data":' + b"[" * 100_000,
        b'{"pattern":' + b'{"a":' * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b"\x1f\x8b\x08",
    ],
)
def test_bytes_that_are_no_message(kind: str, body: bytes) -> None:
    refusal(body, kind)


words = st.sampled_from(
    ["pattern", "data", "id", "tenant", "namespace", "event", "user", "specversion", "type"]
)
values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.just("/n"),
    lambda inner: st.lists(inner) | st.dictionaries(words | st.text(), inner),
    max_leaves=8,
)
bodies = st.binary() | values.map(lambda value: json.dumps(value).encode())
header_values = st.text() | st.integers() | st.binary() | st.none()
header_tables = st.dictionaries(
    st.sampled_from([*RETRIED, *EVENT, "traceparent", "tenantId"]), header_values
)


@given(body=bodies, kind=st.sampled_from(KINDS), table=header_tables, key=st.text(max_size=9))
@example(body=b'{"pattern":"\\ud800"}', kind="auto", table={}, key="")
def test_nothing_but_a_rejection_comes_of_arbitrary_messages(
    body: bytes, kind: str, table: dict[str, Any], key: str
) -> None:
    with contextlib.suppress(MessageRejected):
        message = opened(body, kind, routing_key=key, headers=table)
        assert message.data == b"null" or message.data in body
        json.loads(message.data)
