"""Tokens that are refused before they expire: one by one, by user, or by tenant.

Every key starts with the tenant: one tenant's token ids and users mean nothing in another. An
entry is needed only until the tokens it refuses have expired by themselves, so each has an end.
"""

from __future__ import annotations

import heapq
import logging
import time
from collections.abc import Callable
from typing import NamedTuple

from tidegate.auth.identity import Identity
from tidegate.errors import AuthError

__all__ = ["RevocationList"]

_logger = logging.getLogger(__name__)
_LOG_EVERY = 1_000


class RevocationList:
    """What has been revoked, in memory and bounded.

    When a kind is full, its entry that would end first makes place, which is logged: some tokens
    are then accepted again, so ``max_entries`` is to be larger than what is revoked within the
    life of a token.

    Args:
        max_entries: Entries of each kind (token, user, tenant) at most.
        clock: Gives Unix seconds; entries that have ended are forgotten by it.
    """

    def __init__(
        self, *, max_entries: int = 100_000, clock: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._tokens = _Entries("token", max_entries)
        self._users = _Entries("user", max_entries)
        self._tenants = _Entries("tenant", max_entries)

    def __len__(self) -> int:
        return len(self._tokens) + len(self._users) + len(self._tenants)

    def revoke_token(self, tenant: str, token_id: str, until: float) -> None:
        """Refuse the tenant's token with this ``jti``.

        Args:
            tenant: Whose token it is.
            token_id: The token's ``jti``; tokens without one are revoked by user.
            until: Unix seconds when the token has expired by itself, leeway included.
        """
        now = self._clock()
        self._tokens.add((tenant, token_id), now, until, now)

    def revoke_user(self, tenant: str, user: str, at: float, until: float) -> None:
        """Refuse the user's tokens issued at or before ``at``, and those that don't say when.

        ``iat`` counts whole seconds, so a token issued in the very second of ``at`` is refused.

        Args:
            tenant: The user's tenant.
            user: Whose tokens are refused.
            at: Unix seconds; a token issued later is accepted.
            until: Unix seconds when the last of these tokens has expired by itself.
        """
        self._users.add((tenant, user), at, until, self._clock())

    def revoke_tenant(self, tenant: str, at: float, until: float) -> None:
        """Refuse all tokens of a tenant as ``revoke_user`` does those of a user."""
        self._tenants.add((tenant,), at, until, self._clock())

    def check(self, identity: Identity, now: float) -> None:
        """Return if nothing speaks against the identity.

        Raises:
            AuthError: ``token_revoked``.
        """
        tenant, token_id, issued_at = identity.tenant, identity.token_id, identity.issued_at
        is_revoked = (
            (token_id is not None and self._tokens.has((tenant, token_id), now))
            or self._users.refuses((tenant, identity.user), issued_at, now)
            or self._tenants.refuses((tenant,), issued_at, now)
        )
        if is_revoked:
            raise AuthError("token_revoked", "the token has been revoked")


class _Entry(NamedTuple):
    at: float
    until: float


class _Entries:
    """Entries of one kind, and a heap that knows which of them ends first.

    A repeated revocation leaves its earlier place in the heap behind; such places are skipped
    when they surface, and swept when they outnumber the entries.
    """

    def __init__(self, kind: str, max_entries: int) -> None:
        self._kind = kind
        self._max_entries = max_entries
        self._entries: dict[tuple[str, ...], _Entry] = {}
        self._ends: list[tuple[float, tuple[str, ...]]] = []
        self._displaced = 0

    def __len__(self) -> int:
        return len(self._entries)

    def has(self, key: tuple[str, ...], now: float) -> bool:
        entry = self._entries.get(key)
        return entry is not None and now < entry.until

    def refuses(self, key: tuple[str, ...], issued_at: float | None, now: float) -> bool:
        entry = self._entries.get(key)
        if entry is None or now >= entry.until:
            return False
        return issued_at is None or issued_at <= entry.at

    def add(self, key: tuple[str, ...], at: float, until: float, now: float) -> None:
        self._prune(now)
        if until <= now:
            return
        known = self._entries.get(key)
        if known is None and len(self._entries) >= self._max_entries:
            self._displace()
        # Two revocations of one user become one that refuses at least what either did.
        entry = _Entry(max(at, known.at), max(until, known.until)) if known else _Entry(at, until)
        self._entries[key] = entry
        if known is None or known.until != entry.until:
            heapq.heappush(self._ends, (entry.until, key))
            self._sweep()

    def _prune(self, now: float) -> None:
        while self._ends and self._ends[0][0] <= now:
            self._pop()

    def _displace(self) -> None:
        while not self._pop():
            pass
        if self._displaced % _LOG_EVERY == 0:
            _logger.warning(
                "the list of revoked %ss is full (%d): the entry that would end first was dropped",
                self._kind,
                self._max_entries,
            )
        self._displaced += 1

    def _pop(self) -> bool:
        """Take the first place off the heap; return whether an entry went with it."""
        until, key = heapq.heappop(self._ends)
        entry = self._entries.get(key)
        if entry is None or entry.until != until:
            return False
        del self._entries[key]
        return True

    def _sweep(self) -> None:
        if len(self._ends) > 2 * len(self._entries) + 16:
            self._ends = [(entry.until, key) for key, entry in self._entries.items()]
            heapq.heapify(self._ends)
