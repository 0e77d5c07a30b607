"""What the Python servers share: commands on stdin, the schedule of events, their size.

The same protocol is spoken by the servers in C and JavaScript; ``benchmarks/servers.py`` has the
other end of it and describes it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, NamedTuple

__all__ = [
    "FIRST_SEQUENCE",
    "FRAME_PAYLOAD_SIZE",
    "Emit",
    "Target",
    "lines_of_stdin",
    "obey_commands",
    "padding",
    "say",
]

FIRST_SEQUENCE = 100_000_000
"""Events are numbered from here, so that all numbers have nine digits and all frames one size."""

SEQUENCES_PER_TENANT = 800_000
"""Tenant n's events are numbered from n times this on: a number tells whose event it is."""

FRAME_PAYLOAD_SIZE = 167 - 4
"""An event's, without the frame's header."""


class Target(NamedTuple):
    """Whom an event is for: a tenant, by its number, or a resource room of it."""

    number: int = 0
    room: str = ""

    @property
    def tenant(self) -> str:
        """The tenant's name."""
        return f"tenant-{self.number}" if self.number else "acme"


Emit = Callable[[Target, int, int], Awaitable[None]]
"""Emits one event to a target, given its sequence number and its time (nanoseconds,
``CLOCK_MONOTONIC``)."""

Settle = Callable[[], Awaitable[None]]


def padding(*, tail: str = "") -> str:
    """Return the text that makes an event's frame 167 bytes long.

    Args:
        tail: What the server appends to the event's arguments, such as ``,"<offset>"``.
    """
    data = {"seq": FIRST_SEQUENCE, "t": time.monotonic_ns(), "pad": ""}
    packet = f'42/bench,["bench",{json.dumps(data, separators=(",", ":"))}{tail}]'
    return "x" * (FRAME_PAYLOAD_SIZE - len(packet))


async def obey_commands(
    port: int,
    versions: Mapping[str, str],
    emit: Emit,
    *,
    settle: Settle,
    stats: Callable[[], Mapping[str, Any]],
    pids: Sequence[int] = (),
) -> None:
    """Say that the server is ready, then do what stdin says until it ends.

    Args:
        port: Where clients connect.
        versions: Of the software under test.
        emit: Emits one event.
        settle: Returns when all events were handed to every socket; awaited between the events of
            ``single``.
        stats: Counters: ``events`` and the ``batches`` that they were sent in.
        pids: The processes under test, if they are others than this one.
    """
    say({"port": port, "versions": dict(versions), "pids": list(pids or (os.getpid(),))})
    tasks = set()
    burst = itertools.count(FIRST_SEQUENCE)
    async for line in lines_of_stdin():
        if line == "stats":
            say(stats())
        else:
            tasks.add(asyncio.create_task(_work(line.split(), emit, settle, burst)))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _work(
    words: list[str], emit: Emit, settle: Settle, burst: itertools.count[int]
) -> Coroutine[Any, Any, None]:
    match words:
        case ["saturate"]:
            return _saturate(emit)
        case ["single", *room]:
            return _one_by_one(emit, settle, Target(room="".join(room)))
        case ["tenants", count, each]:
            return _in_turn(emit, int(count), int(each))
        case ["rate", rate]:
            return _pace(emit, float(rate), Target())
        case ["rate", rate, tenant]:
            return _pace(emit, float(rate), Target(int(tenant)))
        case ["burst", count]:
            return _burst(emit, list(itertools.islice(burst, int(count))))
    raise ValueError(f"no such command: {' '.join(words)}")


async def _saturate(emit: Emit) -> None:
    target = Target()
    for sequence in itertools.count(FIRST_SEQUENCE):
        await emit(target, sequence, time.monotonic_ns())


async def _burst(emit: Emit, sequences: list[int]) -> None:
    for sequence in sequences:
        await emit(Target(), sequence, time.monotonic_ns())


async def _one_by_one(emit: Emit, settle: Settle, target: Target) -> None:
    for sequence in itertools.count(FIRST_SEQUENCE):
        await emit(target, sequence, time.monotonic_ns())
        await settle()


async def _in_turn(emit: Emit, count: int, each: int) -> None:
    """Emit some events to one tenant, then to the next, round after round."""
    targets = [Target(number) for number in range(1, count + 1)]
    for first in itertools.count(FIRST_SEQUENCE, each):
        for target in targets:
            own = first + target.number * SEQUENCES_PER_TENANT
            for sequence in range(own, own + each):
                await emit(target, sequence, time.monotonic_ns())


async def _pace(emit: Emit, rate: float, target: Target) -> None:
    """Emit by schedule; an event that is late still carries the time at which it was due."""
    first = FIRST_SEQUENCE + target.number * SEQUENCES_PER_TENANT
    period, start = 1e9 / rate, time.monotonic_ns()
    for number in itertools.count(1):
        due = round(start + number * period)
        wait = (due - time.monotonic_ns()) / 1e9
        if wait > 0:
            await asyncio.sleep(wait)
        await emit(target, first + number - 1, due)


async def lines_of_stdin() -> AsyncIterator[str]:
    """Yield the commands until stdin ends."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield line.decode().strip()


def say(answer: Mapping[str, Any]) -> None:
    """Answer with a line of JSON."""
    print(json.dumps(answer), flush=True)
