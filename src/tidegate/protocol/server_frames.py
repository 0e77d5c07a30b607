"""Our own frames taken apart again, for servers that want messages instead of bytes.

The hub encodes an event once, as a complete WebSocket frame; an ASGI server frames messages itself.
"""

from __future__ import annotations

import msgspec

from tidegate.errors import LocalProtocolError

__all__ = ["Message", "message_of", "split_frames"]

_TEXT, _BINARY = 0x81, 0x82  # whole messages: FIN is set, as in all frames that we write


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message of the server.

    Attributes:
        payload: ``str`` for a text message, ``bytes`` for a binary one.
        size: Bytes of the payload on the wire.
    """

    payload: str | bytes
    size: int


def message_of(payload: str | bytes) -> Message:
    """Return a packet as a message."""
    if isinstance(payload, bytes) or payload.isascii():
        return Message(payload, len(payload))
    return Message(payload, len(payload.encode()))


def split_frames(data: bytes) -> list[Message]:
    """Return the messages of complete frames, in order.

    Args:
        data: What ``encode_text`` and ``encode_binary`` returned, any number of times.

    Raises:
        LocalProtocolError: It is anything else.
    """
    messages: list[Message] = []
    position, end = 0, len(data)
    while position < end:
        first, length, start = data[position], data[position + 1], position + 2
        if length > 125:
            start += 2 if length == 126 else 8
            length = int.from_bytes(data[position + 2 : start], "big")
        position = start + length
        payload = data[start:position]
        if position > end or first not in (_TEXT, _BINARY):
            raise LocalProtocolError("not complete frames of text or binary messages")
        messages.append(Message(payload.decode() if first == _TEXT else payload, length))
    return messages
