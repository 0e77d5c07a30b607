"""Tidegate fed by RabbitMQ, from settings alone, as ``tidegate serve`` runs it.

Usage: ``gateway.py memory|rabbitmq queue|stream``: the log, and where events come from. With
``stream`` they are in the log's stream already, and the gateway fills its window with them.
"""

from __future__ import annotations

import asyncio
import os
import sys
from importlib.metadata import version

import uvloop
from benchmarks.peers.control import lines_of_stdin, say
from pydantic import SecretStr

from tidegate import Gateway, Settings
from tidegate.app.settings import AuthSettings, LogSettings, RabbitMQSettings
from tidegate.app.settings_tables import QueueSettings
from tidegate.log import EventEntry, Record


class Feed:
    """A gateway, and what has gone through it."""

    def __init__(self, settings: Settings) -> None:
        self._gateway = Gateway(settings=settings)
        self._in_hub = 0

    async def start(self) -> None:
        """Start the gateway, and count from the first event on."""
        starting = asyncio.create_task(self._gateway.start())
        while not hasattr(self._gateway, "hub") and not starting.done():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        self._gateway.hub.taps.add(self._count)
        await starting

    async def listen(self) -> int:
        """Open the public port and return it."""
        return await self._gateway.listen()

    def stats(self) -> dict[str, int]:
        """Return how many events are done: acked to the queue, if there is one; and in the hub."""
        broker = self._gateway.broker
        queues = [] if broker is None else list(broker.source.stats.values())
        consumed = sum(queue.consumed for queue in queues)
        rejected = sum(queue.rejected.total() for queue in queues)
        done = consumed if queues else self._in_hub
        return {"events": done, "in_hub": self._in_hub, "rejected": rejected}

    async def stop(self) -> None:
        """Stop the gateway."""
        await self._gateway.stop()

    def _count(self, _: Record[EventEntry]) -> None:
        self._in_hub += 1


def settings_for(log: str, source: str) -> Settings:
    """Return the settings: defaults, but for addresses and names."""
    name = os.environ["BENCH_NAME"]
    return Settings(
        port=0,
        namespaces=["/bench"],
        auth=AuthSettings(secret=SecretStr(os.environ["BENCH_SECRET"])),
        log=LogSettings(kind=log, name=name),  # type: ignore[arg-type]
        rabbitmq=RabbitMQSettings(
            url=SecretStr(os.environ["BENCH_AMQP_URL"]),
            stream_url=SecretStr(os.environ["BENCH_STREAM_URL"]),
            queues=[QueueSettings(name=name, passive=True)] if source == "queue" else [],
        ),
    )


async def main(log: str, source: str) -> None:
    """Serve from ``begin`` until stdin ends."""
    feed = Feed(settings_for(log, source))
    names = ("tidegate", "uvloop", "pika", "rstream")
    say({"port": 0, "versions": {name: version(name) for name in names}})
    starting: asyncio.Task[None] | None = None
    async for line in lines_of_stdin():
        if line == "begin":
            starting = asyncio.create_task(_begin(feed, source))
        elif line == "stats":
            say(feed.stats())
    if starting is not None:
        await starting
        await feed.stop()


async def _begin(feed: Feed, source: str) -> None:
    if source == "stream":  # its start is what is measured
        say({"port": 0})
        await feed.start()
    else:
        await feed.start()
        say({"port": await feed.listen()})


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
