"""Wire frames of logged events, encoded once and kept with the record."""

from __future__ import annotations

from tidegate.log.entry import EventEntry, Record
from tidegate.log.offset import format_offset
from tidegate.protocol.socketio import encode_event
from tidegate.protocol.websocket import encode_binary, encode_text

__all__ = ["FrameEncoder"]


class FrameEncoder:
    """Give a record's complete WebSocket frames: the event packet, then its attachments.

    The last argument of each event is its offset: the client keeps the last trailing string it saw
    and presents it when it comes back (Socket.IO, "Connection state recovery").
    """

    __slots__ = ("_epoch",)

    def __init__(self, epoch: str) -> None:
        self._epoch = epoch

    def __call__(self, record: Record[EventEntry]) -> bytes:
        """Return the frames, encoding them at the first call for this record."""
        if record.frame is None:
            record.frame = self._encode(record.entry, record.offset)
        return record.frame

    def _encode(self, entry: EventEntry, offset: int) -> bytes:
        arguments = (entry.data, f'"{format_offset(self._epoch, offset)}"'.encode())
        packet = encode_event(
            entry.namespace, entry.name, arguments, attachments=len(entry.attachments)
        )
        if not entry.attachments:
            return encode_text(packet)
        return encode_text(packet) + b"".join(map(encode_binary, entry.attachments))
