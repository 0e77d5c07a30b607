"""Messages to services by RabbitMQ, with confirms and direct reply-to.

Everything travels on one channel: RabbitMQ gives a reply to the channel that asked. The channel
opens at the first message and again after each loss; what was waiting then fails at once. A message
to an exchange that does not exist would cost the channel, and so the replies that others wait for:
therefore each exchange is looked for, on another channel, before it is first used.

Source: RabbitMQ, "Direct Reply-to" and "Publisher Confirms".
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

from pika.exceptions import AMQPError
from pika.spec import Basic, BasicProperties

from tidegate.errors import RequestFailed, RequestFailure, SourceError
from tidegate.sources.rabbitmq.channel import AMQPChannel, AMQPChannelClosed
from tidegate.sources.rabbitmq.connection import AMQPConnection
from tidegate.sources.requests import OnReply, OutgoingMessage

__all__ = ["AMQPRequests"]

_REPLY_TO = "amq.rabbitmq.reply-to"
_PERSISTENT = 2
_NOT_FOUND = 404

_logger = logging.getLogger(__name__)

_NOT_SENT = "The service can't be reached now; it did not get the event."
_NOBODY = "Nobody takes this event now; no service got it."
_REFUSED = "The service takes no more events now; it did not get this one."
_UNSURE = "The service can't be reached now; it may have got the event or not."
_LOST = "The service was lost before it answered; it may have got the event or not."
_LATE = "The service did not answer in time; it may have got the event or not."
_FULL = "Too many events wait for services; this one was not sent."


class AMQPRequests:
    """A `RequestClient` on an `AMQPConnection`, which its owner starts and closes.

    With the connection ends whatever still waits, as ``unavailable``.

    Args:
        connection: One that events are not consumed on, see there.
        max_pending: Messages without confirm or reply at a time.

    Attributes:
        counts: ``late_replies``: replies that nobody waited for any more.
    """

    def __init__(self, connection: AMQPConnection, *, max_pending: int = 10_000) -> None:
        self._connection = connection
        self._max_pending = max_pending
        self._lane: _Lane | None = None
        self._opening = asyncio.Lock()
        self._exchanges = {""}  # known to exist
        self.counts: Counter[str] = Counter()

    async def publish(self, message: OutgoingMessage, *, within: float) -> None:
        """Send a message; see `RequestClient`."""
        await self._send(message, None, within, RequestFailed("unavailable", _UNSURE))

    async def request(self, message: OutgoingMessage, on_reply: OnReply, *, within: float) -> None:
        """Send a message and wait for its replies; see `RequestClient`."""
        await self._send(message, on_reply, within, RequestFailed("timeout", _LATE))

    async def _send(
        self,
        message: OutgoingMessage,
        on_reply: OnReply | None,
        within: float,
        too_late: RequestFailed,
    ) -> None:
        call = _Call(on_reply)
        lane: _Lane | None = None
        try:
            async with asyncio.timeout(within):
                lane = await self._ready_lane(message.exchange)
                lane.send(message, call)
                await call.done
        except TimeoutError:
            raise too_late from None
        finally:
            if lane is not None:
                lane.forget(message.correlation_id)

    async def _ready_lane(self, exchange: str) -> _Lane:
        if self._connection.is_blocked:
            raise RequestFailed("unavailable", _NOT_SENT)
        try:
            if exchange not in self._exchanges:
                await self._look_for(exchange)
            if self._lane is None or not self._lane.channel.is_open:
                async with self._opening:
                    if self._lane is None or not self._lane.channel.is_open:
                        self._lane = await self._open_lane()
        except SourceError as error:
            code = error.code if isinstance(error, AMQPChannelClosed) else 0
            detail = _NOBODY if code == _NOT_FOUND else _NOT_SENT
            raise RequestFailed("unavailable", detail) from error
        return self._lane

    async def _open_lane(self) -> _Lane:
        lane = await _Lane.open(self._connection, self._max_pending, self._count_late)
        lane.channel.closed.add_done_callback(self._on_closed)
        return lane

    async def _look_for(self, exchange: str) -> None:
        channel = await self._connection.open_channel()
        try:
            await channel.declare_exchange(exchange, "topic", passive=True)  # of any kind
        finally:
            await channel.close()
        self._exchanges.add(exchange)

    def _on_closed(self, closed: asyncio.Future[AMQPChannelClosed]) -> None:
        self._exchanges = {""}  # one of them may be gone, and be the reason
        reason = closed.result()
        if reason.code:
            _logger.error(
                "RabbitMQ closed the channel to services: %s (%d)", reason.text, reason.code
            )

    def _count_late(self) -> None:
        self.counts["late_replies"] += 1


class _Lane:
    """One channel in confirm mode that consumes the replies to what it publishes.

    Its delivery tags count what was published on it. A return has no delivery tag but carries the
    message's properties, so every message has a correlation id, also one that wants no reply.
    """

    def __init__(
        self, channel: AMQPChannel, max_pending: int, count_late: Callable[[], None]
    ) -> None:
        self.channel = channel
        self._max_pending = max_pending
        self._count_late = count_late
        self._next_tag = 1
        self._unconfirmed: dict[int, _Call] = {}  # by delivery tag, in rising order
        self._calls: dict[str, _Call] = {}  # by correlation id

    @classmethod
    async def open(
        cls, connection: AMQPConnection, max_pending: int, count_late: Callable[[], None]
    ) -> _Lane:
        lane = cls(await connection.open_channel(), max_pending, count_late)
        lane.channel.closed.add_done_callback(lane._on_closed)
        lane.channel.raw.add_on_return_callback(lane._on_return)
        await lane.channel.confirm_delivery(lane._on_confirm)
        # The broker's answer need not be waited for: what is published comes after it.
        lane.channel.raw.basic_consume(_REPLY_TO, lane._on_reply, auto_ack=True)
        return lane

    def send(self, message: OutgoingMessage, call: _Call) -> None:
        """Publish; the call is done when it fails, is confirmed, or has its last reply."""
        if max(len(self._calls), len(self._unconfirmed)) >= self._max_pending:
            raise RequestFailed("try_again", _FULL)
        properties = BasicProperties(
            content_type="application/json",
            delivery_mode=_PERSISTENT,
            headers=dict(message.headers),
            message_id=message.message_id,
            correlation_id=message.correlation_id,
            reply_to=None if call.on_reply is None else _REPLY_TO,
        )
        try:
            self.channel.raw.basic_publish(
                message.exchange, message.routing_key, message.body, properties, mandatory=True
            )
        except AMQPError as error:
            raise RequestFailed("unavailable", _NOT_SENT) from error
        self._unconfirmed[self._next_tag] = self._calls[message.correlation_id] = call
        self._next_tag += 1

    def forget(self, correlation_id: str) -> None:
        """Stop waiting for replies."""
        self._calls.pop(correlation_id, None)

    def _on_confirm(self, frame: Any) -> None:
        last: int = frame.method.delivery_tag
        tags = [last]
        if frame.method.multiple:  # 0 means all; the tags rise, so the confirmed are the first
            tags = [tag for tag in self._unconfirmed if not last or tag <= last]
        for tag in tags:
            call = self._unconfirmed.pop(tag, None)
            if call is None:
                continue
            if isinstance(frame.method, Basic.Nack):
                call.fail("unavailable", _REFUSED)
            elif call.on_reply is None:
                call.finish()

    def _on_return(
        self, _channel: Any, _method: Any, properties: BasicProperties, _body: bytes
    ) -> None:
        call = self._calls.get(properties.correlation_id or "")
        if call is not None:
            call.fail("unavailable", _NOBODY)

    def _on_reply(
        self, _channel: Any, _method: Any, properties: BasicProperties, body: bytes
    ) -> None:
        call = self._calls.get(properties.correlation_id or "")
        if call is None or call.on_reply is None or call.done.done():
            self._count_late()
        elif call.on_reply(body):
            call.finish()

    def _on_closed(self, _closed: asyncio.Future[Any]) -> None:
        for call in [*self._calls.values(), *self._unconfirmed.values()]:
            call.fail("unavailable", _LOST if call.on_reply is not None else _UNSURE)
        self._unconfirmed.clear()


class _Call:
    """A message that waits for its confirm or, with ``on_reply``, for its last reply."""

    __slots__ = ("done", "on_reply")

    def __init__(self, on_reply: OnReply | None) -> None:
        self.on_reply = on_reply
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def finish(self) -> None:
        if not self.done.done():  # its caller may have given up
            self.done.set_result(None)

    def fail(self, code: RequestFailure, detail: str) -> None:
        if not self.done.done():
            self.done.set_exception(RequestFailed(code, detail))
            self.done.exception()  # its caller may have given up
