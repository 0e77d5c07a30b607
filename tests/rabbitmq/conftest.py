"""A connection to the shared broker, names of one's own, and a proxy that can cut the line."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from pika.spec import BasicProperties

from tests.conftest import PATIENCE, Broker, until
from tidegate.sources.rabbitmq import AMQPConnection, ConfirmedPublisher

Publish = Callable[..., Awaitable[None]]


class Proxy:
    """Forwards to a port of this machine, until told not to."""

    def __init__(self, target: int, tls: ssl.SSLContext | None = None) -> None:
        self._target = target
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self.port = 0
        self.resume()

    async def open(self) -> None:
        self._server = await asyncio.start_server(
            self._on_client, "127.0.0.1", self.port, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Stop listening and cut what is open."""
        assert self._server is not None
        self._server.close()
        self.cut()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def stall(self) -> None:
        """Keep the lines open and pass nothing on."""
        self._flows.clear()

    def resume(self) -> None:
        self._flows.set()

    async def close(self) -> None:
        await self.refuse()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _on_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, back}
        for source, sink in ((reader, back), (there, writer)):
            task = asyncio.ensure_future(self._pass_on(source, sink))
            self._tasks.add(task)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                await self._flows.wait()
                sink.write(data)
                await sink.drain()
        sink.transport.abort()


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
    async with asyncio.timeout(PATIENCE):
        while await count_in(connection, queue):
            pass


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])
