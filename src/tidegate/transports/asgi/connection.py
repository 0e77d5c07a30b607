"""A client's WebSocket as an ASGI server offers it: the protocol core between two tasks.

The server awaits, the hub never does. So the hub's writes go to an outbox, which one task empties
into ``send``, while the other feeds the core from ``receive``.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from starlette.types import Message as ASGIMessage
from starlette.types import Receive, Send

from tidegate.ids import EngineSid, random_id
from tidegate.protocol.connection import ServerConnection
from tidegate.protocol.server_frames import message_of
from tidegate.protocol.websocket import TOO_BIG
from tidegate.transports.asgi.outbox import Outbox
from tidegate.transports.conversation import hand_over, keep_deadlines

if TYPE_CHECKING:
    from tidegate.hub.socket import Socket
    from tidegate.transports.asgi.entrance import ASGIEntrance

__all__ = ["ASGIConnection"]

log = logging.getLogger("tidegate.transports")

CLOSE_TIMEOUT = 5.0
"""Seconds that a closing connection may take to drain its outbox."""

_REASONS = {1002: "parse error", 1007: "parse error", TOO_BIG: "payload too large"} | {
    1012: "going away"  # uvicorn is stopping
}
"""Why the server closed a connection, by the code it gave; else the client went."""


class ASGIConnection:
    """One accepted WebSocket; see `Connection` for what others use.

    It is its own `FrameWriter`, and it is *open*, then *closing*, then *over*.

    Args:
        entrance: What it shares with the others.
        address: The client's.
    """

    __slots__ = (
        "_close_by",
        "_close_reason",
        "_entrance",
        "_is_over",
        "_outbox",
        "_sender",
        "address",
        "bucket",
        "core",
        "is_let_in",
        "is_open",
        "is_writable",
        "sockets",
    )

    takes_compressed = False
    """What the server compresses, it compresses by itself, for each client."""

    def __init__(self, entrance: ASGIEntrance, address: str) -> None:
        self._entrance = entrance
        self._close_by = 0.0
        self._close_reason: str | None = None
        self._is_over = False
        self._outbox = Outbox(high=entrance.write_buffer, low=entrance.write_buffer // 4)
        self._sender: asyncio.Task[None] | None = None
        self.address = address
        self.bucket: Any = None
        self.core = ServerConnection(
            EngineSid(random_id()),
            entrance.core_config,
            entrance.clock(),
            first_ping=entrance.first_ping(),
        )
        self.is_let_in = False
        self.is_open = True
        self.is_writable = True
        self.sockets: tuple[Socket, ...] = ()

    async def run(self, receive: Receive, send: Send) -> None:
        """Converse until the connection is over."""
        loop = asyncio.get_running_loop()
        self.flush()
        self._sender = loop.create_task(self._send_all(send))
        receiver = loop.create_task(self._receive_all(receive))
        try:
            await asyncio.wait({self._sender, receiver}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._sender.cancel()
            receiver.cancel()
            await asyncio.gather(self._sender, receiver, return_exceptions=True)
            self._lost()

    # What the application and the hub call

    @property
    def transport(self) -> ASGIConnection:
        """Return what takes complete WebSocket frames: this object."""
        return self

    def write(self, data: bytes) -> None:
        """Put the messages of complete frames into the outbox."""
        outbox = self._outbox
        for message in self._entrance.messages_of(data):
            outbox.put(message)
        self.is_writable = not outbox.is_full

    def get_write_buffer_size(self) -> int:
        """Return the bytes that the server has not taken yet."""
        return self._outbox.size

    def flush(self) -> None:
        """Send what the core has to send."""
        packets = self.core.data_to_send()
        if not packets or not self.is_open:
            return
        for packet in packets:
            self._outbox.put(message_of(packet))
        self.is_writable = not self._outbox.is_full
        # Like the public port: a client that sends but does not read lets its acks pile up here.
        if self._outbox.size > 4 * self._entrance.write_buffer:
            self.abort("lagging")

    def let_in(self) -> None:
        """Count the client no longer as waiting: one of its CONNECTs was accepted."""
        if not self.is_let_in:
            self.is_let_in = True
            self._entrance.doorkeeper.leave(self.address)

    def wait_again(self) -> None:
        """Count the client as waiting again, since it has left its last namespace; else close."""
        if self._entrance.doorkeeper.wait_again(self.address):
            self.is_let_in = False
        else:
            self.close("refused")

    def close(self, reason: str, code: int = 1000) -> None:
        """Send a close frame, let the outbox drain for a bounded time, and disconnect."""
        if self.is_open:
            self.flush()
            self._close_with(reason, code, reason)

    def abort(self, reason: str) -> None:
        """Close at once without a packet, so that the client reconnects by itself."""
        self._close_reason = self._close_reason or reason
        self.is_open = False
        if self._sender is not None:
            self._sender.cancel()  # even when it waits for the server; ``run`` ends with it

    def due(self, now: float) -> float | None:
        """Do what is due, and return when to look again (see `DeadlineWheel`)."""
        if self._is_over:
            return None
        entrance = self._entrance
        if self.is_open:
            interval = entrance.core_config.ping_interval
            return keep_deadlines(self, now, entrance.handler, interval)
        if now < self._close_by:
            return self._close_by
        self.abort("close timeout")
        return None

    # The two tasks

    async def _send_all(self, send: Send) -> None:
        outbox = self._outbox
        try:
            while (message := await outbox.next()) is not None:
                await send(message)
                if outbox.sent():
                    await asyncio.sleep(0)  # a server that never waits would get the window at once
                    self._resume()
        except OSError:  # ASGI: the client is gone
            pass
        except RuntimeError as error:
            # uvicorn 0.54 says so where it has closed the connection for a breach of the WebSocket
            # protocol. Any client can do that, and fill the log if each is an error.
            log.info("closing %s: %s", self.address, error)
        except Exception:
            log.exception("the server could not send to %s", self.address)

    def _resume(self) -> None:
        self.is_writable = True
        for socket in self.sockets:
            self._entrance.hub.resume(socket)

    async def _receive_all(self, receive: Receive) -> None:
        try:
            while True:
                message = await receive()
                if message["type"] == "websocket.disconnect":
                    reason = _REASONS.get(message.get("code", 1005), "transport close")
                    self._close_reason = self._close_reason or reason
                    return
                if self.is_open:
                    self._receive(message)
        except Exception:
            log.exception("receiving from %s failed", self.address)

    def _receive(self, message: ASGIMessage) -> None:
        text, data = message.get("text"), message.get("bytes")
        entrance, now = self._entrance, self._entrance.clock()
        if _size(text, data) > entrance.core_config.max_payload:
            reason = f"a message has over {entrance.core_config.max_payload} bytes"
            log.info("closing %s: %s", self.address, reason)
            self._close_with("payload too large", TOO_BIG, reason)
            return
        if text is not None:
            hand_over(self, self.core.receive_text(text, now), entrance.handler)
        else:
            hand_over(self, self.core.receive_binary(data or b"", now), entrance.handler)
        self.flush()

    # Ends

    def _close_with(self, reason: str, code: int, told: str) -> None:
        self._close_reason = self._close_reason or reason
        self.is_open = False
        self._close_by = self._entrance.clock() + CLOSE_TIMEOUT
        self._entrance.wheel.add(self, self._close_by)
        self._outbox.close(code, told)

    def _lost(self) -> None:
        """Tell the application and forget."""
        self.is_open, self._is_over = False, True
        self.let_in()  # it waits no more
        reason = self._close_reason or "transport close"
        self._entrance.closes[reason] += 1
        self._entrance.handler.connection_lost(self, reason)
        self.sockets = ()


def _size(text: str | None, data: bytes | None) -> int:
    """Return the bytes of a message's payload on the wire."""
    if text is None:
        return len(data or b"")
    return len(text) if text.isascii() else len(text.encode())
