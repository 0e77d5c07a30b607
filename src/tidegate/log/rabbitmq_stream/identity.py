"""What makes one life of the log different from another: a secret kept inside each of its streams.

A stream remembers offsets for consumers, by name, for as long as it lives, whatever its retention.
The secret is stored as two such offsets: it is there for every node that may read the stream, and
gone with it, so that a stream that was deleted and made anew is never taken for the old one. The
log's own secret is made of those of all partitions.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence

from rstream import exceptions
from rstream.client import Client

from tidegate.errors import LogError

__all__ = ["epoch_of", "key_of", "read_key", "read_or_make_key"]

_NAMES = ("tidegate.key.0", "tidegate.key.1")
_LEAST = 1 << 61
"""Stored offsets below the stream's first one are forgotten; these never are."""

_PATIENCE = 15.0
_PAUSE = 0.1

_SETTLE = 1.0
"""Pause after a secret was made for another node: one that gave it up as well may have made its own
at the same moment, and the later one counts."""


async def read_or_make_key(client: Client, stream: str, *, is_new: bool) -> bytes:
    """Return a stream's secret, 16 bytes, the same for every node.

    Args:
        client: Connected to the broker.
        stream: One of the log's partitions.
        is_new: Whether this node has made the stream: exactly one has, and it makes the secret.

    Raises:
        LogError: The secret did not appear.
    """
    if is_new:
        await _make(client, stream)
    waited = 0.0
    while (key := await read_key(client, stream)) is None:
        await asyncio.sleep(_PAUSE)
        waited += _PAUSE
        if waited > _PATIENCE:
            # The node that made the stream has died before the secret, or was an older Tidegate,
            # which gave one to the first partition only.
            await _make(client, stream)
            await asyncio.sleep(_SETTLE)
            waited = 0.0
    return key


async def read_key(client: Client, stream: str) -> bytes | None:
    """Return a stream's secret, or None if there is none (yet)."""
    parts = []
    for name in _NAMES:
        try:
            part = await client.query_offset(stream, name)
        except exceptions.OffsetNotFound:
            return None
        if part < _LEAST:
            raise LogError(f"the stream {stream} was not made by Tidegate")
        parts.append(part.to_bytes(8, "big"))
    return b"".join(parts)


async def _make(client: Client, stream: str) -> None:
    for name in _NAMES:
        await client.store_offset(stream, name, _LEAST + secrets.randbelow(_LEAST))


def key_of(keys: Sequence[bytes]) -> bytes:
    """Return the log's secret, 16 bytes, made of those of its partitions."""
    if len(keys) == 1:
        return keys[0]
    return hashlib.sha256(b"".join(keys)).digest()[:16]


def epoch_of(key: bytes, partitions: int) -> str:
    """Return the public name of this life of the log: six characters of a hash."""
    digest = hashlib.sha256(key + partitions.to_bytes(2, "big")).digest()
    return urlsafe_b64encode(digest).decode()[:8]
