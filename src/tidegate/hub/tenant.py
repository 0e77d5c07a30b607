"""Who of one tenant is connected to this node, and in which rooms.

Every look-up starts from a tenant's own state, so a room or user name, however hostile, can only
ever lead to sockets of that tenant.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from tidegate.hub.delivery import Delivery
from tidegate.hub.socket import Socket
from tidegate.ids import NamespaceName, RoomName, Sid, TenantId, UserId
from tidegate.log.entry import EventEntry, Record

__all__ = ["NamespaceMembers", "TenantState"]


class NamespaceMembers:
    """The sockets of one tenant in one namespace, and the resource rooms they joined."""

    __slots__ = ("rooms", "sockets")

    def __init__(self) -> None:
        self.sockets: dict[Sid, Socket] = {}
        self.rooms: dict[RoomName, dict[Socket, int]] = {}


class TenantState:
    """One tenant on this node: its sockets by namespace, user and room, and what they await.

    Attributes:
        delivered: Offset up to which live sockets have been served.
        pending: Records that wait to be delivered, oldest first.
        delivery: The batch under way, if it did not fit into one turn.
        is_queued: Whether the hub's turn queue holds this tenant.
    """

    __slots__ = (
        "delivered",
        "delivery",
        "drained",
        "id",
        "is_queued",
        "namespaces",
        "pending",
        "users",
    )

    def __init__(self, tenant: TenantId, delivered: int) -> None:
        self.id = tenant
        self.delivered = delivered
        self.namespaces: dict[NamespaceName, NamespaceMembers] = {}
        self.users: dict[UserId, tuple[Socket, ...]] = {}
        self.pending: list[Record[EventEntry]] = []
        self.delivery: Delivery | None = None
        self.is_queued = False
        self.drained: asyncio.Event | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nobody is connected."""
        return not self.users

    def add(self, socket: Socket) -> None:
        """Put a socket into its tenant's, its user's and its resource rooms."""
        members = self.namespaces.get(socket.namespace)
        if members is None:
            members = self.namespaces[socket.namespace] = NamespaceMembers()
        members.sockets[socket.sid] = socket
        user = socket.identity.user
        self.users[user] = (*self.users.get(user, ()), socket)
        for room, joined in (socket.rooms or {}).items():
            members.rooms.setdefault(room, {})[socket] = joined

    def remove(self, socket: Socket) -> None:
        """Take a socket out of all of them; ``socket.rooms`` stays, for its return."""
        members = self.namespaces[socket.namespace]
        del members.sockets[socket.sid]
        for room in socket.rooms or ():
            _leave(members, socket, room)
        if not members.sockets:
            del self.namespaces[socket.namespace]
        user = socket.identity.user
        rest = tuple(other for other in self.users[user] if other is not socket)
        if rest:
            self.users[user] = rest
        else:
            del self.users[user]

    def join(self, socket: Socket, room: RoomName, offset: int) -> None:
        """Let a socket hear a room's events past ``offset``; joining again changes nothing."""
        if socket.rooms is None:
            socket.rooms = {}
        joined = socket.rooms.setdefault(room, offset)
        self.namespaces[socket.namespace].rooms.setdefault(room, {}).setdefault(socket, joined)

    def leave(self, socket: Socket, room: RoomName) -> None:
        """Undo ``join``; a room that was not joined changes nothing."""
        if socket.rooms and socket.rooms.pop(room, None) is not None:
            _leave(self.namespaces[socket.namespace], socket, room)
            if not socket.rooms:
                socket.rooms = None

    def audience(self, entry: EventEntry) -> Iterable[Socket]:
        """Return the sockets that an entry means, the excluded one included."""
        members = self.namespaces.get(entry.namespace)
        if members is None:
            return ()
        if entry.room is not None:
            return members.rooms.get(entry.room, ())
        if entry.user is not None:
            sockets = self.users.get(entry.user, ())
            return [socket for socket in sockets if socket.namespace == entry.namespace]
        if entry.sid is not None:
            only = members.sockets.get(entry.sid)
            return () if only is None else (only,)
        return members.sockets.values()

    def room_offsets(self, entry: EventEntry) -> Mapping[Socket, int] | None:
        """Return when each socket joined the entry's room; None unless it addresses a room."""
        if entry.room is None:
            return None
        members = self.namespaces.get(entry.namespace)
        return {} if members is None else members.rooms.get(entry.room, {})


def _leave(members: NamespaceMembers, socket: Socket, room: RoomName) -> None:
    sockets = members.rooms.get(room)
    if sockets is not None:
        sockets.pop(socket, None)
        if not sockets:
            del members.rooms[room]
