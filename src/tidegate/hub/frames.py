"""Wire frames of logged events, encoded once and kept with the record."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tidegate.hub.socket import Socket
from tidegate.log.entry import EventEntry, Record
from tidegate.log.offset import format_offset
from tidegate.protocol.socketio import encode_event
from tidegate.protocol.websocket import encode_binary, encode_compressed_text, encode_text

__all__ = ["FrameEncoder", "FrameOf"]

FrameOf = Callable[[Record[EventEntry]], bytes]


class FrameEncoder:
    """Give a record's complete WebSocket frames: the event packet, then its attachments.

    The last argument of each event is its offset: the client keeps the last trailing string it saw
    and presents it when it comes back (Socket.IO, "Connection state recovery").

    A record has up to two forms, plain and compressed, each made when the first socket needs it.

    Args:
        epoch: Of the log.
        compress_from: Bytes of a payload from which it is compressed; None if no link takes that.
    """

    __slots__ = ("_compress_from", "_epoch")

    def __init__(self, epoch: str, *, compress_from: int | None = None) -> None:
        self._epoch = epoch
        self._compress_from = compress_from

    def __call__(self, record: Record[EventEntry]) -> bytes:
        """Return the plain frames, encoding them at the first call for this record."""
        if record.frame is None:
            record.frame = self._encode(record.entry, record.offset)
        return record.frame

    def compressed(self, record: Record[EventEntry]) -> bytes:
        """Return the frames for links with compression; the plain ones where that saves nothing."""
        if record.compressed is None:
            record.compressed = self._compress(record) or self(record)
        return record.compressed

    # Who gets which

    def for_socket(self, socket: Socket) -> FrameOf:
        """Return what gives a socket its frames."""
        if self._compress_from is not None and _takes_compressed(socket):
            return self.compressed
        return self

    def for_sockets(self, sockets: list[Socket]) -> Sequence[tuple[FrameOf, list[Socket]]]:
        """Return the sockets by what gives them their frames: one group without compression."""
        if self._compress_from is None:
            return ((self, sockets),) if sockets else ()
        compressing = [socket for socket in sockets if _takes_compressed(socket)]
        if len(compressing) == len(sockets):
            return ((self.compressed, sockets),) if sockets else ()
        plain = [socket for socket in sockets if not _takes_compressed(socket)]
        groups: tuple[tuple[FrameOf, list[Socket]], ...] = ((self, plain),)
        return (*groups, (self.compressed, compressing)) if compressing else groups

    # Encoding

    def _encode(self, entry: EventEntry, offset: int) -> bytes:
        packet = self._packet(entry, offset)
        if not entry.attachments:
            return encode_text(packet)
        return encode_text(packet) + b"".join(map(encode_binary, entry.attachments))

    def _compress(self, record: Record[EventEntry]) -> bytes | None:
        entry, smallest = record.entry, self._compress_from
        # Attachments are images and the like: compressed already. So their event goes as it is.
        if entry.attachments or smallest is None or len(entry.data) < smallest:
            return None
        packet = self._packet(entry, record.offset)
        frame = encode_compressed_text(packet)
        return frame if len(frame) < len(packet) else None

    def _packet(self, entry: EventEntry, offset: int) -> bytes:
        arguments = (entry.data, f'"{format_offset(self._epoch, offset)}"'.encode())
        return encode_event(
            entry.namespace, entry.name, arguments, attachments=len(entry.attachments)
        )


def _takes_compressed(socket: Socket) -> bool:
    return socket.link is not None and socket.link.takes_compressed
