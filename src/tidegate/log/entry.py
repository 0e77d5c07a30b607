"""What travels in the log: events for an audience, and control entries for the nodes themselves.

Entries are stored as arrays: a new field goes to the end of its class and has a default, so that
nodes of the versions before and after it can follow the same log.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from tidegate.ids import NamespaceName, RoomName, Sid, TenantId, UserId

__all__ = [
    "Control",
    "Disconnection",
    "Entry",
    "EventEntry",
    "Record",
    "Revocation",
    "RoomsOfSession",
]

FLAT_SIZE = 860
"""What an event is counted with beside its payload and the frame's copy of that.

These are the objects that hold it in the window: entry, record, names, frame, its place in line.
Measured on Python 3.11, by resident memory, for events decoded from a stream: 860 if tenants and
users have UUIDs, 800 if they have short names; 650 to 710 if they were emitted on this node, whose
names are shared. An event that nobody here has heard has no frame and takes its payload and 160
less: it is counted with one all the same, since its audience may come at any time.
"""

ID_SIZE = 210
"""What a message id takes besides: its string, and its place among those of the window."""

TRACE_SIZE = 110
"""What a trace context takes besides."""


class EventEntry(msgspec.Struct, frozen=True, gc=False, tag="event", array_like=True):
    """One event for one audience inside one tenant.

    The audience is the whole tenant unless one of ``user``, ``room`` and ``sid`` narrows it.

    Attributes:
        data: The payload as JSON; it reaches the browser byte for byte.
        attachments: Binary parts that placeholders in ``data`` name.
        exclude: A socket that is left out, usually the sender's.
        message_id: The publisher's id; the same id twice within the window is delivered once.
        time: Unix seconds when the entry was made.
        trace: W3C ``traceparent`` of the publisher.
        origin: Fingerprint of the broker's message that this came from, if that had no id: when
            the broker delivers it again, it is known to be in the log already.
    """

    tenant: TenantId
    namespace: NamespaceName
    name: str
    data: bytes
    time: float
    attachments: tuple[bytes, ...] = ()
    user: UserId | None = None
    room: RoomName | None = None
    sid: Sid | None = None
    exclude: Sid | None = None
    message_id: str | None = None
    trace: str | None = None
    origin: int | None = None

    @property
    def size(self) -> int:
        """Bytes of memory the entry counts for: its payload twice, since its frame repeats it."""
        size = FLAT_SIZE + 2 * len(self.data)
        if self.message_id is not None:
            size += ID_SIZE
        if self.trace is not None:
            size += TRACE_SIZE
        if self.attachments:
            size += 2 * sum(map(len, self.attachments))
        return size


class Revocation(msgspec.Struct, frozen=True, gc=False, tag="revoke", array_like=True):
    """Refuse tokens from now on and disconnect the sockets that were let in by them.

    With ``token_id`` that one token; with ``user`` all of the user's tokens issued so far; with
    neither all of the tenant's.

    Attributes:
        at: Unix seconds; tokens issued at or before it are meant.
        until: Unix seconds after which the revocation may be forgotten.
    """

    tenant: TenantId
    at: float
    until: float
    user: UserId | None = None
    token_id: str | None = None

    @property
    def size(self) -> int:
        """Bytes of memory the entry counts for."""
        return FLAT_SIZE


class Disconnection(msgspec.Struct, frozen=True, gc=False, tag="disconnect", array_like=True):
    """Disconnect the sockets of a tenant, of one user, or one socket; they may come back."""

    tenant: TenantId
    user: UserId | None = None
    sid: Sid | None = None

    @property
    def size(self) -> int:
        """Bytes of memory the entry counts for."""
        return FLAT_SIZE


class RoomsOfSession(msgspec.Struct, frozen=True, gc=False, tag="rooms", array_like=True):
    """The resource rooms of a socket, so that its client finds them again on any node.

    Attributes:
        sid: The socket, of the user in the namespace.
        rooms: Each room, and the offset at which it was joined; empty once it has left the last.
        changed: Rises with each change and is no less than the offset that the node had read
            then. A higher one is newer, whoever tells it: a node may not have noticed yet that
            its client went on elsewhere. 0 if the node is of a version that does not say.
    """

    tenant: TenantId
    namespace: NamespaceName
    user: UserId
    sid: Sid
    rooms: dict[RoomName, int]
    changed: int = 0

    @property
    def size(self) -> int:
        """Bytes of memory the entry counts for."""
        return FLAT_SIZE + 100 * len(self.rooms)


Control = Revocation | Disconnection | RoomsOfSession
"""What nodes tell each other."""

Entry = EventEntry | Control

EntryT_co = TypeVar("EntryT_co", bound=Entry, covariant=True)


class Record(msgspec.Struct, Generic[EntryT_co], gc=False):
    """An entry with its place in the log.

    Attributes:
        offset: Rises strictly within a tenant; compared only under the same epoch.
        frame: The complete WebSocket frames, encoded at the first delivery and then shared by all
            sockets; ``None`` until then, and for control entries.
        compressed: The same for sockets with compression; ``None`` until there was one.
    """

    offset: int
    entry: EntryT_co
    frame: bytes | None = None
    compressed: bytes | None = None
