"""Binary attachments: ``bytes`` leave a payload as placeholders and travel beside it.

``{"file": b"..."}`` becomes ``{"file": {"_placeholder": true, "num": 0}}`` and one attachment. The
rule holds only for packets that announce attachments: the same object in any other packet is the
user's own data and stays as it is.

Source: Socket.IO protocol v5, "Sending and receiving binary data".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from tidegate.errors import RemoteProtocolError

__all__ = ["AttachmentBuffer", "check_placeholders", "deconstruct", "reconstruct"]


def deconstruct(value: Any) -> tuple[Any, list[bytes]]:
    """Return a copy of ``value`` with placeholders for its binary parts, and those parts in order.

    Mappings, lists and tuples are searched; ``bytes``, ``bytearray`` and ``memoryview`` are taken.

    Raises:
        RecursionError: The value is nested too deeply, or contains itself.
    """
    attachments: list[bytes] = []
    return _take_out(value, attachments), attachments


def _take_out(value: Any, attachments: list[bytes]) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        attachments.append(bytes(value))
        return {"_placeholder": True, "num": len(attachments) - 1}
    if isinstance(value, Mapping):
        return {key: _take_out(item, attachments) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_take_out(item, attachments) for item in value]
    return value


def reconstruct(value: Any, attachments: Sequence[bytes]) -> Any:
    """Return ``value`` with its placeholders replaced by the attachments that they name.

    Args:
        value: Freshly decoded JSON; its lists and dicts are changed in place.
        attachments: Of the same packet, in the order of arrival.

    Raises:
        RemoteProtocolError: A placeholder names an attachment that does not exist. Never for the
            arguments of an event that ``ServerConnection`` returned: it has checked them.
    """
    root = [value]
    # A stack of our own: a client can nest deeper than Python lets a function call itself.
    containers: list[Any] = [root]
    while containers:
        container = containers.pop()
        items = container.items() if isinstance(container, dict) else enumerate(container)
        for key, item in items:
            if isinstance(item, dict) and item.get("_placeholder") is True:
                container[key] = attachments[_index(item, len(attachments))]
            elif isinstance(item, dict | list):
                containers.append(item)
    return root[0]


def check_placeholders(arguments: Iterable[bytes], count: int) -> None:
    """Check that ``reconstruct`` will find an attachment for each placeholder.

    Args:
        arguments: Raw JSON of each argument.
        count: How many attachments the packet announces.

    Raises:
        RemoteProtocolError: A placeholder names none of them, or an argument can't be decoded.
    """
    stand_ins = [b""] * count
    for argument in arguments:
        try:
            value = msgspec.json.decode(argument)
        except (ValueError, RecursionError):
            raise RemoteProtocolError("an argument of a binary packet is not valid JSON") from None
        reconstruct(value, stand_ins)


def _index(placeholder: dict[str, Any], count: int) -> int:
    index = placeholder.get("num")
    if type(index) is not int or not 0 <= index < count:
        raise RemoteProtocolError("placeholder without an attachment")
    return index


class AttachmentBuffer:
    """The attachments of one packet, as they come in.

    Args:
        count: How many the packet announced; at least one.
        max_size: Bytes they may have together.
    """

    __slots__ = ("_count", "_max_size", "_parts", "_size")

    def __init__(self, count: int, max_size: int) -> None:
        self._count = count
        self._max_size = max_size
        self._parts: list[bytes] = []
        self._size = 0

    @property
    def parts(self) -> tuple[bytes, ...]:
        """What has come so far, in order."""
        return tuple(self._parts)

    def add(self, data: bytes) -> bool:
        """Take the next attachment and tell whether it was the last.

        Raises:
            RemoteProtocolError: Together they are over ``max_size``; close code 1009.
        """
        self._size += len(data)
        if self._size > self._max_size:
            raise RemoteProtocolError("attachments over max_payload", 1009)
        self._parts.append(data)
        return len(self._parts) == self._count
