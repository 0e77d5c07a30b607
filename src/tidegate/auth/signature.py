"""PyJWT, set up to check signatures and to do nothing else (RFC 7515).

Its claims checks read the system clock, so ours are in ``jwt.py``.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from functools import lru_cache

import jwt
import msgspec
from jwt.algorithms import HMACAlgorithm

from tidegate.errors import AuthError

__all__ = ["Header", "read_header", "signature_checker"]


class Header(msgspec.Struct, frozen=True):
    """What chooses the key; nothing of it is trusted before the signature is checked."""

    alg: str
    kid: str | None = None


_HEADER = msgspec.json.Decoder(Header)


def read_header(token: str) -> Header:
    """Return the header of a token.

    Raises:
        AuthError: ``token_invalid``: it can't be read.
    """
    return _read_header(token.partition(".")[0])


@lru_cache(maxsize=256)
def _read_header(segment: str) -> Header:
    """Read it once: an issuer's tokens begin alike."""
    try:
        return _HEADER.decode(base64.urlsafe_b64decode(segment + "=="))
    except (msgspec.MsgspecError, binascii.Error, ValueError, RecursionError) as error:
        text = "it is no JWT: its first part is not a header"
        raise AuthError("token_invalid", "the token is not valid", reason=text) from error


class _Checker(jwt.PyJWS):
    """PyJWT's JWS, faster at the plain case.

    PyJWT looks at each character of a segment in Python, which was half of a check (15 us, 6 with
    this). What is not plainly right goes to PyJWT, so it refuses what PyJWT refuses.
    """

    @staticmethod
    def _decode_base64url_segment(segment: bytes, name: str) -> bytes:
        if _UNPADDED.fullmatch(segment) is not None and len(segment) % 4 != 1:
            standard = segment.translate(_STANDARD_ALPHABET)
            decoded = binascii.a2b_base64(standard + b"==")
            if binascii.b2a_base64(decoded, newline=False).rstrip(b"=") == standard:
                return decoded
        refused_or_odd: bytes = jwt.PyJWS._decode_base64url_segment(segment, name)  # noqa: SLF001
        return refused_or_odd


_STANDARD_ALPHABET = bytes.maketrans(b"-_", b"+/")
_UNPADDED = re.compile(rb"[A-Za-z0-9_-]+")


class _PreparedHMAC(HMACAlgorithm):
    """HMAC with a secret that was checked at configuration.

    PyJWT looks at each use whether the secret is a public key in disguise.
    """

    def prepare_key(self, key: str | bytes) -> bytes:
        return key if isinstance(key, bytes) else key.encode()

    def check_key_length(self, key: bytes) -> str | None:
        return None


_HASHES = {
    "HS256": HMACAlgorithm.SHA256,
    "HS384": HMACAlgorithm.SHA384,
    "HS512": HMACAlgorithm.SHA512,
}


def signature_checker(algorithms: Sequence[str]) -> jwt.PyJWS:
    """Return a PyJWS that knows the allowed algorithms and no other; ``none`` is unknown to it."""
    jws = _Checker(algorithms)
    for algorithm in set(algorithms) & _HASHES.keys():
        jws.unregister_algorithm(algorithm)
        jws.register_algorithm(algorithm, _PreparedHMAC(_HASHES[algorithm]))
    return jws
