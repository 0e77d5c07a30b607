"""Follows one stream: from a place on, without gap or repeat, across lost connections.

After a lost connection the reader asks for the last message that it has seen once more. If that
comes, nothing was missed; if the stream begins later by then, something was, and the follower is
told so instead of being given what is left.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from rstream import schema
from rstream.constants import OffsetType

from tidegate.errors import ConfigError, LogError, LogGap
from tidegate.log.base import Batch
from tidegate.log.entry import Entry, EventEntry, Record
from tidegate.log.rabbitmq_stream.cancelling import end_task
from tidegate.log.rabbitmq_stream.codec import decode_batch, end_of, first_offset, stream_offset
from tidegate.log.rabbitmq_stream.link import LINK_ERRORS, Link
from tidegate.log.rabbitmq_stream.retry import Outage

__all__ = ["Foreign", "Reader", "Sink", "Start"]

log = logging.getLogger("tidegate.log")

SUBSCRIPTION = 0
CREDIT = 16
"""Chunks that the broker may send ahead. Each half of them that the follower has taken is allowed
anew, with one frame: a chunk holds one event where events are rare, and then frames cost most."""

MAX_WRITERS = 10_000

Foreign = Callable[[bytes], EventEntry | None]
"""Makes an entry of a message that a service published into the stream; None if it can't."""

Stored = Callable[[str, int, int], None]
"""Told of each batch that was read: writer, its number, its offset in the stream."""

Sink = Callable[[Batch | LogError], Awaitable[None]]

Chunks = asyncio.Queue[schema.Deliver | None]
"""What a link has delivered and was not taken yet; None when it is lost."""


class Start:
    """Where to begin: after an offset, or at a time (Unix seconds by the broker's clock)."""

    __slots__ = ("after", "since")

    def __init__(self, *, after: int | None = None, since: float = 0.0) -> None:
        self.after = after
        self.since = since

    def spec(self) -> schema.OffsetSpec:
        """Return it in terms of the stream protocol."""
        if self.after is not None:
            wanted = stream_offset(self.after)
            if wanted < 0:
                return schema.OffsetSpec.from_params(OffsetType.FIRST, None)
            return schema.OffsetSpec.from_params(OffsetType.OFFSET, wanted)
        if self.since <= 0.0:
            return schema.OffsetSpec.from_params(OffsetType.FIRST, None)
        return schema.OffsetSpec.from_params(OffsetType.TIMESTAMP, int(self.since * 1000))


class Reader:
    """One follower of one partition.

    Args:
        partition: Its number, for the batches.
        stream: Its stream.
        start: Where to begin.
        connect: Opens a link for reading; raises LogError if the log is not the same any more.
        outage: Pauses between attempts.
        sink: Takes each batch; while it waits, the broker sends no more. Told a LogError at last
            if the reader can't go on.
        stored: Told of each batch, before the sink.
        foreign: What becomes of messages that are not ours.

    Attributes:
        subscribed: Set once it reads, or has ended without.
        failure: What the sink was told at last; None while it can go on.
        is_closed: Whether it was closed.
    """

    def __init__(
        self,
        partition: int,
        stream: str,
        start: Start,
        *,
        connect: Callable[[], Awaitable[Link]],
        outage: Outage,
        sink: Sink,
        stored: Stored,
        foreign: Foreign,
    ) -> None:
        self.partition = partition
        self._stream = stream
        self._start = start
        self._connect = connect
        self._outage = outage
        self._sink = sink
        self._stored = stored
        self._foreign = foreign
        self._numbers: OrderedDict[str, int] = OrderedDict()  # newest batch seen of each writer
        self._task: asyncio.Task[None] | None = None
        self.is_connected = False
        self.is_closed = False
        self.failure: LogError | None = None
        self.subscribed = asyncio.Event()

    def start(self) -> None:
        """Begin to connect and read."""
        self._task = asyncio.ensure_future(self._run())

    async def close(self) -> None:
        """Stop reading."""
        self.is_closed = True
        await end_task(self._task)
        self.subscribed.set()

    async def _run(self) -> None:
        try:
            while not self.is_closed:
                await self._read_once()
                await self._outage.pause()
        except LogError as error:
            await self._fail(error)
        except Exception as error:
            log.exception("reading the stream %s failed", self._stream)
            await self._fail(LogError(f"reading the stream {self._stream} failed: {error!r}"))

    async def _fail(self, error: LogError) -> None:
        self.failure = error
        self.subscribed.set()
        await self._sink(error)

    async def _read_once(self) -> None:
        link: Link | None = None
        try:
            link = await self._connect()
            chunks: Chunks = asyncio.Queue()  # the credit bounds it
            link.on_lost = lambda: self._end(chunks)
            await link.deliver_to(chunks.put)
            await link.ask(
                link.client.subscribe(
                    self._stream, SUBSCRIPTION, self._start.spec(), initial_credit=CREDIT
                )
            )
            self._outage.is_over()
            self.is_connected = not link.lost.is_set()
            self.subscribed.set()
        except (*LINK_ERRORS, ConfigError) as error:  # it was let in once, so a refusal may pass
            self._outage.goes_on(error)
        else:
            await self._take_all(chunks, link)
        finally:
            self.is_connected = False
            if link is not None:
                await link.close()

    def _end(self, chunks: Chunks) -> None:
        self.is_connected = False
        chunks.put_nowait(None)

    async def _take_all(self, chunks: Chunks, link: Link) -> None:
        """Take what a link delivers until it is lost.

        This is the reader's own task, which no lost link cancels: a batch that was begun is handed
        over, however long the follower lets it wait.
        """
        is_first = True
        taken = 0
        while (chunk := await chunks.get()) is not None:
            if is_first:
                self._check_first(chunk)
                is_first = False
            await self._take(chunk)
            taken += 1
            if taken < CREDIT // 2:
                continue
            try:
                await link.client.credit(SUBSCRIPTION, taken)
            except LINK_ERRORS:  # it is lost, and the queue will say so
                log.debug("no credit could be given", exc_info=True)
            taken = 0

    def _check_first(self, chunk: schema.Deliver) -> None:
        """Check that the first chunk of a subscription follows on from what was read.

        Later ones need no check: the broker skips places where it keeps its own notes.

        Raises:
            LogGap: It does not.
        """
        after = self._start.after
        wanted = 0 if after is None else max(0, stream_offset(after))
        if after is not None and chunk.chunk_first_offset > wanted:
            raise LogGap(f"{self._stream} begins at {chunk.chunk_first_offset}; {wanted} is gone")

    async def _take(self, chunk: schema.Deliver) -> None:
        """Hand a chunk of the stream over, without what was handed over before.

        Raises:
            LogError: An entry can't be read.
        """
        batch = self._batch(chunk.chunk_first_offset, chunk.get_messages())
        if batch is not None:
            self._start = Start(after=batch.end)
            await self._sink(batch)

    def _batch(self, begin: int, messages: list[bytes]) -> Batch | None:
        after = self._start.after
        records: list[Record[Entry]] = []
        for number, data in enumerate(messages, begin):
            if after is None or end_of(number) > after:
                offset = first_offset(number)
                entries = self._entries(number, bytes(data))
                records += [Record(offset + place, entry) for place, entry in enumerate(entries)]
        end = end_of(begin + len(messages) - 1)
        if after is None:
            after = end_of(begin - 1)
        elif end <= after:
            return None
        return Batch(
            self.partition, [record for record in records if record.offset > after], after, end
        )

    def _entries(self, number: int, data: bytes) -> list[Any]:
        stored = decode_batch(data)
        if stored is None:
            entry = self._foreign(data)
            return [] if entry is None else [entry]
        self._stored(stored.writer, stored.number, number)
        if stored.number <= self._numbers.get(stored.writer, 0):
            return []  # the broker has forgotten the writer and took a batch twice
        self._numbers[stored.writer] = stored.number
        self._numbers.move_to_end(stored.writer)
        if len(self._numbers) > MAX_WRITERS:
            self._numbers.popitem(last=False)
        return stored.entries
