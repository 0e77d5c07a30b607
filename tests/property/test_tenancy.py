"""No event reaches a socket outside its audience, whatever happens in whatever order.

The real hub, door-side calls included, against a model that knows who may hear what. Tenants,
users and rooms have hostile names: alike, nested, with separators of other systems.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from tidegate.auth.identity import Identity
from tidegate.hub import Hub, Socket
from tidegate.ids import NamespaceName, RoomName, Sid, TenantId, UserId
from tidegate.log import EventEntry, Record, Window
from tidegate.log.offset import format_offset

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

    def __init__(self) -> None:
        self.is_writable = True
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


def frames(data: bytes) -> list[bytes]:
    """Split server frames; all of them are text here."""
    found, at = [], 0
    while at < len(data):
        length, head = data[at + 1], 2
        if length == 126:
            length, head = int.from_bytes(data[at + 2 : at + 4], "big"), 4
        found.append(data[at + head : at + head + length])
        at += head + length
    return found


class Tenancy(RuleBasedStateMachine):
    clients = Bundle("clients")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.now = 0.0
        window = Window(age=50, max_bytes=200_000, tenant_bytes=100_000)
        self.hub = Hub(
            window=window,
            epoch="e",
            session_age=50,
            on_control=lambda entry: None,
            clock=lambda: self.now,
        )
        self.offsets = itertools.count(1)
        self.ids = itertools.count(1)
        self.people: list[HeardBy] = []

    def teardown(self) -> None:
        self.loop.close()

    def _socket(self, person: HeardBy) -> Socket:
        identity = Identity(TenantId(person.tenant), UserId(person.user))
        number = next(self.ids)
        link = RecordingLink()
        person.link = link
        return Socket(
            sid=Sid(f"s{number}"),
            pid=f"p{number}",
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
        for frame in frames(bytes(link.written)):
            text = frame.decode()
            body = json.loads(text[text.index("[") :])
            person.heard.append(body[1])
            person.last_offset = body[-1]
        link.written.clear()

    @rule(target=clients, tenant=names, user=names, namespace=st.sampled_from(NAMESPACES))
    def connect(self, tenant: str, user: str, namespace: str) -> HeardBy:
        person = HeardBy(tenant, user, namespace)
        person.socket = self._socket(person)
        self.hub.add(person.socket)
        person.is_connected = True
        self.people.append(person)
        return person

    @rule(person=clients, room=names)
    def join(self, person: HeardBy, room: str) -> None:
        if person.is_connected and person.socket is not None:
            self.hub.join(person.socket, RoomName(room))
            person.rooms.add(room)

    @rule(person=clients, room=names)
    def leave(self, person: HeardBy, room: str) -> None:
        if person.is_connected and person.socket is not None:
            self.hub.leave(person.socket, RoomName(room))
            person.rooms.discard(room)

    @rule(batch=parts, person=clients)
    def emit(self, batch: list[Part], person: HeardBy) -> None:
        """Append a batch of events for mixed audiences; ``person`` is the sender."""
        sid = person.socket.sid if person.socket is not None else Sid("none")
        records = []
        for tenant, namespace, kind, name, exclude in batch:
            offset = next(self.offsets)
            entry = EventEntry(
                tenant=TenantId(tenant),
                namespace=NamespaceName(namespace),
                name="tick",
                data=str(offset).encode(),
                time=0.0,
                user=UserId(name) if kind == "user" else None,
                room=RoomName(name) if kind == "room" else None,
                sid=sid if kind == "sid" else None,
                exclude=sid if exclude else None,
            )
            records.append(Record(offset, entry))
            for other in self.people:
                if other.socket is not None and self._is_meant(other, entry):
                    other.expected.append(offset)
        self._in_loop(lambda: self.hub.ingest(records))
        self._run()

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

    @rule(person=clients, last=parts, missed=parts, read_before=st.booleans())
    def miss_a_batch(
        self, person: HeardBy, last: list[Part], missed: list[Part], read_before: bool
    ) -> None:
        """Drop with a batch on the way, which may be lost, and come back after another."""
        self.emit(last, person)
        self.drop(person, read_before)
        self.emit(missed, person)
        self.come_back(person)

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
            self._in_loop(lambda: self.hub.resume(socket))
            self._run()
            self._note_abort(person)

    @rule(person=clients, read_before=st.booleans())
    def drop(self, person: HeardBy, read_before: bool) -> None:
        if person.is_connected and person.socket is not None and person.link is not None:
            if read_before:
                self._read(person)
            else:  # lost on the way: the client never saw it
                person.link.written.clear()
            self.hub.drop(person.socket)
            person.is_connected = False

    @rule(person=clients)
    def come_back(self, person: HeardBy) -> None:
        session = person.socket
        if person.is_connected or session is None:
            return
        fresh = self._socket(person)
        back = self.hub.recover(fresh, session.pid, person.last_offset)
        if back is None:
            self._start_anew(person, fresh)
        else:
            person.is_connected = True
            self._in_loop(lambda: self.hub.catch_up(back))
            self._run()

    @rule(person=clients, thief=clients)
    def present_somebody_elses_session(self, person: HeardBy, thief: HeardBy) -> None:
        own = (person.tenant, person.user, person.namespace)
        if person.socket is None or own == (thief.tenant, thief.user, thief.namespace):
            return
        link = thief.link
        fresh = self._socket(thief)
        thief.link = link
        offset = person.last_offset or format_offset("e", 0)
        assert self.hub.recover(fresh, person.socket.pid, offset) is None

    @rule(person=clients)
    def end(self, person: HeardBy) -> None:
        """End a session for good, as an expired or revoked token does."""
        if person.is_connected and person.socket is not None:
            self._read(person)
            self.hub.end(person.socket)
            person.socket, person.is_connected = None, False

    @rule(seconds=st.sampled_from([1.0, 20.0, 60.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self._in_loop(self.hub.expire)
        for person in self.people:
            self._note_abort(person)

    def _note_abort(self, person: HeardBy) -> None:
        """A client that was given up as lagging starts anew; its gap is not held against it."""
        if person.is_connected and person.link is not None and person.link.aborted:
            self._read(person)
            person.socket, person.is_connected = None, False

    def _start_anew(self, person: HeardBy, fresh: Socket) -> None:
        person.expected = list(person.heard)
        person.rooms.clear()
        person.last_offset = None
        person.socket = fresh
        self.hub.add(fresh)
        person.is_connected = True

    @invariant()
    def everybody_heard_what_they_should_and_nothing_else(self) -> None:
        for person in self.people:
            if person.is_connected and person.link is not None and person.link.is_writable:
                self._read(person)
                assert person.heard == person.expected, (person.tenant, person.user)
            else:
                assert person.heard == person.expected[: len(person.heard)]


Tenancy.TestCase.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
TestTenancy = Tenancy.TestCase
