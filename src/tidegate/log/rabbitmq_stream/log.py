"""`RabbitMQStreamLog`: streams, writers and readers put together."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Mapping, Sequence

import mmh3
from rstream import exceptions

from tidegate.errors import ConfigError, LogError
from tidegate.ids import TenantId
from tidegate.log.base import Batch
from tidegate.log.entry import Entry, EventEntry, Revocation
from tidegate.log.rabbitmq_stream.address import StreamAddress
from tidegate.log.rabbitmq_stream.cancelling import cancellable
from tidegate.log.rabbitmq_stream.codec import EMPTY, Packed, first_offset, pack, stream_offset
from tidegate.log.rabbitmq_stream.link import LINK_CLOSE_SECONDS, LINK_ERRORS
from tidegate.log.rabbitmq_stream.opening import refusal
from tidegate.log.rabbitmq_stream.reader import Foreign, Reader, Sink, Start
from tidegate.log.rabbitmq_stream.retry import Outage
from tidegate.log.rabbitmq_stream.streams import Retention, Streams
from tidegate.log.rabbitmq_stream.witnesses import Witnesses
from tidegate.log.rabbitmq_stream.writer import FINISH_SECONDS, Writer

__all__ = ["CLOSE_SECONDS", "RabbitMQStreamLog"]

log = logging.getLogger("tidegate.log")

MURMUR_SEED = 104729
"""The seed of RabbitMQ's own clients for super streams, so that they find the same partition."""

CLOCK_SKEW = 60.0
"""Seconds by which the broker's clock may be behind ours."""

CLOSE_SECONDS = FINISH_SECONDS + 2 * LINK_CLOSE_SECONDS
"""What closing takes at most, whatever the broker does: appends under way, the writers' links, and
then the readers'."""

READ_AHEAD = 16
"""Batches that wait for a follower at most."""

ROOM_FOR_NAMES = 16 * 1024
"""What an entry may take beside its payload, in a frame: eight names of 256 characters."""


class RabbitMQStreamLog:
    """An `EventLog` on RabbitMQ Streams, for any number of nodes.

    What was appended is written by the broker (by a majority of its replicas in a cluster), and
    survives restarts of gateways and broker until the retention ends.

    Args:
        address: The broker's stream port.
        name: First part of the streams' names.
        partitions: How many streams tenants are spread over. Another number is another log.
        retention: What the streams are made with; those that exist keep what they were made with.
        foreign: Makes entries of messages that services publish straight into the streams.
        heartbeat: Seconds between heartbeats with the broker.
        retry_delay: Seconds of the longest pause between attempts to reach the broker.
    """

    is_shared = True

    def __init__(
        self,
        address: StreamAddress,
        *,
        name: str = "tidegate",
        partitions: int = 1,
        retention: Retention | None = None,
        foreign: Foreign | None = None,
        heartbeat: float = 30.0,
        retry_delay: float = 10.0,
    ) -> None:
        self.epoch = ""
        self.key = b""
        self.name = name
        self.partitions = partitions
        self.foreign: Foreign = foreign or _refuse_foreign
        self._node = secrets.token_urlsafe(9)
        self._streams = Streams(
            self._node,
            address,
            name=name,
            partitions=partitions,
            retention=retention or Retention(),
            heartbeat=heartbeat,
        )
        self._retry_delay = retry_delay
        self._partitions: dict[TenantId, int] = {}
        self._writers: list[Writer] = []
        self._witnesses = Witnesses(self._writers, self._along_reader)
        self._sinks: set[asyncio.Queue[Batch | LogError | None]] = set()
        self._is_closed = False

    async def start(self) -> None:
        """Make the streams that are missing, and begin to connect to them.

        Waits while the broker can't be reached.

        Raises:
            ConfigError: The broker refuses user, password, virtual host or the streams.
            LogError: The streams are not those of a log.
        """
        outage = self._outage("RabbitMQ's stream port")
        while True:
            try:
                await cancellable(self._streams.prepare())
                if not self.max_entry_size:
                    raise _frames_too_small()
                break
            except exceptions.AccessRefused as error:
                raise refusal(error) from error
            except LINK_ERRORS as error:
                outage.goes_on(error)
                await outage.pause()
        outage.is_over()
        self.key, self.epoch = self._streams.key, self._streams.epoch
        self._writers += [self._writer(stream) for stream in self._streams.names]
        for writer in self._writers:
            writer.start()

    @property
    def streams(self) -> Sequence[str]:
        """The names of the partitions' streams, in order."""
        return self._streams.partitions

    @property
    def max_entry_size(self) -> int:
        """Bytes of the largest entry; they follow the broker's ``stream.frame_max``."""
        return max(0, self._streams.max_packed - ROOM_FOR_NAMES)

    @property
    def is_available(self) -> bool:
        """Whether every stream can be written to and read from at this moment."""
        parts: list[Writer | Reader] = [*self._writers, *self._witnesses.followers]
        return bool(self._writers) and all(part.is_connected for part in parts)

    def partition_of(self, tenant: TenantId) -> int:
        """Return the partition that a tenant lives in, as super stream clients compute it."""
        if self.partitions == 1:
            return 0
        partition = self._partitions.get(tenant)
        if partition is None:
            if len(self._partitions) > 200_000:
                self._partitions.clear()
            partition = mmh3.hash(tenant, MURMUR_SEED, signed=False) % self.partitions
            self._partitions[tenant] = partition
        return partition

    async def append(self, entries: Sequence[Entry]) -> Sequence[int]:
        """Append a batch and return its offsets once the broker has written it.

        A batch that is too large for one stream message is stored as several, one after the other.
        """
        self._check_open()
        places = self._places(entries)
        parts = self._packed(entries, places)
        revocations = [entry for entry in entries if isinstance(entry, Revocation)]
        if revocations:
            # First: whoever has one behind it in a partition can rely on finding it here.
            await self._append_to(
                self.partitions, list(pack(revocations, self._streams.max_packed))
            )
        stored = await asyncio.gather(*(self._append_to(*part) for part in parts.items()))
        if len(stored) == 1:
            return stored[0]
        offsets = [0] * len(entries)
        for indexes, own in zip(places.values(), stored, strict=True):
            for index, offset in zip(indexes, own, strict=True):
                offsets[index] = offset
        return offsets

    async def store(self, entries: Sequence[Entry]) -> None:
        """Append a batch, and return once the broker has written it; its offsets come later."""
        self._check_open()
        parts = self._packed(entries, self._places(entries))
        await asyncio.gather(
            *(self._confirmed(partition, each) for partition in parts for each in parts[partition])
        )

    async def heads(self) -> Sequence[int]:
        """Return an offset for each partition that everything appended before lies at or below.

        Appends an empty batch to each, and learns where it is.
        """
        self._check_open()
        marks = await asyncio.gather(
            *(self._store(partition, EMPTY) for partition in range(self.partitions))
        )
        return [first_offset(mark) for mark in marks]

    async def follow(
        self, after: Sequence[int] | None = None, *, since: float | None = None
    ) -> AsyncGenerator[Batch, None]:
        """Yield batches of what is appended after ``after``, since ``since``, or from now on."""
        self._check_open()
        if after is not None:
            await self._check_offsets(after)
        elif since is None:
            after = await self.heads()
        starts = [
            Start(after=None if after is None else after[partition], since=since or 0.0)
            for partition in range(self.partitions)
        ]
        queue: asyncio.Queue[Batch | LogError | None] = asyncio.Queue(READ_AHEAD)
        readers = [self._reader(number, start, queue.put) for number, start in enumerate(starts)]
        for reader in readers:  # at once, so that appends from now on rely on them
            self._witnesses.rely_on(reader)
        self._sinks.add(queue)
        try:
            for reader in readers:
                reader.start()
            while not self._is_closed:
                batch = await queue.get()
                if batch is None:
                    return
                if isinstance(batch, LogError):
                    raise batch
                yield batch
        finally:
            self._sinks.discard(queue)
            for reader in readers:
                self._witnesses.stop_relying_on(reader)
            await asyncio.gather(*(reader.close() for reader in readers))

    async def revocations(self) -> Sequence[Revocation]:
        """Return the revocations that were kept and may still be in force, oldest first."""
        found: list[Revocation] = []
        queue: asyncio.Queue[Batch | LogError | None] = asyncio.Queue()
        reader = self._reader(self.partitions, Start(since=0.0), queue.put)
        self._witnesses.rely_on(reader)
        reader.start()
        try:
            mark, end = first_offset(await self._store(self.partitions, EMPTY)), 0
            while end < mark:
                batch = await queue.get()
                if not isinstance(batch, Batch):
                    raise batch or LogError("the log is closed")
                found += [r.entry for r in batch.records if isinstance(r.entry, Revocation)]
                end = batch.end
        finally:
            self._witnesses.stop_relying_on(reader)
            await reader.close()
        now = time.time()
        return [revocation for revocation in found if revocation.until > now]

    async def close(self) -> None:
        """Let appends under way finish if the broker is there, and end every follower."""
        if self._is_closed:
            return
        await asyncio.gather(*(writer.close() for writer in self._writers))
        self._is_closed = True
        for queue in self._sinks:
            while queue.full():
                queue.get_nowait()
            queue.put_nowait(None)
        await self._witnesses.close()

    # Appending

    def _places(self, entries: Sequence[Entry]) -> Mapping[int, Sequence[int]]:
        """Return which entries go to which partition, as indexes."""
        if self.partitions == 1:
            return {0: range(len(entries))}
        places: dict[int, list[int]] = {}
        for index, entry in enumerate(entries):
            places.setdefault(self.partition_of(entry.tenant), []).append(index)
        return places

    def _packed(
        self, entries: Sequence[Entry], places: Mapping[int, Sequence[int]]
    ) -> Mapping[int, Sequence[Packed]]:
        """Return the stream messages of each partition: all, before anything is taken."""
        limit = self._streams.max_packed
        return {
            partition: list(pack([entries[index] for index in indexes], limit))
            for partition, indexes in places.items()
        }

    async def _append_to(self, partition: int, parts: Sequence[Packed]) -> Sequence[int]:
        if len(parts) == 1:
            first = first_offset(await self._store(partition, parts[0]))
            return range(first, first + parts[0].length)
        stored = await asyncio.gather(*(self._store(partition, packed) for packed in parts))
        return [
            first_offset(message) + place
            for message, packed in zip(stored, parts, strict=True)
            for place in range(packed.length)
        ]

    async def _store(self, partition: int, packed: Packed) -> int:
        await self._witnesses.reads(partition)
        return await self._writers[partition].append(packed)

    async def _confirmed(self, partition: int, packed: Packed) -> None:
        await self._witnesses.reads(partition)
        await self._writers[partition].store(packed)

    def _stored(self, partition: int, writer: str, number: int, offset: int) -> None:
        if writer == self._node:
            self._writers[partition].stored(number, offset)

    # Connecting

    def _writer(self, stream: str) -> Writer:
        return Writer(
            self._node,
            stream,
            lambda: self._streams.open_to_write(stream),
            self._outage(f"the stream {stream}, to write,"),
        )

    def _reader(self, partition: int, start: Start, sink: Sink) -> Reader:
        stream = self._streams.names[partition]
        return Reader(
            partition,
            stream,
            start,
            connect=lambda: self._streams.open_to_read(stream),
            outage=self._outage(f"the stream {stream}, to read,"),
            sink=sink,
            stored=lambda writer, number, offset: self._stored(partition, writer, number, offset),
            foreign=lambda data: self._foreign_entry(partition, data),
        )

    def _along_reader(self, partition: int, sink: Sink) -> Reader:
        """Return a reader that sees what is appended from now on."""
        return self._reader(partition, Start(since=time.time() - CLOCK_SKEW), sink)

    def _outage(self, what: str) -> Outage:
        return Outage(f"{what} at {self._streams.address}", self._retry_delay)

    def _foreign_entry(self, partition: int, data: bytes) -> EventEntry | None:
        """Return the entry of a service's message, but only in its own tenant's partition.

        An exchange that is bound to all partitions puts a copy into each.
        """
        entry = self.foreign(data)
        is_at_home = entry is not None and self.partition_of(entry.tenant) == partition
        return entry if is_at_home else None

    async def _check_offsets(self, after: Sequence[int]) -> None:
        heads = await self.heads()
        for offset, head in zip(after, heads, strict=True):
            if offset and stream_offset(offset) > stream_offset(head):
                raise LogError(f"offset {offset} is not in the log, which ends at {head}")

    def _check_open(self) -> None:
        if self._is_closed or not self._writers:
            raise LogError("the log is closed" if self._is_closed else "the log was not started")


def _frames_too_small() -> ConfigError:
    return ConfigError(
        "rabbitmq.stream_url",
        "leads to a broker whose frames hold no event",
        remedy="Raise stream.frame_max in the broker's settings to 64 KB at least.",
        source="the broker",
    )


def _refuse_foreign(data: bytes) -> None:
    log.warning("a message in the log's stream is not from a gateway, and was passed over")
