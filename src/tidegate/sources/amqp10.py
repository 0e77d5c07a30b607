"""Messages of AMQP 1.0, which is what a stream holds: sections, and the values in them.

rstream's decoder takes twice the time, keeps only the last of several data sections, and takes a
message that was cut off for a whole one.

Source: OASIS AMQP 1.0, part 1 ("Types", 1.6) and part 3 ("Messaging", 3.2).
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Any
from uuid import UUID

__all__ = [
    "APPLICATION_PROPERTIES",
    "DATA",
    "MESSAGE_ANNOTATIONS",
    "PROPERTIES",
    "VALUE",
    "read_sections",
]

MESSAGE_ANNOTATIONS = 0x72
PROPERTIES = 0x73
APPLICATION_PROPERTIES = 0x74
DATA = 0x75
VALUE = 0x77

_KNOWN = range(0x70, 0x79)
_DESCRIBED = 0x00
_SMALL_ULONG = 0x53

Read = Callable[[bytes, int], tuple[Any, int]]
"""Reads a value behind its constructor: from the message and a place in it, to value and end."""


def read_sections(message: bytes) -> dict[int, Any]:
    """Return the sections by the number of their descriptor; data sections as a list of bytes.

    Texts and symbols are ``str``, timestamps milliseconds, decimals their bytes.

    Raises:
        ValueError, IndexError, KeyError, struct.error, RecursionError: It is no such message.
    """
    sections: dict[int, Any] = {}
    at, end = 0, len(message)
    while at < end:
        if message[at] != _DESCRIBED:
            raise ValueError("a section does not begin with its descriptor")
        if message[at + 1] == _SMALL_ULONG:  # as everybody writes it
            descriptor, at = message[at + 2], at + 3
        else:
            descriptor, at = _read(message, at + 1)
        if descriptor not in _KNOWN:
            raise ValueError(f"there is no section {descriptor!r}")
        value, at = _READERS[message[at]](message, at + 1)
        if descriptor == DATA:
            sections.setdefault(DATA, []).append(value)
        else:
            sections[descriptor] = value
    if at > end:
        raise ValueError("the message was cut off")
    return sections


def _read(message: bytes, at: int) -> tuple[Any, int]:
    return _READERS[message[at]](message, at + 1)


def _constant(value: Any) -> Read:
    return lambda message, at: (value, at)


def _fixed(form: str) -> Read:
    packed = Struct(f">{form}")
    unpack, size = packed.unpack_from, packed.size
    return lambda message, at: (unpack(message, at)[0], at + size)


_size_of = Struct(">I").unpack_from


def _bytes8(message: bytes, at: int) -> tuple[bytes, int]:
    end = at + 1 + message[at]
    return message[at + 1 : end], end


def _bytes32(message: bytes, at: int) -> tuple[bytes, int]:
    end = at + 4 + _size_of(message, at)[0]
    return message[at + 4 : end], end


def _text8(message: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + message[at]
    return message[at + 1 : end].decode(errors="replace"), end


def _text32(message: bytes, at: int) -> tuple[str, int]:
    end = at + 4 + _size_of(message, at)[0]
    return message[at + 4 : end].decode(errors="replace"), end


def _items(message: bytes, at: int, count: int) -> tuple[list[Any], int]:
    values = []
    for _ in range(count):
        value, at = _READERS[message[at]](message, at + 1)
        values.append(value)
    return values, at


def _list8(message: bytes, at: int) -> tuple[list[Any], int]:
    return _items(message, at + 2, message[at + 1])


def _list32(message: bytes, at: int) -> tuple[list[Any], int]:
    return _items(message, at + 8, _size_of(message, at + 4)[0])


def _map8(message: bytes, at: int) -> tuple[dict[Any, Any], int]:
    values, end = _items(message, at + 2, message[at + 1])
    return dict(zip(values[::2], values[1::2], strict=True)), end


def _map32(message: bytes, at: int) -> tuple[dict[Any, Any], int]:
    values, end = _items(message, at + 8, _size_of(message, at + 4)[0])
    return dict(zip(values[::2], values[1::2], strict=True)), end


def _array8(message: bytes, at: int) -> tuple[list[Any], int]:
    return _array(message, at + 2, message[at + 1])


def _array32(message: bytes, at: int) -> tuple[list[Any], int]:
    return _array(message, at + 8, _size_of(message, at + 4)[0])


def _array(message: bytes, at: int, count: int) -> tuple[list[Any], int]:
    if count > len(message):  # values of no size, such as nulls, would fill the memory
        raise ValueError(f"an array of {count} values")
    read, at = _READERS[message[at]], at + 1
    values = []
    for _ in range(count):
        value, at = read(message, at)
        values.append(value)
    return values, at


def _described(message: bytes, at: int) -> tuple[Any, int]:
    """Read the value only: no type that is described has a meaning here."""
    _, at = _read(message, at)
    return _read(message, at)


def _uuid(message: bytes, at: int) -> tuple[UUID, int]:
    return UUID(bytes=message[at : at + 16]), at + 16


def _decimal(size: int) -> Read:
    return lambda message, at: (message[at : at + size], at + size)


def _character(message: bytes, at: int) -> tuple[str, int]:
    return chr(_size_of(message, at)[0]), at + 4


_READERS: dict[int, Read] = {
    _DESCRIBED: _described,
    0x40: _constant(None),
    0x41: _constant(True),
    0x42: _constant(False),
    0x43: _constant(0),
    0x44: _constant(0),
    0x45: lambda message, at: ([], at),
    0x50: _fixed("B"),
    0x51: _fixed("b"),
    0x52: _fixed("B"),
    _SMALL_ULONG: _fixed("B"),
    0x54: _fixed("b"),
    0x55: _fixed("b"),
    0x56: _fixed("?"),
    0x60: _fixed("H"),
    0x61: _fixed("h"),
    0x70: _fixed("I"),
    0x71: _fixed("i"),
    0x72: _fixed("f"),
    0x73: _character,
    0x74: _decimal(4),
    0x80: _fixed("Q"),
    0x81: _fixed("q"),
    0x82: _fixed("d"),
    0x83: _fixed("q"),
    0x84: _decimal(8),
    0x94: _decimal(16),
    0x98: _uuid,
    0xA0: _bytes8,
    0xA1: _text8,
    0xA3: _text8,
    0xB0: _bytes32,
    0xB1: _text32,
    0xB3: _text32,
    0xC0: _list8,
    0xC1: _map8,
    0xD0: _list32,
    0xD1: _map32,
    0xE0: _array8,
    0xF0: _array32,
}
