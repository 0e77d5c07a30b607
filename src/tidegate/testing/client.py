"""A client of a gateway under test: what a page with the official client would hear and do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar, overload

import msgspec

from tidegate.events import Event, decode_argument, event_name_of
from tidegate.ids import NamespaceName
from tidegate.testing.client_socket import ClientSocket, IncomingEvent

__all__ = ["ReceivedEvent", "TestClient"]

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
    """

    __test__ = False  # pytest collects classes that are called Test…

    def __init__(self, socket: ClientSocket, *, timeout: float) -> None:
        self._socket = socket
        self._timeout = timeout
        self._heard: list[_Heard] = []
        self._listeners: dict[str, Callable[..., Any]] = {}
        socket.on_event = self._hear

    def __repr__(self) -> str:
        state = "connected" if self.is_connected else "disconnected"
        return f"<TestClient {self.sid or 'without sid'} {self.namespace} {state}>"

    # What it is

    @property
    def namespace(self) -> NamespaceName:
        """That it is connected to."""
        return self._socket.namespace

    @property
    def sid(self) -> str:
        """Its ``socket.id``; the same after a recovery, and what `Client.sid` is in handlers."""
        return self._socket.sid

    @property
    def is_connected(self) -> bool:
        """Whether it is connected now."""
        return self._socket.is_connected

    @property
    def is_recovered(self) -> bool:
        """Whether the last connection continued the session of the one before.

        What was missed arrives then: ``socket.recovered``.
        """
        return self._socket.is_recovered

    @property
    def disconnect_reason(self) -> str | None:
        """Of the last disconnection, as the official client's listener gets it.

        ``io server disconnect`` for one that stays away until told, such as after
        ``user.revoke()`` or the token's end; ``transport close`` for one that would come back by
        itself; ``io client disconnect``.
        """
        return self._socket.disconnect_reason

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
        self._socket.emit(event, arguments)

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
        ack_id = self._socket.new_ack_id()
        self._socket.emit(event, arguments, ack_id)
        values = await self._until(
            lambda: self._socket.take_ack(ack_id),
            f"{event!r} was not acknowledged",
            timeout,
            while_connected=True,
        )
        return values[0] if len(values) == 1 else values or None

    async def drop(self) -> None:
        """Lose the connection without a word, as in a tunnel; returns when the gateway knows.

        What is emitted from now on is missed, until ``reconnect``.
        """
        await self._socket.drop()

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
            self._socket.auth = auth
        await self._socket.connect(self._timeout)

    async def disconnect(self) -> None:
        """Leave, as ``socket.disconnect()``; for `on_disconnect` it is no drop."""
        await self._socket.disconnect()

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

    # Waiting

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
                    self._socket.raise_failure()
                    if (value := found()) is not None:
                        return value
                    if while_connected and not self.is_connected:
                        state = f"the client is disconnected ({self.disconnect_reason})"
                        raise AssertionError(self._tell(f"{complaint}: {state}"))
                    await self._socket.changed()
        except TimeoutError:
            raise AssertionError(self._tell(f"{complaint} within {seconds:g} s")) from None

    def _hear(self, event: IncomingEvent) -> None:
        received = ReceivedEvent(event.name, event.data)
        self._heard.append(_Heard(received, event.raw, event.attachments))
        listener = self._listeners.get(event.name)
        if listener is not None:
            self._socket.answer(event, listener(event.data))

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
