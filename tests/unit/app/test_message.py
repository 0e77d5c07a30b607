"""A ``consume`` function says who gets a message, and can't reach past the message's tenant."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec
import pydantic
import pytest
from tests.unit.app.routers import NO_PUBLISHER, message, rejection, routed, router

from tidegate import Audience, Event, Message, Namespace
from tidegate.app.routing import Router
from tidegate.app.targets import Tenant, tenant_target
from tidegate.errors import MessageRejected
from tidegate.log import EventEntry

DATA = '{ "id":"1", "tenantId":"acme", "userId":"42" }'


class Created(Event, name="notification.created"):
    id: str


class Nameless(Event):
    id: str


class Plain(msgspec.Struct):
    id: str


class Model(pydantic.BaseModel):
    id: str


def consuming(function: Callable[..., Any], pattern: Any = "p", **options: Any) -> Router:
    namespace = Namespace("/n")
    namespace.consume(pattern, **options)(function)
    return router(namespace)


def consumed(
    function: Callable[..., Any], data: str = DATA, **options: Any
) -> Sequence[EventEntry]:
    return routed(consuming(function, **options), message(data))


def refused(function: Callable[..., Any], data: str = DATA, **options: Any) -> MessageRejected:
    return rejection(consuming(function, **options), message(data))


# What the function gets


def test_the_example_of_the_design() -> None:
    def audience(message: Message[Created]) -> Audience:
        return message.tenant.user(message.user_id) if message.user_id else message.tenant

    (entry,) = consumed(audience)
    assert (entry.tenant, entry.user, entry.namespace) == ("acme", "42", "/n")
    assert (entry.name, entry.data) == ("notification.created", DATA.encode())
    (entry,) = consumed(audience, '{"id":"1","tenantId":"acme"}')
    assert entry.user is None


def test_everything_of_a_message() -> None:
    seen: list[Message[Any]] = []

    def audience(message: Message) -> None:  # type: ignore[type-arg]
        seen.append(message)

    incoming = message(DATA, headers={"h": 1}, properties={"message_id": "m"})
    assert routed(consuming(audience), incoming) == ()
    (got,) = seen
    assert (got.pattern, got.id, got.raw) == ("p", "m", DATA.encode())
    assert got.data == {"id": "1", "tenantId": "acme", "userId": "42"}
    assert got.data is got.data  # decoded once
    assert (got.headers, got.properties, got.attributes) == ({"h": 1}, {"message_id": "m"}, {})
    assert (got.tenant_id, got.user_id, got.namespace) == ("acme", "42", "/n")
    assert repr(got) == "<Message 'p' m>"


def of_event(message: Message[Created]) -> Audience:
    assert isinstance(message.data, Created)
    return message.tenant


def of_struct(message: Message[Plain]) -> Audience:
    assert message.data == Plain("1")
    return message.tenant


def of_model(message: Message[Model]) -> Audience:
    assert message.data == Model(id="1")
    return message.tenant


def of_dict(message: Message[dict[str, str]]) -> Audience:
    assert message.data["id"] == "1"
    return message.tenant


@pytest.mark.parametrize("function", [of_event, of_struct, of_model, of_dict])
def test_the_declared_type_is_checked_and_given(function: Callable[..., Any]) -> None:
    assert consumed(function)[0].data == DATA.encode()
    error = refused(function, '{"id":1,"tenantId":"acme"}')
    assert (error.reason, error.field[:4]) == ("payload_invalid", "data")


def test_the_declared_type_is_checked_even_if_the_function_does_not_look() -> None:
    def audience(message: Message[Plain]) -> Audience:
        return message.tenant

    assert refused(audience, '{"id":1,"tenantId":"acme"}').field == "data.id"


def test_no_tenant() -> None:
    assert refused(of_event, '{"id":"1"}').reason == "tenant_missing"


def test_paths_of_a_rule() -> None:
    def audience(message: Message[Any]) -> Audience:
        assert message.id == "k"
        return message.tenant.user(message.user_id or "nobody")

    data = '{"org":"acme","owner":{"id":7},"key":"k"}'
    paths = {"tenant": "org", "user": "owner.id", "message_id": "key"}
    (entry,) = consumed(audience, data, **paths)
    assert (entry.tenant, entry.user, entry.message_id) == ("acme", "7", "k")
    error = refused(audience, '{"org":"acme","key":"k"}', **paths)
    assert (error.reason, error.field) == ("audience_missing", "data.owner.id")


# The event's name


def to_tenant(message: Message[Any]) -> Audience:
    return message.tenant


def of_nameless(message: Message[Nameless]) -> Audience:
    return message.tenant


def test_the_name_of_the_event() -> None:
    assert consumed(of_event, event="other")[0].name == "other"
    assert consumed(of_event)[0].name == "notification.created"
    assert consumed(of_nameless)[0].name == "p"
    assert consumed(to_tenant)[0].name == "p"


def test_a_pattern_that_can_not_be_an_events_name() -> None:
    rules = consuming(to_tenant, "#")
    assert rejection(rules, message(DATA, "disconnect")).reason == "unknown_pattern"


def test_an_object_pattern() -> None:
    rules = consuming(to_tenant, {"cmd": "created", "by": "x"}, event="created")
    assert routed(rules, message(DATA, '{"by":"x","cmd":"created"}'))[0].name == "created"
    assert rejection(rules, message(DATA, '{"cmd":"created"}')).reason == "unknown_pattern"


# What the function answers


def test_nobody() -> None:
    assert consumed(lambda message: None) == ()
    assert consumed(lambda message: []) == ()
    assert consumed(lambda message: None, '{"no":"tenant"}') == ()


def test_several_audiences_have_ids_of_their_own() -> None:
    def audience(message: Message[Any]) -> list[Audience]:
        tenant = message.tenant
        return [tenant.user("1"), tenant.user("2"), tenant.room("r"), tenant]

    rules = consuming(audience)
    entries = routed(rules, message(DATA, properties={"message_id": "m"}))
    assert [(e.user, e.room) for e in entries] == [
        ("1", None),
        ("2", None),
        (None, "r"),
        (None, None),
    ]
    assert [e.message_id for e in entries] == ["m user 1", "m user 2", "m room r", "m"]
    assert {e.message_id for e in routed(rules, message(DATA))} == {None}


def test_a_changed_payload() -> None:
    (entry,) = consumed(lambda message: (message.tenant, {"n": 1}))
    assert (entry.name, entry.data) == ("p", b'{"n":1}')
    (entry,) = consumed(lambda message: (message.tenant, Created(id="2")))
    assert (entry.name, entry.data) == ("notification.created", b'{"id":"2"}')
    (entry,) = consumed(lambda message: ([message.tenant], Nameless(id="3")))
    assert (entry.name, entry.data) == ("p", b'{"id":"3"}')
    (entry,) = consumed(lambda message: (message.tenant, None))
    assert entry.data == b"null"
    assert consumed(lambda message: (None, {"n": 1})) == ()


def test_a_changed_payload_keeps_the_contract_and_the_limit() -> None:
    namespace = Namespace("/n", events=[Created])
    namespace.consume("small")(lambda message: (message.tenant, {"id": 5}))
    namespace.consume("large")(lambda message: (message.tenant, "x" * 1_000))
    namespace.consume("event")(lambda message: (message.tenant, Created(id=cast("str", 5))))
    namespace.consume("untouched")(lambda message: message.tenant)
    rules = router(namespace)
    assert routed(rules, message(DATA, "small"))[0].data == b'{"id":5}'  # another event
    assert rejection(rules, message(DATA, "large")).reason == "too_large"
    assert rejection(rules, message(DATA, "event")).reason == "payload_invalid"
    assert routed(rules, message(DATA, "untouched"))[0].data == DATA.encode()


async def test_an_async_function() -> None:
    async def audience(message: Message[Created]) -> Audience:
        await asyncio.sleep(0)
        return message.tenant

    entries = consuming(audience).route(message(DATA))
    assert not isinstance(entries, Sequence)
    assert [entry.tenant for entry in await entries] == ["acme"]


# What it must not do


def other_tenant(message: Message[Any]) -> Audience:
    return tenant_target(NO_PUBLISHER, "other")


def other_tenants_user(message: Message[Any]) -> list[Audience]:
    return [message.tenant, tenant_target(NO_PUBLISHER, "other").user("42")]


def wrong_type(message: Message[Any]) -> Any:
    return "acme"


def two_audiences_as_tuple(message: Message[Any]) -> Any:
    return message.tenant.user("1"), message.tenant.user("2")


def too_many(message: Message[Any]) -> Any:
    return [message.tenant.user(str(number)) for number in range(1_001)]


def attachments(message: Message[Any]) -> Any:
    return message.tenant, {"file": b"bytes"}


def no_json(message: Message[Any]) -> Any:
    return message.tenant, object()


def empty_user(message: Message[Any]) -> Audience:
    return message.tenant.user("")


def fails(message: Message[Any]) -> Audience:
    raise KeyError("secret")


@pytest.mark.parametrize(
    "function",
    [
        other_tenant,
        other_tenants_user,
        wrong_type,
        two_audiences_as_tuple,
        too_many,
        attachments,
        no_json,
        empty_user,
        fails,
    ],
)
def test_a_function_that_fails(function: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "tidegate.consume"):
        error = refused(function)
    assert error.reason == "handler_failed"
    assert function.__name__ in error.detail and "secret" not in error.detail
    (record,) = caplog.records
    assert record.exc_info is not None and function.__name__ in record.getMessage()


async def test_an_async_function_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    async def audience(message: Message[Any]) -> Audience:
        return other_tenant(message)

    pending = consuming(audience).route(message(DATA))
    assert not isinstance(pending, Sequence)
    with pytest.raises(MessageRejected) as caught:
        await pending
    assert caught.value.reason == "handler_failed" and len(caplog.records) == 1


async def test_an_async_function_without_a_tenant() -> None:
    async def audience(message: Message[Any]) -> Audience:
        return message.tenant

    pending = consuming(audience).route(message("{}"))
    assert not isinstance(pending, Sequence)
    with pytest.raises(MessageRejected) as caught:
        await pending
    assert caught.value.reason == "tenant_missing"


def test_the_same_tenant_by_another_way_is_the_same_tenant() -> None:
    def audience(message: Message[Any]) -> Tenant:
        return tenant_target(NO_PUBLISHER, "acme")

    assert consumed(audience)[0].tenant == "acme"


# Declaring


def test_a_pattern_is_consumed_once() -> None:
    namespace = Namespace("/n")
    namespace.consume({"a": 1, "b": 2})(to_tenant)
    with pytest.raises(ValueError, match="already"):
        namespace.consume('{"b":2,"a":1}')(to_tenant)


def no_parameter() -> None: ...
def two_parameters(message: Message[Any], client: Any) -> None: ...
def keyword_only(*, message: Message[Any]) -> None: ...
def not_a_message(message: Created) -> None: ...
def not_found(message: Message[Unknown]) -> None: ...  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    "function", [no_parameter, two_parameters, keyword_only, not_a_message, not_found]
)
def test_a_function_that_can_not_consume(function: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match=function.__name__):
        Namespace("/n").consume("p")(function)


@pytest.mark.parametrize(
    "options", [{"event": "connect"}, {"tenant": "org?"}, {"user": "a..b"}, {"message_id": ""}]
)
def test_options_that_can_not_be(options: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        Namespace("/n").consume("p", **options)(to_tenant)
