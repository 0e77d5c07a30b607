"""One AMQP channel, with coroutines where pika has callbacks.

pika never calls back a request whose channel or connection went away; here such a request raises.
What pika calls while it reads (deliveries, confirms) must return quickly and must not raise: an
exception in there makes pika drop the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pika.channel import Channel
from pika.exceptions import AMQPError, ChannelClosed
from pika.spec import Basic, BasicProperties

from tidegate.errors import SourceError
from tidegate.sources.rabbitmq.refusal import unreachable_because

__all__ = ["AMQPChannel", "AMQPChannelClosed", "Delivered", "QueueState"]

OnDelivery = Callable[[Channel, Basic.Deliver, BasicProperties, bytes], None]


class AMQPChannelClosed(SourceError):
    """The channel is gone, and with it what was asked of it.

    Attributes:
        code: The broker's reply code (404 not found, 406 precondition failed, ...); 0 if the
            broker gave none, as when the connection was lost.
        text: The broker's text, or why the connection was lost.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"the AMQP channel is closed: {text}" + (f" ({code})" if code else ""))
        self.code = code
        self.text = text


class QueueState(NamedTuple):
    """What the broker says of a queue when it is declared."""

    messages: int
    consumers: int


class Delivered(NamedTuple):
    """A message that was asked for by ``get``."""

    method: Basic.GetOk
    properties: BasicProperties
    body: bytes


class AMQPChannel:
    """A channel of a connection; made by ``AMQPConnection.open_channel``.

    Every coroutine raises `AMQPChannelClosed` when the channel is closed before the answer comes.

    Attributes:
        raw: pika's channel, for what needs no answer, such as publishing.
        closed: Resolves with the reason when the channel closes, whoever closed it.
    """

    def __init__(self, raw: Channel) -> None:
        self.raw = raw
        self.closed: asyncio.Future[AMQPChannelClosed] = asyncio.get_running_loop().create_future()
        self._waiting: set[asyncio.Future[Any]] = set()
        self._getting: asyncio.Future[Delivered | None] | None = None
        raw.add_on_close_callback(self._on_closed)

    @property
    def is_open(self) -> bool:
        """Whether it can be used."""
        return not self.closed.done() and bool(self.raw.is_open)

    # Declaring

    async def declare_queue(
        self,
        name: str,
        *,
        durable: bool = True,
        passive: bool = False,
        exclusive: bool = False,
        arguments: Mapping[str, Any] | None = None,
    ) -> QueueState:
        """Declare a queue, or with ``passive`` check that it exists, and return its state."""
        answer = await self._ask(
            self.raw.queue_declare,
            name,
            passive=passive,
            durable=durable,
            exclusive=exclusive,
            arguments=dict(arguments or {}),
        )
        return QueueState(answer.method.message_count, answer.method.consumer_count)

    async def declare_exchange(
        self, name: str, kind: str, *, durable: bool = True, passive: bool = False
    ) -> None:
        """Declare an exchange, or with ``passive`` check that it exists."""
        await self._ask(
            self.raw.exchange_declare, name, exchange_type=kind, durable=durable, passive=passive
        )

    async def bind_queue(self, queue: str, exchange: str, routing_key: str) -> None:
        """Bind a queue to an exchange; nothing happens if it is bound so already."""
        await self._ask(self.raw.queue_bind, queue, exchange, routing_key=routing_key)

    # Consuming

    async def set_prefetch(self, count: int) -> None:
        """Let the broker send at most ``count`` messages ahead of the acks."""
        await self._ask(self.raw.basic_qos, prefetch_count=count)

    async def consume(self, queue: str, on_delivery: OnDelivery, *, exclusive: bool = False) -> str:
        """Start consuming with acks and return the consumer's tag."""
        answer = await self._ask(self.raw.basic_consume, queue, on_delivery, exclusive=exclusive)
        return str(answer.method.consumer_tag)

    async def get(self, queue: str) -> Delivered | None:
        """Take one message, to be acked, or None if the queue is empty; one call at a time."""
        answer: asyncio.Future[Delivered | None] = self._expect()
        if self._getting is None:
            self.raw.add_callback(lambda _: self._resolve_get(None), [Basic.GetEmpty], False)
        self._getting = answer
        try:
            self.raw.basic_get(queue, lambda _, *parts: self._resolve_get(Delivered(*parts)))
        except AMQPError as error:
            raise _closed(error) from error
        return await answer

    def ack(self, delivery_tag: int, *, multiple: bool = False) -> None:
        """Ack one delivery, or with ``multiple`` all up to it."""
        if self.closed.done():
            raise self.closed.result()
        self.raw.basic_ack(delivery_tag, multiple)

    # Publishing

    async def confirm_delivery(self, on_confirm: Callable[[Any], None]) -> None:
        """Ask for confirms; each calls ``on_confirm`` with pika's frame of an Ack or a Nack."""
        await self._ask(self.raw.confirm_delivery, on_confirm)

    # Closing

    async def close(self) -> None:
        """Close it and wait until the broker says that it is; what is not acked is requeued.

        In one step, so that a single active consumer's successor begins with it. By itself pika
        cancels the consumers first, and a successor would begin behind what is requeued after that.
        """
        if self.is_open:
            self.raw._cancelled.update(self.raw.consumer_tags)  # noqa: SLF001
            self.raw.close()
        await asyncio.shield(self.closed)

    async def _ask(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        answer = self._expect()
        try:
            method(*args, **kwargs, callback=lambda frame: _resolve(answer, frame))
        except AMQPError as error:
            raise _closed(error) from error
        return await answer

    def _expect(self) -> asyncio.Future[Any]:
        if self.closed.done():
            raise self.closed.result()
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.add(answer)
        answer.add_done_callback(self._waiting.discard)
        return answer

    def _resolve_get(self, result: Delivered | None) -> None:
        if self._getting is not None:
            _resolve(self._getting, result)

    def _on_closed(self, _channel: Channel, reason: Exception) -> None:
        error = _closed(reason)
        _resolve(self.closed, error)
        for answer in list(self._waiting):
            if not answer.done():
                answer.set_exception(error)


def _resolve(future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():  # its waiter may have been cancelled
        future.set_result(value)


def _closed(reason: Exception) -> AMQPChannelClosed:
    if isinstance(reason, ChannelClosed):
        return AMQPChannelClosed(reason.reply_code, reason.reply_text)
    return AMQPChannelClosed(0, unreachable_because(reason))
