"""The first rule that takes a message's pattern decides who gets what."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.unit.app.routers import message, rejection, routed, router

from tidegate import ConfigError, Event, Message, Namespace
from tidegate.ids import NamespaceName, RoomName, TenantId, UserId
from tidegate.log import EventEntry
from tidegate.sources.envelopes import open_envelope
from tidegate.sources.message import AMQPContent, IncomingMessage

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Paid(Event, name="order.paid"):
    amount: int


def bound(data: str, **binding: Any) -> EventEntry:
    rules = router(Namespace("/n"), bindings=[{"pattern": "p"} | binding])
    (entry,) = routed(rules, message(data))
    return entry


def refused(data: str, **binding: Any) -> tuple[str, str]:
    rules = router(Namespace("/n"), bindings=[{"pattern": "p"} | binding])
    error = rejection(rules, message(data))
    return error.reason, error.field


# Bindings


def test_a_binding_makes_an_entry() -> None:
    rules = router(Namespace("/n"), bindings=[{"pattern": "order.*", "event": "paid"}])
    incoming = message(
        '{"tenantId": "acme"}',
        "order.paid",
        headers={"traceparent": TRACE},
        properties={"message_id": "m"},
    )
    assert routed(rules, incoming) == (
        EventEntry(
            tenant=TenantId("acme"),
            namespace=NamespaceName("/n"),
            name="paid",
            data=b'{"tenantId": "acme"}',
            time=5.0,
            message_id="m",
            trace=TRACE,
        ),
    )


def test_the_event_is_named_as_the_pattern_by_default() -> None:
    rules = router(Namespace("/n"), bindings=[{"pattern": "order.*"}])
    assert routed(rules, message('{"tenantId":"a"}', "order.paid"))[0].name == "order.paid"


def test_the_first_binding_that_matches_counts() -> None:
    bindings = [
        {"pattern": "order.paid", "event": "first"},
        {"pattern": "order.*", "event": "second"},
    ]
    rules = router(Namespace("/n"), bindings=bindings)
    for pattern, event in [("order.paid", "first"), ("order.sent", "second")] * 2:
        assert routed(rules, message('{"tenantId":"a"}', pattern))[0].name == event


def test_paths_for_everything() -> None:
    entry = bound(
        '{"org":{"id":7},"to":"42","body":{"b": 1.0, "a":2},"key":"k"}',
        tenant="org.id",
        user="data.to",
        payload="body",
        message_id="key",
    )
    assert (entry.tenant, entry.user, entry.room) == (TenantId("7"), UserId("42"), None)
    assert (entry.data, entry.message_id) == (b'{"b": 1.0, "a":2}', "k")


def test_a_room() -> None:
    entry = bound('{"tenantId":"a","room":"conversation:1"}', room="room")
    assert (entry.user, entry.room) == (None, RoomName("conversation:1"))


def test_a_missing_user_or_room_never_widens_the_audience() -> None:
    assert refused('{"tenantId":"a"}', user="to") == ("audience_missing", "data.to")
    assert refused('{"tenantId":"a","to":null}', user="to") == ("audience_missing", "data.to")
    assert refused('{"tenantId":"a","to":""}', user="to?") == ("audience_missing", "data.to")
    assert refused('{"tenantId":"a"}', room="room") == ("audience_missing", "data.room")


def test_a_user_that_may_be_missing() -> None:
    assert bound('{"tenantId":"a"}', user="to?").user is None
    assert bound('{"tenantId":"a","to":"42"}', user="to?").user == "42"


def test_a_user_or_a_room_but_not_both() -> None:
    paths = {"user": "to?", "room": "room?"}
    assert bound('{"tenantId":"a","to":"42"}', **paths).user == "42"
    assert bound('{"tenantId":"a","room":"r"}', **paths).room == "r"
    both = '{"tenantId":"a","to":"42","room":"r"}'
    assert refused(both, **paths) == ("audience_missing", "data.room")
    assert refused(both, user="to", room="room?") == ("audience_missing", "data.room")
    assert bound('{"tenantId":"a","to":"42"}', user="to", room="room?").user == "42"


@pytest.mark.parametrize(
    "data", ["{}", '{"tenantId":null}', '{"tenantId":""}', "[]", '{"tenant":"a"}']
)
def test_no_tenant_no_event(data: str) -> None:
    assert refused(data)[0] == "tenant_missing"


def test_a_payload_that_is_not_there() -> None:
    assert refused('{"tenantId":"a"}', payload="body") == ("payload_invalid", "data.body")
    assert bound('{"tenantId":"a"}', payload="body?").data == b"null"


def test_a_message_id_that_is_not_there() -> None:
    assert refused('{"tenantId":"a"}', message_id="key") == ("malformed", "data.key")
    assert bound('{"tenantId":"a"}', message_id="key?").message_id is None


def test_a_payload_over_the_limit_counts_after_slicing() -> None:
    data = '{"tenantId":"a","x":"' + "x" * 1_000 + '","small":1}'
    assert refused(data)[0] == "too_large"
    assert bound(data, payload="small").data == b"1"


def test_a_declared_event_type_is_a_contract() -> None:
    bindings = [{"pattern": "#"}]
    rules = router(Namespace("/n", events=[Paid]), bindings=bindings)
    good = message('{"tenantId":"a","amount":1}', "order.paid")
    assert routed(rules, good)[0].data == good.data
    error = rejection(rules, message('{"tenantId":"a","amount":"1"}', "order.paid"))
    assert (error.reason, error.field) == ("payload_invalid", "data.amount")


@pytest.mark.parametrize("pattern", ["connect", "disconnect", "tidegate.join", "e" * 201, ""])
def test_a_pattern_that_can_not_be_an_event(pattern: str) -> None:
    rules = router(Namespace("/n"), bindings=[{"pattern": "#"}])
    assert rejection(rules, message('{"tenantId":"a"}', pattern)).reason == "unknown_pattern"


# Which rule


def test_consume_rules_come_before_bindings() -> None:
    namespace = Namespace("/n")

    @namespace.consume("order.#", event="by-function")
    def audience(message: Message[Any]) -> Any:
        return message.tenant

    rules = router(namespace, bindings=[{"pattern": "#", "event": "by-binding"}])
    assert routed(rules, message('{"tenantId":"a"}', "order"))[0].name == "by-function"
    assert routed(rules, message('{"tenantId":"a"}', "orders"))[0].name == "by-binding"


def test_a_pattern_that_no_rule_takes() -> None:
    rules = router(Namespace("/n"), bindings=[{"pattern": "order.*"}])
    for _ in range(2):  # looked for, then remembered
        error = rejection(rules, message('{"tenantId":"a"}', "order.paid.now"))
        assert error.reason == "unknown_pattern" and "'order.paid.now'" in error.detail


def test_without_any_rule_everything_goes_to_the_only_namespace() -> None:
    rules = router(Namespace("/n"))
    (entry,) = routed(rules, message('{"tenantId":"a"}', "order.paid"))
    assert (entry.namespace, entry.name, entry.user) == ("/n", "order.paid", None)
    (entry,) = routed(rules, message('{"tenantId":"a","userId":42}'))
    assert entry.user == "42"
    (entry,) = routed(rules, message("1", headers={"tenantId": "a", "userId": "7"}))
    assert (entry.tenant, entry.user) == ("a", "7")


def test_without_any_rule_a_broken_user_is_not_the_whole_tenant() -> None:
    assert rejection(router(Namespace("/n")), message('{"tenantId":"a","userId":""}')).reason == (
        "audience_missing"
    )


def test_without_any_rule_two_namespaces_can_not_be_told_apart() -> None:
    rules = router(Namespace("/n"), Namespace("/m"))
    assert rejection(rules, message('{"tenantId":"a"}')).reason == "unknown_pattern"


def test_with_a_rule_there_is_no_implicit_one() -> None:
    rules = router(Namespace("/n"), bindings=[{"pattern": "other"}])
    assert rejection(rules, message('{"tenantId":"a"}')).reason == "unknown_pattern"


# The envelope that says all


def says(**fields: Any) -> IncomingMessage:
    body = {"tenant": "a", "namespace": "/n", "event": "order.paid", "data": {"amount": 1}}
    content = AMQPContent(
        msgspec.json.encode(body | fields), headers={"traceparent": TRACE}, routing_key="q"
    )
    return open_envelope(content, "tidegate")


def test_a_publish_request_passes_all_rules_by() -> None:
    rules = router(Namespace("/n"), bindings=[{"pattern": "#", "event": "bound"}])
    assert routed(rules, says(user="42", id="m")) == (
        EventEntry(
            tenant=TenantId("a"),
            namespace=NamespaceName("/n"),
            name="order.paid",
            data=b'{"amount":1}',
            time=5.0,
            user=UserId("42"),
            message_id="m",
            trace=TRACE,
        ),
    )


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"tenant": ""}, "tenant_missing", "tenant"),
        ({"user": ""}, "audience_missing", "user"),
        ({"user": "u", "room": "r"}, "audience_missing", "room"),
        ({"namespace": "/m"}, "unknown_pattern", "namespace"),
        ({"event": "connect"}, "unknown_pattern", "event"),
        ({"data": {"amount": "1"}}, "payload_invalid", "data.amount"),
        ({"data": "x" * 1_000}, "too_large", ""),
        ({"id": "m" * 257}, "malformed", "id"),
    ],
)
def test_a_publish_request_that_is_wrong(fields: Any, reason: str, field: str) -> None:
    error = rejection(router(Namespace("/n", events=[Paid])), says(**fields))
    assert (error.reason, error.field) == (reason, field)


# Bindings that can't be used


@pytest.mark.parametrize(
    ("binding", "text"),
    [
        (
            {"namespace": "/m"},
            "in table 2, namespace is '/m', which is not served. Served are: /n.",
        ),
        ({"tenant": "org?"}, "every event needs a tenant"),
        ({"payload": "headers.body"}, "only a part of the data"),
        ({"user": "u", "room": "r"}, "user and room are both given"),
        ({"pattern": ""}, "a pattern can't be empty"),
    ],
)
def test_a_binding_that_can_not_be_used(binding: dict[str, str], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        router(Namespace("/n"), bindings=[{"pattern": "p"}, {"pattern": "q"} | binding])
    assert text in str(caught.value) and caught.value.key == "bindings"


def test_nesting_that_only_fitted_a_shallower_stack() -> None:
    deep = b'{"tenantId":"a","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    rules = router(Namespace("/n"), bindings=[{"pattern": "p"}])
    assert rejection(rules, IncomingMessage("p", deep, AMQPContent(deep))).reason == "malformed"
