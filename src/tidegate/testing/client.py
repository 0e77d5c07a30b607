"""A client of a gateway under test: what a page with the official client would hear and do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar, overload

import msgspec
from starlette.types import ASGIApp

from tidegate.events import Event, decode_argument, event_name_of
from tidegate.ids import NamespaceName
from tidegate.protocol import engineio
from tidegate.protocol.socketio import Packet, PacketType
from tidegate.testing.errors import ConnectError
from tidegate.testing.wire import (
    Arrived,
    PacketReader,
    ack_messages,
    connect_message,
    disconnect_message,
    event_messages,
)
from tidegate.transports.memory import HTTPRefusal, MemoryWebSocket

__all__ = ["Door", "ReceivedEvent", "TestClient"]

MARKER = "tidegate.testing.marker"
"""Goes to one client through the log: what was emitted before it has arrived when it arrives."""

_GOING_AWAY = 1005  # RFC 6455, section 7.4.1: a close frame without a code
_SHOWN = 5

T = TypeVar("T")
E = TypeVar("E", bound=Event)


class ReceivedEvent(NamedTuple):
    """An event as the client's listener gets it.

    Attributes:
        name: On the wire.
        data: The payload, plain values; ``bytes`` where it has attachments. None without one.
    """

    name: str
    data: Any


class Door(msgspec.Struct, frozen=True):
    """Where a client connects to.

    Attributes:
        app: The gateway as an ASGI application.
        path: Of the Socket.IO endpoint.
        address: The client's IP address.
        origin: The page's, if it is one.
        namespace: To connect to.
        hint: Said in a refusal to who wrote the test.
    """

    app: ASGIApp
    path: str
    address: str
    origin: str | None
    namespace: NamespaceName
    hint: str


class _Heard(msgspec.Struct):
    event: ReceivedEvent
    raw: bytes
    attachments: tuple[bytes, ...]
    is_taken: bool = False


class TestClient:
    """One client in one namespace; ``TestGateway.connect`` makes it.

    What arrives is kept from the start, so nothing is missed between two calls. Each wait ends when
    what is waited for has happened, when the client was disconnected, or after ``timeout`` seconds;
    in the last two cases it fails with an ``AssertionError`` that tells what came instead.

    Attributes:
        namespace: That it is connected to.
        sid: Its ``socket.id``; the same after a recovery, and what `Client.sid` is in handlers.
        is_connected: Whether it is connected now.
        is_recovered: Whether the last connection continued the session of the one before, and
            what was missed arrives: ``socket.recovered``.
        disconnect_reason: Of the last disconnection, as the official client's listener gets it:
            ``io server disconnect`` for one that stays away until told, such as after
            ``user.revoke()`` or the token's end; ``transport close`` for one that would come back
            by itself; ``io client disconnect``.
    """

    __test__ = False  # pytest collects classes that are called Test…

    def __init__(self, door: Door, auth: Mapping[str, Any], *, timeout: float) -> None:
        self.namespace = door.namespace
        self.sid = ""
        self.is_connected = False
        self.is_recovered = False
        self.disconnect_reason: str | None = None
        self._door = door
        self._auth = auth
        self._timeout = timeout
        self._pid: str | None = None
        self._offset: str | None = None
        self._heard: list[_Heard] = []
        self._listeners: dict[str, Callable[..., Any]] = {}
        self._failure: Exception | None = None
        self._acks: dict[int, Arrived] = {}
        self._next_ack = 0
        self._markers = 0
        self._is_knocking = False
        self._refusal: ConnectError | None = None
        self._changed = asyncio.Event()
        self._packets = PacketReader()
        self._socket: MemoryWebSocket | None = None

    def __repr__(self) -> str:
        state = "connected" if self.is_connected else "disconnected"
        return f"<TestClient {self.sid or 'without sid'} {self.namespace} {state}>"

    # What it hears

    @property
    def events(self) -> list[ReceivedEvent]:
        """All events so far, in order, whether ``receive`` has returned them or not."""
        return [heard.event for heard in self._heard]

    @overload
    async def receive(self, event: str, *, timeout: float | None = None) -> Any: ...  # noqa: ASYNC109

    @overload
    async def receive(self, event: type[E], *, timeout: float | None = None) -> E: ...  # noqa: ASYNC109

    async def receive(
        self,
        event: str | type[Event],
        *,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> Any:
        """Return the payload of the next event with this name, once it has come.

        Each event is returned once, the oldest first; events with other names are left for later
        calls. Order across names is in ``events``.

        Args:
            event: A name, for plain values; or a declared `Event`, for one of these.
            timeout: Seconds to wait; default: the ``TestGateway``'s.

        Raises:
            AssertionError: It did not come; the message tells what did.
            PayloadError: It does not fit the declared type.
        """
        name = event if isinstance(event, str) else event_name_of(event)
        heard = await self._until(
            lambda: self._next(name), f"no {name!r} came", timeout, while_connected=True
        )
        heard.is_taken = True
        if isinstance(event, str):
            return heard.event.data
        return decode_argument(heard.raw, heard.attachments, event)

    def on(self, event: str, listener: Callable[..., Any]) -> None:
        """Call a function at each event of this name, as ``socket.on``.

        Args:
            event: The name.
            listener: A plain function of the payload. What it returns answers `Client.call`; a
                call that has no listener is not answered. An exception is raised by the next wait,
                or at the end of the block.
        """
        self._listeners[event] = listener

    # What it does

    async def emit(self, event: str, *arguments: Any) -> None:
        """Send an event without asking for an ack; ``TestGateway.settle`` waits for its handler.

        Raises:
            AssertionError: The client is disconnected.
            PayloadError: An argument has no JSON form.
        """
        self._send_event(event, arguments, None)

    async def call(self, event: str, *arguments: Any, timeout: float | None = None) -> Any:  # noqa: ASYNC109
        """Send an event and return what it is acknowledged with.

        Args:
            event: The name, also ``tidegate.join``, ``tidegate.leave`` and
                ``tidegate.refresh_token``.
            arguments: Anything with a JSON form: plain values, structs, models; ``bytes`` inside
                become attachments.
            timeout: Seconds to wait; default: the ``TestGateway``'s.

        Returns:
            The ack's argument, plain values; a list if it has several, None if it has none. A call
            that was refused is ``{"error": {"code", "message", "field"?}}``.

        Raises:
            AssertionError: No ack came, or the client is disconnected.
            PayloadError: An argument has no JSON form.
        """
        self._next_ack += 1
        ack_id = self._next_ack
        self._send_event(event, arguments, ack_id)
        answer = await self._until(
            lambda: self._acks.pop(ack_id, None),
            f"{event!r} was not acknowledged",
            timeout,
            while_connected=True,
        )
        values = answer.values
        return values[0] if len(values) == 1 else values or None

    async def drop(self) -> None:
        """Lose the connection without a word, as in a tunnel; returns when the gateway knows.

        What is emitted from now on is missed, until ``reconnect``.
        """
        await self._close(None)

    async def reconnect(self, *, auth: Mapping[str, Any] | None = None) -> None:
        """Come back after ``drop``, or after being disconnected, as the official client does.

        It presents its session, and afterwards ``is_recovered`` says whether it got that back.

        Args:
            auth: Another auth object from now on, such as ``{"token": world.token(...)}``;
                default: the one that it came with, whose token may have expired meanwhile.

        Raises:
            ConnectError: It is not let in.
            RuntimeError: It is connected.
        """
        if self.is_connected:
            raise RuntimeError("the client is connected; `drop` or `disconnect` it before")
        if auth is not None:
            self._auth = auth
        await self._connect()

    async def disconnect(self) -> None:
        """Leave, as ``socket.disconnect()``; for `on_disconnect` it is no drop."""
        self._send([disconnect_message(self.namespace)])
        if self.is_connected:
            self._gone("io client disconnect")
        await self._close(_GOING_AWAY)

    async def wait_disconnected(self, *, timeout: float | None = None) -> str:  # noqa: ASYNC109
        """Return the ``disconnect_reason``, once the client is disconnected.

        Args:
            timeout: Seconds to wait; default: the ``TestGateway``'s.

        Raises:
            AssertionError: It stays connected.
        """
        return await self._until(
            lambda: None if self.is_connected else self.disconnect_reason,
            "it was not disconnected",
            timeout,
        )

    # What the TestGateway calls

    async def _connect(self) -> None:
        self._is_knocking, self._refusal = True, None
        try:
            async with asyncio.timeout(self._timeout):
                await self._knock()
        except TimeoutError:
            raise AssertionError(
                f"{self.namespace}: CONNECT was not answered within {self._timeout:g} s; "
                "does on_connect, or the authenticator, wait for something?"
            ) from None
        finally:
            self._is_knocking = False
            if not self.is_connected:
                await self._close(None)

    async def _knock(self) -> None:
        door = self._door
        self._packets = PacketReader()
        self._socket = MemoryWebSocket(door.app, on_message=self._receive, on_close=self._closed)
        headers = {} if door.origin is None else {"origin": door.origin}
        query = "EIO=4&transport=websocket"
        refusal = await self._socket.open(door.path, query, headers, door.address)
        if refusal is not None:
            raise _refused_upgrade(refusal)
        while not self.is_connected and self._refusal is None:
            self._changed.clear()
            await self._changed.wait()
        if self._refusal is not None:
            raise self._refusal

    async def _close(self, code: int | None) -> None:
        if self._socket is not None:
            await (self._socket.close() if code is None else self._socket.close(code))

    @property
    def _is_idle(self) -> bool:
        """Whether the gateway has taken all that was sent."""
        return self._socket is None or self._socket.is_idle

    async def _drain(self) -> None:
        """Return when the gateway has taken all that was sent."""
        if self._socket is not None:
            await self._socket.drain()

    async def _marked(self, number: int) -> None:
        """Return when this marker has arrived, or the client is gone."""
        while self.is_connected and self._markers < number:
            self._changed.clear()
            await self._changed.wait()

    async def _until(
        self,
        found: Callable[[], T | None],
        complaint: str,
        seconds: float | None,
        *,
        while_connected: bool = False,
    ) -> T:
        """Return what ``found`` gives, once it is not None."""
        seconds = self._timeout if seconds is None else seconds
        try:
            async with asyncio.timeout(seconds):
                while True:
                    self._raise_failure()
                    if (value := found()) is not None:
                        return value
                    if while_connected and not self.is_connected:
                        state = f"the client is disconnected ({self.disconnect_reason})"
                        raise AssertionError(self._tell(f"{complaint}: {state}"))
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(self._tell(f"{complaint} within {seconds:g} s")) from None

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _next(self, name: str | None) -> _Heard | None:
        """Return the oldest event that ``receive`` has not returned; of any name if None."""
        for heard in self._heard:
            if not heard.is_taken and name in (None, heard.event.name):
                return heard
        return None

    def _tell(self, complaint: str) -> str:
        """Return a complaint together with what came instead."""
        rest = [heard.event for heard in self._heard if not heard.is_taken]
        taken = len(self._heard) - len(rest)
        shown = ", ".join(f"{event.name!r} with {event.data!r:.200}" for event in rest[:_SHOWN])
        if len(rest) > _SHOWN:
            shown += f", and {len(rest) - _SHOWN} more"
        instead = f"not received yet: {shown}" if rest else "nothing else came"
        before = f"; received before: {taken}" if taken else ""
        return f"{self.namespace}: {complaint}; {instead}{before}"

    # Sending and hearing

    def _send_event(self, event: str, arguments: tuple[Any, ...], ack_id: int | None) -> None:
        messages = event_messages(self.namespace, event, arguments, ack_id)
        if not self.is_connected:
            # The official client keeps it for later; a test that counts on that says so itself.
            state = f"the client is disconnected ({self.disconnect_reason}); `reconnect` it before"
            raise AssertionError(f"{self.namespace}: {event!r} can't be sent: {state}")
        self._send(messages)

    def _send(self, messages: list[str | bytes]) -> None:
        if self._socket is not None:
            for message in messages:
                self._socket.send(message)

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

    def _presented(self) -> dict[str, Any]:
        if self._pid is None:
            return dict(self._auth)
        session = {"pid": self._pid, "offset": self._offset}
        return {key: value for key, value in session.items() if value is not None} | {**self._auth}

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
            self._refusal = _refused_connect(packet.auth or {}, self._door.hint)
        elif packet.type is PacketType.DISCONNECT:
            self._gone("io server disconnect")

    def _hear(self, arrived: Arrived, packet: Packet) -> None:
        values = arrived.values
        if packet.ack_id is None and values and isinstance(values[-1], str):
            self._offset = values.pop()  # the official client takes any last string for one
        data = values[0] if values else None
        if packet.event_name == MARKER:
            self._markers = int(data or 0)
            return
        raw = packet.args[0] if packet.args else b"null"
        event = ReceivedEvent(packet.event_name, data)
        self._heard.append(_Heard(event, raw, arrived.attachments))
        listener = self._listeners.get(event.name)
        if listener is not None:
            answer = listener(data)
            if packet.ack_id is not None:
                self._send(ack_messages(self.namespace, packet.ack_id, (answer,)))

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


def _refused_connect(error: Mapping[str, Any], hint: str) -> ConnectError:
    data = error.get("data") or {}
    code, message = data.get("code", ""), error.get("message", "")
    hint = hint if code == "forbidden" and message == "Invalid namespace" else ""
    return ConnectError(code, message, retry=data.get("retry", False), hint=hint)


def _refused_upgrade(refusal: HTTPRefusal) -> ConnectError:
    try:
        body = msgspec.json.decode(refusal.body, type=dict[str, Any])
    except msgspec.DecodeError:
        body = {}
    error = body.get("error", body)
    message = error.get("message", f"HTTP status {refusal.status}")
    return ConnectError(str(error.get("code", refusal.status)), message)
