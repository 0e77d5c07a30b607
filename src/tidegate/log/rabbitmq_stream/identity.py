"""What makes one life of the log different from another: a secret kept inside its first stream.

A stream remembers offsets for consumers, by name, for as long as it lives, whatever its retention.
The secret is stored as two such offsets: it is there for every node that may read the stream, and
gone with it, so that a log that was deleted and made anew is never taken for the old one.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from base64 import urlsafe_b64encode

from rstream import exceptions
from rstream.client import Client

from tidegate.errors import LogError

__all__ = ["epoch_of", "read_key", "read_or_make_key"]

_NAMES = ("tidegate.key.0", "tidegate.key.1")
_LEAST = 1 << 61
"""Stored offsets below the stream's first one are forgotten; these never are."""

_PATIENCE = 15.0
_PAUSE = 0.1


async def read_or_make_key(client: Client, stream: str, *, is_new: bool) -> bytes:
    """Return the log's secret, 16 bytes, the same for every node.

    Args:
        client: Connected to the broker.
        stream: The log's first stream.
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
        if waited > _PATIENCE:  # the node that made the stream has died before the secret
            await _make(client, stream)
            waited = 0.0
    return key


async def read_key(client: Client, stream: str) -> bytes | None:
    """Return the log's secret, or None if there is none (yet)."""
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


def epoch_of(key: bytes, partitions: int) -> str:
    """Return the public name of this life of the log: six characters of a hash."""
    digest = hashlib.sha256(key + partitions.to_bytes(2, "big")).digest()
    return urlsafe_b64encode(digest).decode()[:8]
