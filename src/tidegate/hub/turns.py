"""Who is written to next: tenants in turn, a slice of sockets at a time.

A tenant's batch is finished before its next one starts, so order holds; other tenants' batches come
in between, and between slices the event loop gets its turn.
"""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec

from tidegate.hub.delivery import Delivery
from tidegate.hub.frames import FrameEncoder
from tidegate.hub.socket import Socket
from tidegate.hub.tenant import TenantState
from tidegate.log import EventEntry, Record

__all__ = ["TurnStats", "Turns"]

SLICE = 128
"""Sockets written to before other work gets its turn: about 1 ms of system calls. Another tenant's
event waits for a few of them; a turn of the event loop between them costs 1 % of that."""

MAX_BATCH_EVENTS = 256
MAX_BATCH_BYTES = 256 * 1024
MAX_PENDING = 256
"""Events of one tenant waiting on this node before ``wait_for_room`` holds its publishers."""

MAX_ALL_PENDING = 20_000
"""Events of all tenants waiting on this node before it reads no further in the log."""


class TurnStats(msgspec.Struct):
    """Counters since start."""

    deliveries: int = 0
    slow: int = 0
    batch_sizes: dict[int, int] = msgspec.field(default_factory=dict)  # events -> batches


class Turns:
    """Delivers what is pending for tenants.

    Args:
        frames: Gives a record's shared frames.
        behind: Sockets that are served from the window; those whose link is full join them.
    """

    def __init__(self, frames: FrameEncoder, behind: set[Socket]) -> None:
        self.stats = TurnStats()
        self._frames = frames
        self._behind = behind
        self._queue: deque[TenantState] = deque()
        self._is_scheduled = False
        self._pending = 0  # records of all tenants
        self._has_room = asyncio.Event()

    async def wait_for_room(self) -> None:
        """Return when this node can read on in the log; at once while it keeps up."""
        while self._pending > MAX_ALL_PENDING:
            self._has_room.clear()
            await self._has_room.wait()

    def add(self, tenant: TenantState, record: Record[EventEntry]) -> None:
        """Have a record delivered to a tenant's sockets when it is their turn."""
        tenant.pending.append(record)
        self._pending += 1
        if not tenant.is_queued:
            tenant.is_queued = True
            self._queue.append(tenant)

    def take(self) -> None:
        """Write to at most a slice of sockets, tenant by tenant, and come back for the rest."""
        budget, is_behind = SLICE, len(self._behind)
        while self._queue and budget > 0:
            tenant = self._queue.popleft()
            budget -= 1 + self._deliver_some(tenant, budget)
            if tenant.pending:
                self._queue.append(tenant)
            else:
                tenant.is_queued = False
        self.stats.slow += max(0, len(self._behind) - is_behind)
        if self._queue and not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._take_scheduled)

    def forget(self, tenant: TenantState) -> None:
        """Let go of a tenant without sockets; what was pending for it is in the window."""
        self._let_go(len(tenant.pending))
        tenant.pending.clear()
        if tenant.delivery is not None or tenant.is_queued:
            tenant.delivery = None
            if tenant in self._queue:
                self._queue.remove(tenant)
        if tenant.drained is not None:
            tenant.drained.set()

    def _let_go(self, count: int) -> None:
        self._pending -= count
        if self._pending <= MAX_ALL_PENDING:
            self._has_room.set()

    def _take_scheduled(self) -> None:
        self._is_scheduled = False
        self.take()

    def _deliver_some(self, tenant: TenantState, budget: int) -> int:
        delivery = tenant.delivery
        if delivery is None:
            delivery = tenant.delivery = self._begin_batch(tenant)
        visited = delivery.write(budget, self._behind)
        if delivery.is_done:
            self._finish_batch(tenant, delivery)
        return visited

    def _begin_batch(self, tenant: TenantState) -> Delivery:
        size = count = 0
        for record in tenant.pending[:MAX_BATCH_EVENTS]:
            size += len(record.entry.data)
            count += 1
            if size >= MAX_BATCH_BYTES:
                break
        return Delivery(tenant, tenant.pending[:count], self._frames)

    def _finish_batch(self, tenant: TenantState, delivery: Delivery) -> None:
        tenant.delivery = None
        tenant.delivered = delivery.end
        done = delivery.count  # what has come since is behind them
        del tenant.pending[:done]
        self._let_go(done)
        self.stats.deliveries += delivery.deliveries
        self.stats.batch_sizes[done] = self.stats.batch_sizes.get(done, 0) + 1
        if tenant.drained is not None and len(tenant.pending) < MAX_PENDING:
            tenant.drained.set()
            tenant.drained = None
