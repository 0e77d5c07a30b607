"""The window: the recent log in memory, by tenant, from which clients catch up.

Rules of this module:

- A tenant's *floor* is the offset of its newest evicted record. Whoever has seen the floor or more
  can be served without a gap; whoever has not, can't, and must be told so.
- Floors outlive the records: a quiet tenant's client may come back with an old offset although
  busier tenants have moved the log far on. Only the least recently evicted tenants' floors are
  forgotten, into the base of their partition, which then counts for every tenant without one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from operator import attrgetter

from tidegate.ids import NamespaceName, TenantId
from tidegate.log.entry import EventEntry, Record

__all__ = ["Window"]

_COMPACT_AFTER = 512
_offset_of = attrgetter("offset")
_EVICTED = Record(0, EventEntry(TenantId(""), NamespaceName("/"), "", b"", 0.0))


class _TenantWindow:
    """One tenant's kept records in order; ``first`` is the index of the oldest."""

    __slots__ = ("bytes", "first", "records")

    def __init__(self) -> None:
        self.records: list[Record[EventEntry]] = []
        self.first = 0
        self.bytes = 0


class Window:
    """Keeps recent event records, bounded by age, by bytes in all and by bytes per tenant.

    Args:
        age: Seconds that a record is kept, by the clock of ``add`` and ``expire``.
        max_bytes: Memory for all tenants together, counted by ``EventEntry.size``.
        tenant_bytes: Memory for one tenant, so that a busy one can't push out the others.
        partition_of: The log's partition of a tenant; offsets compare only within one.
        max_floors: Tenants whose floor is remembered after their last record went.
    """

    def __init__(
        self,
        *,
        age: float,
        max_bytes: int,
        tenant_bytes: int,
        partition_of: Callable[[TenantId], int] = lambda tenant: 0,
        max_floors: int = 100_000,
    ) -> None:
        self._age = age
        self._max_bytes = max_bytes
        self._tenant_bytes = tenant_bytes
        self._max_floors = max_floors
        self._partition_of = partition_of
        self._bases: dict[int, int] = {}  # offset after which a partition was seen whole
        self._tenants: dict[TenantId, _TenantWindow] = {}
        self._floors: OrderedDict[TenantId, int] = OrderedDict()
        self._arrivals: deque[tuple[float, int, TenantId]] = deque()  # (time, offset, tenant)
        self._message_ids: dict[tuple[str, str, str], int] = {}
        self.bytes = 0

    def __len__(self) -> int:
        return sum(len(kept.records) - kept.first for kept in self._tenants.values())

    def start_at(self, partition: int, base: int) -> None:
        """Note that a partition has been seen from ``base`` on, and nothing of before it."""
        self._bases[partition] = base

    def clear(self) -> None:
        """Let go of everything; ``start_at`` tells where the window begins anew."""
        self._tenants.clear()
        self._floors.clear()
        self._arrivals.clear()
        self._message_ids.clear()
        self._bases.clear()
        self.bytes = 0

    def add(self, record: Record[EventEntry], now: float) -> bool:
        """Keep a record; False if the same message id is in the window already (then it is not)."""
        entry = record.entry
        if entry.message_id is not None and not self._claim_id(entry, record.offset):
            return False
        kept = self._tenants.get(entry.tenant)
        if kept is None:
            kept = self._tenants[entry.tenant] = _TenantWindow()
        size = entry.size
        kept.records.append(record)
        kept.bytes += size
        self.bytes += size
        self._arrivals.append((now, record.offset, entry.tenant))
        while kept.bytes > self._tenant_bytes and len(kept.records) - kept.first > 1:
            self._evict_oldest_of(entry.tenant, kept)
        while self.bytes > self._max_bytes and len(self._arrivals) > 1:
            self._evict_arrival()
        return True

    def expire(self, now: float) -> None:
        """Evict what is older than ``age``."""
        oldest = now - self._age
        while self._arrivals and self._arrivals[0][0] < oldest:
            self._evict_arrival()

    def can_serve(self, tenant: TenantId, after: int) -> bool:
        """Tell whether every record of the tenant past offset ``after`` is still here."""
        return after >= self.floor(tenant)

    def floor(self, tenant: TenantId) -> int:
        """The oldest offset from which the tenant's records can be given without a gap."""
        floor = self._floors.get(tenant)
        return self._bases.get(self._partition_of(tenant), 0) if floor is None else floor

    def after(
        self, tenant: TenantId, offset: int, limit: int = 1_000
    ) -> Sequence[Record[EventEntry]]:
        """Return the tenant's next records past ``offset``, oldest first, at most ``limit``."""
        kept = self._tenants.get(tenant)
        if kept is None:
            return ()
        start = bisect_right(kept.records, offset, lo=kept.first, key=_offset_of)
        return kept.records[start : start + limit]

    def _claim_id(self, entry: EventEntry, offset: int) -> bool:
        key = (entry.tenant, entry.namespace, entry.message_id or "")
        return self._message_ids.setdefault(key, offset) == offset

    def _evict_arrival(self) -> None:
        """Evict the oldest record of all, unless its tenant's own bound took it before."""
        _, offset, tenant = self._arrivals.popleft()
        kept = self._tenants.get(tenant)
        if kept is not None and kept.records[kept.first].offset == offset:
            self._evict_oldest_of(tenant, kept)

    def _evict_oldest_of(self, tenant: TenantId, kept: _TenantWindow) -> None:
        record = kept.records[kept.first]
        entry = record.entry
        size = entry.size
        kept.records[kept.first] = _EVICTED
        kept.first += 1
        kept.bytes -= size
        self.bytes -= size
        if entry.message_id is not None:
            self._message_ids.pop((entry.tenant, entry.namespace, entry.message_id), None)
        self._raise_floor(tenant, record.offset)
        if kept.first == len(kept.records):
            del self._tenants[tenant]
        elif kept.first >= _COMPACT_AFTER and kept.first * 2 >= len(kept.records):
            del kept.records[: kept.first]
            kept.first = 0

    def _raise_floor(self, tenant: TenantId, offset: int) -> None:
        self._floors[tenant] = offset
        self._floors.move_to_end(tenant)
        if len(self._floors) > self._max_floors:
            forgotten, floor = self._floors.popitem(last=False)
            partition = self._partition_of(forgotten)
            self._bases[partition] = max(self._bases.get(partition, 0), floor)
