"""Tidegate as a user writes it: a namespace, a declared event, and ``emit`` to a tenant.

Usage: ``server.py [memory|rabbitmq]``: the log; in memory unless told.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from importlib.metadata import version

import uvloop
from benchmarks.peers.control import obey_commands, padding
from pydantic import SecretStr

from tidegate import Event, Gateway, Namespace, Settings
from tidegate.app.settings import AuthSettings, LimitSettings, LogSettings, RabbitMQSettings

TURNS_PER_EVENT = 6
"""Turns of the event loop in which the log and the hub have handed an event to 1,000 sockets."""


class Bench(Event, name="bench"):
    """The measured event."""

    seq: int
    t: int
    pad: str


MAX_UNAUTHENTICATED = 10_000
"""All load clients come from one address, which no browsers do; the default is 50 for each."""


def settings_for(log: str) -> Settings:
    """Return the settings, with the log named."""
    url = os.environ.get("BENCH_STREAM_URL")
    return Settings(
        port=0,
        auth=AuthSettings(secret=SecretStr(os.environ["BENCH_SECRET"])),
        limits=LimitSettings(
            unauthenticated=MAX_UNAUTHENTICATED, unauthenticated_per_address=MAX_UNAUTHENTICATED
        ),
        log=LogSettings(kind=log, name=os.environ.get("BENCH_NAME", "bench")),  # type: ignore[arg-type]
        rabbitmq=RabbitMQSettings(stream_url=None if url is None else SecretStr(url)),
    )


async def main(log: str) -> None:
    """Serve until stdin ends."""
    settings = settings_for(log)
    gateway = Gateway(namespaces=[Namespace("/bench", events=[Bench])], settings=settings)
    await gateway.start()
    port = await gateway.listen()
    tenant = gateway.tenant("acme")
    tail, pad = "", padding(tail=',"012345.fff"')

    async def emit(sequence: int, time: int) -> None:
        nonlocal tail, pad
        offset = await tenant.emit(Bench(seq=sequence, t=time, pad=pad))
        if len(offset) != len(tail):  # offsets grow with the log, one digit at a time
            tail, pad = offset, padding(tail=f',"{offset}"')

    async def settle() -> None:
        for _ in range(TURNS_PER_EVENT):
            await asyncio.sleep(0)

    names = ("tidegate", "uvloop", "msgspec")
    await obey_commands(
        port,
        {name: version(name) for name in names},
        emit,
        settle=settle,
        stats=lambda: _stats(gateway),
    )
    await gateway.stop()


def _stats(gateway: Gateway) -> Mapping[str, int]:
    """Read what the metric ``tidegate_batch_events`` is made of."""
    sizes = gateway.hub.turns.stats.batch_sizes
    return {"events": sum(n * count for n, count in sizes.items()), "batches": sum(sizes.values())}


if __name__ == "__main__":
    uvloop.run(main(*(sys.argv[1:] or ["memory"])))
