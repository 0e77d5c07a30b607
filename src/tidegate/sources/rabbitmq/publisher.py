"""Publishing that returns when the broker has the message."""

from __future__ import annotations

import asyncio
from typing import Any

from pika.exceptions import AMQPError
from pika.spec import Basic, BasicProperties

from tidegate.errors import SourceError
from tidegate.sources.rabbitmq.channel import AMQPChannel
from tidegate.sources.rabbitmq.connection import AMQPConnection

__all__ = ["ConfirmedPublisher"]

_MAX_PENDING = 10_000


class ConfirmedPublisher:
    """Publishes on a channel of its own, which it opens when needed, after each loss too.

    Many calls may wait at once; confirms come for many messages together. At most 10,000 wait:
    the next is refused, so that a broker that takes nothing fills no memory.
    """

    def __init__(self, connection: AMQPConnection) -> None:
        self._connection = connection
        self._lane: _Lane | None = None
        self._opening = asyncio.Lock()

    async def publish(
        self,
        exchange: str,
        routing_key: str,
        body: bytes,
        properties: BasicProperties | None = None,
        *,
        mandatory: bool = True,
        confirm_within: float | None = 30.0,
    ) -> None:
        """Publish, and return once the broker has taken responsibility for the message.

        Args:
            exchange: Empty for the default exchange, where the routing key is a queue's name.
            routing_key: At most 255 bytes.
            body: Any bytes.
            properties: Headers and the rest.
            mandatory: A message that no queue gets is an error.
            confirm_within: Seconds; None waits as long as the connection lives.

        Raises:
            SourceError: Not connected, lost before the confirm, refused, or not routable. Unless
                it was refused the message may have been taken all the same.
        """
        lane = await self._open_lane()
        try:
            confirmed = lane.publish(
                _Pending(exchange, routing_key, body), properties, mandatory=mandatory
            )
        except AMQPError as error:
            raise SourceError(f"could not publish: {error!r}") from error
        try:
            async with asyncio.timeout(confirm_within):
                await confirmed
        except TimeoutError:
            raise SourceError(f"RabbitMQ did not confirm within {confirm_within:g} s") from None

    async def close(self) -> None:
        """Close the channel; who still waits gets a SourceError."""
        if self._lane is not None:
            await self._lane.channel.close()

    async def _open_lane(self) -> _Lane:
        if self._lane is None or not self._lane.channel.is_open:
            async with self._opening:
                if self._lane is None or not self._lane.channel.is_open:
                    self._lane = await _Lane.open(self._connection)
        return self._lane


class _Lane:
    """One channel in confirm mode: its delivery tags count what was published on it."""

    def __init__(self, channel: AMQPChannel) -> None:
        self.channel = channel
        self._next_tag = 1
        self._pending: dict[int, _Pending] = {}  # by delivery tag, in rising order

    @classmethod
    async def open(cls, connection: AMQPConnection) -> _Lane:
        lane = cls(await connection.open_channel())
        lane.channel.closed.add_done_callback(lane._on_closed)
        lane.channel.raw.add_on_return_callback(lane._on_return)
        await lane.channel.confirm_delivery(lane._on_confirm)
        return lane

    def publish(
        self, pending: _Pending, properties: BasicProperties | None, *, mandatory: bool
    ) -> asyncio.Future[None]:
        if len(self._pending) >= _MAX_PENDING:
            raise SourceError(f"{_MAX_PENDING} messages wait for RabbitMQ's confirm already")
        exchange, routing_key, body = pending.content
        self.channel.raw.basic_publish(exchange, routing_key, body, properties, mandatory)
        self._pending[self._next_tag] = pending
        self._next_tag += 1
        return pending.confirmed

    def _on_confirm(self, frame: Any) -> None:
        last: int = frame.method.delivery_tag
        is_taken = isinstance(frame.method, Basic.Ack)
        tags = [last]
        if frame.method.multiple:  # 0 means all; the tags rise, so the confirmed are the first
            tags = [tag for tag in self._pending if not last or tag <= last]
        for tag in tags:
            pending = self._pending.pop(tag, None)
            if pending is not None:
                pending.resolve("" if is_taken else "RabbitMQ refused the message")

    def _on_return(
        self, _channel: Any, method: Basic.Return, _properties: BasicProperties, body: bytes
    ) -> None:
        """Mark the message that came back: its Ack follows, and a return has no delivery tag.

        Messages of equal content share their fate, so it does not matter which of them it is.
        """
        content = (method.exchange, method.routing_key, body)
        for pending in self._pending.values():
            if pending.content == content and not pending.returned:
                pending.returned = f"no queue gets the message: {method.reply_text}"
                return

    def _on_closed(self, closed: asyncio.Future[Any]) -> None:
        waiting, self._pending = self._pending, {}
        for pending in waiting.values():
            pending.resolve(f"lost before the confirm: {closed.result()}")


class _Pending:
    """A message that waits for its confirm."""

    __slots__ = ("confirmed", "content", "returned")

    def __init__(self, exchange: str, routing_key: str, body: bytes) -> None:
        self.content = (exchange, routing_key, body)
        self.returned = ""
        self.confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def resolve(self, problem: str) -> None:
        if self.confirmed.done():  # its caller gave up
            return
        problem = problem or self.returned
        if problem:
            self.confirmed.set_exception(SourceError(problem))
        else:
            self.confirmed.set_result(None)
