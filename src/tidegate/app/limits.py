"""Bounds on what one tenant, user or connection may take."""

from __future__ import annotations

from collections import Counter

from tidegate.errors import AuthError
from tidegate.hub import Hub, Socket
from tidegate.ids import TenantId, UserId

__all__ = ["ConnectionQuota", "TokenBucket"]


class TokenBucket:
    """A rate with a burst: ``take`` answers whether one more event fits."""

    __slots__ = ("_burst", "_level", "_rate", "_updated")

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._level = float(burst)
        self._updated = now

    def take(self, now: float) -> bool:
        """Take one event's share, or return False if the rate is exceeded."""
        level = min(self._burst, self._level + (now - self._updated) * self._rate)
        self._updated = now
        if level < 1.0:
            self._level = level
            return False
        self._level = level - 1.0
        return True


class ConnectionQuota:
    """Bounds connections per tenant and per user; a connection counts once, not per namespace."""

    def __init__(self, hub: Hub, *, tenant_connections: int, user_connections: int) -> None:
        self._hub = hub
        self._tenant_connections = tenant_connections
        self._user_connections = user_connections
        self._by_tenant: Counter[TenantId] = Counter()
        self.refusals: Counter[str] = Counter()

    def check(self, tenant: TenantId, user: UserId) -> None:
        """Raise AuthError ``limit_reached`` if there is no place for one more connection."""
        if self._by_tenant[tenant] >= self._tenant_connections:
            self.refusals["tenant_connections"] += 1
            raise AuthError("limit_reached", "The tenant has as many connections as it may have.")
        links = {id(socket.link) for socket in self._hub.sockets_of(tenant, user)}
        if len(links) >= self._user_connections:
            self.refusals["user_connections"] += 1
            raise AuthError("limit_reached", "The user has as many connections as they may have.")

    def enter(self, socket: Socket) -> None:
        """Count a connection by its first socket."""
        self._by_tenant[socket.identity.tenant] += 1

    def leave(self, tenant: TenantId) -> None:
        """Uncount a connection."""
        self._by_tenant[tenant] -= 1
        if self._by_tenant[tenant] <= 0:
            del self._by_tenant[tenant]
