"""Public keys from the issuer's JWKS URL: cached, rotated, in use while the issuer is down.

When the issuer is asked:

- at the first token, and when the keys are older than ``max_age``: those who need them wait;
- for a ``kid`` that is not known, at most once per ``min_refetch_interval``: a rotated key is
  found at once, and tokens with made-up ids can't turn us against the issuer;
- after a failure, at most once per ``min_refetch_interval``. Nobody waits for that: the keys we
  have stay in use for ``max_stale``. Clients whose key we don't have are told to try again.

One fetch at a time serves everyone. A document that can be read is believed, even an empty one:
that is how an issuer withdraws its keys.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence

from tidegate.auth.jwk_set import usable_keys
from tidegate.auth.jwks_client import JWKSClient
from tidegate.auth.keys import HMAC_KEY_SIZES, Key
from tidegate.errors import AuthError, ConfigError

__all__ = ["JWKSKeys"]

_logger = logging.getLogger(__name__)

_NEVER = float("-inf")


class JWKSKeys:
    """A ``KeySource`` that follows a JWKS URL.

    All calls come from one event loop; ``await aclose()`` at the end.

    Args:
        url: Where the issuer publishes its keys; https, or http to this machine.
        max_age: Seconds after which the keys are fetched again: a withdrawn key works this long.
        min_refetch_interval: Seconds between fetches for unknown keys, and after failures.
        max_stale: Seconds that keys stay in use while the issuer can't be reached.
        timeout: Seconds that one fetch may take in all.
        allow_http: Permit plain http; whoever is on the way can then sign tokens.

    Raises:
        ConfigError: The URL is not https.
    """

    def __init__(
        self,
        url: str,
        *,
        max_age: float = 600.0,
        min_refetch_interval: float = 10.0,
        max_stale: float = 86_400.0,
        timeout: float = 5.0,
        allow_http: bool = False,
    ) -> None:
        self._client = JWKSClient(url, timeout=timeout, allow_http=allow_http)
        self._max_age = max_age
        self._interval = min_refetch_interval
        self._max_stale = max_stale
        self._algorithms: frozenset[str] = frozenset()
        self._keys: tuple[Key, ...] = ()
        self._fetched_at = _NEVER
        self._failed_at = _NEVER  # of the last attempt; it succeeded if this is _NEVER
        self._searched_at = _NEVER  # the last fetch for an unknown kid
        self._fetch: asyncio.Task[None] | None = None
        self.generation = 0

    def require(self, algorithms: Sequence[str]) -> None:
        """Use only keys for these algorithms.

        Raises:
            ConfigError: One of them needs a shared secret, which no JWKS should publish.
        """
        symmetric = sorted(HMAC_KEY_SIZES.keys() & set(algorithms))
        if symmetric:
            problem = f"{symmetric[0]} needs a shared secret, and a JWKS URL gives public keys"
            remedy = "Name what the issuer signs with, such as RS256 or ES256."
            raise ConfigError("auth.algorithms", problem, remedy=remedy)
        self._algorithms = frozenset(algorithms)

    def find(
        self, algorithm: str, kid: str | None, now: float
    ) -> Sequence[Key] | Awaitable[Sequence[Key]]:
        """Return the key named ``kid``; without a ``kid``, the only one that fits, if it is.

        Raises:
            AuthError: ``try_again``: there are no keys, or not this one, and the issuer could not
                be reached.
        """
        if not self._is_fresh(now):
            fetch = self._refresh(now)
            if fetch is not None and not self._may_serve_stale(now):
                return self._find_after(fetch, algorithm, kid, now)
        found = self._look_up(algorithm, kid, now)
        if found or kid is None:
            return found
        fetch = self._search(now)
        if fetch is not None:
            return self._find_after(fetch, algorithm, kid, now)
        return self._none_for(kid)

    def good_until(self, now: float) -> float:
        """Return when the keys are to be fetched again, or when that is tried again."""
        if self._is_fresh(now):
            return self._fetched_at + self._max_age
        return now + self._interval

    async def aclose(self) -> None:
        """Give up a fetch under way and close the connections."""
        if self._fetch is not None:
            self._fetch.cancel()
            await asyncio.wait([self._fetch])
        await self._client.aclose()

    # Looking up

    async def _find_after(
        self, fetch: asyncio.Task[None], algorithm: str, kid: str | None, now: float
    ) -> Sequence[Key]:
        await asyncio.wait([fetch])  # unlike `await fetch`, does not cancel it when we are
        return self._look_up(algorithm, kid, now) or self._none_for(kid)

    def _look_up(self, algorithm: str, kid: str | None, now: float) -> Sequence[Key]:
        if now - self._fetched_at > self._max_stale:
            raise _try_again()
        fitting = [key for key in self._keys if algorithm in key.algorithms]
        if kid is None:
            return fitting if len(fitting) == 1 else []
        return [key for key in fitting if key.kid == kid]

    def _none_for(self, kid: str | None) -> Sequence[Key]:
        """Return no key, unless it may be a new one of an issuer that can't be asked."""
        is_unknown = kid is not None and all(key.kid != kid for key in self._keys)
        if is_unknown and self._failed_at != _NEVER:
            raise _try_again()
        return []

    # Fetching. A clock that was set back counts as "long ago": one fetch more does no harm.

    def _is_fresh(self, now: float) -> bool:
        return 0 <= now - self._fetched_at < self._max_age

    def _may_serve_stale(self, now: float) -> bool:
        """Return whether to use old keys while a fetch is under way: only if the last failed."""
        return self._failed_at != _NEVER and now - self._fetched_at <= self._max_stale

    def _refresh(self, now: float) -> asyncio.Task[None] | None:
        """Return the fetch that is under way or due; ``None`` just after a failure."""
        if self._fetch is None and 0 <= now - self._failed_at < self._interval:
            return None
        return self._start(now)

    def _search(self, now: float) -> asyncio.Task[None] | None:
        """Return the fetch that may bring an unknown key, if one is allowed by now."""
        if self._fetch is None:
            last = max(self._searched_at, self._failed_at)
            if 0 <= now - last < self._interval:
                return None
            self._searched_at = now
        return self._start(now)

    def _start(self, now: float) -> asyncio.Task[None]:
        if self._fetch is None:
            self._fetch = asyncio.create_task(self._update(now), name="tidegate-jwks")
        return self._fetch

    async def _update(self, now: float) -> None:
        try:
            keys = usable_keys(await self._client.fetch(), self._algorithms)
        except Exception as error:  # whatever it was, the keys we have are still good
            self._failed_at = now
            _logger.warning(
                "the keys at %s could not be fetched: %s",
                self._client.host,
                str(error) or type(error).__name__,
            )
        else:
            self._failed_at = _NEVER
            self._replace(keys, now)
        finally:
            self._fetch = None

    def _replace(self, keys: tuple[Key, ...], now: float) -> None:
        self._fetched_at = now
        if not keys:
            _logger.warning("%s publishes no key that can be used", self._client.host)
        if keys != self._keys:
            self._keys = keys
            self.generation += 1


def _try_again() -> AuthError:
    return AuthError("try_again", "the token can't be checked at the moment")
