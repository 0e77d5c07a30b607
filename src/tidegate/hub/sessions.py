"""Sessions that clients may come back to: on this node, or brought along from another."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tidegate.hub.recovery import Claim, SessionStore, private_id, read_private_id
from tidegate.hub.rooms import RoomDirectory, ToldRooms
from tidegate.hub.socket import Socket
from tidegate.ids import RoomName, TenantId
from tidegate.log import RoomsOfSession

__all__ = ["Sessions"]

ROOMS_AGE = 3.0
"""Ages of a session for which rooms told by other nodes are kept; they tell them twice in one."""


class Sessions:
    """Knows which socket a private id stands for, and which resource rooms belong to it.

    Args:
        key: The log's, which signs private ids.
        age: Seconds that a dropped socket is kept for its return.
        max_elsewhere: Sockets on other nodes whose rooms are known at most.
        partition_of: The log's partition of a tenant.
        positions: Offset up to which each partition has been read; looked at, not copied.
    """

    def __init__(
        self,
        key: bytes,
        *,
        age: float,
        max_elsewhere: int = 100_000,
        partition_of: Callable[[TenantId], int],
        positions: Mapping[int, int],
    ) -> None:
        self._key = key
        self._partition_of = partition_of
        self._positions = positions
        self._here = SessionStore(age=age)
        self._elsewhere = RoomDirectory(
            age=ROOMS_AGE * age, on_forgotten=self._doubt, max_sessions=max_elsewhere
        )
        # Sessions that began by then may have had rooms, though nothing is known of any.
        self._doubtful: dict[int, int] = {}

    @property
    def dropped(self) -> int:
        """How many sessions wait here for their client."""
        return self._here.dropped

    def dropped_of(self, tenant: TenantId) -> list[Socket]:
        """Return the dropped sessions of a tenant on this node."""
        return self._here.dropped_of(tenant)

    # Life

    def open(self, socket: Socket) -> None:
        """Note a socket as connected here."""
        self._here.open(socket)

    def drop(self, socket: Socket, now: float) -> None:
        """Keep a disconnected socket for its client's return, with what was told of it since."""
        told = self._newer(socket)
        if told is not None:
            _take(socket, told.rooms, told.changed)
        crowded_out = self._here.drop(socket, now)
        if crowded_out is not None:
            self._bury(crowded_out)

    def end(self, socket: Socket) -> None:
        """Forget a socket. Its client gets a new session, or, if it never had resource rooms, the
        same again: then all that belongs to it is in its id and token, and nothing is missing.
        """
        self._here.end(socket)
        self._bury(socket)

    def expire(self, now: float) -> None:
        """Forget what has waited, or was not told of, for too long."""
        for socket in self._here.expire(now):
            self._bury(socket)
        self._elsewhere.expire(now)

    def note_rooms(self, entry: RoomsOfSession, now: float) -> None:
        """Take in what the log tells of a socket's resource rooms.

        Of one that is connected here it is the echo of what this node told, unless it is newer:
        then the client is on another node, and the connection is dead or will be closed.
        """
        session = self._here.get(entry.sid)
        is_newer = session is not None and entry.changed > session.rooms_changed
        # What was told before is kept up to date also while the socket is here: when it is gone,
        # that counts again.
        if session is None or (session.link and is_newer) or self._elsewhere.get(entry.sid):
            self._elsewhere.note(entry, now)
        if session and session.link is None and not 0 < entry.changed < session.rooms_changed:
            _take(session, entry.rooms, entry.changed)

    def start_over(self) -> None:
        """Doubt all sessions of before that are unknown here: what was told of them was missed."""
        self._doubtful = dict(self._positions)

    # Return

    def private_id(self, socket: Socket) -> str:
        """Return what a client presents when it comes back to its session, on any node."""
        return private_id(self._key, socket)

    def claim(self, pid: object, fresh: Socket) -> Claim | None:
        """Return whose session a client wants back; None unless it is its own.

        Args:
            pid: The private id that it presents, unchecked.
            fresh: A socket that was not added, with the presented token's identity.
        """
        return read_private_id(self._key, pid, fresh)

    def rooms_of(self, claim: Claim) -> frozenset[RoomName]:
        """Return the resource rooms that belong to a claimed session."""
        session = self._here.get(claim.sid)
        told = self._elsewhere.get(claim.sid) if session is None else self._newer(session)
        if told is not None:
            return frozenset(told.rooms)
        return frozenset((session and session.rooms) or ())

    def find(self, claim: Claim, fresh: Socket) -> Socket | None:
        """Return the socket that is claimed, made anew if it was on another node.

        None if it may have had rooms that are not known any more: it would not get everything.
        """
        session = self._here.get(claim.sid)
        if session is not None:
            return session
        told = self._elsewhere.get(claim.sid)
        if not (told and told.rooms) and self._may_have_had_rooms(claim, fresh):
            return None
        session = Socket(sid=claim.sid, namespace=fresh.namespace, identity=fresh.identity)
        session.start = session.since = claim.start
        if told is not None:
            _take(session, told.rooms, told.changed)
        return session

    def _newer(self, socket: Socket) -> ToldRooms | None:
        """Return what another node told of a socket since its rooms changed here."""
        told = self._elsewhere.get(socket.sid)
        return told if told is not None and told.changed > socket.rooms_changed else None

    def _may_have_had_rooms(self, claim: Claim, fresh: Socket) -> bool:
        partition = self._partition_of(fresh.identity.tenant)
        is_old = claim.start <= self._doubtful.get(partition, -1)
        return is_old or self._elsewhere.is_buried(claim.sid)

    def _bury(self, socket: Socket) -> None:
        """Remember of a session that is over whether it had resource rooms."""
        if socket.rooms:
            self._elsewhere.bury(socket.sid, socket.identity.tenant, socket.rooms_changed)

    def _doubt(self, tenant: TenantId, changed: int) -> None:
        """Doubt sessions that are no younger than one with rooms that was forgotten."""
        partition = self._partition_of(tenant)
        by = changed or self._positions.get(partition, 0)  # 0: told by an older version
        self._doubtful[partition] = max(by, self._doubtful.get(partition, -1))


def _take(session: Socket, rooms: Mapping[RoomName, int], changed: int) -> None:
    """Give a session that is not connected the rooms that another node told of it."""
    session.rooms = dict(rooms) or None
    if changed > session.rooms_changed:
        session.rooms_changed = changed
        # What was sent from here was not sent from the rooms joined elsewhere; so it counts only
        # what the client says that it has seen.
        session.since = session.start
