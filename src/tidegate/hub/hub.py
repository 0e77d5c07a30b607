"""The hub: follows the log, keeps the window, and writes each event to the sockets it is for.

Invariants:

- one thread, one event loop; nothing here awaits between reading and changing membership;
- a live socket has been served everything up to its tenant's ``delivered``, or to its own ``since``
  if that is later;
- a socket that is not live holds in ``since`` what it has been served up to, and only the window
  serves it, until it has caught up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import msgspec

from tidegate.hub.frames import FrameEncoder
from tidegate.hub.recovery import Claim, resume_point
from tidegate.hub.sessions import Sessions
from tidegate.hub.socket import Link, Socket
from tidegate.hub.tenant import TenantState
from tidegate.hub.turns import MAX_PENDING, Turns
from tidegate.ids import RoomName, TenantId, UserId
from tidegate.log import (
    Batch,
    Control,
    EventEntry,
    EventLog,
    Record,
    Revocation,
    RoomsOfSession,
    Window,
)
from tidegate.log.offset import format_offset, parse_offset

__all__ = ["Hub", "HubStats"]

CATCH_UP_BYTES = 128 * 1024
CATCH_UP_RECORDS = 2_000

Tap = Callable[[Record[EventEntry]], None]
ControlHandler = Callable[[Control], None]


class HubStats(msgspec.Struct):
    """Counters since start, read by the metrics."""

    caught_up_deliveries: int = 0
    duplicates: int = 0
    lagging: int = 0
    recovered: int = 0
    not_recovered: int = 0


class Hub:
    """Knows who is where on this node and serves each socket its part of the log.

    Args:
        window: Recent events; the hub fills and expires it.
        log: What is followed: its epoch, its key and its partitions; nothing is appended to it.
        session_age: Seconds that a dropped socket may come back.
        max_elsewhere: Sockets on other nodes whose resource rooms are known here, at most.
        on_control: Told of control entries, in log order with the events.
        compress_from: Bytes of a payload from which it is compressed for links that take that;
            None if there are no such links.
        clock: Monotonic seconds.

    Attributes:
        positions: Offset up to which each partition has been read, once following has begun.
        sessions: Sockets that clients may come back to.
        turns: What is being delivered to live sockets.
        taps: Called with each new event, for whoever watches; they must not block or raise.
        on_rooms_changed: Told when a connected socket has joined or left a resource room.
    """

    def __init__(
        self,
        *,
        window: Window,
        log: EventLog,
        session_age: float,
        on_control: ControlHandler,
        max_elsewhere: int = 100_000,
        compress_from: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.window = window
        self.stats = HubStats()
        self.positions: dict[int, int] = {}
        self.sessions = Sessions(
            log.key,
            age=session_age,
            max_elsewhere=max_elsewhere,
            partition_of=log.partition_of,
            positions=self.positions,
        )
        self._epoch = log.epoch
        self._partition_of = log.partition_of
        self._clock = clock
        self._on_control = on_control
        self._begin = float("-inf")
        self._frames = FrameEncoder(log.epoch, compress_from=compress_from)
        self._tenants: dict[TenantId, TenantState] = {}
        self._behind: set[Socket] = set()
        self.turns = Turns(self._frames, self._behind)
        self.taps: set[Tap] = set()
        self.on_rooms_changed: Callable[[Socket], None] | None = None

    # Membership

    def add(self, socket: Socket) -> None:
        """Let a new socket hear everything from now on."""
        socket.start = socket.since = self.position_of(socket.identity.tenant)
        socket.is_live = True
        self._attach(socket)
        if socket.rooms:
            self._rooms_changed(socket)

    def recover(
        self, fresh: Socket, claim: Claim, offset: object, rooms: frozenset[RoomName]
    ) -> Socket | None:
        """Give a returning client its session back, or None if that would leave a gap.

        On success the session's socket holds the new connection's link and identity and stands
        where the client left. Send the CONNECT reply, then call ``catch_up``.

        Args:
            fresh: A socket that was not added, with the presented token's identity.
            claim: The session, as ``sessions.claim`` returned it for this socket.
            offset: The offset that it presents, unchecked; None if it received nothing yet.
            rooms: Those of its resource rooms that it may still be in.
        """
        session = self.sessions.find(claim, fresh)
        since = None if session is None else self._resume_from(session, offset)
        if session is None or since is None:
            self.stats.not_recovered += 1
            return None
        for room in frozenset(session.rooms or ()) - rooms:
            self.leave(session, room)
        session.link, session.identity, session.since = fresh.link, fresh.identity, since
        session.is_live = False
        self._attach(session)
        self._behind.add(session)
        self.stats.recovered += 1
        return session

    def drop(self, socket: Socket) -> None:
        """Take a socket out whose connection is gone; its client may come back to the session."""
        if socket.link is None:
            return
        self._detach(socket)
        self.sessions.drop(socket, self._clock())

    def finish(self, socket: Socket) -> None:
        """Take a socket out for good, once it was given what the log had for it before.

        Of one that does not keep up it is as much as one helping.
        """
        link, state = socket.link, socket.tenant
        if link is not None and state is not None and link.is_writable:
            self._settle(socket, state)
            if self.window.can_serve(state.id, socket.since):
                records = self.window.after(state.id, socket.since, CATCH_UP_RECORDS)
                self._write_missed(socket, link, records)
        self.end(socket)

    def end(self, socket: Socket) -> None:
        """Take a socket out for good: it left, or can't be served any more."""
        if socket.link is not None:
            self._detach(socket)
        self.sessions.end(socket)

    def join(self, socket: Socket, room: RoomName) -> None:
        """Let a socket hear a resource room from now on, or from when it is added."""
        position = self.position_of(socket.identity.tenant)
        if socket.tenant is not None:
            socket.tenant.join(socket, room, position)
            self._rooms_changed(socket)
        else:
            socket.rooms = {**(socket.rooms or {}), room: position}

    def leave(self, socket: Socket, room: RoomName) -> None:
        """Undo ``join``; a room that was not joined changes nothing, and is told to nobody.

        Of the room's events a socket that is behind gets none any more.
        """
        if not socket.rooms or room not in socket.rooms:
            return
        if socket.tenant is not None:
            socket.tenant.leave(socket, room)
            self._rooms_changed(socket)
        else:
            del socket.rooms[room]
            socket.rooms = socket.rooms or None

    def sockets_of(self, tenant: TenantId, user: UserId | None = None) -> list[Socket]:
        """Return the connected sockets of a tenant, or of one user in it."""
        state = self._tenants.get(tenant)
        if state is None:
            return []
        if user is not None:
            return list(state.users.get(user, ()))
        return [socket for sockets in state.users.values() for socket in sockets]

    def sockets_with_rooms(self) -> list[Socket]:
        """Return the connected sockets that are in resource rooms."""
        tenants = self._tenants.values()
        return [s for state in tenants for own in state.users.values() for s in own if s.rooms]

    def tenants(self) -> dict[TenantId, int]:
        """Return how many sockets each connected tenant has."""
        return {tenant: len(self.sockets_of(tenant)) for tenant in self._tenants}

    def offset_string(self, socket: Socket) -> str:
        """Return the offset that a packet outside the log must carry to this socket."""
        return format_offset(self._epoch, socket.last_sent or socket.start)

    # Following the log

    def position_of(self, tenant: TenantId) -> int:
        """Return the offset up to which a tenant's part of the log has been read."""
        return self.positions.get(self._partition_of(tenant), 0)

    def has_reached(self, heads: Sequence[int]) -> bool:
        """Tell whether all partitions have been read up to these offsets."""
        positions = self.positions
        return all(positions.get(number, -1) >= head for number, head in enumerate(heads))

    def start_over(self, heads: Sequence[int], revocations: Sequence[Revocation]) -> None:
        """Go on at these offsets, one for each partition, since something before was missed.

        No client of before can be served any more: each is cut off, and comes back unrecovered,
        unless its token is among those revoked; some of these may have been missed, too.
        """
        for revocation in revocations:
            self._on_control(revocation)
        self.window.clear()
        for partition, head in enumerate(heads):
            self.window.start_at(partition, head)
            self.positions[partition] = head
        self.sessions.start_over()
        for state in list(self._tenants.values()):
            for socket in self.sockets_of(state.id):
                self._give_up(socket)

    def begin_at(self, time: float) -> None:
        """Until ``end_fill``, take nothing into the window that was made before ``time``.

        Nor can a client be served from before it: the log is read further back only for what
        nodes tell each other. Call it before the first batch; ``time`` is in Unix seconds.
        """
        self._begin = time

    def end_fill(self) -> None:
        """Take every event from now on, whatever the clock of its publisher said."""
        self._begin = float("-inf")

    def ingest(self, batch: Batch) -> None:
        """Take what the log has ready and begin to deliver it."""
        now = self._clock()
        partition = batch.partition
        if partition not in self.positions:
            self.window.start_at(partition, batch.after)
        for record in batch.records:
            entry = record.entry
            if isinstance(entry, EventEntry):
                self._ingest_event(record, entry.tenant, now)  # type: ignore[arg-type]
                continue
            self.positions[partition] = record.offset
            self._ingest_control(entry, now)
        self.positions[partition] = batch.end
        self.turns.take()

    def is_full(self, tenant: TenantId) -> bool:
        """Tell whether so many of a tenant's events wait here that its publishers should."""
        state = self._tenants.get(tenant)
        return state is not None and len(state.pending) >= MAX_PENDING

    async def wait_for_room(self, tenant: TenantId) -> None:
        """Return when this node can take more events of a tenant; at once while it keeps up."""
        state = self._tenants.get(tenant)
        while state is not None and len(state.pending) >= MAX_PENDING:
            state.drained = state.drained or asyncio.Event()
            state.drained.clear()
            await state.drained.wait()
            state = self._tenants.get(tenant)

    def expire(self) -> None:
        """Evict old events and sessions, and disconnect sockets that can't be served any more.

        Call it every second or so.
        """
        now = self._clock()
        self.window.expire(now)
        self.sessions.expire(now)
        for socket in list(self._behind):
            if not self.window.can_serve(socket.identity.tenant, socket.since):
                self._give_up(socket)

    # Serving sockets that are not live

    def resume(self, socket: Socket) -> None:
        """Go on with a socket whose link can be written to again."""
        if socket in self._behind:
            self.catch_up(socket)

    def catch_up(self, socket: Socket) -> None:
        """Serve a socket from the window until it is live, its link full, or the turn over."""
        link, tenant = socket.link, socket.identity.tenant
        if link is None or socket not in self._behind or not link.is_writable:
            return
        if not self.window.can_serve(tenant, socket.since):
            self._give_up(socket)
            return
        records = self.window.after(tenant, socket.since, CATCH_UP_RECORDS)
        if self._write_missed(socket, link, records):
            self._go_live(socket)
        elif link.is_writable:
            asyncio.get_running_loop().call_soon(self.catch_up, socket)

    def _write_missed(
        self, socket: Socket, link: Link, records: Sequence[Record[EventEntry]]
    ) -> bool:
        """Write one helping of the records and move the cursor; True if there was nothing more."""
        frames, size, offset = [], 0, socket.since
        frame_of, is_addressed_by = self._frames.for_socket(socket), socket.is_addressed_by
        for record in records:
            offset = record.offset
            if is_addressed_by(record.entry, offset):
                frame = frame_of(record)
                frames.append(frame)
                size += len(frame)
                socket.last_sent = offset
                if size >= CATCH_UP_BYTES:
                    break
        socket.since = offset
        if frames:
            link.transport.write(b"".join(frames))
            self.stats.caught_up_deliveries += len(frames)
        return (
            link.is_writable
            and len(records) < CATCH_UP_RECORDS
            and (not records or socket.since == records[-1].offset)
        )

    def _go_live(self, socket: Socket) -> None:
        self._behind.discard(socket)
        socket.since = max(socket.since, self.position_of(socket.identity.tenant))
        socket.is_live = True

    def _give_up(self, socket: Socket) -> None:
        """Disconnect a socket that the window can't serve; its client reconnects unrecovered."""
        self.stats.lagging += 1
        link = socket.link
        self.end(socket)
        if link is not None:
            link.abort("lagging")

    # Small parts

    def _ingest_event(self, record: Record[EventEntry], tenant: TenantId, now: float) -> None:
        if record.entry.time < self._begin:
            self.window.start_at(self._partition_of(tenant), record.offset)
            return
        if not self.window.add(record, now):
            self.stats.duplicates += 1
            return
        for tap in self.taps:
            tap(record)
        state = self._tenants.get(tenant)
        if state is not None:
            self.turns.add(state, record)

    def _ingest_control(self, entry: Control, now: float) -> None:
        if isinstance(entry, RoomsOfSession):
            self.sessions.note_rooms(entry, now)
        else:
            self._on_control(entry)

    def _rooms_changed(self, socket: Socket) -> None:
        position = self.position_of(socket.identity.tenant)
        # Higher than before, for who knows what was before; an offset, for who does not.
        socket.rooms_changed = max(socket.rooms_changed + 1, position)
        if self.on_rooms_changed is not None:
            self.on_rooms_changed(socket)

    def _resume_from(self, session: Socket, offset: object) -> int | None:
        presented = None if offset is None else parse_offset(offset, self._epoch)
        if offset is not None and presented is None:
            return None
        if session.link is not None:  # the old connection has not noticed yet that it is dead
            link = session.link
            self.drop(session)
            link.abort("replaced")
        tenant = session.identity.tenant
        since = resume_point(session, presented)
        if not self.window.can_serve(tenant, since):
            return None
        return since if since <= self.position_of(tenant) else None  # else it was never sent that

    def _attach(self, socket: Socket) -> None:
        tenant = socket.identity.tenant
        state = self._tenants.get(tenant)
        if state is None:
            state = self._tenants[tenant] = TenantState(tenant, self.position_of(tenant))
        socket.tenant = state
        state.add(socket)
        self.sessions.open(socket)

    def _detach(self, socket: Socket) -> None:
        state = socket.tenant
        if state is None:
            return
        self._settle(socket, state)
        socket.link = socket.tenant = None
        self._behind.discard(socket)
        state.remove(socket)
        if state.is_empty and self._tenants.get(state.id) is state:
            self._forget(state)

    def _settle(self, socket: Socket, state: TenantState) -> None:
        """Note how far a live socket has been served, and serve it no more with the others."""
        if socket.is_live:
            socket.since = max(socket.since, state.delivered, socket.last_sent)
        socket.is_live = False

    def _forget(self, state: TenantState) -> None:
        del self._tenants[state.id]
        self.turns.forget(state)
