from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.contract.event_log import EventLogContract, entry, numbers, take

from tidegate.errors import LogGap
from tidegate.log import EventLog, MemoryLog


class TestMemoryLog(EventLogContract):
    @pytest.fixture
    async def event_log(self) -> AsyncIterator[EventLog]:
        log = MemoryLog()
        await log.start()
        yield log
        await log.close()


async def test_append_waits_for_a_follower_that_is_far_behind() -> None:
    log = MemoryLog(max_lag=4)
    follower = log.follow()
    await anext(follower)  # where it begins
    reading = asyncio.ensure_future(anext(follower))
    await asyncio.sleep(0)
    await log.append([entry(n) for n in range(4)])
    blocked = asyncio.ensure_future(log.append([entry(4)]))
    batch = await reading
    await blocked
    assert numbers(list(batch.records)) == [0, 1, 2, 3]
    assert await log.heads() == [5]
    await log.close()


async def test_the_oldest_go_first_when_the_log_is_full() -> None:
    log = MemoryLog(max_bytes=20_000)
    for number in range(3_000):
        await log.append([entry(number, size=100)])
    with pytest.raises(LogGap, match="is not kept"):
        await take(log.follow([0]), 1)
    kept = await take(log.follow([(await log.heads())[0] - 10]), 10)
    assert numbers(kept) == list(range(2_990, 3_000))


async def test_what_a_follower_still_needs_is_kept() -> None:
    log = MemoryLog(max_bytes=10_000, max_lag=1_000)
    follower = log.follow()
    got = numbers(list((await anext(follower)).records))
    writing = asyncio.ensure_future(_write(log, 100))
    while len(got) < 100:
        got += numbers(list((await anext(follower)).records))
    await writing
    assert got == list(range(100))
    await log.close()


async def _write(log: MemoryLog, count: int) -> None:
    for number in range(count):
        await log.append([entry(number, size=200)])
