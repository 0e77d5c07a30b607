"""JSON Web Tokens to identities (RFC 7519; good practice of RFC 8725).

PyJWT checks form and signature; the claims are checked here, on a clock that is passed in and on
the very bytes that were signed. Rules:

- The token chooses neither algorithm nor key: its ``alg`` must be allowed by the configuration,
  and only keys made for it are tried.
- A token must end: ``exp`` is required.
- What a client is told names no internals; the cause hangs on the error for our own log.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import jwt
import msgspec

from tidegate.auth.authenticator import Handshake, token_from
from tidegate.auth.cache import TokenCache
from tidegate.auth.claims import MAX_IDENTIFIER_LENGTH, identifier_at, numeric_date
from tidegate.auth.identity import Identity
from tidegate.auth.keys import ALGORITHMS, Key, KeySource
from tidegate.auth.revocation import RevocationList
from tidegate.auth.signature import read_header, signature_checker
from tidegate.errors import AuthError, ConfigError
from tidegate.ids import TenantId, UserId

__all__ = ["JWTAuthenticator", "JWTConfig"]


class JWTConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a token must look like.

    Attributes:
        algorithms: Allowed signature algorithms, such as ``("RS256", "ES256")``.
        issuer: What ``iss`` must be; ``None`` accepts any issuer whose key is known.
        audience: What ``aud`` must name at least one of; ``None`` does not look at it.
        tenant_claim: Name or dotted path of the claim that holds the tenant.
        user_claim: Name or dotted path of the claim that holds the user.
        leeway: Seconds by which the issuer's clock may differ from ours.
        cache_entries: Verified tokens remembered at most.
        cache_max_age: Seconds that one is remembered at most.

    Raises:
        ConfigError: No algorithm or an unknown one, or a negative leeway.
    """

    algorithms: tuple[str, ...] = ("HS256",)
    issuer: str | None = None
    audience: str | tuple[str, ...] | None = None
    tenant_claim: str = "tenantId"
    user_claim: str = "sub"
    leeway: float = 10.0
    cache_entries: int = 10_000
    cache_max_age: float = 300.0

    def __post_init__(self) -> None:
        unknown = sorted(set(self.algorithms) - ALGORITHMS)
        if unknown or not self.algorithms:
            problem = f"{unknown[0]!r} is not supported" if unknown else "is empty"
            remedy = f"Choose among {', '.join(sorted(ALGORITHMS))}."
            raise ConfigError("auth.algorithms", problem, remedy=remedy)
        if not 0 <= self.leeway < float("inf"):
            raise ConfigError("auth.leeway", "is negative or no number", remedy="Use 10 seconds.")


class JWTAuthenticator:
    """An ``Authenticator`` for JSON Web Tokens.

    The answer comes at once if the keys are at hand; only a token that needs keys to be fetched
    gives an awaitable. Connections that present the same token share one ``Identity``.

    Args:
        config: What a token must look like.
        keys: Who may have signed it.
        revocations: What is refused although it is valid.
        clock: Gives Unix seconds.

    Raises:
        ConfigError: The keys do not fit the algorithms.
    """

    def __init__(
        self,
        config: JWTConfig,
        keys: KeySource,
        *,
        revocations: RevocationList | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        keys.require(config.algorithms)
        self._config = config
        self._keys = keys
        self._revocations = revocations
        self._clock = clock
        self._audience = frozenset(_as_tuple(config.audience))
        self._jws = signature_checker(config.algorithms)
        self._cache = TokenCache(config.cache_entries, max_age=config.cache_max_age)
        self._generation = keys.generation

    def authenticate(self, handshake: Handshake) -> Identity | Awaitable[Identity]:
        """Return the identity that the token in ``auth.token`` speaks for.

        Raises:
            AuthError: ``token_missing``, ``token_invalid``, ``token_expired``, ``token_revoked``,
                ``tenant_missing``, or ``try_again`` if the keys can't be fetched.
        """
        return self.verify(token_from(handshake))

    def verify(self, token: str) -> Identity | Awaitable[Identity]:
        """Return the identity that a token speaks for, as ``authenticate`` does."""
        now = self._clock()
        identity = self._remembered(token, now)
        if identity is not None:
            return identity
        header = read_header(token)
        if header.alg not in self._config.algorithms:
            raise _invalid(f"its algorithm {_shown(header.alg)} is not among auth.algorithms")
        keys = self._keys.find(header.alg, header.kid, now)
        if isinstance(keys, Awaitable):
            return self._verify_later(token, header.alg, keys)
        return self._verify(token, header.alg, keys, now)

    async def aclose(self) -> None:
        """Let go of the connections of the key source."""
        await self._keys.aclose()

    async def _verify_later(
        self, token: str, algorithm: str, pending: Awaitable[Sequence[Key]]
    ) -> Identity:
        keys = await pending
        now = self._clock()
        # Another connection may have presented the same token while we waited.
        return self._remembered(token, now) or self._verify(token, algorithm, keys, now)

    def _remembered(self, token: str, now: float) -> Identity | None:
        if self._generation != self._keys.generation:
            self._generation = self._keys.generation
            self._cache.clear()
        identity = self._cache.get(token, now)
        if identity is not None and self._revocations is not None:
            self._revocations.check(identity, now)
        return identity

    def _verify(self, token: str, algorithm: str, keys: Sequence[Key], now: float) -> Identity:
        identity, refused_from = self._identity(self._payload(token, algorithm, keys), now)
        if self._revocations is not None:
            self._revocations.check(identity, now)
        until = min(refused_from, self._keys.good_until(now))
        self._cache.put(token, identity, until=until, now=now)
        return identity

    def _payload(self, token: str, algorithm: str, keys: Sequence[Key]) -> bytes:
        """Return the signed bytes, if one of the keys signed them."""
        cause: Exception | None = None
        for key in keys:
            try:
                decoded = self._jws.decode_complete(token, key.material, [algorithm])
            except jwt.PyJWTError as error:
                cause = error
            else:
                payload: bytes = decoded["payload"]
                return payload
        raise _invalid(_unsigned(keys, cause)) from cause

    # Claims

    def _identity(self, payload: bytes, now: float) -> tuple[Identity, float]:
        """Return the identity and the Unix seconds from which the token is refused."""
        try:
            claims = _CLAIMS.decode(payload)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise _invalid("its payload is not a JSON object") from error
        expires_at, issued_at = self._check_dates(claims, now)
        self._check_parties(claims)
        tenant = identifier_at(claims, self._config.tenant_claim)
        if tenant is None:
            reason = f"it has no claim {self._config.tenant_claim} (auth.tenant_claim)"
            raise AuthError("tenant_missing", "the token names no tenant", reason=reason)
        user = identifier_at(claims, self._config.user_claim)
        if user is None:
            raise _invalid(f"it has no claim {self._config.user_claim} (auth.user_claim)")
        identity = Identity(
            TenantId(tenant), UserId(user), expires_at, issued_at, _token_id(claims), payload
        )
        return identity, expires_at + self._config.leeway

    def _check_dates(self, claims: dict[str, Any], now: float) -> tuple[float, float | None]:
        expires_at = numeric_date(claims, "exp")
        issued_at = numeric_date(claims, "iat")
        not_before = numeric_date(claims, "nbf")
        if expires_at is None:
            raise _invalid("it has no claim exp, so it would never end")
        if now >= expires_at + self._config.leeway:
            raise AuthError("token_expired", "the token has expired")
        latest = now + self._config.leeway
        begin = max(issued_at or 0, not_before or 0)
        if begin > latest:
            reason = f"it begins in {begin - now:.0f} s (iat, nbf); does its issuer's clock agree?"
            raise AuthError("token_invalid", "the token is not valid yet", reason=reason)
        return expires_at, issued_at

    def _check_parties(self, claims: dict[str, Any]) -> None:
        if self._config.issuer is not None and claims.get("iss") != self._config.issuer:
            raise _invalid(f"its iss is {_shown(claims.get('iss'))}, and auth.issuer another")
        if not self._audience:
            return
        audience = claims.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        if not any(isinstance(name, str) and name in self._audience for name in named):
            raise _invalid(f"its aud is {_shown(audience)}, and auth.audience another")


_CLAIMS = msgspec.json.Decoder(dict[str, Any])


def _token_id(claims: dict[str, Any]) -> str | None:
    token_id = claims.get("jti")
    if token_id is None:
        return None
    # Accepting an odd one without noting it would make the token irrevocable.
    if not isinstance(token_id, str) or len(token_id) > MAX_IDENTIFIER_LENGTH:
        text = f"its jti is not a string of up to {MAX_IDENTIFIER_LENGTH} characters"
        raise _invalid(text)
    return token_id


def _as_tuple(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _unsigned(keys: Sequence[Key], cause: Exception | None) -> str:
    if not keys:
        return "no key fits its algorithm and kid; are they its issuer's?"
    if isinstance(cause, jwt.InvalidSignatureError):
        return "none of the keys signed it; are they its issuer's?"
    return "it is not three parts of base64url"


def _shown(value: object) -> str:
    """Return a value of a token, cut short: it may be anybody's."""
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]}..."


def _invalid(reason: str) -> AuthError:
    return AuthError("token_invalid", "the token is not valid", reason=reason)
