"""The client's half of Engine.IO and Socket.IO for one namespace: messages in, messages out.

It does what the official client does (socket.io-client 4.8, ``lib/socket.ts``), and encodes and
decodes by the gateway's own protocol modules: most packets look the same in both directions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tidegate.events import encode_payload
from tidegate.ids import NamespaceName
from tidegate.protocol import engineio
from tidegate.protocol.binary import AttachmentBuffer, reconstruct
from tidegate.protocol.socketio import (
    Packet,
    PacketType,
    decode_packet,
    encode_ack,
    encode_disconnect,
    encode_event,
)

__all__ = [
    "Arrived",
    "PacketReader",
    "ack_messages",
    "connect_message",
    "disconnect_message",
    "event_messages",
]

Messages = list[str | bytes]

_ANY_SIZE = 1 << 40


class Arrived(msgspec.Struct, frozen=True):
    """A complete packet of the gateway, and its attachments."""

    packet: Packet
    attachments: tuple[bytes, ...] = ()

    @property
    def values(self) -> list[Any]:
        """The arguments, decoded, with ``bytes`` where attachments belong."""
        values = [msgspec.json.decode(argument) for argument in self.packet.args]
        decoded: list[Any] = reconstruct(values, self.attachments) if self.attachments else values
        return decoded


class PacketReader:
    """Puts the gateway's Socket.IO packets together again."""

    def __init__(self) -> None:
        self._packet: Packet | None = None
        self._attachments: AttachmentBuffer | None = None

    def read(self, message: str | bytes) -> Arrived | None:
        """Return the packet that a message completes, if it does.

        Args:
            message: A message packet of Engine.IO, or an attachment.
        """
        if isinstance(message, bytes):
            packet, attachments = self._packet, self._attachments
            if packet is None or attachments is None or not attachments.add(message):
                return None
            self._packet = self._attachments = None
            return Arrived(packet, attachments.parts)
        packet = _decode(message.removeprefix(engineio.MESSAGE))
        if not packet.attachments:
            return Arrived(packet)
        self._packet = packet
        self._attachments = AttachmentBuffer(packet.attachments, _ANY_SIZE)
        return None


def connect_message(namespace: str, auth: Mapping[str, Any]) -> str:
    """Return the CONNECT to a namespace, with the client's ``auth`` object."""
    prefix = "" if namespace == "/" else f"{namespace},"
    return f"{engineio.MESSAGE}{PacketType.CONNECT:d}{prefix}{encode_payload(auth).json.decode()}"


def event_messages(
    namespace: NamespaceName, event: str, arguments: tuple[Any, ...], ack_id: int | None
) -> Messages:
    """Return an event; ``bytes`` in its arguments are attachments.

    Raises:
        PayloadError: An argument has no JSON form.
    """
    parts, attachments = _encode_all(arguments)
    packet = encode_event(namespace, event, parts, ack_id=ack_id, attachments=len(attachments))
    return [packet.decode(), *attachments]


def ack_messages(namespace: NamespaceName, ack_id: int, arguments: tuple[Any, ...]) -> Messages:
    """Return the answer to an event of the gateway.

    Raises:
        PayloadError: An argument has no JSON form.
    """
    parts, attachments = _encode_all(arguments)
    return [encode_ack(namespace, ack_id, parts, attachments=len(attachments)), *attachments]


def disconnect_message(namespace: NamespaceName) -> str:
    """Return the DISCONNECT from a namespace."""
    return encode_disconnect(namespace)


def _decode(text: str) -> Packet:
    # A client never sends CONNECT_ERROR, so our decoder refuses it; its form is that of a CONNECT.
    if text.startswith(f"{PacketType.CONNECT_ERROR:d}"):
        packet = decode_packet(f"{PacketType.CONNECT:d}{text[1:]}")
        return msgspec.structs.replace(packet, type=PacketType.CONNECT_ERROR)
    return decode_packet(text)


def _encode_all(arguments: tuple[Any, ...]) -> tuple[list[bytes], tuple[bytes, ...]]:
    """Encode arguments together: attachments are numbered over all of them."""
    whole = encode_payload(list(arguments))
    parts = msgspec.json.decode(whole.json, type=list[msgspec.Raw])
    return [bytes(part) for part in parts], whole.attachments
