"""A JWKS document to the keys in it that may verify tokens (RFC 7517)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Set
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa

from tidegate.auth.keys import MIN_RSA_BITS, Key, fitting_algorithms

__all__ = ["usable_keys"]

_logger = logging.getLogger(__name__)

_READERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "RSA": jwt.algorithms.RSAAlgorithm.from_jwk,
    "EC": jwt.algorithms.ECAlgorithm.from_jwk,
    "OKP": jwt.algorithms.OKPAlgorithm.from_jwk,
}
"""By ``kty`` of public keys; ``oct`` is a secret, and published it is none."""


class _Document(msgspec.Struct):
    keys: list[Any]


def usable_keys(document: bytes, allowed: Set[str]) -> tuple[Key, ...]:
    """Return the keys that are for signatures and fit an allowed algorithm.

    All others are left out, as RFC 7517, section 5, wants it: those for encryption, secrets,
    private keys, weak ones, and what can't be read.

    Args:
        document: The JWKS as JSON.
        allowed: Algorithms that tokens may be signed with.

    Raises:
        ValueError: This is no JWKS.
    """
    try:
        entries = msgspec.json.decode(document, type=_Document).keys
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError("the document is not a JWKS") from error
    keys = (_usable_key(entry, allowed) for entry in entries if isinstance(entry, dict))
    return tuple(key for key in keys if key is not None)


def _usable_key(jwk: dict[str, Any], allowed: Set[str]) -> Key | None:
    if not _is_for_signatures(jwk):
        return None
    if "d" in jwk:
        _logger.warning("the JWKS publishes a private key: it is not used")
        return None
    material = _public_key(jwk)
    if isinstance(material, rsa.RSAPublicKey) and material.key_size < MIN_RSA_BITS:
        return None
    algorithms = fitting_algorithms(material) & allowed
    if "alg" in jwk:
        algorithms = frozenset(name for name in algorithms if name == jwk["alg"])
    kid = jwk.get("kid")
    return Key(material, algorithms, kid if isinstance(kid, str) else None) if algorithms else None


def _is_for_signatures(jwk: dict[str, Any]) -> bool:
    operations = jwk.get("key_ops", ["verify"])
    is_for_verifying = isinstance(operations, list) and "verify" in operations
    return jwk.get("use", "sig") == "sig" and is_for_verifying


def _public_key(jwk: dict[str, Any]) -> object:
    """Return the key as one of ``cryptography``, or ``None`` if it is none or can't be read."""
    try:
        return _READERS[jwk["kty"]](jwk)
    except (jwt.PyJWTError, LookupError, TypeError, ValueError, AttributeError):
        return None  # PyJWT lets through what its decoders raise on odd members
