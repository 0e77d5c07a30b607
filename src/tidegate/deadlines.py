"""A timer wheel: one event-loop timer for any number of deadlines.

A timer per connection would cost an event-loop handle each (about 200 bytes, and a heap operation
at every heartbeat). Items are filed under a tick; moving a deadline later costs nothing, since an
item that fires early is simply filed again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["DeadlineWheel"]

log = logging.getLogger("tidegate.deadlines")

Item = TypeVar("Item")


class DeadlineWheel(Generic[Item]):
    """Calls ``on_due`` for each item at its deadline, late by at most one tick.

    Args:
        on_due: Called with the item and ``now``; returns the next deadline, or None to let go.
        tick: Seconds between looks.
        clock: Seconds; the deadlines are in the same clock.
    """

    def __init__(
        self,
        on_due: Callable[[Item, float], float | None],
        *,
        tick: float,
        clock: Callable[[], float],
    ) -> None:
        self._on_due = on_due
        self._tick = tick
        self._clock = clock
        self._slots: dict[int, list[Item]] = {}
        self._next = 0
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return sum(map(len, self._slots.values()))

    def start(self) -> None:
        """Begin to look; needs a running event loop."""
        self._next = int(self._clock() / self._tick)
        self._arm()

    def stop(self) -> None:
        """Let go of every item and look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._slots.clear()

    def add(self, item: Item, deadline: float) -> None:
        """File an item; one that is filed twice is called twice."""
        slot = max(int(deadline / self._tick) + 1, self._next)
        items = self._slots.get(slot)
        if items is None:
            self._slots[slot] = [item]
        else:
            items.append(item)

    def advance(self, now: float) -> None:
        """Call what is due at ``now``; all there is, to file it anew, if the clock was set back."""
        last = int(now / self._tick)
        if last + 1 < self._next:
            self._file_anew(last + 1, now)
            return
        # From filed slot to filed slot: a clock that is set right may skip years of empty ones.
        while (slot := min(self._slots, default=last + 1)) <= last:
            self._next = slot + 1
            for item in self._slots.pop(slot):
                self._call(item, now)
        self._next = last + 1

    def _file_anew(self, first: int, now: float) -> None:
        items = [item for slot in sorted(self._slots) for item in self._slots[slot]]
        self._slots.clear()
        self._next = first
        for item in items:
            self._call(item, now)

    def _call(self, item: Item, now: float) -> None:
        try:
            deadline = self._on_due(item, now)
        except Exception:
            log.exception("a deadline handler failed for %r", item)
            return
        if deadline is not None:
            self.add(item, deadline)

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._tick, self._fire)

    def _fire(self) -> None:
        self.advance(self._clock())
        self._arm()
