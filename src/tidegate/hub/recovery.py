"""Sessions of dropped sockets: who may come back, as whom, and from where.

Rules: a session is bound to tenant, user and namespace of the token it was opened with; it is
given back whole or not at all; it is used by one connection at a time; it ends when the window
could no longer serve it.
"""

from __future__ import annotations

from collections import OrderedDict

from tidegate.hub.socket import Socket
from tidegate.ids import TenantId

__all__ = ["SessionStore", "resume_point"]


class SessionStore:
    """Sockets by their private id: the connected ones, and dropped ones for a while.

    Args:
        age: Seconds that a dropped session is kept; the window's age.
        max_dropped: Dropped sessions kept at most; the oldest goes first.
    """

    def __init__(self, *, age: float, max_dropped: int = 100_000) -> None:
        self._age = age
        self._max_dropped = max_dropped
        self._sockets: dict[str, Socket] = {}
        self._dropped: OrderedDict[str, float] = OrderedDict()  # pid -> when

    def __len__(self) -> int:
        return len(self._sockets)

    @property
    def dropped(self) -> int:
        """How many sessions wait for their client."""
        return len(self._dropped)

    def find(self, pid: object, like: Socket) -> Socket | None:
        """Return the session ``pid`` if it belongs to the same tenant, user and namespace."""
        socket = self._sockets.get(pid) if isinstance(pid, str) else None
        if socket is None or socket.namespace != like.namespace:
            return None
        own, presented = socket.identity, like.identity
        is_same = own.tenant == presented.tenant and own.user == presented.user
        return socket if is_same else None

    def open(self, socket: Socket) -> None:
        """Note a socket as connected."""
        self._sockets[socket.pid] = socket
        self._dropped.pop(socket.pid, None)

    def drop(self, socket: Socket, now: float) -> None:
        """Keep a disconnected socket's session for its return."""
        self._dropped[socket.pid] = now
        if len(self._dropped) > self._max_dropped:
            pid, _ = self._dropped.popitem(last=False)
            del self._sockets[pid]

    def end(self, socket: Socket) -> None:
        """Forget a session; it can't come back."""
        self._sockets.pop(socket.pid, None)
        self._dropped.pop(socket.pid, None)

    def dropped_of(self, tenant: TenantId) -> list[Socket]:
        """Return the dropped sessions of a tenant."""
        dropped = (self._sockets[pid] for pid in self._dropped)
        return [socket for socket in dropped if socket.identity.tenant == tenant]

    def expire(self, now: float) -> None:
        """Forget sessions that were dropped longer than ``age`` ago."""
        while self._dropped:
            pid, since = next(iter(self._dropped.items()))
            if since > now - self._age:
                return
            del self._dropped[pid]
            del self._sockets[pid]


def resume_point(session: Socket, presented: int | None) -> int | None:
    """Return the offset after which a returning client has missed events.

    A client that has seen the newest event written to it has missed nothing before the drop, so
    its cursor counts even if its tenant's window has moved past what the client last saw.

    Args:
        session: The dropped socket; its ``since`` is what it had been served up to.
        presented: The client's last offset, or None if it received no event yet.
    """
    seen = session.start if presented is None else max(presented, session.start)
    if seen > session.since:
        return None  # more than it was ever sent
    return session.since if seen >= session.last_sent else seen
