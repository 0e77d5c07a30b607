"""What every `EventLog` promises; each implementation's test module subclasses this."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tidegate.errors import LogError
from tidegate.ids import NamespaceName, TenantId
from tidegate.log import Entry, EventEntry, EventLog, Record

PATIENCE = 5.0


def entry(number: int, size: int = 0) -> EventEntry:
    data = b"%d" % number + b" " * size
    return EventEntry(TenantId("acme"), NamespaceName("/"), "tick", data, 0.0)


def numbers(records: list[Record[Entry]]) -> list[int]:
    return [int(record.entry.data) for record in records if isinstance(record.entry, EventEntry)]


async def take(follower: AsyncIterator[object], count: int) -> list[Record[Entry]]:
    records: list[Record[Entry]] = []
    async with asyncio.timeout(PATIENCE):
        async for batch in follower:
            records += batch  # type: ignore[arg-type]  # batches of records
            if len(records) >= count:
                break
    return records


class EventLogContract:
    """Subclasses give the fixture ``event_log``: started, empty, closed at the end."""

    async def test_offsets_rise_and_name_the_entries(self, event_log: EventLog) -> None:
        follower = event_log.follow(event_log.head)
        first = await event_log.append([entry(1), entry(2)])
        second = await event_log.append([entry(3)])
        offsets = [*first, *second]
        records = await take(follower, 3)
        assert numbers(records) == [1, 2, 3]
        assert [record.offset for record in records] == offsets == sorted(set(offsets))
        assert event_log.head == offsets[-1]

    async def test_a_follower_resumes_without_gap_or_repeat(self, event_log: EventLog) -> None:
        start = event_log.head
        await event_log.append([entry(n) for n in range(10)])
        records = await take(event_log.follow(start), 4)
        rest = await take(event_log.follow(records[3].offset), 6)
        assert numbers(records[:4] + rest) == list(range(10))

    async def test_every_follower_sees_the_same_order(self, event_log: EventLog) -> None:
        followers = [event_log.follow(event_log.head) for _ in range(3)]
        reads = [asyncio.ensure_future(take(follower, 60)) for follower in followers]
        await asyncio.gather(
            *(event_log.append([entry(100 * w + n) for n in range(20)]) for w in range(3))
        )
        seen = [numbers(await read) for read in reads]
        assert seen[0] == seen[1] == seen[2]
        for writer in range(3):
            own = [n for n in seen[0] if n // 100 == writer]
            assert own == [100 * writer + n for n in range(20)]

    async def test_a_batch_is_contiguous(self, event_log: EventLog) -> None:
        results = await asyncio.gather(
            *(event_log.append([entry(n) for n in range(5)]) for _ in range(5))
        )
        for offsets in results:
            assert list(offsets) == list(range(offsets[0], offsets[0] + 5))

    async def test_an_offset_that_is_not_kept_is_an_error(self, event_log: EventLog) -> None:
        with pytest.raises(LogError):
            await take(event_log.follow(event_log.head + 1_000), 1)

    async def test_appending_to_a_closed_log_is_an_error(self, event_log: EventLog) -> None:
        await event_log.close()
        with pytest.raises(LogError):
            await event_log.append([entry(1)])

    async def test_closing_ends_followers(self, event_log: EventLog) -> None:
        follower = event_log.follow(event_log.head)
        reading = asyncio.ensure_future(take(follower, 1))
        await event_log.append([])
        await event_log.close()
        assert await asyncio.wait_for(reading, PATIENCE) == []

    async def test_epochs_differ(self, event_log: EventLog) -> None:
        assert event_log.epoch
        assert "." not in event_log.epoch
