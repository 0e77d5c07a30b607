"""Public keys from the issuer's JWKS URL: cached, rotated, and in use while the issuer is down.

When it is asked:

- at the first token, and when the keys are older than ``max_age``: those who need them wait;
- for a ``kid`` that is not known, at most once per ``min_refetch_interval``: a rotated key is
  found at once, and tokens with made-up ids can't turn us against the issuer;
- after a failure, at most once per ``min_refetch_interval``. Nobody waits for that: the keys we
  have stay in use for ``max_stale``. With none, clients are told to try again.

One fetch at a time serves everyone. A document that can be read is believed, even an empty one:
that is how an issuer withdraws its keys.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any

import httpx
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa

from tidegate.auth.keys import ALGORITHMS, HMAC_KEY_SIZES, Key, fitting_algorithms
from tidegate.errors import AuthError, ConfigError

__all__ = ["JWKSKeys", "usable_keys"]
