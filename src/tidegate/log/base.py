"""The event log: the one ordered place that everything broadcast goes through."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import NamedTuple, Protocol

from tidegate.ids import TenantId
from tidegate.log.entry import Entry, Record, Revocation

__all__ = ["Batch", "EventLog"]


class Batch(NamedTuple):
    """What a follower gets at once: a part of one partition, in order.

    Attributes:
        partition: Its number, from 0.
        records: The entries; empty where a batch only tells how far the log has been read.
        after: Offset that the batch follows on from.
        end: Offset up to which the partition has been read with this batch.
    """

    partition: int
    records: Sequence[Record[Entry]]
    after: int
    end: int


class EventLog(Protocol):
    """An append-only log in partitions that any number of nodes follow.

    Promises of every implementation (``tests/contract/event_log.py`` holds them to it):

    - **Order.** A tenant lives in one partition, whose offsets rise strictly; every follower sees
      its entries in that one order.
    - **All or nothing.** A batch is appended whole and contiguous for each of its tenants, or not
      at all.
    - **Confirmed.** When ``append`` or ``store`` returns, the entries are as safe as the
      implementation makes them (`MemoryLog`: held by this process; `RabbitMQStreamLog`: written by
      the broker).
    - **No gap, no repeat.** A follower that starts after offset *n* gets what follows *n*, or a
      ``LogGap`` if that is no longer kept; never a silent gap, also across lost connections.
    - **Bounded.** ``append`` and ``store`` wait while followers or the broker are too far behind.

    Attributes:
        epoch: Names this life of the log. An offset from another epoch means nothing here: it is
            refused, never misread.
        key: Secret of this life of the log, the same for every node that follows it; signs what
            clients bring back to any of them.
        partitions: How many there are.
        is_shared: Whether other processes may follow it too.
    """

    epoch: str
    key: bytes
    partitions: int
    is_shared: bool

    async def start(self) -> None:
        """Make the log ready for use; waits until it can be reached.

        Raises:
            ConfigError: It never will be, such as with wrong credentials.
            LogError: It can't be used.
        """

    @property
    def max_entry_size(self) -> int:
        """Bytes of the largest entry that it takes now, payload and attachments together."""

    @property
    def is_available(self) -> bool:
        """Whether it can be appended to and followed at this moment."""

    def partition_of(self, tenant: TenantId) -> int:
        """Return the partition that a tenant lives in."""

    async def append(self, entries: Sequence[Entry]) -> Sequence[int]:
        """Append a batch and return its offsets once confirmed.

        It waits while the log can't be reached. Cancelled while it waits, it has taken nothing
        that was not on its way to the log yet; what was may still appear there.

        Raises:
            LogError: Nothing of the batch was taken; the caller may try again.
        """

    async def store(self, entries: Sequence[Entry]) -> None:
        """Append a batch as ``append`` does, and return as soon as it is safe.

        For who has no use for offsets: a log that is shared learns them later.

        Raises:
            LogError: See ``append``.
        """

    def follow(
        self, after: Sequence[int] | None = None, *, since: float | None = None
    ) -> AsyncGenerator[Batch, None]:
        """Yield batches of what is appended from now on, or from an earlier place.

        The first batch of a partition tells by its ``after`` where following began.

        Args:
            after: An offset for each partition; what follows it.
            since: Unix seconds; what was appended then or later, as far as it is kept.

        Raises:
            LogGap: Entries that should follow are no longer kept.
            LogError: The offsets are not of this log.
        """

    async def heads(self) -> Sequence[int]:
        """Return an offset for each partition that everything appended before lies at or below.

        It goes through the log as an append does, so it tells the truth on every node.
        """

    async def revocations(self) -> Sequence[Revocation]:
        """Return the revocations that may still be in force, oldest first.

        All are there that lie before a place in the log which was asked for earlier, by ``heads``.
        """

    async def close(self) -> None:
        """Let appends under way finish and end every follower's iteration."""
