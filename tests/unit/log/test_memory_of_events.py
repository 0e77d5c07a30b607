"""What events are counted with is what they take: the window's bound is a promise about memory."""

from __future__ import annotations

import gc
import tracemalloc

import msgspec
import pytest

from tidegate.hub.frames import FrameEncoder
from tidegate.ids import NamespaceName, TenantId, UserId
from tidegate.log import EventEntry, Record, Window

EVENTS = 3_000
TENANTS = 50


def stored(number: int, payload: int, *, has_id: bool, has_trace: bool) -> bytes:
    entry = EventEntry(
        tenant=TenantId(f"5c5e3a0e-0000-4000-8000-{number % TENANTS:012}"),
        namespace=NamespaceName("/notifications"),
        name="notification.created",
        data=b'"' + b"x" * (payload - 2) + b'"',
        time=float(number),
        user=UserId(f"7d1b6f52-0000-4000-8000-{number:012}"),
        message_id=f"0b9a0d3c-0000-4000-8000-{number:012}" if has_id else None,
        trace=f"00-{number:032x}-{number:016x}-01" if has_trace else None,
    )
    return msgspec.msgpack.encode(entry)


@pytest.mark.parametrize("has_trace", [False, True])
@pytest.mark.parametrize("has_id", [False, True])
@pytest.mark.parametrize("payload", [50, 170, 1_000])
def test_delivered_events_take_what_they_are_counted_with(
    payload: int, has_id: bool, has_trace: bool
) -> None:
    decoder = msgspec.msgpack.Decoder(EventEntry)
    raw = [stored(each, payload, has_id=has_id, has_trace=has_trace) for each in range(EVENTS)]
    window = Window(age=60, max_bytes=10**9, tenant_bytes=10**9)
    frames = FrameEncoder("0123456789")
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number, data in enumerate(raw):
            record = Record(10**9 + number, decoder.decode(data))
            window.add(record, now=float(number) / EVENTS)
            frames(record)
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    # The allocator rounds each object up, by some 8 % in all, which is not traced.
    assert 0.75 * window.bytes < taken <= window.bytes
