"""A connection to the shared broker, names of one's own, and a proxy that can cut the line."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from pika.spec import BasicProperties

from tests.broker import Proxy
from tests.conftest import PATIENCE, Broker, until
from tidegate.sources.rabbitmq import AMQPConnection, ConfirmedPublisher

Publish = Callable[..., Awaitable[None]]


@pytest.fixture
async def proxy(broker: Broker) -> AsyncIterator[Proxy]:
    line = Proxy(port_of(broker.url))
    await line.open()
    yield line
    await line.close()


@pytest.fixture
async def connection(broker: Broker) -> AsyncIterator[AMQPConnection]:
    opened = AMQPConnection(broker.url, name="tests", retry_delay=0.2)
    opened.start()
    await opened.connected()
    yield opened
    await opened.close()


@pytest.fixture
async def name(connection: AMQPConnection) -> AsyncIterator[str]:
    """A name for a queue; it, its dead letters and exchanges that begin with it go at the end."""
    unique = f"test-{secrets.token_hex(6)}"
    yield unique
    channel = await connection.open_channel()
    for queue in (unique, f"{unique}.dead-letters"):
        channel.raw.queue_delete(queue)
    for exchange in ("topic", "direct", "fanout", "dlx"):
        channel.raw.exchange_delete(f"{unique}.{exchange}")
    await channel.close()


@pytest.fixture
def publish(connection: AMQPConnection) -> Publish:
    publisher = ConfirmedPublisher(connection)

    async def to_queue(queue: str, *bodies: str, **properties: object) -> None:
        for body in bodies:
            await publisher.publish("", queue, body.encode(), BasicProperties(**properties))

    return to_queue


async def take(connection: AMQPConnection, queue: str, count: int) -> list[str]:
    """Take messages out of a queue, all that there are if ``count`` is right.

    By consuming: `get` does not work on all kinds of queues. The broker's own count is late for
    what was just given back.
    """
    channel = await connection.open_channel()
    bodies: list[str] = []
    await channel.consume(queue, lambda *parts: bodies.append(parts[-1].decode()))
    await until(lambda: len(bodies) >= count, f"{count} messages")
    channel.ack(0, multiple=True)
    await channel.close()
    assert await count_in(connection, queue) == 0
    return bodies


async def count_in(connection: AMQPConnection, queue: str) -> int:
    channel = await connection.open_channel()
    state = await channel.declare_queue(queue, passive=True)
    await channel.close()
    return state.messages


async def until_taken(connection: AMQPConnection, queue: str) -> None:
    """Wait until the broker has handed out all that is in a queue."""
    await until_there(connection, queue, 0)


async def until_there(connection: AMQPConnection, queue: str, count: int) -> None:
    """Wait until so many messages are in a queue, as they are not at once when given back."""
    async with asyncio.timeout(PATIENCE):
        while await count_in(connection, queue) != count:
            pass


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])
