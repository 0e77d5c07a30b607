"""The event log: the one ordered place that everything broadcast goes through."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from tidegate.log.entry import Entry, Record

__all__ = ["EventLog"]


class EventLog(Protocol):
    """An append-only log that any number of nodes follow.

    Promises of every implementation (``tests/contract/event_log.py`` holds them to it):

    - **Order.** Offsets rise strictly; every follower sees a tenant's entries in that one order.
    - **All or nothing.** A batch is appended whole and contiguous for its tenant, or not at all.
    - **Confirmed.** When ``append`` returns, the entries are as safe as the implementation makes
      them (`MemoryLog`: held by this process; a stream: written by the broker).
    - **No gap, no repeat.** A follower that starts after offset *n* gets *n + 1* first, or a
      ``LogError`` if that is no longer kept; never a silent gap.
    - **Bounded.** ``append`` waits while followers are too far behind.

    Attributes:
        epoch: Names this life of the log. An offset from another epoch means nothing here: it is
            refused, never misread.
    """

    epoch: str

    async def start(self) -> None:
        """Make the log ready for use. Raises LogError when it can't be."""

    async def append(self, entries: Sequence[Entry]) -> Sequence[int]:
        """Append a batch and return its offsets once confirmed.

        Raises:
            LogError: Nothing of the batch was taken; the caller may try again.
        """

    def follow(self, after: int | None = None) -> AsyncIterator[Sequence[Record[Entry]]]:
        """Yield batches of what is appended from now on, or what follows offset ``after``.

        Raises:
            LogError: Entries after ``after`` are no longer kept.
        """

    @property
    def head(self) -> int:
        """The offset of the newest confirmed entry; 0 for an empty log."""

    async def close(self) -> None:
        """Let appends under way finish and end every follower's iteration."""
