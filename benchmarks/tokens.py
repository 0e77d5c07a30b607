"""The tokens that load clients present, in files: a token and its tenant's number on each line.

Files are written once in each run, when they are first asked for; so are the keys.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterable
from pathlib import Path

import jwt
from benchmarks.peers.control import Target
from benchmarks.prepare import BUILD
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

__all__ = [
    "SECRET",
    "bare_tenants",
    "bystander_tokens",
    "repeated_tokens",
    "room_tokens",
    "tenant_tokens",
    "verifying_key",
    "visitor_tokens",
]

SECRET = "a benchmark's secret, of more than 32 bytes"
"""Shared by all servers; HS256 wants 32 bytes."""

ROOM_TOKENS = 9_200
REPEATED_TOKENS = 200
TOKEN_SECONDS = 6 * 3600
RSA_BITS = 2048
MOST_SOCKETS = 5
"""Tenants have 1 to 5 sockets: the first one has 2, the fifth 1."""

Key = str | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@functools.cache
def room_tokens(algorithm: str = "HS256", dialect: str = "socket.io") -> Path:
    """Return the file with one token for each user of one tenant.

    Args:
        algorithm: What they are signed with.
        dialect: With ``centrifugo``, they name the tenant's channel, to which it subscribes them.
    """
    extra = {"channels": [f"tenant:{Target().tenant}"]} if dialect == "centrifugo" else {}
    users = (f"user-{number}" for number in range(ROOM_TOKENS))
    tokens = (_token(0, user, algorithm, **extra) for user in users)
    return _write(f"tokens-{dialect}-{algorithm}", tokens)


@functools.cache
def repeated_tokens() -> Path:
    """Return the file with 200 of them."""
    lines = room_tokens().read_text().splitlines()[:REPEATED_TOKENS]
    return _write("tokens-repeated", lines)


@functools.cache
def tenant_tokens(count: int) -> Path:
    """Return the file with the tokens of many tenants, 1 to 5 for each, 3 in the mean."""
    tokens = (_token(tenant, f"user-{user}") for tenant, user in _users_of_tenants(count))
    return _write(f"tokens-{count}-tenants", tokens)


@functools.cache
def bare_tenants(count: int) -> Path:
    """Return the same for the bare C loop: the tenant's number is its token."""
    lines = (f"{tenant} {tenant}" for tenant, _ in _users_of_tenants(count))
    return _write(f"bare-{count}-tenants", lines)


@functools.cache
def bystander_tokens(algorithm: str = "HS256") -> Path:
    """Return the file with a token of tenant 1."""
    return _write(f"tokens-bystander-{algorithm}", [_token(1, "bystander", algorithm)])


@functools.cache
def visitor_tokens(count: int) -> Path:
    """Return the file with tokens of as many tenants, one each; they get no events."""
    return _write(
        f"tokens-{count}-visitors", (_token(number, "visitor") for number in range(1, count + 1))
    )


def verifying_key(algorithm: str) -> str:
    """Return the key that servers verify tokens with: the secret, or the public key as PEM."""
    key = _signing_key(algorithm)
    if isinstance(key, str):
        return key
    public = key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@functools.cache
def _signing_key(algorithm: str) -> Key:
    if algorithm == "RS256":
        return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return SECRET


def _users_of_tenants(count: int) -> Iterable[tuple[int, int]]:
    for tenant in range(1, count + 1):
        for user in range(1 + tenant % MOST_SOCKETS):
            yield tenant, user


def _token(tenant: int, user: str, algorithm: str = "HS256", **extra: object) -> str:
    """Return a line of a file."""
    claims = {"tenantId": Target(tenant).tenant, "sub": user, "exp": _end(), **extra}
    return f"{jwt.encode(claims, _signing_key(algorithm), algorithm)} {tenant}"


@functools.cache
def _end() -> int:
    return int(time.time()) + TOKEN_SECONDS


def _write(name: str, lines: Iterable[str]) -> Path:
    path = BUILD / f"{name}.txt"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path
