"""How entries lie in a stream: one stream message holds one batch.

A batch is stored whole or not at all because a stream message is. Offsets of entries are made of
the message's offset in the stream and the entry's place in the batch. Messages that do not start
with our mark are from services that publish straight into the stream.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from tidegate.errors import LogError
from tidegate.log.entry import Entry

__all__ = [
    "EMPTY",
    "MAX_ENTRIES",
    "Packed",
    "StoredBatch",
    "decode_batch",
    "encode_batch",
    "end_of",
    "first_offset",
    "pack",
    "stream_offset",
]

_MARK = b"TG1"  # an AMQP 1.0 message, which foreign ones are, starts with a zero byte
_PLACE_BITS = 10
_LAST_PLACE = (1 << _PLACE_BITS) - 1

MAX_ENTRIES = 1 << _PLACE_BITS
"""Entries in one stream message, at most."""


class StoredBatch(msgspec.Struct, array_like=True, gc=False):
    """One append of one node.

    Attributes:
        writer: The process that appended it.
        number: Counts the writer's batches in this stream from 1; a second one of the same number
            is a repeat.
    """

    writer: str
    number: int
    entries: list[Entry]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(StoredBatch).decode


_ARRAY_OF_THREE = b"\x93"


class Packed(NamedTuple):
    """Entries that lie in one stream message.

    Attributes:
        length: How many.
        data: Them, encoded.
    """

    length: int
    data: bytes


EMPTY = Packed(0, _encode([]))


def encode_batch(writer: str, number: int, packed: Packed) -> bytes:
    """Return the stream message for a `StoredBatch`; its head takes less than 100 bytes."""
    return b"".join((_MARK, _ARRAY_OF_THREE, _encode(writer), _encode(number), packed.data))


def decode_batch(data: bytes) -> StoredBatch | None:
    """Return the batch in a stream message; None if the message is not one of ours.

    Raises:
        LogError: It is marked as ours, and can't be read by this version.
    """
    if data[:3] != _MARK:
        return None
    try:
        return _decode(memoryview(data)[3:])
    except msgspec.DecodeError as error:
        raise LogError(f"an entry of the log can't be read by this version: {error}") from error


def pack(entries: Sequence[Entry], max_bytes: int) -> Iterator[Packed]:
    """Yield the entries in parts that fit into a stream message each, encoded.

    What is too much for one is halved, so that the common case encodes once and measures nothing.

    Raises:
        LogError: One of them is too large for any.
    """
    count = len(entries)
    if count <= MAX_ENTRIES:
        data = _encode(entries)
        if len(data) <= max_bytes:
            yield Packed(count, data)
            return
        if count == 1:
            size = len(data)
            raise LogError(f"an entry of {size} bytes is larger than the log takes ({max_bytes})")
    middle = count // 2
    yield from pack(entries[:middle], max_bytes)
    yield from pack(entries[middle:], max_bytes)


# Offsets. Place 0 of stream offset 0 is 1024, so that 0 stands for "nothing".


def first_offset(stream_offset: int) -> int:
    """Return the offset of the first entry in a stream message."""
    return (stream_offset + 1) << _PLACE_BITS


def end_of(stream_offset: int) -> int:
    """Return the largest offset that belongs to a stream message; -1 stands for before all."""
    return first_offset(stream_offset) | _LAST_PLACE


def stream_offset(offset: int) -> int:
    """Return the stream message that an offset belongs to; -1 for before all."""
    return (offset >> _PLACE_BITS) - 1
