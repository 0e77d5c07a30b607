"""Client events to handlers and services: in order for one client, side by side for others."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from tidegate.app.builtin_events import BuiltinEvents
from tidegate.app.cancelling import is_cancelled
from tidegate.app.client import Client
from tidegate.app.forwarding import Forwarder
from tidegate.app.handlers import EventHandler
from tidegate.app.limits import TokenBucket
from tidegate.app.namespace import Namespace
from tidegate.errors import AuthError, PayloadError, Refused
from tidegate.events import EncodedPayload, encode_payload
from tidegate.hub import Socket
from tidegate.protocol.events import EventReceived
from tidegate.transports.base import Connection, socket_of

__all__ = ["Dispatcher", "error_payload"]

log = logging.getLogger("tidegate.dispatch")


class Dispatcher:
    """Runs handlers for client events and sends their acks.

    A client's events wait in its inbox while an earlier one is handled. The inbox holds as many as
    the burst limit allows; a client that is faster than its handlers is told ``try_again``.

    Args:
        namespaces: Their handlers.
        builtin: The gateway's own events.
        client_of: Gives the client object of a socket.
        disconnect: Sends DISCONNECT to all sockets of a connection, with a reason for the log.
        spawn: Runs a coroutine as a task.
        rate: Events per second from one connection.
        burst: Events at once.
        forwarder: Takes the events that go to services; None without forwards.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        namespaces: dict[str, Namespace],
        builtin: BuiltinEvents,
        *,
        client_of: Callable[[Socket], Client],
        disconnect: Callable[[Connection, str], None],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        rate: float,
        burst: int,
        forwarder: Forwarder | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._namespaces = namespaces
        self._builtin = builtin
        self._client_of = client_of
        self._disconnect = disconnect
        self._spawn = spawn
        self._rate = rate
        self._burst = burst
        self._forwarder = forwarder
        self._clock = clock
        self.counts: Counter[str] = Counter()

    def event_received(self, connection: Connection, event: EventReceived) -> None:
        """Handle an event now if it can be, else when its client's earlier ones are done."""
        socket = socket_of(connection, event.namespace)
        if socket is None:
            return  # it was disconnected while the packet was on its way
        if not self._is_within_rate(connection):
            self.counts["rate_limited"] += 1
            self._answer_error(connection, event, "limit_reached", "Too many events; slow down.")
            self._disconnect(connection, "rate limit")
            return
        client = self._client_of(socket)
        handler = self._namespaces[event.namespace].handlers.get(event.event_name)
        if client.worker is None and handler is not None and not handler.is_async:
            self._run_sync(connection, client, handler, event)
        elif client.worker is not None and len(client.inbox) >= self._burst:
            self.counts["inbox_full"] += 1
            self._answer_error(connection, event, "try_again", "Earlier events are still waiting.")
        else:
            self._enqueue(connection, client, event)

    # Order

    def _enqueue(self, connection: Connection, client: Client, event: EventReceived) -> None:
        send = None
        if self._forwarder is not None:
            send = self._forwarder.accept(connection, client, event)
            self.counts["forwarded"] += send is not None
        client.inbox.append((connection, event, send))
        if client.worker is None:
            client.worker = self._spawn(self._work(client))

    async def _work(self, client: Client) -> None:
        inbox = client.inbox
        try:
            while inbox:
                connection, event, send = inbox.popleft()
                try:
                    result = await (self._result_of(client, event) if send is None else send())
                    self._answer(connection, event, result)
                except (Exception, asyncio.CancelledError) as error:
                    if is_cancelled():
                        raise
                    self._answer_failure(connection, event, error)
        finally:
            client.worker = None

    def _is_within_rate(self, connection: Connection) -> bool:
        now = self._clock()
        bucket = connection.bucket
        if bucket is None:
            bucket = connection.bucket = TokenBucket(self._rate, self._burst, now)
        within: bool = bucket.take(now)
        return within

    # Handling

    async def _result_of(self, client: Client, event: EventReceived) -> Any:
        handler = self._namespaces[event.namespace].handlers.get(event.event_name)
        if handler is None and event.event_name.startswith("tidegate."):
            return await self._builtin.handle(client, event)
        if handler is None:
            self.counts["unknown"] += 1
            raise Refused(f"no handler for {event.event_name!r}", code="unknown_event")
        self.counts["handled"] += 1
        result = handler.function(client, *handler.decode(event.args, event.attachments))
        return await result if handler.is_async and hasattr(result, "__await__") else result

    def _run_sync(
        self, connection: Connection, client: Client, handler: EventHandler, event: EventReceived
    ) -> None:
        try:
            self.counts["handled"] += 1
            arguments = handler.decode(event.args, event.attachments)
            self._answer(connection, event, handler.function(client, *arguments))
        except Exception as error:
            self._answer_failure(connection, event, error)

    # Answering

    def _answer(self, connection: Connection, event: EventReceived, result: Any) -> None:
        """Send the ack, if one is wanted: a tuple gives several arguments, None gives none."""
        if event.ack_id is None:
            return
        values = result if isinstance(result, tuple) else () if result is None else (result,)
        try:
            self._send_ack(connection, event, values)
        except PayloadError as error:  # the handler's fault: the client sent nothing invalid
            raise TypeError("what it returned can't be an ack") from error

    def _answer_failure(
        self, connection: Connection, event: EventReceived, error: BaseException
    ) -> None:
        if isinstance(error, PayloadError):
            self.counts["invalid_payload"] += 1
            text = f"{event.event_name}: {error.message}"
            self._answer_error(connection, event, "invalid_payload", text, error.field)
        elif isinstance(error, Refused):
            self.counts["refused"] += 1
            self._answer_error(connection, event, error.code, error.message)
        elif isinstance(error, AuthError):
            self.counts["refused"] += 1
            self._answer_error(connection, event, error.code, error.detail)
        else:
            self.counts["failed"] += 1
            log.error("the handler of %r failed", event.event_name, exc_info=error)
            self._answer_error(connection, event, "internal", "The handler failed.")

    def _answer_error(
        self,
        connection: Connection,
        event: EventReceived,
        code: str,
        message: str,
        field: str | None = None,
    ) -> None:
        if event.ack_id is not None:
            self._send_ack(connection, event, (error_payload(code, message, field),))

    def _send_ack(
        self, connection: Connection, event: EventReceived, values: tuple[Any, ...]
    ) -> None:
        if not connection.is_open or socket_of(connection, event.namespace) is None:
            return
        if event.ack_id is None:
            return
        arguments, attachments = _encode_together(values)
        connection.core.send_ack(event.namespace, event.ack_id, arguments, attachments)
        connection.flush()


def error_payload(code: str, message: str, field: str | None = None) -> dict[str, Any]:
    """Return the shape that every refused call is answered with."""
    error = {"code": code, "message": message}
    return {"error": error if field is None else {**error, "field": field}}


def _encode_together(values: tuple[Any, ...]) -> tuple[list[bytes], tuple[bytes, ...]]:
    """Encode an ack's arguments; attachments are numbered over all of them, so as one payload."""
    encoded: list[EncodedPayload] = [encode_payload(value) for value in values]
    if len(encoded) == 1:
        return [encoded[0].json], encoded[0].attachments
    if not any(payload.attachments for payload in encoded):
        return [payload.json for payload in encoded], ()
    whole = encode_payload(values)
    parts = msgspec.json.decode(whole.json, type=list[msgspec.Raw])
    return [bytes(part) for part in parts], whole.attachments
