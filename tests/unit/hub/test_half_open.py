"""A client leaves a node that does not notice, changes its rooms on another, and comes back.

Two hubs read one log. The first holds on to a connection that is dead until it says so.
"""

from __future__ import annotations

import itertools

import pytest

from tidegate.auth.identity import Identity
from tidegate.hub import FrameWriter, Hub, Socket
from tidegate.ids import NamespaceName, RoomName, Sid, TenantId, UserId
from tidegate.log import Batch, Entry, EventEntry, MemoryLog, Record, RoomsOfSession, Window
from tidegate.log.offset import format_offset

ACME, ROOT, ANN = TenantId("acme"), NamespaceName("/"), UserId("ann")
TALK, NEWS = RoomName("talk"), RoomName("news")


class Link:
    is_writable = True
    takes_compressed = False

    def __init__(self) -> None:
        self.written = b""
        self.aborted: str | None = None

    @property
    def transport(self) -> FrameWriter:
        return self

    def write(self, data: bytes) -> None:
        self.written += data

    def abort(self, reason: str) -> None:
        self.aborted = reason


class World:
    """Two nodes on one log; what either tells of rooms is told until ``is_telling`` ends."""

    def __init__(self) -> None:
        self.log = MemoryLog(epoch="e")
        self.offsets = itertools.count(1)
        self.now = 0.0
        self.is_telling = True
        self.a, self.b = self._node(), self._node()
        self.append(EventEntry(ACME, ROOT, "tick", b"0", 0.0))

    def _node(self) -> Hub:
        window = Window(age=60, max_bytes=10**6, tenant_bytes=10**6)
        hub = Hub(
            window=window,
            log=self.log,
            session_age=60,
            on_control=lambda entry: None,
            clock=lambda: self.now,
        )
        hub.on_rooms_changed = self.tell
        return hub

    def append(self, entry: Entry) -> int:
        offset = next(self.offsets)
        for hub in (self.a, self.b):
            hub.ingest(Batch(0, [Record(offset, entry)], offset - 1, offset))
        return offset

    def tell(self, socket: Socket) -> None:
        if self.is_telling:
            rooms = dict(socket.rooms or {})
            self.append(RoomsOfSession(ACME, ROOT, ANN, socket.sid, rooms, socket.rooms_changed))

    def send(self, room: RoomName, data: bytes) -> int:
        return self.append(EventEntry(ACME, ROOT, "tick", data, 0.0, room=room))

    def come(self, hub: Hub, was: Socket | None = None, seen: int | None = None) -> Socket:
        """Connect a new client, or one that was ``was`` and comes back without a drop."""
        fresh = Socket(sid=Sid("s"), namespace=ROOT, identity=Identity(ACME, ANN), link=Link())
        if was is None:
            hub.add(fresh)
            return fresh
        claim = hub.sessions.claim(hub.sessions.private_id(was), fresh)
        assert claim is not None
        offset = None if seen is None else format_offset("e", seen)
        back = hub.recover(fresh, claim, offset, hub.sessions.rooms_of(claim))
        assert back is not None
        hub.catch_up(back)
        return back


@pytest.mark.parametrize("is_noticed", [False, True])
async def test_a_room_joined_elsewhere_is_kept_on_the_way_back(is_noticed: bool) -> None:
    world = World()
    own = world.come(world.a)
    there = world.come(world.b, own)
    world.b.join(there, TALK)
    if is_noticed:
        world.a.drop(own)
    back = world.come(world.a, there)
    assert set(back.rooms or ()) == {TALK}


@pytest.mark.parametrize("is_noticed", [False, True])
async def test_a_room_left_elsewhere_is_not_joined_again_on_the_way_back(is_noticed: bool) -> None:
    world = World()
    own = world.come(world.a)
    world.a.join(own, TALK)
    world.a.join(own, NEWS)
    there = world.come(world.b, own)
    world.b.leave(there, TALK)
    if is_noticed:
        world.a.drop(own)
    assert set(world.come(world.a, there).rooms or ()) == {NEWS}


@pytest.mark.parametrize("is_noticed", [False, True])
async def test_the_last_room_left_elsewhere_is_not_joined_again(is_noticed: bool) -> None:
    world = World()
    own = world.come(world.a)
    world.a.join(own, TALK)
    there = world.come(world.b, own)
    world.b.leave(there, TALK)
    if is_noticed:
        world.a.drop(own)
    assert not world.come(world.a, there).rooms


@pytest.mark.parametrize("is_noticed", [False, True])
async def test_events_of_a_room_joined_elsewhere_are_not_lost_on_the_way_back(
    is_noticed: bool,
) -> None:
    world = World()
    own = world.come(world.a)
    seen = world.append(EventEntry(ACME, ROOT, "tick", b"1", 0.0))
    there = world.come(world.b, own, seen)
    world.is_telling = False
    world.b.join(there, TALK)
    world.send(TALK, b"2")  # before the first node knows of the room
    world.is_telling = True
    world.tell(there)
    world.send(TALK, b"3")
    if is_noticed:
        world.a.drop(own)
    back = world.come(world.a, there, seen)
    assert isinstance(back.link, Link)
    assert [part in back.link.written for part in (b",1,", b",2,", b",3,")] == [False, True, True]


async def test_a_node_that_has_not_noticed_does_not_undo_what_was_told_since() -> None:
    world = World()
    own = world.come(world.a)
    world.a.join(own, TALK)
    there = world.come(world.b, own)
    world.b.leave(there, TALK)
    world.b.drop(there)
    world.tell(own)  # as each node does from time to time for all that it holds
    assert not world.come(world.b, there).rooms


async def test_what_was_told_of_an_older_state_changes_nothing_on_a_third_node() -> None:
    world = World()
    own = world.come(world.a)
    world.a.join(own, TALK)
    there = world.come(world.b, own)
    third = world._node()
    stale = RoomsOfSession(ACME, ROOT, ANN, own.sid, dict(own.rooms or {}), own.rooms_changed)
    world.b.leave(there, TALK)
    empty = RoomsOfSession(ACME, ROOT, ANN, own.sid, {}, there.rooms_changed)
    position = world.b.position_of(ACME)
    records: list[Record[Entry]] = [Record(position, empty), Record(position + 1, stale)]
    third.ingest(Batch(0, records, 0, position + 1))
    assert not world.come(third, there).rooms


async def test_back_and_forth_the_newest_rooms_count() -> None:
    world = World()
    socket = world.come(world.a)
    nodes = itertools.cycle([world.b, world.a])
    for number in range(5):
        hub = next(nodes)
        socket = world.come(hub, socket)
        hub.join(socket, RoomName(f"r{number}"))
        if number:
            hub.leave(socket, RoomName(f"r{number - 1}"))
    assert set(world.come(next(nodes), socket).rooms or ()) == {"r4"}


async def test_rooms_told_by_a_node_of_an_older_version_count_as_the_newest() -> None:
    world = World()
    own = world.come(world.a)
    world.a.join(own, TALK)
    world.a.drop(own)
    world.append(RoomsOfSession(ACME, ROOT, ANN, own.sid, {NEWS: 1}))
    assert set(world.come(world.a, own).rooms or ()) == {NEWS}


async def test_what_was_told_before_does_not_come_back_when_a_session_is_over() -> None:
    world = World()
    own = world.come(world.a)
    world.a.join(own, TALK)
    there = world.come(world.b, own)
    world.b.leave(there, TALK)
    world.b.drop(there)
    back = world.come(world.a, there)
    world.now += 61.0
    world.b.expire()  # its session is over, and the rooms that were told before are kept longer
    again = world.come(world.b, back)
    assert again is not there
    assert not again.rooms
