"""A client's WebSocket connection: an ``asyncio.Protocol`` around the sans-I/O cores.

Why not a WebSocket library: one idle connection costs 2 to 4 KB here and 14.5 KB on the leanest
library we measured, since nothing of the handshake is kept and the shared frames of the hub go
straight to the transport (``design.md``, "Speed").
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tidegate.ids import EngineSid, random_id
from tidegate.protocol.connection import ServerConnection
from tidegate.protocol.upgrade import BadRequest, Request, RequestReader, encode_upgrade_response
from tidegate.protocol.websocket import (
    TOO_BIG,
    CloseReceived,
    DeflateFrameReader,
    FrameReader,
    Ping,
    Violation,
    encode_binary,
    encode_close,
    encode_pong,
    encode_text,
)
from tidegate.transports.conversation import hand_over, keep_deadlines
from tidegate.transports.doorkeeper import bad_request_response
from tidegate.transports.http import HTTPResponse, error_response, serve_route

if TYPE_CHECKING:
    from tidegate.hub.socket import Socket
    from tidegate.transports.listener import Listener

__all__ = ["WebSocketConnection"]

log = logging.getLogger("tidegate.transports")

CLOSE_TIMEOUT = 5.0
"""Seconds that a closing connection may take to drain its write buffer."""


class WebSocketConnection(asyncio.Protocol):
    """One TCP connection from its first byte to its last; see `Connection` for what others use.

    It is *reading a request* while ``_requests`` is set, *open* while ``_frames`` is set, and
    *closing* otherwise. What only one of these needs is dropped with it.
    """

    __slots__ = (
        "_close_reason",
        "_deadline",
        "_frames",
        "_listener",
        "_requests",
        "address",
        "bucket",
        "core",
        "is_let_in",
        "is_writable",
        "sockets",
        "transport",
    )

    transport: asyncio.Transport
    core: ServerConnection

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._requests: RequestReader | None = None
        self._frames: FrameReader | None = None
        self._close_reason: str | None = None
        self._deadline = 0.0
        self.address = ""
        self.bucket: Any = None
        self.is_let_in = False
        self.is_writable = True
        self.sockets: tuple[Socket, ...] = ()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with a request, if there is a place for one more connection."""
        self.transport = transport  # type: ignore[assignment]  # uvloop's are not asyncio's classes
        listener = self._listener
        refusal = listener.doorkeeper.arrive()
        if refusal is not None:
            self.is_let_in = True  # it is not counted as waiting
            self._finish_with(refusal)
            return
        listener.connections.add(self)
        self._requests = RequestReader(max_body_size=listener.max_body_size)
        self._deadline = listener.clock() + listener.upgrade_timeout
        listener.wheel.add(self, listener.clock() + listener.first_look)

    def data_received(self, data: bytes) -> None:
        """Feed the state that the connection is in."""
        if self._frames is not None:
            self._receive_frames(self._frames, data)
        elif self._requests is not None:
            self._receive_request(self._requests, data)

    def pause_writing(self) -> None:
        """The write buffer is over its bound: the hub stops writing to this client."""
        self.is_writable = False

    def resume_writing(self) -> None:
        """The write buffer has drained: the hub catches the client up."""
        self.is_writable = True
        for socket in self.sockets:
            self._listener.hub.resume(socket)

    def eof_received(self) -> bool:
        """Close when the client has half-closed: WebSocket has no use for it."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the application and forget."""
        listener = self._listener
        listener.connections.discard(self)
        listener.connection_ended()
        if not self.is_let_in:
            listener.doorkeeper.leave(self.address or None)
            self.is_let_in = True
        was_upgraded = hasattr(self, "core")
        self._requests = self._frames = None
        if was_upgraded:
            reason = self._close_reason or "transport close"
            listener.closes[reason] += 1
            listener.handler.connection_lost(self, reason)
        self.sockets = ()

    # What the application and the hub call

    @property
    def is_open(self) -> bool:
        """Whether packets can still be sent."""
        return self._frames is not None

    @property
    def takes_compressed(self) -> bool:
        """Whether compressed frames may be written to it as well as plain ones."""
        return isinstance(self._frames, DeflateFrameReader)

    def flush(self) -> None:
        """Write what the core has to send, in one piece."""
        packets = self.core.data_to_send()
        if not packets or self._frames is None:
            return
        self.transport.write(b"".join(_frames_of(packets)))
        if not self.is_writable:
            self._check_buffer()

    def let_in(self) -> None:
        """Count the client no longer as waiting: one of its CONNECTs was accepted."""
        if not self.is_let_in:
            self.is_let_in = True
            self._listener.doorkeeper.leave(self.address or None)

    def wait_again(self) -> None:
        """Count the client as waiting again, since it has left its last namespace; else close."""
        if self._listener.doorkeeper.wait_again(self.address):
            self.is_let_in = False
        else:
            self.close("refused")

    def close(self, reason: str, code: int = 1000) -> None:
        """Send a close frame, let the write buffer drain for a bounded time, and disconnect."""
        if self._frames is not None:
            self.flush()
            self._close_with(reason, encode_close(code, reason))

    def abort(self, reason: str) -> None:
        """Close at once without a packet, so that the client reconnects by itself."""
        self._close_reason = self._close_reason or reason
        self._requests = self._frames = None
        self.transport.abort()

    def due(self, now: float) -> float | None:
        """Do what is due, and return when to look again (see `DeadlineWheel`)."""
        if self._frames is None:
            return self._due_without_frames(now)
        listener = self._listener
        return keep_deadlines(self, now, listener.handler, listener.core_config.ping_interval)

    # Requests

    def _receive_request(self, reader: RequestReader, data: bytes) -> None:
        result = reader.receive_data(data)
        if result is None:
            return
        self._requests = None
        if isinstance(result, BadRequest):
            self._finish_with(bad_request_response(result))
        elif self._listener.doorkeeper.is_endpoint(result):
            self._upgrade(result)
        else:
            self._listener.spawn(self._serve(result))

    def _upgrade(self, request: Request) -> None:
        listener, doorkeeper = self._listener, self._listener.doorkeeper
        accept = doorkeeper.check(request)
        if isinstance(accept, HTTPResponse):
            self._finish_with(accept)
            return
        extensions = doorkeeper.agree(request)
        if isinstance(extensions, HTTPResponse):
            self._finish_with(extensions)
            return
        address = doorkeeper.client_address(self._peer(), request)
        refusal = doorkeeper.identify(address)
        if refusal is not None:
            self._finish_with(refusal)
            return
        self.address = address
        self.transport.set_write_buffer_limits(listener.write_buffer, listener.write_buffer // 4)
        reader = DeflateFrameReader if extensions else FrameReader
        self._frames = reader(listener.core_config.max_payload)
        self._open(self._frames, encode_upgrade_response(accept, extensions), request.rest)

    def _open(self, frames: FrameReader, response: bytes, early: bytes) -> None:
        listener = self._listener
        now = listener.clock()
        self.core = ServerConnection(
            EngineSid(random_id()), listener.core_config, now, first_ping=listener.first_ping()
        )
        # The response and Engine.IO's open packet in one: uvloop makes a system call of each write.
        self.transport.write(b"".join([response, *_frames_of(self.core.data_to_send())]))
        if early:
            self._receive_frames(frames, early)

    async def _serve(self, request: Request) -> None:
        try:
            response = await serve_route(self._listener.routes, request)
        except Exception:
            log.exception("a route failed: %s %s", request.method, request.path)
            response = error_response(500, "internal", "The server failed; its log says why.")
        self._finish_with(response)

    def _finish_with(self, response: HTTPResponse) -> None:
        self._close_with("refused", response.encode())

    def _peer(self) -> str:
        peer = self.transport.get_extra_info("peername")
        return str(peer[0]) if isinstance(peer, tuple) and peer else ""

    # Frames

    def _receive_frames(self, frames: FrameReader, data: bytes) -> None:
        now, handler = self._listener.clock(), self._listener.handler
        for message in frames.receive_data(data):
            if isinstance(message, str):
                hand_over(self, self.core.receive_text(message, now), handler)
            elif isinstance(message, bytes):
                hand_over(self, self.core.receive_binary(message, now), handler)
            elif isinstance(message, Ping):
                self.transport.write(encode_pong(message.payload))
                if not self.is_writable:
                    self._check_buffer()
            elif isinstance(message, CloseReceived):
                self._close_with("transport close", encode_close(message.code))
            elif isinstance(message, Violation):
                log.info("closing %s: %s", self.address, message.reason)
                reason = "payload too large" if message.close_code == TOO_BIG else "parse error"
                self._close_with(reason, encode_close(message.close_code, message.reason))
            if self._frames is None:
                return
        self.flush()

    # Ends

    def _close_with(self, reason: str, last: bytes) -> None:
        self._close_reason = self._close_reason or reason
        self._requests = self._frames = None
        self._deadline = self._listener.clock() + CLOSE_TIMEOUT
        self._listener.wheel.add(self, self._deadline)
        self.transport.write(last)
        self.transport.close()

    def _due_without_frames(self, now: float) -> float | None:
        if now < self._deadline:
            return min(self._deadline, now + self._listener.first_look)
        if self._requests is not None:
            self._close_reason = "upgrade timeout"
        self.abort("close timeout")
        return None

    def _check_buffer(self) -> None:
        """Disconnect a client that sends but does not read: its answers would pile up here."""
        if self.transport.get_write_buffer_size() > 4 * self._listener.write_buffer:
            self.abort("lagging")


def _frames_of(packets: Sequence[str | bytes]) -> list[bytes]:
    return [
        encode_text(packet.encode()) if isinstance(packet, str) else encode_binary(packet)
        for packet in packets
    ]
