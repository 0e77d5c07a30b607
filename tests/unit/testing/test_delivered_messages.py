"""Messages as services publish them, without a broker."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tidegate import Audience, Event, Gateway, Message, MessageRejected, Namespace, Settings
from tidegate.testing import TestClient, TestGateway


class Created(Event, name="order.created"):
    id: str


orders = Namespace("/orders", events=[Created])
gateway = Gateway([orders])
CREATED = {"pattern": "order.created", "data": {"id": "1"}}
ACME = {"tenantId": "acme"}


@orders.consume("order.created")
def created(message: Message[Created]) -> Audience:
    return message.tenant.user(message.user_id) if message.user_id else message.tenant


@orders.consume("order.audited")
async def audited(message: Message) -> None:  # type: ignore[type-arg]
    """Nobody gets it."""


@orders.consume("order.broken")
def broken(message: Message) -> Audience:  # type: ignore[type-arg]
    raise LookupError("no such order")


@pytest.fixture
async def world() -> AsyncIterator[TestGateway]:
    async with TestGateway(gateway) as world:
        yield world


@pytest.fixture
async def ada(world: TestGateway) -> TestClient:
    return await world.connect(tenant="acme", user="ada")


async def test_a_message_reaches_whom_the_rule_says(world: TestGateway, ada: TestClient) -> None:
    bob = await world.connect(tenant="acme", user="bob")
    eve = await world.connect(tenant="globex", user="ada")
    assert len(await world.deliver(CREATED, headers=ACME)) == 1
    await world.deliver(CREATED, headers={**ACME, "userId": "bob"})
    await world.settle()
    heard = [len(client.events) for client in (ada, bob, eve)]
    assert heard == [1, 2, 0]
    assert await ada.receive(Created) == Created("1")


async def test_every_envelope_is_opened(world: TestGateway, ada: TestClient) -> None:
    await world.deliver(b'{"id":"2"}', routing_key="order.created", headers=ACME)
    await world.deliver(
        {"id": "3"},
        headers={
            "cloudEvents:specversion": "1.0",
            "cloudEvents:type": "order.created",
            "cloudEvents:id": "e1",
            "cloudEvents:source": "/test",
            "cloudEvents:tenantid": "acme",
        },
        properties={"content_type": "application/json"},
    )
    request = {"tenant": "acme", "namespace": "/orders", "event": "any", "data": 4}
    await world.deliver(request)
    await world.settle()
    assert [event.data for event in ada.events] == [{"id": "2"}, {"id": "3"}, 4]


async def test_a_message_id_counts_once(world: TestGateway, ada: TestClient) -> None:
    for _ in range(2):
        await world.deliver(CREATED, headers=ACME, properties={"message_id": "m1"})
    await world.settle()
    assert len(ada.events) == 1


async def test_a_message_may_be_for_nobody(world: TestGateway, ada: TestClient) -> None:
    assert await world.deliver({}, routing_key="order.audited", headers=ACME) == []


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"\xff", ACME, "malformed"),
        ({"pattern": "user.created", "data": {}}, ACME, "unknown_pattern"),
        ({"pattern": "order.created", "data": {"id": 1}}, ACME, "payload_invalid"),
        (CREATED, {}, "tenant_missing"),
        (CREATED, {**ACME, "userId": ""}, "audience_missing"),
        ({"pattern": "order.broken", "data": {}}, ACME, "handler_failed"),
        ({"pattern": "order.created", "data": {"id": 2_000_000 * "x"}}, ACME, "too_large"),
    ],
)
async def test_a_bad_message_says_why_it_would_be_a_dead_letter(
    world: TestGateway, ada: TestClient, body: object, headers: dict[str, str], reason: str
) -> None:
    with pytest.raises(MessageRejected) as rejected:
        await world.deliver(body, headers=headers)
    assert rejected.value.reason == reason
    assert isinstance(rejected.value.__cause__, LookupError) == (reason == "handler_failed")
    await world.settle()
    assert ada.events == []


async def test_bindings_and_queues_of_the_settings_count() -> None:
    settings = Settings.model_validate(
        {
            "namespaces": ["/orders"],
            "bindings": [{"pattern": "order.*", "namespace": "/orders", "user": "headers.userId"}],
            "rabbitmq": {
                "url": "amqp://nowhere.invalid/",
                "queues": [{"name": "plain", "envelope": "plain"}],
            },
        }
    )
    async with TestGateway(Gateway(settings=settings)) as world:
        ada = await world.connect(tenant="acme", user="ada")
        await world.deliver(
            CREATED, queue="plain", routing_key="order.x", headers={**ACME, "userId": "ada"}
        )
        assert await ada.receive("order.x") == CREATED
        with pytest.raises(ValueError, match="has: plain"):
            await world.deliver(CREATED, queue="other")
