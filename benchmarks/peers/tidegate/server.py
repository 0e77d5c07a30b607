"""Tidegate as a user writes it: a namespace, a declared event, a handler, a room, and ``emit``.

Usage: ``server.py [memory|rabbitmq [AGE]]``: the log, in memory unless told; and the seconds for
which its window keeps events and sessions.
"""

from __future__ import annotations

import asyncio
import os
import sys
from importlib.metadata import version

import msgspec
import uvloop
from benchmarks.peers.control import Target, obey_commands, padding
from pydantic import SecretStr

from tidegate import Client, Event, Gateway, Namespace, Settings
from tidegate.app.settings import (
    AuthSettings,
    LimitSettings,
    LogSettings,
    RabbitMQSettings,
    WindowSettings,
)

DEFAULT_AGE = "120"

MAX_UNAUTHENTICATED = 10_000
"""All load clients come from one address, which no browsers do; the default is 50 for each."""

MAX_CLIENT_EVENTS = 86_400
"""Per second and connection; the default of 50 is what ``acks`` would measure."""


class Bench(Event, name="bench"):
    """The measured event."""

    seq: int
    t: int
    pad: str


class Echo(msgspec.Struct):
    """A client's event."""

    seq: int
    pad: str


class Echoed(msgspec.Struct):
    """The answer to it."""

    seq: int


bench = Namespace("/bench", events=[Bench])


@bench.on("echo")
def echo(client: Client, event: Echo) -> Echoed:
    """Answer a client; what awaits nothing is a plain ``def``, as in the other servers."""
    return Echoed(event.seq)


@bench.room("room:{number}")
async def may_join(client: Client, number: str) -> bool:
    """Let everybody in."""
    return True


def settings_for(log: str, age: float) -> Settings:
    """Return the settings: the log and the window's age as told."""
    url = os.environ.get("BENCH_STREAM_URL")
    return Settings(
        port=0,
        auth=_auth(os.environ["BENCH_ALGORITHM"], os.environ["BENCH_KEY"]),
        limits=LimitSettings(
            unauthenticated=MAX_UNAUTHENTICATED,
            unauthenticated_per_address=MAX_UNAUTHENTICATED,
            events_per_second=MAX_CLIENT_EVENTS,
            event_burst=MAX_CLIENT_EVENTS,
        ),
        log=LogSettings(kind=log, name=os.environ.get("BENCH_NAME", "bench")),  # type: ignore[arg-type]
        window=WindowSettings(age=age),
        rabbitmq=RabbitMQSettings(stream_url=None if url is None else SecretStr(url)),
    )


def _auth(algorithm: str, key: str) -> AuthSettings:
    if algorithm == "HS256":
        return AuthSettings(secret=SecretStr(key))
    return AuthSettings(public_key=key, algorithms=[algorithm])


async def main(log: str = "memory", age: str = DEFAULT_AGE) -> None:
    """Serve until stdin ends."""
    gateway = Gateway(namespaces=[bench], settings=settings_for(log, float(age)))
    await gateway.start()
    port = await gateway.listen()
    emitted = 0
    tail, pad = "", padding(tail=',"012345.fff"')

    async def emit(target: Target, sequence: int, time: int) -> None:
        nonlocal emitted, tail, pad
        tenant = gateway.tenant(target.tenant)
        event = Bench(seq=sequence, t=time, pad=pad)
        offset = await (tenant.room(target.room) if target.room else tenant).emit(event)
        emitted += 1
        if len(offset) != len(tail):  # offsets grow with the log, one digit at a time
            tail, pad = offset, padding(tail=f',"{offset}"')

    async def settle() -> None:
        while _stats(gateway)["events"] < emitted:  # noqa: ASYNC110  # no event tells it
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


def _stats(gateway: Gateway) -> dict[str, int]:
    """Read what the metric ``tidegate_batch_events`` is made of."""
    sizes = gateway.hub.turns.stats.batch_sizes
    return {"events": sum(n * count for n, count in sizes.items()), "batches": sum(sizes.values())}


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
