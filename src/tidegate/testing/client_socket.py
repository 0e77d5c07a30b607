"""The client's socket in one namespace: it does what the official client's ``Socket`` does.

How it connects, presents its session, remembers offsets, acknowledges and comes to its end follows
socket.io-client 4.8, ``lib/socket.ts``; ``wire.py`` encodes and decodes for it. `TestClient` keeps
what it hears, and tells a test what did not come.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from tidegate.protocol import engineio
from tidegate.protocol.socketio import Packet, PacketType
from tidegate.testing.door import Door
from tidegate.testing.errors import ConnectError
from tidegate.testing.wire import (
    Arrived,
    PacketReader,
    ack_messages,
    connect_message,
    disconnect_message,
    event_messages,
)
from tidegate.transports.memory import MemoryWebSocket

__all__ = ["MARKER", "ClientSocket", "IncomingEvent"]

MARKER = "tidegate.testing.marker"
"""Goes to one client through the log: what was emitted before it has arrived when it arrives."""

_GOING_AWAY = 1005  # RFC 6455, section 7.4.1: a close frame without a code


class IncomingEvent(msgspec.Struct, frozen=True):
    """An event of the gateway.

    Attributes:
        name: On the wire.
        data: The payload, plain values; ``bytes`` where it has attachments. None without one.
        raw: The payload as JSON, with placeholders for the attachments.
        attachments: Of the payload.
        ack_id: What the gateway asks to be acknowledged with, if it does.
    """

    name: str
    data: Any
    raw: bytes
    attachments: tuple[bytes, ...]
    ack_id: int | None


class ClientSocket:
    """One client's socket; it stays the same from connection to connection.

    Args:
        door: Where it connects to.
        auth: The client's ``auth`` object.

    Attributes:
        namespace: As in `TestClient`; so are ``sid``, ``is_connected``, ``is_recovered`` and
            ``disconnect_reason``.
        auth: What the next CONNECT presents.
        on_event: Called with each event, in order. An exception of it is kept, as one of a packet
            that can't be read, until ``raise_failure``.
    """

    def __init__(self, door: Door, auth: Mapping[str, Any]) -> None:
        self.namespace = door.namespace
        self.sid = ""
        self.is_connected = False
        self.is_recovered = False
        self.disconnect_reason: str | None = None
        self.auth = auth
        self.on_event: Callable[[IncomingEvent], None] | None = None
        self._door = door
        self._websocket: MemoryWebSocket | None = None
        self._packets = PacketReader()
        self._is_knocking = False
        self._refusal: ConnectError | None = None
        self._pid: str | None = None
        self._offset: str | None = None
        self._ack_ids = itertools.count(1)
        self._acks: dict[int, Arrived] = {}
        self._marker = 0
        self._failure: Exception | None = None
        self._changed = asyncio.Event()

    # Coming and going

    async def connect(self, within: float) -> None:
        """Connect, for the first time or again with the session of the time before.

        Args:
            within: Seconds until CONNECT is answered.

        Raises:
            ConnectError: It is not let in.
            AssertionError: It got no answer in time.
        """
        self._is_knocking, self._refusal = True, None
        try:
            async with asyncio.timeout(within):
                await self._knock()
        except TimeoutError:
            raise AssertionError(
                f"{self.namespace}: CONNECT was not answered within {within:g} s; "
                "does on_connect, or the authenticator, wait for something?"
            ) from None
        finally:
            self._is_knocking = False
            if not self.is_connected:
                await self.drop()

    async def drop(self) -> None:
        """Lose the connection without a word; returns when the gateway knows."""
        if self._websocket is not None:
            await self._websocket.close()

    async def disconnect(self) -> None:
        """Leave the namespace and close the connection."""
        self._send([disconnect_message(self.namespace)])
        if self.is_connected:
            self._gone("io client disconnect")
        if self._websocket is not None:
            await self._websocket.close(_GOING_AWAY)

    async def _knock(self) -> None:
        self._packets = PacketReader()
        self._websocket = self._door.websocket(self._receive, self._closed)
        await self._door.open(self._websocket)
        while not self.is_connected and self._refusal is None:
            await self.changed()
        if self._refusal is not None:
            raise self._refusal

    def _presented(self) -> dict[str, Any]:
        if self._pid is None:
            return dict(self.auth)
        session = {"pid": self._pid, "offset": self._offset}
        return {key: value for key, value in session.items() if value is not None} | {**self.auth}

    # Sending

    def emit(self, event: str, arguments: tuple[Any, ...], ack_id: int | None = None) -> None:
        """Send an event.

        Args:
            event: The name.
            arguments: Anything with a JSON form; ``bytes`` inside become attachments.
            ack_id: One of ``new_ack_id``, if it is to be acknowledged.

        Raises:
            AssertionError: The client is disconnected.
            PayloadError: An argument has no JSON form.
        """
        messages = event_messages(self.namespace, event, arguments, ack_id)
        if not self.is_connected:
            # The official client keeps it for later; a test that counts on that says so itself.
            state = f"the client is disconnected ({self.disconnect_reason}); `reconnect` it before"
            raise AssertionError(f"{self.namespace}: {event!r} can't be sent: {state}")
        self._send(messages)

    def new_ack_id(self) -> int:
        """Return a number for an event that is to be acknowledged."""
        return next(self._ack_ids)

    def take_ack(self, ack_id: int) -> list[Any] | None:
        """Return the arguments of an ack, once; None if it has not come."""
        arrived = self._acks.pop(ack_id, None)
        return None if arrived is None else arrived.values

    def answer(self, event: IncomingEvent, value: Any) -> None:
        """Acknowledge an event, if the gateway asked for that."""
        if event.ack_id is not None:
            self._send(ack_messages(self.namespace, event.ack_id, (value,)))

    def _send(self, messages: list[str | bytes]) -> None:
        if self._websocket is not None:
            for message in messages:
                self._websocket.send(message)

    # Waiting

    async def changed(self) -> None:
        """Return when something has arrived, or the connection has ended."""
        self._changed.clear()
        await self._changed.wait()

    def raise_failure(self) -> None:
        """Raise what went wrong in hearing, once; see ``on_event``."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    @property
    def is_idle(self) -> bool:
        """Whether the gateway has taken all that was sent."""
        return self._websocket is None or self._websocket.is_idle

    async def drain(self) -> None:
        """Return when the gateway has taken all that was sent."""
        if self._websocket is not None:
            await self._websocket.drain()

    async def marked(self, number: int) -> None:
        """Return when the `MARKER` with this number has arrived, or the client is gone."""
        while self.is_connected and self._marker < number:
            await self.changed()

    # Hearing

    def _receive(self, message: str | bytes) -> None:
        try:
            self._read(message)
        except Exception as error:
            self._failure = error
        self._changed.set()

    def _read(self, message: str | bytes) -> None:
        kind = message[:1]
        if kind == engineio.OPEN:
            self._send([connect_message(self.namespace, self._presented())])
        elif kind == engineio.PING:
            self._send([engineio.PONG])
        elif isinstance(message, bytes) or kind == engineio.MESSAGE:
            arrived = self._packets.read(message)
            if arrived is not None:
                self._take(arrived, arrived.packet)

    def _take(self, arrived: Arrived, packet: Packet) -> None:
        if packet.type is PacketType.EVENT:
            self._hear(arrived, packet)
        elif packet.type is PacketType.ACK and packet.ack_id is not None:
            self._acks[packet.ack_id] = arrived
        elif packet.type is PacketType.CONNECT:
            session = packet.auth or {}
            self.is_recovered = self._pid is not None and self._pid == session.get("pid")
            self.sid, self._pid = session["sid"], session.get("pid")
            self.is_connected, self.disconnect_reason = True, None
        elif packet.type is PacketType.CONNECT_ERROR:
            self._refusal = self._door.refused_connect(packet.auth or {})
        elif packet.type is PacketType.DISCONNECT:
            self._gone("io server disconnect")

    def _hear(self, arrived: Arrived, packet: Packet) -> None:
        values = arrived.values
        if packet.ack_id is None and values and isinstance(values[-1], str):
            self._offset = values.pop()  # the official client takes any last string for one
        data = values[0] if values else None
        if packet.event_name == MARKER:
            self._marker = int(data or 0)
        elif self.on_event is not None:
            raw = packet.args[0] if packet.args else b"null"
            name, attachments = packet.event_name, arrived.attachments
            self.on_event(IncomingEvent(name, data, raw, attachments, packet.ack_id))

    def _closed(self, code: int, reason: str) -> None:
        if self.is_connected:
            self._gone("transport close")
        elif self._is_knocking and self._refusal is None:
            told = f"the connection was closed ({code} {reason}".rstrip() + ")"
            self._refusal = ConnectError("closed", told, retry=True)
        self._changed.set()

    def _gone(self, reason: str) -> None:
        self.is_connected, self.disconnect_reason = False, reason
        self._changed.set()
