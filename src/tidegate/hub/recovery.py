"""Sessions of dropped sockets: who may come back, as whom, and from where.

Rules: a session is bound to tenant, user and namespace of the token it was opened with; it is
given back whole or not at all; it is used by one connection at a time.

The private id that a client brings back (``pid``) says itself which socket it was and from where
on, signed with the log's key. So any node that follows the log can give a session back, also one
that it has never seen, and no node must tell the others of each socket that connects. Only
resource rooms, which are not in the id, are told through the log (``hub/rooms.py``).
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections import OrderedDict
from typing import NamedTuple

from tidegate.hub.socket import Socket
from tidegate.ids import Sid, TenantId

__all__ = [
    "MAX_PID_LENGTH",
    "Claim",
    "SessionStore",
    "private_id",
    "read_private_id",
    "resume_point",
]

MAX_PID_LENGTH = 128


class Claim(NamedTuple):
    """What a genuine private id says.

    Attributes:
        sid: The socket that the client was.
        start: Offset at its first CONNECT; nothing older is ever shown to it.
    """

    sid: Sid
    start: int


def private_id(key: bytes, socket: Socket) -> str:
    """Return the private id of a socket: its sid, its start, and their signature."""
    claim = f"{socket.sid}.{socket.start:x}"
    return f"{claim}.{_signature(key, claim, socket)}"


def read_private_id(key: bytes, pid: object, like: Socket) -> Claim | None:
    """Return what ``pid`` says if it was given to the same tenant, user and namespace.

    Args:
        key: The log's key.
        pid: What the client presents, unchecked.
        like: A socket with the presented token's identity.
    """
    if not isinstance(pid, str) or len(pid) > MAX_PID_LENGTH or not pid.isascii():
        return None
    claim, _, signature = pid.rpartition(".")
    if not hmac.compare_digest(signature, _signature(key, claim, like)):
        return None
    sid, _, start = claim.rpartition(".")
    return Claim(Sid(sid), int(start, 16))


def _signature(key: bytes, claim: str, socket: Socket) -> str:
    # Lengths go first, so that no choice of names makes two sets of parts look alike.
    identity = socket.identity
    namespace, tenant, user = socket.namespace, identity.tenant, identity.user
    text = (
        f"{len(claim)}:{claim}{len(namespace)}:{namespace}{len(tenant)}:{tenant}{len(user)}:{user}"
    )
    return urlsafe_b64encode(hmac.digest(key, text.encode(), "sha256")[:15]).decode()


class SessionStore:
    """Sockets by their sid: the connected ones, and dropped ones for a while.

    Args:
        age: Seconds that a dropped session is kept; the window's age.
        max_dropped: Dropped sessions kept at most; the oldest goes first.
    """

    def __init__(self, *, age: float, max_dropped: int = 100_000) -> None:
        self._age = age
        self._max_dropped = max_dropped
        self._sockets: dict[Sid, Socket] = {}
        self._dropped: OrderedDict[Sid, float] = OrderedDict()  # sid -> when

    def __len__(self) -> int:
        return len(self._sockets)

    @property
    def dropped(self) -> int:
        """How many sessions wait for their client."""
        return len(self._dropped)

    def get(self, sid: Sid) -> Socket | None:
        """Return the socket, connected or dropped, that a session belongs to."""
        return self._sockets.get(sid)

    def open(self, socket: Socket) -> None:
        """Note a socket as connected."""
        self._sockets[socket.sid] = socket
        self._dropped.pop(socket.sid, None)

    def drop(self, socket: Socket, now: float) -> Socket | None:
        """Keep a disconnected socket's session for its return; return one that had to go for it."""
        self._dropped[socket.sid] = now
        if len(self._dropped) <= self._max_dropped:
            return None
        sid, _ = self._dropped.popitem(last=False)
        return self._sockets.pop(sid)

    def end(self, socket: Socket) -> None:
        """Forget a session; it can't come back."""
        self._sockets.pop(socket.sid, None)
        self._dropped.pop(socket.sid, None)

    def dropped_of(self, tenant: TenantId) -> list[Socket]:
        """Return the dropped sessions of a tenant."""
        dropped = (self._sockets[sid] for sid in self._dropped)
        return [socket for socket in dropped if socket.identity.tenant == tenant]

    def expire(self, now: float) -> list[Socket]:
        """Forget the sessions that were dropped longer than ``age`` ago, and return them."""
        expired = []
        while self._dropped:
            sid, since = next(iter(self._dropped.items()))
            if since > now - self._age:
                break
            del self._dropped[sid]
            expired.append(self._sockets.pop(sid))
        return expired


def resume_point(session: Socket, presented: int | None) -> int:
    """Return the offset after which a returning client has missed events.

    A client that has seen the newest event written to it has missed nothing before the drop, so
    its cursor counts even if its tenant's window has moved past what the client last saw. One that
    has seen more than it was sent from here was connected to another node since.

    Args:
        session: The dropped socket; its ``since`` is what it had been served up to.
        presented: The client's last offset, or None if it received no event yet.
    """
    seen = session.start if presented is None else max(presented, session.start)
    return max(session.since, seen) if seen >= session.last_sent else seen
