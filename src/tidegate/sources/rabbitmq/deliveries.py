"""What one channel has delivered of one queue and is not worked on yet.

Delivery tags belong to a channel. An object of this class lives as long as its channel, so a
delivery can't be acked on another one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from pika.spec import Basic, BasicProperties

from tidegate.sources.rabbitmq.channel import AMQPChannel, AMQPChannelClosed
from tidegate.sources.rabbitmq.config import QueueConfig
from tidegate.sources.rabbitmq.connection import AMQPConnection
from tidegate.sources.rabbitmq.content import Delivery

__all__ = ["Deliveries"]


ACK_SECONDS = 0.01
"""What is done waits so long for its ack, and shares it with what is done meanwhile."""


class Deliveries:
    """A consumer on a channel of its own; the prefetch bounds what gathers here.

    It bounds messages, not bytes. RabbitMQ has no prefetch by size, and no other bound keeps our
    promises: closing the channel and consuming with a lower prefetch has messages delivered again,
    and then equal ones without an id are taken for known; cancelling the consumer lets another node
    begin behind messages that are worked on here; not reading loses heartbeats, and with them the
    connection, while the log takes nothing.

    Args:
        channel: Belongs to this object from now on.
        prefetch: That of the channel.
        on_end: Called when nothing more comes in, whatever the cause; perhaps more than once.

    Attributes:
        is_synchronised: For its user: whether the log has been read up to its end since this
            channel was opened.
    """

    def __init__(self, channel: AMQPChannel, prefetch: int, on_end: Callable[[], None]) -> None:
        self._channel = channel
        self._most_unacked = prefetch // 4  # the broker must not run out of what it may send
        self._done = self._acked = 0  # delivery tags, counted from 1
        self._ack_timer: asyncio.TimerHandle | None = None
        self._on_end = on_end
        self._arrived: deque[Delivery] = deque()
        self._wake: asyncio.Future[None] | None = None
        self._is_ending = False
        self._ended: asyncio.Future[AMQPChannelClosed] = asyncio.get_running_loop().create_future()
        self.is_synchronised = False
        channel.raw.add_on_cancel_callback(self._on_cancelled)
        channel.closed.add_done_callback(self._on_closed)

    @classmethod
    async def open(
        cls, connection: AMQPConnection, queue: QueueConfig, on_end: Callable[[], None]
    ) -> Deliveries:
        """Begin to consume.

        Raises:
            SourceError: The broker refused, or the connection was lost.
        """
        channel = await connection.open_channel()
        deliveries = cls(channel, queue.prefetch, on_end)
        await channel.set_prefetch(queue.prefetch)
        await channel.consume(queue.name, deliveries._on_delivery)
        return deliveries

    @property
    def is_open(self) -> bool:
        """Whether messages still come in."""
        return self._channel.is_open and not self._is_ending

    async def take(self, max_count: int, max_bytes: int) -> list[Delivery]:
        """Wait for deliveries and return what is there, in order.

        Returns:
            At least one and at most ``max_count``, of about ``max_bytes`` together; none when it
            has ended: closed, stopped, or cancelled by the broker with all deliveries taken.
        """
        while not self._arrived:
            if not self.is_open:
                return []
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        taken: list[Delivery] = []
        size = 0
        while self._arrived and len(taken) < max_count and size < max_bytes:
            delivery = self._arrived.popleft()
            size += len(delivery.body)
            taken.append(delivery)
        return taken

    def ack(self, last: Delivery) -> None:
        """Ack it and all before it, soon: one ack does for all that is done by then.

        Nothing happens if the channel is gone; they will come again.
        """
        self._done = last.method.delivery_tag
        if self._done - self._acked >= self._most_unacked:
            self._ack_what_is_done()
        elif self._ack_timer is None:
            loop = asyncio.get_running_loop()
            self._ack_timer = loop.call_later(ACK_SECONDS, self._ack_what_is_done)

    async def pause(self, seconds: float) -> None:
        """Sleep, at most until the channel is closed or ``stop``.

        Raises:
            AMQPChannelClosed: It was: who retries something for its deliveries has to give up.
        """
        await asyncio.wait([self._ended], timeout=seconds)
        if self._ended.done():
            raise self._ended.result()

    def stop(self) -> None:
        """Give out nothing more; what is not acked goes back to the queue on ``close``."""
        self._give_up(AMQPChannelClosed(0, "stopped"))

    async def close(self) -> None:
        """Close the channel, with all acked that is done."""
        self._ack_what_is_done()
        await self._channel.close()

    def _ack_what_is_done(self) -> None:
        if self._ack_timer is not None:
            self._ack_timer.cancel()
            self._ack_timer = None
        if self._done > self._acked and self._channel.is_open:
            self._acked = self._done
            self._channel.ack(self._done, multiple=True)

    def _on_delivery(
        self, _channel: Any, method: Basic.Deliver, properties: BasicProperties, body: bytes
    ) -> None:
        if not self._is_ending:
            self._arrived.append(Delivery(method, properties, body))
            self._wake_up()

    def _on_cancelled(self, _frame: Any) -> None:
        """The queue was deleted, or lost its leader: what was delivered is still worked on."""
        self._end()

    def _on_closed(self, closed: asyncio.Future[AMQPChannelClosed]) -> None:
        self._give_up(closed.result())

    def _give_up(self, reason: AMQPChannelClosed) -> None:
        self._arrived.clear()
        if not self._ended.done():
            self._ended.set_result(reason)
        self._end()

    def _end(self) -> None:
        self._is_ending = True
        self._on_end()
        self._wake_up()

    def _wake_up(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
