"""The life of a token on an open socket: the warning, the fresh one, the end, the revocation."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import msgspec

from tidegate.auth.identity import Identity
from tidegate.auth.revocation import RevocationList
from tidegate.deadlines import DeadlineWheel
from tidegate.errors import AuthError, Refused
from tidegate.hub import Hub, Socket
from tidegate.log import Revocation
from tidegate.transports.base import Connection

__all__ = ["TOKEN_EXPIRING", "TokenLife"]

TOKEN_EXPIRING = "tidegate.token_expiring"  # noqa: S105 - an event's name

LOOK_SECONDS = 60.0
"""A watch is looked at this often: it keeps the socket of a client that left until the next look,
and a token may be good for days."""


class TokenLife:
    """Watches the tokens of connected sockets.

    Args:
        hub: Knows the sockets.
        revocations: Asked at every CONNECT and when a revocation arrives.
        disconnect: Sends DISCONNECT to a socket and ends its session, with a reason for the log.
        warning: Seconds before the end at which a client is told; half of what is left if that
            is less.
        leeway: Seconds that an expired token is still accepted for, as at the door.
        clock: Unix seconds.
    """

    def __init__(
        self,
        hub: Hub,
        revocations: RevocationList,
        disconnect: Callable[[Socket, str], None],
        *,
        warning: float,
        leeway: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._hub = hub
        self._revocations = revocations
        self._disconnect = disconnect
        self._warning = warning
        self._leeway = leeway
        self._clock = clock
        self._wheel: DeadlineWheel[_Watch] = DeadlineWheel(self._due, tick=0.25, clock=clock)
        self.counts: Counter[str] = Counter()

    def start(self) -> None:
        """Begin to watch; needs a running event loop."""
        self._wheel.start()

    def stop(self) -> None:
        """Watch no more."""
        self._wheel.stop()

    def watch(self, socket: Socket) -> None:
        """Warn this socket before its token expires, and disconnect it then."""
        expires_at = socket.identity.expires_at
        if expires_at is None:
            return
        now = self._clock()
        warn_at = max(now, expires_at - min(self._warning, max(0.0, (expires_at - now) / 2)))
        self._wheel.add(_Watch(socket, socket.identity, warn_at), min(warn_at, now + LOOK_SECONDS))

    def check(self, identity: Identity) -> None:
        """Raise AuthError ``token_revoked`` if the identity's token is revoked."""
        self._revocations.check(identity, self._clock())

    def refresh(self, socket: Socket, identity: Identity) -> None:
        """Go on with a fresh token.

        Raises:
            Refused: It is for another tenant or user.
            AuthError: It is revoked.
        """
        own = socket.identity
        if identity.tenant != own.tenant or identity.user != own.user:
            self.counts["refresh_refused"] += 1
            raise Refused("the token is for another tenant or user; connect anew with it")
        self.check(identity)
        socket.identity = identity
        self.counts["refreshed"] += 1
        self.watch(socket)

    def revoke(self, entry: Revocation) -> None:
        """Apply a revocation from the log: at the door, and to who is inside."""
        if entry.token_id is not None:
            self._revocations.revoke_token(entry.tenant, entry.token_id, entry.until)
        elif entry.user is not None:
            self._revocations.revoke_user(entry.tenant, entry.user, entry.at, entry.until)
        else:
            self._revocations.revoke_tenant(entry.tenant, entry.at, entry.until)
        sockets = self._hub.sockets_of(entry.tenant, entry.user)
        for socket in sockets + self._hub.sessions.dropped_of(entry.tenant):
            try:
                self.check(socket.identity)
            except AuthError:
                self.counts["revoked"] += 1
                self._disconnect(socket, "token revoked")

    def _due(self, watch: _Watch, now: float) -> float | None:
        socket = watch.socket
        if socket.link is None or socket.identity is not watch.identity:
            return None  # gone, or refreshed: a newer watch has taken over
        expires_at = watch.identity.expires_at or now
        if now >= expires_at + self._leeway:
            self.counts["expired"] += 1
            self._disconnect(socket, "token expired")
            return None
        next_at = expires_at + self._leeway
        if now < watch.warn_at:
            next_at = watch.warn_at
        elif not watch.is_warned:
            watch.is_warned = True
            self._warn(socket, expires_at, now)
        return min(next_at, now + LOOK_SECONDS)

    def _warn(self, socket: Socket, expires_at: float, now: float) -> None:
        self.counts["warned"] += 1
        notice = {"expires_at": expires_at, "expires_in": round(max(0.0, expires_at - now), 3)}
        connection: Connection = socket.link  # type: ignore[assignment]  # it is one of ours
        offset = self._hub.offset_string(socket)
        connection.core.send_event(
            socket.namespace,
            TOKEN_EXPIRING,
            (msgspec.json.encode(notice), msgspec.json.encode(offset)),
        )
        connection.flush()


class _Watch:
    """A socket and the token it is watched for."""

    __slots__ = ("identity", "is_warned", "socket", "warn_at")

    def __init__(self, socket: Socket, identity: Identity, warn_at: float) -> None:
        self.socket = socket
        self.identity = identity
        self.warn_at = warn_at
        self.is_warned = False
