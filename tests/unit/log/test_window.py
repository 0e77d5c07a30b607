from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tidegate.ids import NamespaceName, TenantId
from tidegate.log import EventEntry, Record, Window
from tidegate.log.entry import FLAT_SIZE

A, B = TenantId("a"), TenantId("b")
TEN_EVENTS = 10 * (FLAT_SIZE + 2 * 10)


def record(
    offset: int, tenant: TenantId = A, size: int = 10, message_id: str | None = None
) -> Record[EventEntry]:
    data = b"x" * size
    return Record(
        offset,
        EventEntry(tenant, NamespaceName("/"), "tick", data, 0.0, message_id=message_id),
    )


def window(**changes: Any) -> Window:
    sizes: dict[str, Any] = {"age": 100, "max_bytes": 10**6, "tenant_bytes": 10**6}
    return Window(**(sizes | changes))


def offsets(kept: Window, tenant: TenantId, after: int) -> list[int]:
    return [item.offset for item in kept.after(tenant, after)]


def test_records_are_found_by_tenant_and_offset() -> None:
    kept = window()
    for offset, tenant in ((1, A), (2, B), (3, A), (5, A)):
        assert kept.add(record(offset, tenant), now=0)
    assert offsets(kept, A, 0) == [1, 3, 5]
    assert offsets(kept, A, 3) == [5]
    assert offsets(kept, B, 2) == []
    assert [item.offset for item in kept.after(A, 0, limit=2)] == [1, 3]


def test_age_evicts_and_raises_the_floor_of_that_tenant_only() -> None:
    kept = window()
    kept.add(record(1, A), now=0)
    kept.add(record(2, B), now=60)
    kept.expire(now=120)
    assert offsets(kept, A, 0) == []
    assert not kept.can_serve(A, 0)
    assert kept.can_serve(A, 1)
    assert kept.can_serve(B, 0)
    assert len(kept) == 1


def test_a_busy_tenant_does_not_push_out_the_others() -> None:
    kept = window(tenant_bytes=TEN_EVENTS)
    kept.add(record(1, B), now=0)
    for offset in range(2, 102):
        kept.add(record(offset, A), now=0)
    assert offsets(kept, A, 0) == list(range(92, 102))
    assert offsets(kept, B, 0) == [1]
    assert kept.floor(A) == 91


def test_memory_for_all_is_bounded_oldest_first() -> None:
    kept = window(max_bytes=TEN_EVENTS)
    for offset in range(1, 21):
        kept.add(record(offset, A if offset % 2 else B), now=0)
    assert kept.bytes <= TEN_EVENTS
    assert offsets(kept, A, 0) == [11, 13, 15, 17, 19]


def test_a_message_id_is_taken_once_within_the_window() -> None:
    kept = window()
    assert kept.add(record(1, A, message_id="m"), now=0)
    assert not kept.add(record(2, A, message_id="m"), now=1)
    assert kept.add(record(3, B, message_id="m"), now=1)
    kept.expire(now=200)
    assert kept.add(record(4, A, message_id="m"), now=200)


def test_forgotten_floors_count_for_everybody_without_one() -> None:
    kept = window(max_floors=1)
    kept.add(record(1, A), now=0)
    kept.add(record(2, B), now=0)
    kept.expire(now=200)
    assert kept.floor(B) == 2
    assert kept.floor(A) == 1  # by way of the common base
    assert not kept.can_serve(TenantId("never seen"), 0)


@given(
    st.lists(st.tuples(st.sampled_from([A, B]), st.integers(1, 400), st.integers(0, 30))),
    st.integers(0, 60),
)
def test_what_can_be_served_is_complete(
    arrivals: list[tuple[TenantId, int, int]], after: int
) -> None:
    kept = window(max_bytes=12_000, tenant_bytes=8_000)
    now, published = 0, []
    for offset, (tenant, size, pause) in enumerate(arrivals, start=1):
        now += pause
        kept.add(record(offset, tenant, size), now)
        kept.expire(now)
        published.append((offset, tenant))
    for tenant in (A, B):
        if kept.can_serve(tenant, after):
            missed = [offset for offset, owner in published if owner == tenant and offset > after]
            assert offsets(kept, tenant, after) == missed
