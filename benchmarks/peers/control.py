"""What the Python servers share: commands on stdin, the schedule of events, their size.

The same protocol is spoken by the servers in C and JavaScript; ``benchmarks/servers.py`` has the
other end of it and describes it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

__all__ = ["FIRST_SEQUENCE", "Emit", "lines_of_stdin", "obey_commands", "padding", "say"]

FIRST_SEQUENCE = 100_000_000
"""Events are numbered from here, so that all numbers have nine digits and all frames one size."""

FRAME_SIZE = 167
_FRAME_HEADER_SIZE = 4

Emit = Callable[[int, int], Awaitable[None]]
"""Emits one event, given its sequence number and its time (nanoseconds, ``CLOCK_MONOTONIC``)."""


def padding(*, tail: str = "") -> str:
    """Return the text that makes an event's frame 167 bytes long.

    Args:
        tail: What the server appends to the event's arguments, such as ``,"<offset>"``.
    """
    data = {"seq": FIRST_SEQUENCE, "t": time.monotonic_ns(), "pad": ""}
    packet = f'42/bench,["bench",{json.dumps(data, separators=(",", ":"))}{tail}]'
    return "x" * (FRAME_SIZE - _FRAME_HEADER_SIZE - len(packet))


async def obey_commands(
    port: int,
    versions: Mapping[str, str],
    emit: Emit,
    *,
    settle: Callable[[], Awaitable[None]],
    stats: Callable[[], Mapping[str, Any]],
) -> None:
    """Say that the server is ready, then do what stdin says until it ends.

    Args:
        port: Where clients connect.
        versions: Of the software under test.
        emit: Emits one event; called from one task, one after the other.
        settle: Returns when an event was handed to every socket; awaited between the events of
            ``single``.
        stats: Counters: ``events`` and the ``batches`` that they were sent in.
    """
    say({"port": port, "versions": dict(versions)})
    tasks = set()
    burst = FIRST_SEQUENCE
    async for line in lines_of_stdin():
        command, _, argument = line.partition(" ")
        if command == "saturate":
            tasks.add(asyncio.create_task(_saturate(emit)))
        elif command == "single":
            tasks.add(asyncio.create_task(_one_by_one(emit, settle)))
        elif command == "rate":
            tasks.add(asyncio.create_task(_pace(emit, float(argument))))
        elif command == "burst":
            tasks.add(asyncio.create_task(_burst(emit, range(burst, burst + int(argument)))))
            burst += int(argument)
        elif command == "stats":
            say(stats())
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _saturate(emit: Emit) -> None:
    for sequence in itertools.count(FIRST_SEQUENCE):
        await emit(sequence, time.monotonic_ns())


async def _burst(emit: Emit, sequences: range) -> None:
    for sequence in sequences:
        await emit(sequence, time.monotonic_ns())


async def _one_by_one(emit: Emit, settle: Callable[[], Awaitable[None]]) -> None:
    for sequence in itertools.count(FIRST_SEQUENCE):
        await emit(sequence, time.monotonic_ns())
        await settle()


async def _pace(emit: Emit, rate: float) -> None:
    """Emit by schedule; an event that is late still carries the time at which it was due."""
    period, start = 1e9 / rate, time.monotonic_ns()
    for number in itertools.count(1):
        due = round(start + number * period)
        wait = (due - time.monotonic_ns()) / 1e9
        if wait > 0:
            await asyncio.sleep(wait)
        await emit(FIRST_SEQUENCE + number - 1, due)


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
