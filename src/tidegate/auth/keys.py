"""The keys that verify tokens, and which algorithms each of them fits.

A key carries its algorithms, fixed by what the key is: a token's ``alg`` only chooses among keys
that were made for it. So nobody can have an RSA public key, which is public, taken for an HMAC
secret (RFC 8725, sections 2.1 and 3.1).
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

import jwt
import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tidegate.errors import ConfigError

__all__ = [
    "ALGORITHMS",
    "HMAC_KEY_SIZES",
    "MIN_RSA_BITS",
    "Key",
    "KeySource",
    "StaticKeys",
    "fitting_algorithms",
]

HMAC_KEY_SIZES = {"HS256": 32, "HS384": 48, "HS512": 64}
"""Bytes that a secret needs at least: the size of the hash (RFC 7518, section 3.2)."""

_RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512", "secp256k1": "ES256K"}
MIN_RSA_BITS = 2048
"""Bits that an RSA key needs at least (RFC 7518, section 3.3)."""


ALGORITHMS = frozenset({*HMAC_KEY_SIZES, *_RSA, *_CURVES.values(), "EdDSA"})
"""Every algorithm that can be allowed; ``none`` is not among them."""


class Key(msgspec.Struct, frozen=True):
    """One key that verifies tokens.

    Attributes:
        material: A secret's bytes, or a public key of ``cryptography``.
        algorithms: What it may verify.
        kid: Its name in the set that it came from.
    """

    material: Any
    algorithms: frozenset[str]
    kid: str | None = None


class KeySource(Protocol):
    """Where an authenticator finds the keys for a token.

    Attributes:
        generation: Rises when the keys change; what older keys verified is to be forgotten.
    """

    generation: int

    def require(self, algorithms: Sequence[str]) -> None:
        """Raise ``ConfigError`` unless these keys can serve the allowed algorithms."""
        ...

    def find(
        self, algorithm: str, kid: str | None, now: float
    ) -> Sequence[Key] | Awaitable[Sequence[Key]]:
        """Return the keys that may have signed a token, or something to await that gives them.

        There is none, one, or a few to try in turn; each fits ``algorithm``.

        Args:
            algorithm: The token's ``alg``, already found to be allowed.
            kid: The token's ``kid``, if it has one.
            now: Unix seconds.

        Raises:
            AuthError: ``try_again``: the keys can't be had at the moment.
        """
        ...

    def good_until(self, now: float) -> float:
        """Return the Unix seconds until which a verification made now may be relied on."""
        ...

    async def aclose(self) -> None:
        """Let go of connections; the source can't be used afterwards."""
        ...


class StaticKeys:
    """Keys from the configuration: shared secrets, and public keys or certificates in PEM.

    Several serve a rotation: sign with the new one, accept both until the old tokens expired.

    Args:
        keys: Texts that start with ``-----BEGIN`` are PEM, all others secrets.
        allow_weak: Accept short secrets and RSA keys; for development only.

    Raises:
        ConfigError: A key can't be read, is weak, or is a private key.
    """

    generation = 0

    def __init__(self, *keys: str | bytes, allow_weak: bool = False) -> None:
        if not keys:
            raise _bad_key("is missing", "Set a secret, a public key or a JWKS URL.")
        self._allow_weak = allow_weak
        self._keys = tuple(_key(_as_bytes(key)) for key in keys)
        for key in self._keys:
            self._check_rsa(key.material)

    def require(self, algorithms: Sequence[str]) -> None:
        """Raise ``ConfigError`` unless each algorithm has its key, and each key its algorithm."""
        for algorithm in algorithms:
            if not any(algorithm in key.algorithms for key in self._keys):
                raise _misfit(f"{algorithm} fits none of the keys", self._keys)
        for key in self._keys:
            fitting = key.algorithms.intersection(algorithms)
            if not fitting:
                raise _misfit("one of the keys fits none of the algorithms", self._keys)
            self._check_secret(key.material, fitting)

    def find(self, algorithm: str, kid: str | None, now: float) -> Sequence[Key]:
        """Return the keys that fit ``algorithm``; a ``kid`` does not matter, none has a name."""
        return [key for key in self._keys if algorithm in key.algorithms]

    def good_until(self, now: float) -> float:
        """Return infinity: these keys stay."""
        return float("inf")

    async def aclose(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def _check_rsa(self, material: object) -> None:
        if self._allow_weak or not isinstance(material, rsa.RSAPublicKey):
            return
        if material.key_size < MIN_RSA_BITS:
            problem = f"is an RSA key of {material.key_size} bits"
            raise _bad_key(problem, f"Use at least {MIN_RSA_BITS} bits.")

    def _check_secret(self, material: object, algorithms: frozenset[str]) -> None:
        if self._allow_weak or not isinstance(material, bytes):
            return
        needed = max(HMAC_KEY_SIZES[algorithm] for algorithm in algorithms)
        if len(material) < needed:
            remedy = f"Use at least {needed} random bytes, such as `openssl rand -base64 {needed}`."
            raise _bad_key(f"is a secret of {len(material)} bytes", remedy)


def fitting_algorithms(public_key: object) -> frozenset[str]:
    """Return the algorithms that a public key of ``cryptography`` can verify; maybe none."""
    match public_key:
        case rsa.RSAPublicKey():
            return _RSA
        case ec.EllipticCurvePublicKey(curve=curve) if curve.name in _CURVES:
            return frozenset({_CURVES[curve.name]})
        case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
            return frozenset({"EdDSA"})
        case _:
            return frozenset()


def _key(text: bytes) -> Key:
    if text.lstrip().startswith(b"-----BEGIN"):
        return _pem_key(text.strip())
    try:
        # Refuses what is a public key in another dress: DER, OpenSSH, JWK.
        secret = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).prepare_key(text)
    except jwt.InvalidKeyError as error:
        raise _bad_key("is empty, or no secret", "Write random text, or a key in PEM.") from error
    return Key(secret, frozenset(HMAC_KEY_SIZES))


def _pem_key(text: bytes) -> Key:
    if b"PRIVATE KEY-----" in text.split(b"\n", 1)[0]:
        remedy = "Write the public key: `openssl pkey -in private.pem -pubout`."
        raise _bad_key("is a private key, which only the issuer should have", remedy)
    try:
        is_certificate = text.startswith(b"-----BEGIN CERTIFICATE")
        material = (
            x509.load_pem_x509_certificate(text).public_key()
            if is_certificate
            else load_pem_public_key(text)
        )
    except ValueError as error:
        remedy = "Write it whole, from -----BEGIN to -----END, with its line breaks."
        raise _bad_key("is not a public key in PEM", remedy) from error
    algorithms = fitting_algorithms(material)
    if not algorithms:
        raise _bad_key("is a key that no algorithm here uses", "Use RSA, EC or Ed25519.")
    return Key(material, algorithms)


def _as_bytes(key: str | bytes) -> bytes:
    return key.encode() if isinstance(key, str) else key


def _bad_key(problem: str, remedy: str) -> ConfigError:
    return ConfigError("auth.secret or auth.public_key", problem, remedy=remedy)


def _misfit(problem: str, keys: Sequence[Key]) -> ConfigError:
    possible = ", ".join(sorted(frozenset().union(*(key.algorithms for key in keys))))
    return ConfigError("auth.algorithms", problem, remedy=f"These keys serve {possible}.")
