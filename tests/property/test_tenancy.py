"""No event reaches a socket outside its audience, whatever happens in whatever order.

The real hubs of two nodes on one log, door-side calls included, against a model that knows who may
hear what; clients come back to either node, and one may lag. Tenants, users and rooms have hostile
names: alike, nested, with separators of other systems.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Sequence
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from tidegate.auth.identity import Identity
from tidegate.hub import Hub, Socket
from tidegate.ids import NamespaceName, RoomName, Sid, TenantId, UserId
from tidegate.log import Batch, Entry, EventEntry, MemoryLog, Record, RoomsOfSession, Window
from tidegate.protocol.deflate import decompress

NAMES = ["a", "a:b"]  # few, so that they meet; the same for tenants, users and rooms
NAMESPACES = ["/a", "/a:b"]
names = st.sampled_from(NAMES)
Part = tuple[str, str, str, str, bool]  # tenant, namespace, kind, name, exclude the sender
kinds = st.sampled_from(["tenant", "user", "room", "sid"])
parts = st.lists(
    st.tuples(names, st.sampled_from(NAMESPACES), kinds, names, st.booleans()),
    min_size=1,
    max_size=10,
)


class RecordingLink:
    """A link that keeps what is written, as frames of one socket."""

    def __init__(self, *, takes_compressed: bool) -> None:
        self.is_writable = True
        self.takes_compressed = takes_compressed
        self.written = bytearray()
        self.aborted: str | None = None
        self.owner: HeardBy | None = None

    @property
    def transport(self) -> RecordingLink:
        return self

    def write(self, data: bytes) -> None:
        assert self.aborted is None
        self.written += data

    def abort(self, reason: str) -> None:
        self.aborted = reason


class HeardBy:
    """The model's view of one client: what it was, and what it has been shown."""

    def __init__(self, tenant: str, user: str, namespace: str) -> None:
        self.tenant, self.user, self.namespace = tenant, user, namespace
        self.rooms: set[str] = set()
        self.heard: list[int] = []
        self.expected: list[int] = []
        self.last_offset: str | None = None
        self.socket: Socket | None = None
        self.link: RecordingLink | None = None
        self.is_connected = False
        self.node: Node | None = None
        self.pid = ""


class Node:
    """One gateway's hub, and the part of the log that it has not read yet."""

    def __init__(self, log: MemoryLog, clock: Callable[[], float]) -> None:
        self.unread: list[Record[Entry]] = []
        self.is_lagging = False
        self.hub = Hub(
            window=Window(age=50, max_bytes=400_000, tenant_bytes=200_000),
            log=log,
            session_age=50,
            on_control=lambda entry: None,
            compress_from=1,
            clock=clock,
        )

    def read(self) -> None:
        if self.unread:
            after, end = self.unread[0].offset - 1, self.unread[-1].offset
            records, self.unread = self.unread, []
            # Nodes share nothing but the log, so each has records of its own.
            own = [Record(record.offset, record.entry) for record in records]
            self.hub.ingest(Batch(0, own, after, end))


def frames(data: bytes, *, is_compressed: bool) -> list[bytes]:
    """Split server frames; all of them are text here, and long enough to be compressed."""
    found, at = [], 0
    while at < len(data):
        length, head = data[at + 1], 2
        if length == 126:
            length, head = int.from_bytes(data[at + 2 : at + 4], "big"), 4
        payload = data[at + head : at + head + length]
        assert data[at] == (0xC1 if is_compressed else 0x81)
        found.append(bytes(decompress(payload, 1_000) or b"") if is_compressed else payload)
        at += head + length
    return found


class Tenancy(RuleBasedStateMachine):
    clients = Bundle("clients")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.now = 0.0
        self.log = MemoryLog(epoch="e")
        self.nodes = [Node(self.log, lambda: self.now) for _ in range(2)]
        for node in self.nodes:
            node.hub.on_rooms_changed = self._tell_rooms
        self.offsets = itertools.count(1)
        self.numbers = itertools.count(1)
        self.ids = itertools.count(1)
        self.rooms_to_tell: list[RoomsOfSession] = []
        self.people: list[HeardBy] = []
        self.room_of: dict[int, str | None] = {}  # of each event, by its number
        self.half_open: list[tuple[Hub, Socket, RecordingLink]] = []

    def teardown(self) -> None:
        self.loop.close()

    def _socket(self, person: HeardBy) -> Socket:
        identity = Identity(TenantId(person.tenant), UserId(person.user))
        number = next(self.ids)
        link = RecordingLink(takes_compressed=number % 2 == 0)
        person.link = link
        return Socket(
            sid=Sid(f"s{number}"),
            namespace=NamespaceName(person.namespace),
            identity=identity,
            link=link,
        )

    def _run(self) -> None:
        """Let scheduled turns of the hub happen."""

        async def settle() -> None:
            for _ in range(5):
                await asyncio.sleep(0)

        self.loop.run_until_complete(settle())

    def _in_loop(self, call: Any) -> Any:
        async def run() -> Any:
            return call()

        return self.loop.run_until_complete(run())

    def _read(self, person: HeardBy) -> None:
        link = person.link
        if link is None:
            return
        for frame in frames(bytes(link.written), is_compressed=link.takes_compressed):
            text = frame.decode()
            body = json.loads(text[text.index("[") :])
            person.heard.append(body[1])
            person.last_offset = body[-1]
        link.written.clear()

    def _append(self, entries: Sequence[Entry]) -> list[int]:
        records = [Record(next(self.offsets), entry) for entry in entries]
        for node in self.nodes:
            node.unread += records
            if not node.is_lagging:
                self._in_loop(node.read)
        self._run()
        return [record.offset for record in records]

    def _tell_rooms(self, socket: Socket) -> None:
        """As `RoomAnnouncements` does, but at once."""
        own = socket.identity
        self.rooms_to_tell.append(
            RoomsOfSession(
                own.tenant,
                socket.namespace,
                own.user,
                socket.sid,
                dict(socket.rooms or {}),
                socket.rooms_changed,
            )
        )

    def _tell(self) -> None:
        while self.rooms_to_tell:
            self._append([self.rooms_to_tell.pop(0)])

    def _hub(self, person: HeardBy) -> Hub:
        assert person.node is not None
        return person.node.hub

    def _catch_up(self, node: Node) -> None:
        """As a node does before it says from where on a client hears events."""
        self._in_loop(node.read)
        self._run()

    @rule(number=st.integers(0, 1))
    def begin_to_lag(self, number: int) -> None:
        self.nodes[number].is_lagging = True

    @rule(number=st.integers(0, 1))
    def end_the_lag(self, number: int) -> None:
        self.nodes[number].is_lagging = False
        self._catch_up(self.nodes[number])

    @rule(
        target=clients,
        tenant=names,
        user=names,
        namespace=st.sampled_from(NAMESPACES),
        number=st.integers(0, 1),
    )
    def connect(self, tenant: str, user: str, namespace: str, number: int) -> HeardBy:
        person = HeardBy(tenant, user, namespace)
        person.socket = self._socket(person)
        person.node = self.nodes[number]
        self._catch_up(person.node)
        person.node.hub.add(person.socket)
        person.is_connected = True
        self.people.append(person)
        return person

    @rule(person=clients, room=names)
    def join(self, person: HeardBy, room: str) -> None:
        if person.is_connected and person.socket is not None:
            assert person.node is not None
            self._catch_up(person.node)
            self._hub(person).join(person.socket, RoomName(room))
            person.rooms.add(room)
            self._tell()

    @rule(person=clients, room=names)
    def leave(self, person: HeardBy, room: str) -> None:
        if person.is_connected and person.socket is not None:
            assert person.node is not None
            self._catch_up(person.node)
            self._hub(person).leave(person.socket, RoomName(room))
            person.rooms.discard(room)
            self._read(person)
            self._forget_room(person, room)
            self._tell()

    def _forget_room(self, person: HeardBy, room: str) -> None:
        """What a client that was behind has not seen when it leaves a room, it does not miss."""
        seen = len(person.heard)
        rest = [each for each in person.expected[seen:] if self.room_of[each] != room]
        person.expected[seen:] = rest

    @rule(batch=parts, person=clients)
    def emit(self, batch: list[Part], person: HeardBy) -> None:
        """Append a batch of events for mixed audiences; ``person`` is the sender."""
        sid = person.socket.sid if person.socket is not None else Sid("none")
        entries = [
            EventEntry(
                tenant=TenantId(tenant),
                namespace=NamespaceName(namespace),
                name="tick",
                data=f"{next(self.numbers):<80}".encode(),
                time=0.0,
                user=UserId(name) if kind == "user" else None,
                room=RoomName(name) if kind == "room" else None,
                sid=sid if kind == "sid" else None,
                exclude=sid if exclude else None,
            )
            for tenant, namespace, kind, name, exclude in batch
        ]
        for entry in entries:
            self.room_of[int(entry.data)] = entry.room
            for other in self.people:
                if other.socket is not None and self._is_meant(other, entry):
                    other.expected.append(int(entry.data))
        self._append(entries)

    def _is_meant(self, person: HeardBy, entry: EventEntry) -> bool:
        assert person.socket is not None
        if (person.tenant, person.namespace) != (entry.tenant, entry.namespace):
            return False
        if entry.exclude == person.socket.sid:
            return False
        if entry.user is not None:
            return person.user == entry.user
        if entry.room is not None:
            return entry.room in person.rooms
        return entry.sid is None or entry.sid == person.socket.sid

    @rule(
        person=clients,
        last=parts,
        missed=parts,
        read_before=st.booleans(),
        number=st.integers(0, 1),
    )
    def miss_a_batch(
        self, person: HeardBy, last: list[Part], missed: list[Part], read_before: bool, number: int
    ) -> None:
        """Drop with a batch on the way, which may be lost, and come back after another."""
        self.emit(last, person)
        self.drop(person, read_before)
        self.emit(missed, person)
        self.come_back(person, number)

    @rule(
        person=clients,
        room=names,
        is_joined=st.booleans(),
        batch=parts,
        read_before=st.booleans(),
        number=st.integers(0, 1),
    )
    def change_rooms_elsewhere(
        self,
        person: HeardBy,
        room: str,
        is_joined: bool,
        batch: list[Part],
        read_before: bool,
        number: int,
    ) -> None:
        """Be on the other node for a batch and a change of rooms, before the first notices."""
        self.drop_unnoticed(person, read_before)
        self.come_back(person, 1 - number)
        (self.join if is_joined else self.leave)(person, room)
        self.emit(batch, person)
        self.drop_unnoticed(person, read_before)
        self.come_back(person, number)

    @rule(person=clients, batch=parts, other=clients)
    def fall_behind_for_a_batch(self, person: HeardBy, batch: list[Part], other: HeardBy) -> None:
        self.block(person)
        self.emit(batch, other)
        self.unblock(person)

    @rule(person=clients)
    def block(self, person: HeardBy) -> None:
        if person.is_connected and person.link is not None:
            person.link.is_writable = False

    @rule(person=clients)
    def unblock(self, person: HeardBy) -> None:
        socket, link = person.socket, person.link
        if person.is_connected and link is not None and socket is not None:
            link.is_writable = True
            self._in_loop(lambda: self._hub(person).resume(socket))
            self._run()
            self._note_abort(person)

    @rule(person=clients, read_before=st.booleans())
    def drop(self, person: HeardBy, read_before: bool) -> None:
        if person.is_connected and person.socket is not None and person.link is not None:
            if read_before:
                self._read(person)
            else:  # lost on the way: the client never saw it
                person.link.written.clear()
            person.pid = self._hub(person).sessions.private_id(person.socket)
            self._hub(person).drop(person.socket)
            person.is_connected = False

    @rule(person=clients, read_before=st.booleans())
    def drop_unnoticed(self, person: HeardBy, read_before: bool) -> None:
        """The client is gone; its node writes to the dead connection until no ping comes back."""
        if person.is_connected and person.socket is not None and person.link is not None:
            if read_before:
                self._read(person)
            self.half_open.append((self._hub(person), person.socket, person.link))
            person.pid = self._hub(person).sessions.private_id(person.socket)
            person.link, person.is_connected = None, False

    @rule()
    def tell_of_all_again(self) -> None:
        """As each node does from time to time, also of those that it does not know to be gone."""
        for node in self.nodes:
            for socket in node.hub.sockets_with_rooms():
                self._tell_rooms(socket)
        self._tell()

    @rule()
    def notice_the_lost(self) -> None:
        lost, self.half_open = self.half_open, []
        for hub, socket, link in lost:
            if socket.link is link:
                hub.drop(socket)

    @rule(person=clients, number=st.integers(0, 1))
    def come_back(self, person: HeardBy, number: int) -> None:
        if person.is_connected or person.socket is None:
            return
        node = person.node = self.nodes[number]
        self._catch_up(node)
        fresh = self._socket(person)
        claim = node.hub.sessions.claim(person.pid, fresh)
        assert claim is not None
        rooms = node.hub.sessions.rooms_of(claim)
        back = node.hub.recover(fresh, claim, person.last_offset, rooms)
        if back is None:
            self._start_anew(person, fresh)
        else:
            assert set(back.rooms or ()) == person.rooms
            person.socket = back
            person.is_connected = True
            self._in_loop(lambda: node.hub.catch_up(back))
            self._run()

    @rule(person=clients, thief=clients, number=st.integers(0, 1))
    def present_somebody_elses_session(self, person: HeardBy, thief: HeardBy, number: int) -> None:
        own = (person.tenant, person.user, person.namespace)
        if person.socket is None or own == (thief.tenant, thief.user, thief.namespace):
            return
        link = thief.link
        fresh = self._socket(thief)
        thief.link = link
        pid = self._hub(person).sessions.private_id(person.socket)
        assert self.nodes[number].hub.sessions.claim(pid, fresh) is None

    @rule(person=clients)
    def end(self, person: HeardBy) -> None:
        """End a session for good, as an expired or revoked token does."""
        if person.is_connected and person.socket is not None:
            self._read(person)
            self._hub(person).end(person.socket)
            person.socket, person.is_connected = None, False

    @rule(seconds=st.sampled_from([1.0, 20.0, 60.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for node in self.nodes:
            self._in_loop(node.hub.expire)
        for person in self.people:
            self._note_abort(person)

    def _note_abort(self, person: HeardBy) -> None:
        """A client that was given up as lagging starts anew; its gap is not held against it."""
        if person.is_connected and person.link is not None and person.link.aborted:
            self._read(person)
            person.socket, person.is_connected = None, False

    def _is_served(self, person: HeardBy) -> bool:
        return person.is_connected and person.link is not None and person.link.is_writable

    def _start_anew(self, person: HeardBy, fresh: Socket) -> None:
        person.expected = list(person.heard)
        person.rooms.clear()
        person.last_offset = None
        person.socket = fresh
        self._hub(person).add(fresh)
        person.is_connected = True

    @invariant()
    def everybody_heard_what_they_should_and_nothing_else(self) -> None:
        for person in self.people:
            is_behind = person.node is None or bool(person.node.unread)
            if person.is_connected and person.link is not None and person.link.is_writable:
                self._read(person)
            if self._is_served(person) and not is_behind:
                assert person.heard == person.expected, (person.tenant, person.user)
            else:
                assert person.heard == person.expected[: len(person.heard)]


Tenancy.TestCase.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
TestTenancy = Tenancy.TestCase
