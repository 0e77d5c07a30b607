"""A socket as the hub sees it: a cursor over its tenant's part of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from tidegate.auth.identity import Identity
from tidegate.ids import NamespaceName, RoomName, Sid
from tidegate.log.entry import EventEntry

if TYPE_CHECKING:
    from tidegate.hub.tenant import TenantState

__all__ = ["FrameWriter", "Link", "Socket"]


class FrameWriter(Protocol):
    """Where a link's bytes go: an asyncio transport, or anything with its ``write``."""

    def write(self, data: bytes) -> None:
        """Queue the bytes; never blocks."""


class Link(Protocol):
    """What the hub needs of a client's connection.

    Attributes:
        is_writable: False from the moment the write buffer is over its bound until it has drained;
            then the link calls ``Hub.resume`` for its sockets.
    """

    is_writable: bool

    @property
    def takes_compressed(self) -> bool:
        """Whether compressed frames may be written to it as well as plain ones."""

    @property
    def transport(self) -> FrameWriter:
        """Return what takes complete WebSocket frames."""

    def abort(self, reason: str) -> None:
        """Close at once without a packet, so that the client reconnects by itself."""


class Socket:
    """One namespace of one client's connection, or the session that it left behind.

    A socket is *live* when the hub writes each batch to it as it comes, *behind* when it is served
    from the window, and *dropped* (``link`` is None) when its connection is gone but may come back.

    Attributes:
        start: Offset at its first CONNECT; nothing older is ever shown to it.
        since: What it has been served up to, kept exact only while it is not live.
        last_sent: Offset of the newest event written to it; a client that presents it has
            missed nothing before the drop.
        rooms: Resource rooms and the offset at which each was joined; None without any.
        rooms_changed: When they last changed, as ``changed`` of `RoomsOfSession`; 0 if never.
        client: The application's object for this socket, made at its first use.
    """

    __slots__ = (
        "client",
        "identity",
        "is_live",
        "last_sent",
        "link",
        "namespace",
        "rooms",
        "rooms_changed",
        "sid",
        "since",
        "start",
        "tenant",
    )

    def __init__(
        self,
        *,
        sid: Sid,
        namespace: NamespaceName,
        identity: Identity,
        link: Link | None = None,
    ) -> None:
        self.sid = sid
        self.namespace = namespace
        self.identity = identity
        self.link: Link | None = link
        self.tenant: TenantState | None = None
        self.start = 0
        self.since = 0
        self.last_sent = 0
        self.is_live = False
        self.rooms: dict[RoomName, int] | None = None
        self.rooms_changed = 0
        self.client: Any = None

    def __repr__(self) -> str:
        return f"<Socket {self.sid} {self.identity.tenant}/{self.identity.user}{self.namespace}>"

    def is_addressed_by(self, entry: EventEntry, offset: int) -> bool:
        """Tell whether an entry of this socket's tenant at ``offset`` is meant for it."""
        if entry.namespace != self.namespace or entry.exclude == self.sid:
            return False
        if entry.room is not None:
            joined = self.rooms.get(entry.room) if self.rooms else None
            return joined is not None and joined < offset
        if entry.user is not None:
            return entry.user == self.identity.user
        return entry.sid is None or entry.sid == self.sid
