# Made by `tidegate new` from python/test_domain.py; yours to change.
"""Notifications, from a service's message to a client.

The gateway is real; there is neither network nor broker. Needed beside Tidegate:
pytest-asyncio. See docs/topics/testing.md of Tidegate for more of `tidegate.testing`.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tidegate import Gateway, MessageRejected, Settings
from tidegate.testing import ConnectError, TestGateway

from . import notifications as namespace

pytestmark = pytest.mark.asyncio

PAGE = "https://app.example.com"

EVENTS: dict[str, dict[str, Any]] = {
    "notification.created": {"id": "id-1", "message": "message-1", "type": "type-1"},
}
COMMANDS: dict[str, dict[str, Any]] = {
    "notification.markRead": {"notificationId": "notification-id-1"},
}
FIRST, PAYLOAD = next(iter(EVENTS.items()))


@pytest_asyncio.fixture
async def world() -> AsyncIterator[TestGateway]:
    settings = Settings.model_validate({"origins": [PAGE]})
    async with TestGateway(Gateway([namespace], settings=settings)) as world:
        yield world


async def publish(
    world: TestGateway,
    event: str,
    payload: Any,
    **headers: str,
) -> None:
    """Publish as the services do: the event is the routing key, the payload the body."""
    await world.deliver(payload, routing_key=event, headers=headers)


@pytest.mark.parametrize("event", EVENTS)
async def test_an_event_reaches_its_tenant_only(world: TestGateway, event: str) -> None:
    member = await world.connect(tenant="acme", user="1", origin=PAGE)
    colleague = await world.connect(tenant="acme", user="2")
    stranger = await world.connect(tenant="globex", user="1")
    await publish(world, event, EVENTS[event], tenantId="acme")
    await world.settle()
    assert member.events == colleague.events == [(event, EVENTS[event])]
    assert stranger.events == []


async def test_an_event_for_a_user_reaches_that_user_only(world: TestGateway) -> None:
    user = await world.connect(tenant="acme", user="1")
    colleague = await world.connect(tenant="acme", user="2")
    namesake = await world.connect(tenant="globex", user="1")
    await publish(world, FIRST, PAYLOAD, tenantId="acme", userId="1")
    await world.settle()
    assert user.events == [(FIRST, PAYLOAD)]
    assert colleague.events == namesake.events == []


@pytest.mark.parametrize(
    ("presented", "code"),
    [
        ({"auth": {}}, "token_missing"),
        ({"auth": {"token": "forged"}}, "token_invalid"),
        ({"tenant": "acme", "user": "1", "expires_in": -1}, "token_expired"),
        ({"auth": {}, "origin": "https://evil.example.com"}, "origin_not_allowed"),
    ],
)
async def test_without_a_valid_token_or_from_a_foreign_page_nobody_gets_in(
    world: TestGateway,
    presented: dict[str, Any],
    code: str,
) -> None:
    with pytest.raises(ConnectError) as refused:
        await world.connect(**presented)
    assert refused.value.code == code


async def test_a_bad_message_is_rejected_and_the_next_one_arrives(
    world: TestGateway,
) -> None:
    client = await world.connect(tenant="acme", user="1")
    bad_payload: Any = {}
    with pytest.raises(MessageRejected, match="payload_invalid"):
        await publish(world, FIRST, bad_payload, tenantId="acme")
    with pytest.raises(MessageRejected, match="tenant_missing"):
        await publish(world, FIRST, PAYLOAD)
    await publish(world, FIRST, PAYLOAD, tenantId="acme")
    await world.settle()
    assert client.events == [(FIRST, PAYLOAD)]


async def test_a_client_that_was_away_misses_nothing(world: TestGateway) -> None:
    client = await world.connect(tenant="acme", user="1")
    await client.drop()
    await publish(world, FIRST, PAYLOAD, tenantId="acme", userId="1")
    await client.reconnect()
    assert await client.receive(FIRST) == PAYLOAD


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_command_is_acknowledged(world: TestGateway, command: str) -> None:
    client = await world.connect(tenant="acme", user="1")
    assert await client.call(command, COMMANDS[command]) == {"ok": True}
    refusal = await client.call(command, "nonsense")
    assert refusal["error"]["code"]
