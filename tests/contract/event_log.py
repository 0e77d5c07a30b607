"""What every `EventLog` promises; each implementation's test module subclasses this."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec
import pytest

from tidegate.errors import LogError
from tidegate.ids import NamespaceName, RoomName, Sid, TenantId, UserId
from tidegate.log import (
    Batch,
    Disconnection,
    Entry,
    EventEntry,
    EventLog,
    Record,
    Revocation,
    RoomsOfSession,
)

PATIENCE = 10.0


def entry(number: int, size: int = 0) -> EventEntry:
    data = b"%d" % number + b" " * size
    return EventEntry(TenantId("acme"), NamespaceName("/"), "tick", data, 0.0)


def numbers(records: list[Record[Entry]]) -> list[int]:
    return [int(record.entry.data) for record in records if isinstance(record.entry, EventEntry)]


async def take(follower: AsyncGenerator[Batch, None], count: int) -> list[Record[Entry]]:
    records: list[Record[Entry]] = []
    async with asyncio.timeout(PATIENCE), aclosing(follower):
        async for batch in follower:
            records += batch.records
            if len(records) >= count:
                break
    return records


def after(log: EventLog, heads: Sequence[int], record: Record[Entry]) -> list[int]:
    """Return where to go on after a record."""
    places = list(heads)
    places[log.partition_of(record.entry.tenant)] = record.offset
    return places


class EventLogContract:
    """Subclasses give the fixture ``event_log``: started, empty, closed at the end."""

    async def test_offsets_rise_and_name_the_entries(self, event_log: EventLog) -> None:
        follower = event_log.follow(await event_log.heads())
        first = await event_log.append([entry(1), entry(2)])
        second = await event_log.append([entry(3)])
        offsets = [*first, *second]
        records = await take(follower, 3)
        assert numbers(records) == [1, 2, 3]
        assert [record.offset for record in records] == offsets == sorted(set(offsets))
        assert (await event_log.heads())[0] >= offsets[-1]

    async def test_a_follower_resumes_without_gap_or_repeat(self, event_log: EventLog) -> None:
        start = await event_log.heads()
        await event_log.append([entry(n) for n in range(10)])
        records = await take(event_log.follow(start), 4)
        rest = await take(event_log.follow(after(event_log, start, records[3])), 6)
        assert numbers(records[:4] + rest) == list(range(10))

    async def test_batches_follow_on_from_each_other(self, event_log: EventLog) -> None:
        follower = event_log.follow(await event_log.heads())
        for number in range(5):
            await event_log.append([entry(number)])
        batches = []
        partition = event_log.partition_of(entry(0).tenant)
        async with asyncio.timeout(PATIENCE), aclosing(follower):
            async for batch in follower:
                if batch.partition == partition:
                    batches.append(batch)
                if batch.records and numbers(list(batch.records))[-1] == 4:
                    break
        assert [batch.after for batch in batches[1:]] == [batch.end for batch in batches[:-1]]
        for batch in batches:
            assert all(batch.after < record.offset <= batch.end for record in batch.records)

    async def test_what_was_appended_recently_can_be_followed(self, event_log: EventLog) -> None:
        before = time.time() - 60
        await event_log.append([entry(n) for n in range(3)])
        assert numbers(await take(event_log.follow(since=before), 3)) == [0, 1, 2]

    async def test_every_follower_sees_the_same_order(self, event_log: EventLog) -> None:
        heads = await event_log.heads()
        reads = [asyncio.ensure_future(take(event_log.follow(heads), 60)) for _ in range(3)]
        await asyncio.gather(
            *(event_log.append([entry(100 * w + n) for n in range(20)]) for w in range(3))
        )
        seen = [numbers(await read) for read in reads]
        assert seen[0] == seen[1] == seen[2]
        for writer in range(3):
            own = [n for n in seen[0] if n // 100 == writer]
            assert own == [100 * writer + n for n in range(20)]

    async def test_appends_of_one_caller_keep_their_order(self, event_log: EventLog) -> None:
        heads = await event_log.heads()
        await asyncio.gather(*(event_log.append([entry(n)]) for n in range(500)))
        assert numbers(await take(event_log.follow(heads), 500)) == list(range(500))

    async def test_what_is_stored_is_in_order_with_what_is_appended(
        self, event_log: EventLog
    ) -> None:
        heads = await event_log.heads()
        for number in range(0, 200, 2):
            await event_log.store([entry(number)])
            await event_log.append([entry(number + 1)])
        await asyncio.gather(*(event_log.store([entry(n)]) for n in range(200, 400)))
        assert numbers(await take(event_log.follow(heads), 400)) == list(range(400))

    async def test_a_batch_is_contiguous(self, event_log: EventLog) -> None:
        results = await asyncio.gather(
            *(event_log.append([entry(n) for n in range(5)]) for _ in range(5))
        )
        for offsets in results:
            assert list(offsets) == list(range(offsets[0], offsets[0] + 5))

    async def test_a_large_batch_keeps_its_order(self, event_log: EventLog) -> None:
        heads = await event_log.heads()
        offsets = await event_log.append([entry(n, size=2_000) for n in range(2_500)])
        records = await take(event_log.follow(heads), 2_500)
        assert numbers(records) == list(range(2_500))
        assert [record.offset for record in records] == list(offsets)

    async def test_tenants_keep_to_their_partition(self, event_log: EventLog) -> None:
        heads = await event_log.heads()
        tenants = [TenantId(f"t{n % 7}") for n in range(70)]
        batch = [msgspec.structs.replace(entry(n), tenant=t) for n, t in enumerate(tenants)]
        offsets = await event_log.append(batch)
        seen: dict[TenantId, list[int]] = {}
        places: dict[tuple[int, int], int] = {}
        async with asyncio.timeout(PATIENCE), aclosing(event_log.follow(heads)) as follower:
            async for part in follower:
                for record in part.records:
                    assert part.partition == event_log.partition_of(record.entry.tenant)
                    seen.setdefault(record.entry.tenant, []).extend(numbers([record]))
                    places[part.partition, record.offset] = numbers([record])[0]
                if len(places) == 70:
                    break
        assert seen == {TenantId(f"t{n}"): list(range(n, 70, 7)) for n in range(7)}
        for number, (tenant, offset) in enumerate(zip(tenants, offsets, strict=True)):
            assert places[event_log.partition_of(tenant), offset] == number

    async def test_every_kind_of_entry_comes_back_as_it_was(self, event_log: EventLog) -> None:
        acme, chat = TenantId("acme"), NamespaceName("/chat")
        batch: list[Entry] = [
            EventEntry(
                *(acme, chat, "picture", b'{"_placeholder":true,"num":0}', 5.0),
                attachments=(b"\x00\xff", b""),
                user=UserId("42"),
                exclude=Sid("s"),
                message_id="m",
                trace="00-1-2-01",
                origin=2**63,
            ),
            EventEntry(acme, chat, "x", b"null", 1.0, room=RoomName("r"), sid=Sid("t")),
            Revocation(acme, 1.0, 2.0, user=UserId("42")),
            Disconnection(acme, sid=Sid("s")),
            RoomsOfSession(acme, chat, UserId("42"), Sid("s"), {RoomName("r"): 7}, 9),
        ]
        heads = await event_log.heads()
        await event_log.append(batch)
        records = await take(event_log.follow(heads), len(batch))
        assert [record.entry for record in records] == batch

    async def test_an_offset_that_is_not_there_yet_is_an_error(self, event_log: EventLog) -> None:
        ahead = [head + 10_000_000 for head in await event_log.heads()]
        with pytest.raises(LogError):
            await take(event_log.follow(ahead), 1)

    async def test_appending_to_a_closed_log_is_an_error(self, event_log: EventLog) -> None:
        await event_log.close()
        with pytest.raises(LogError):
            await event_log.append([entry(1)])
        with pytest.raises(LogError):
            await event_log.store([entry(1)])

    async def test_closing_ends_followers(self, event_log: EventLog) -> None:
        follower = event_log.follow(await event_log.heads())
        reading = asyncio.ensure_future(take(follower, 1))
        await asyncio.sleep(0)
        await event_log.close()
        assert await asyncio.wait_for(reading, PATIENCE) == []

    async def test_epochs_differ(self, event_log: EventLog) -> None:
        assert event_log.epoch
        assert "." not in event_log.epoch
        assert len(event_log.key) == 16
