# Made by `tidegate new` from python/test_domain.py; yours to change.
"""Activity feeds, from a message in RabbitMQ to a client.

The gateway is real, and so is the broker: the one that TIDEGATE_TEST_AMQP_URL names, or
else the one on this machine:

    docker run --rm -p 5672:5672 rabbitmq:4

Needed beside Tidegate: pytest-asyncio, aio-pika, pyjwt, python-socketio[asyncio-client].
"""

import asyncio
import json
import os
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aio_pika
import aiohttp
import jwt
import pytest
import pytest_asyncio
import socketio  # type: ignore[import-untyped]
from aio_pika.abc import AbstractChannel
from tidegate import Gateway, Settings

from . import activity_feeds as namespace

pytestmark = pytest.mark.asyncio

BROKER = os.environ.get("TIDEGATE_TEST_AMQP_URL", "amqp://guest:guest@localhost:5672/")
SECRET = secrets.token_hex(32)
PAGE = "https://app.example.com"
NAMESPACE = namespace.name

EVENTS: dict[str, dict[str, Any]] = {
    "activityFeed.itemAdded": {
        "id": "id-1",
        "feedId": "feed-id-1",
        "note": "note-1",
        "actor": {"id": "id-1", "displayName": "display-name-1", "kind": "person"},
        "others": [{"id": "id-1", "displayName": "display-name-1", "kind": "person"}],
        "at": "2030-01-31T12:00:00Z",
        "tags": ["tags-1"],
        "count": 1,
        "score": 1.5,
        "seen": True,
        "data": {"any": "thing"},
        "from": "from-1",
        "URLPath": "url-path-1",
    },
    "activityFeed.cleared": {},
}
COMMANDS: dict[str, dict[str, Any]] = {
    "activityFeed.markEverythingAsRead": {
        "feedId": "feed-id-1",
        "upTo": "2030-01-31T12:00:00Z",
    },
    "activityFeed.mute": {},
}
FIRST, PAYLOAD = next(iter(EVENTS.items()))


class Client:
    """A page of the web app: connects, and keeps what it hears."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.socket = socketio.AsyncClient(reconnection=False, http_session=http)
        self.heard: list[tuple[str, Any]] = []
        self.socket.on("*", self._hear, namespace=NAMESPACE)

    def _hear(self, event: str, payload: Any, *_: Any) -> None:
        self.heard.append((event, payload))

    async def connect(
        self,
        url: str,
        auth: dict[str, str],
        *,
        origin: str = PAGE,
    ) -> None:
        """Connect as the app does: WebSocket only, the token in the handshake."""
        await self.socket.connect(
            url,
            headers={"Origin": origin},
            auth=auth,
            transports=["websocket"],
            namespaces=[NAMESPACE],
        )

    async def ask(self, command: str, payload: Any) -> Any:
        """Send a command and return its ack."""
        return await self.socket.call(command, payload, namespace=NAMESPACE)

    async def wait_for(self, count: int) -> list[tuple[str, Any]]:
        """Return what was heard, once it is as many."""
        async with asyncio.timeout(10):
            while len(self.heard) < count:
                await asyncio.sleep(0.01)
        return self.heard


Connect = Callable[[str, str], Awaitable[Client]]
Publish = Callable[..., Awaitable[None]]


def token(tenant: str, user: str) -> dict[str, str]:
    """Return what a user of a tenant presents."""
    claims = {"tenantId": tenant, "sub": user, "exp": time.time() + 60}
    return {"token": jwt.encode(claims, SECRET, algorithm="HS256")}


@pytest_asyncio.fixture
async def channel() -> AsyncIterator[AbstractChannel]:
    async with await aio_pika.connect(BROKER) as connection:
        yield await connection.channel()


@pytest_asyncio.fixture
async def queue(channel: AbstractChannel) -> AsyncIterator[str]:
    name = f"test.{secrets.token_hex(8)}"
    yield name
    for each in (name, f"{name}.dead-letters"):
        await channel.queue_delete(each)


@pytest_asyncio.fixture
async def url(queue: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    def join_rooms(client: Any) -> None:
        for room in ["feed:feed-id-1"]:
            client.join(room)

    monkeypatch.setattr(namespace, "connect_hook", join_rooms)
    settings = Settings.model_validate(
        {
            "port": 0,
            "origins": [PAGE],
            "drain_seconds": 0,
            "auth": {"secret": SECRET},
            "rabbitmq": {"url": BROKER, "queues": [{"name": queue}]},
        }
    )
    gateway = Gateway([namespace], settings=settings)
    await gateway.start()
    yield f"http://127.0.0.1:{await gateway.listen()}"
    await gateway.stop()


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest_asyncio.fixture
async def connect(url: str, http: aiohttp.ClientSession) -> AsyncIterator[Connect]:
    clients: list[Client] = []

    async def connected(tenant: str, user: str) -> Client:
        clients.append(Client(http))
        await clients[-1].connect(url, token(tenant, user))
        return clients[-1]

    yield connected
    for client in clients:
        await client.socket.disconnect()


@pytest_asyncio.fixture
async def publish(url: str, channel: AbstractChannel, queue: str) -> Publish:
    async def published(event: str, payload: Any, **address: str) -> None:
        body = json.dumps({"pattern": event, "data": payload}).encode()
        message = aio_pika.Message(body, headers=dict(address))
        await channel.default_exchange.publish(message, queue)

    return published


@pytest.mark.parametrize("event", EVENTS)
async def test_an_event_reaches_its_tenant_only(
    connect: Connect,
    publish: Publish,
    event: str,
) -> None:
    member, colleague = await connect("acme", "1"), await connect("acme", "2")
    stranger = await connect("globex", "1")
    await publish(event, EVENTS[event], tenantId="acme")
    await publish(event, EVENTS[event], tenantId="globex")
    assert await member.wait_for(1) == [(event, EVENTS[event])]
    assert await colleague.wait_for(1) == [(event, EVENTS[event])]
    assert await stranger.wait_for(1) == [(event, EVENTS[event])]
    await publish(event, EVENTS[event], tenantId="acme")
    assert len(await member.wait_for(2)) == 2
    assert len(stranger.heard) == 1


async def test_an_event_for_a_user_reaches_that_user_only(
    connect: Connect,
    publish: Publish,
) -> None:
    user, colleague = await connect("acme", "1"), await connect("acme", "2")
    namesake = await connect("globex", "1")
    await publish(FIRST, PAYLOAD, tenantId="acme", userId="1")
    for tenant in ("acme", "globex"):
        await publish(FIRST, PAYLOAD, tenantId=tenant)
    assert len(await user.wait_for(2)) == 2
    assert len(await colleague.wait_for(1)) == 1
    assert len(await namesake.wait_for(1)) == 1


@pytest.mark.parametrize(
    ("auth", "origin"),
    [
        ({}, PAGE),
        ({"token": "forged"}, PAGE),
        (token("acme", "1"), "https://evil.example.com"),
    ],
)
async def test_without_a_valid_token_or_from_a_foreign_page_nobody_gets_in(
    url: str,
    http: aiohttp.ClientSession,
    auth: dict[str, str],
    origin: str,
) -> None:
    with pytest.raises(socketio.exceptions.ConnectionError):
        await Client(http).connect(url, auth, origin=origin)


async def test_a_bad_message_is_dead_lettered_and_the_next_one_arrives(
    connect: Connect,
    publish: Publish,
    channel: AbstractChannel,
    queue: str,
) -> None:
    client = await connect("acme", "1")
    await publish(FIRST, {}, tenantId="acme")
    await publish(FIRST, PAYLOAD)  # without a tenant
    await publish(FIRST, PAYLOAD, tenantId="acme")
    assert await client.wait_for(1) == [(FIRST, PAYLOAD)]
    letters = await channel.get_queue(f"{queue}.dead-letters")
    for reason in ("payload_invalid", "tenant_missing"):
        letter = await letters.get(timeout=10)
        await letter.ack()
        assert letter.headers["x-tidegate-reason"] == reason


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_command_is_acknowledged(connect: Connect, command: str) -> None:
    client = await connect("acme", "1")
    assert await client.ask(command, COMMANDS[command]) == {"ok": True}
    refusal = await client.ask(command, "nonsense")
    assert refusal["error"]["code"]
