"""Many sockets in one thread: they join, offer compression or not, and count what they get.

All sockets of a room get the same bytes. So one of them is read in full, event for event, and the
others are compared with it by length and checksum.
"""

from __future__ import annotations

import base64
import json
import select
import socket
import zlib
from collections.abc import Sequence

__all__ = ["Clients"]

CONNECT_SECONDS = 60.0
AT_ONCE = 200
RECEIVE_BUFFER = 4 * 1024 * 1024
REQUEST = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\n"
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: " + base64.b64encode(b"0123456789abcdef").decode() + "\r\n{offer}\r\n"
)
TAIL = b"\x00\x00\xff\xff"  # of a compressed message, never sent
OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"


class Clients:
    """Sockets of one tenant that have joined; use it as a context manager.

    Args:
        port: The gateway's, on loopback.
        tokens: One for each socket.
        offer: Whether they offer compression.
    """

    def __init__(self, port: int, tokens: Sequence[str], *, offer: bool) -> None:
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._buffer = bytearray(1024 * 1024)
        for begin in range(0, len(tokens), AT_ONCE):
            joined = [_join(port, token, offer=offer) for token in tokens[begin : begin + AT_ONCE]]
            for each in joined:
                _read_until(each, b"40/bench,")
                each.setblocking(False)
                self._poll.register(each, select.EPOLLIN)
                self._sockets[each.fileno()] = each
        self._reader = next(iter(self._sockets))
        self._read = b""
        self._sizes = dict.fromkeys(self._sockets, 0)
        self._sums = dict.fromkeys(self._sockets, 0)

    def __enter__(self) -> Clients:
        return self

    def __exit__(self, *_: object) -> None:
        self._poll.close()
        for each in self._sockets.values():
            each.close()

    def wait_for(self, count: int, timeout: float) -> tuple[list[dict[str, object]], int]:
        """Return the next events when all sockets have them, and their bytes for one socket.

        Raises:
            RuntimeError: They did not come in time, or not alike.
        """
        events: list[dict[str, object]] = []
        size = 0
        while len(events) < count or any(got != size for got in self._sizes.values()):
            ready = self._poll.poll(timeout)
            if not ready:
                raise RuntimeError(f"only {len(events)} of {count} events came")
            for descriptor, _ in ready:
                self._receive(descriptor)
            more, taken = self._take_events()
            events += more
            size += taken
        if len(set(self._sums.values())) != 1:
            raise RuntimeError("sockets were sent different bytes")
        self._sizes = dict.fromkeys(self._sockets, 0)
        return events, size

    def _receive(self, descriptor: int) -> None:
        length = self._sockets[descriptor].recv_into(self._buffer)
        if not length:
            raise RuntimeError("a socket was closed")
        data = memoryview(self._buffer)[:length]
        self._sizes[descriptor] += length
        self._sums[descriptor] = zlib.crc32(data, self._sums[descriptor])
        if descriptor == self._reader:
            self._read += data

    def _take_events(self) -> tuple[list[dict[str, object]], int]:
        """Return the whole events that the first socket has, and their bytes."""
        events, at = [], 0
        while (frame := _frame(self._read, at)) is not None:
            first, payload, end = frame
            if first == 0xC1:
                payload = zlib.decompressobj(-15).decompress(payload + TAIL)
            events.append(json.loads(payload[payload.index(b"[") :])[1])
            at = end
        self._read = self._read[at:]
        return events, at


def _frame(data: bytes, start: int) -> tuple[int, bytes, int] | None:
    """Return first byte and payload of the frame at ``start``, and its end; None if not there."""
    if len(data) < start + 10:
        return None
    length, at = data[start + 1], start + 2
    if length > 125:
        at += 2 if length == 126 else 8
        length = int.from_bytes(data[start + 2 : at], "big")
    return (data[start], data[at : at + length], at + length) if len(data) >= at + length else None


def _join(port: int, token: str, *, offer: bool) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    made.settimeout(CONNECT_SECONDS)
    made.connect(("127.0.0.1", port))
    made.sendall(REQUEST.format(offer=OFFER if offer else "").encode())
    head = _read_until(made, b'0{"sid"')
    if offer is not (b"permessage-deflate" in head):
        raise RuntimeError(f"compression was not agreed on as it should: {head!r}")
    packet = f'40/bench,{{"token":"{token}"}}'.encode()
    made.sendall(b"\x81\xfe" + len(packet).to_bytes(2, "big") + bytes(4) + packet)
    return made


def _read_until(connection: socket.socket, what: bytes) -> bytes:
    data = b""
    while what not in data:
        more = connection.recv(4096)
        if not more:
            raise RuntimeError(f"closed after {data!r}")
        data += more
    return data
