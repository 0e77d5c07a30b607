"""A node that starts reads back for what nodes tell each other, and serves only what is recent."""

from __future__ import annotations

from tidegate.hub import Hub
from tidegate.ids import NamespaceName, RoomName, Sid, TenantId, UserId
from tidegate.log import Batch, Entry, EventEntry, MemoryLog, Record, RoomsOfSession, Window

ACME, ROOT = TenantId("acme"), NamespaceName("/")


def event(offset: int, time: float) -> Record[Entry]:
    return Record(offset, EventEntry(ACME, ROOT, "tick", b"1", time))


def test_old_events_are_not_served_and_old_rooms_are_known() -> None:
    window = Window(age=60, max_bytes=10**6, tenant_bytes=10**6)
    hub = Hub(window=window, log=MemoryLog(), session_age=60, on_control=lambda entry: None)
    hub.begin_at(1_000.0)
    rooms = RoomsOfSession(ACME, ROOT, UserId("42"), Sid("s"), {RoomName("talk"): 3})
    records: list[Record[Entry]] = [
        event(4, 900.0),
        Record(5, rooms),
        event(6, 990.0),
        event(7, 1_001.0),
    ]
    hub.ingest(Batch(0, records, 3, 7))
    assert [record.offset for record in window.after(ACME, 0)] == [7]
    assert not window.can_serve(ACME, 5)
    assert window.can_serve(ACME, 6)
    told = hub.sessions._elsewhere.get(Sid("s"))
    assert told is not None
    assert told.rooms == {"talk": 3}


def test_live_events_count_whatever_their_publishers_clock_says() -> None:
    window = Window(age=60, max_bytes=10**6, tenant_bytes=10**6)
    hub = Hub(window=window, log=MemoryLog(), session_age=60, on_control=lambda entry: None)
    hub.begin_at(1_000.0)
    hub.ingest(Batch(0, [event(1, 900.0), event(2, 1_001.0)], 0, 2))
    hub.end_fill()
    hub.ingest(Batch(0, [event(3, 5.0)], 2, 3))
    assert [record.offset for record in window.after(ACME, 0)] == [2, 3]
    assert window.can_serve(ACME, 2)
