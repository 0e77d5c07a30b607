"""The embedded log: one process, complete, and gone with it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Sequence

from tidegate.errors import LogError, LogGap
from tidegate.ids import TenantId
from tidegate.log.base import Batch
from tidegate.log.entry import Disconnection, Entry, Record, Revocation

__all__ = ["MemoryLog"]

_COMPACT_AFTER = 1024
_DROPPED: Record[Entry] = Record(0, Disconnection(TenantId("")))  # frees what a trimmed slot held


class MemoryLog:
    """An `EventLog` in this process's memory.

    Survives nothing: a restart starts a new epoch, and clients that return with an offset of the
    old one are told that they can't recover.

    Args:
        max_bytes: What is kept for followers that start late; the oldest goes first.
        max_lag: Entries that the slowest follower may be behind before ``append`` waits. It is
            also the largest batch a follower gets.
        epoch: Fixed in tests; random otherwise.
    """

    def __init__(
        self, *, max_bytes: int = 64 * 1024 * 1024, max_lag: int = 256, epoch: str | None = None
    ) -> None:
        self.epoch = epoch or secrets.token_urlsafe(4)
        self.key = secrets.token_bytes(16)
        self.partitions = 1
        self.is_shared = False
        self.max_entry_size = max_bytes
        self._max_bytes = max_bytes
        self._max_lag = max_lag
        self._records: list[Record[Entry]] = []
        self._first = 0  # index of the oldest kept record in _records
        self._bytes = 0
        self._head = 0
        self._positions: dict[object, int] = {}  # each follower's last offset
        self._appended = asyncio.Event()
        self._caught_up = asyncio.Event()
        self._is_closed = False

    async def start(self) -> None:
        """Do nothing: the log is ready when made."""

    @property
    def is_available(self) -> bool:
        """Whether it is open: nothing else can come in the way."""
        return not self._is_closed

    def partition_of(self, tenant: TenantId) -> int:
        """Return 0: there is one partition."""
        return 0

    async def heads(self) -> Sequence[int]:
        """Return the offset of the newest entry; 0 for an empty log."""
        return [self._head]

    async def revocations(self) -> Sequence[Revocation]:
        """Return nothing: there was no log before the start."""
        return ()

    async def append(self, entries: Sequence[Entry]) -> Sequence[int]:
        """Append a batch and return its offsets; waits while a follower is far behind."""
        while not self._is_closed and self._is_full():
            self._caught_up.clear()
            await self._caught_up.wait()
        if self._is_closed:
            raise LogError("the log is closed")
        first = self._head + 1
        for entry in entries:
            self._head += 1
            self._records.append(Record(self._head, entry))
            self._bytes += entry.size
        self._trim()
        self._appended.set()
        return range(first, self._head + 1)

    async def store(self, entries: Sequence[Entry]) -> None:
        """Append a batch."""
        await self.append(entries)

    async def follow(
        self, after: Sequence[int] | None = None, *, since: float | None = None
    ) -> AsyncGenerator[Batch, None]:
        """Yield what is appended after ``after`` (default: from now on), in batches."""
        position = self._head if after is None else after[0]
        if since is not None:
            position = self._floor()
        if position > self._head:
            raise LogError(f"offset {position} is not in the log, which ends at {self._head}")
        if position < self._floor():
            raise LogGap(f"offset {position} is not kept any more, only {self._floor()} and on")
        follower = object()
        self._positions[follower] = position
        try:
            yield Batch(0, (), position, position)
            while not self._is_closed:
                records = self._after(position)
                if not records:
                    self._appended.clear()
                    await self._appended.wait()
                    continue
                batch = Batch(0, records, position, records[-1].offset)
                position = batch.end
                self._positions[follower] = position
                self._trim()
                self._caught_up.set()
                yield batch
        finally:
            del self._positions[follower]
            self._caught_up.set()

    async def close(self) -> None:
        """End every follower; later appends raise LogError."""
        self._is_closed = True
        self._appended.set()
        self._caught_up.set()

    def _is_full(self) -> bool:
        """Tell whether followers are as far behind as they may be, in entries or in bytes."""
        return self._head - self._slowest() >= self._max_lag or self._bytes > self._max_bytes

    def _slowest(self) -> int:
        return min(self._positions.values(), default=self._head)

    def _floor(self) -> int:
        """The offset before the oldest kept record."""
        return self._head - (len(self._records) - self._first)

    def _after(self, position: int) -> list[Record[Entry]]:
        start = self._first + position - self._floor()
        return self._records[start : start + self._max_lag]

    def _trim(self) -> None:
        """Drop the oldest records over ``max_bytes``, but none that a follower still needs."""
        if self._bytes <= self._max_bytes:
            return
        droppable = self._first + self._slowest() - self._floor()
        while self._bytes > self._max_bytes and self._first < droppable:
            self._bytes -= self._records[self._first].entry.size
            self._records[self._first] = _DROPPED
            self._first += 1
        if self._first >= _COMPACT_AFTER and self._first * 2 >= len(self._records):
            del self._records[: self._first]
            self._first = 0
