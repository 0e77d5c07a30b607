"""The gateway's side towards RabbitMQ: queues in, client events out, and services past the queues.

Two connections: one that consumes and one that publishes, as a broker short of memory stops reading
from those that publish. The log has its own, on the stream port.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence

from tidegate.app.forwarding import Forwarder
from tidegate.app.forwards import ForwardTable
from tidegate.app.routing import Router
from tidegate.app.settings import Settings
from tidegate.app.settings_tables import QueueSettings
from tidegate.errors import ConfigError, MessageRejected
from tidegate.log import EventEntry, EventLog
from tidegate.log.rabbitmq_stream import RabbitMQStreamLog
from tidegate.sources.envelopes import open_envelope
from tidegate.sources.message import AMQPContent
from tidegate.sources.rabbitmq.channel import AMQPChannelClosed
from tidegate.sources.rabbitmq.config import ExchangeConfig, QueueConfig
from tidegate.sources.rabbitmq.connection import AMQPConnection
from tidegate.sources.rabbitmq.consumer import STOP_SECONDS as QUEUES_STOP_SECONDS
from tidegate.sources.rabbitmq.consumer import QueueSource
from tidegate.sources.rabbitmq.link import CLOSE_SECONDS as AMQP_CLOSE_SECONDS
from tidegate.sources.rabbitmq.publisher import ConfirmedPublisher
from tidegate.sources.rabbitmq.requests import AMQPRequests
from tidegate.sources.redelivery import KnownOrigins
from tidegate.sources.stream_message import read_stream_message

__all__ = ["STOP_SECONDS", "Broker", "queue_configs"]

STOP_SECONDS = QUEUES_STOP_SECONDS + AMQP_CLOSE_SECONDS
"""What ``stop_consuming`` and then ``close`` take at most, whatever the broker does."""

_logger = logging.getLogger("tidegate.broker")

_REFUSED = (403, 406)  # AMQP 0-9-1: access refused, precondition failed

Entries = Sequence[EventEntry]


class Broker:
    """What a gateway has to do with RabbitMQ, beside the log.

    Args:
        settings: With ``rabbitmq.url``.
        router: Makes entries of messages.
        forwards: Client events that go to services.
        log: Where entries go; services may publish into it if it is on RabbitMQ.
        append: Appends entries, holding back while this node is behind.
        synchronise: Returns once this node has read all that is in the log now.
        name: This node's, shown by the broker beside the connections.

    Attributes:
        forwarder: Sends client events; None without forwards.
        known: Fingerprints of messages in the log; the hub's events are noted here.
        rejected: Messages in the log's streams that could not become events.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        router: Router,
        forwards: ForwardTable,
        log: EventLog,
        append: Callable[[Entries], Awaitable[object]],
        synchronise: Callable[[], Awaitable[object]],
        name: str,
    ) -> None:
        self.known = KnownOrigins()
        self.rejected = 0
        self._router = router
        self._log = log
        self._exchange = settings.log.exchange
        self._envelopes = {queue.name: queue.envelope for queue in settings.rabbitmq.queues}
        self._publishing = _connection(settings, f"tidegate {name} publishes")
        self._consuming = _connection(settings, f"tidegate {name} consumes")
        self.requests = AMQPRequests(self._publishing)
        self.forwarder = Forwarder(forwards, self.requests) if forwards else None
        self.source = QueueSource(
            self._consuming,
            queue_configs(settings),
            translate=self._translate,
            append=append,
            is_known=self.known.take,
            synchronise=synchronise,
            max_entry_size=lambda: log.max_entry_size,
            publisher=ConfirmedPublisher(self._publishing),
            retry_delay=settings.rabbitmq.retry_delay,
        )
        self._has_queues = bool(settings.rabbitmq.queues)
        if isinstance(log, RabbitMQStreamLog):
            log.foreign = self._foreign_entry

    @property
    def is_connected(self) -> bool:
        """Whether all that is needed of the broker is there now."""
        has_queues = not self._has_queues or self.source.is_consuming
        return self._publishing.is_connected and has_queues

    async def start(self) -> None:
        """Connect and begin to consume; waits until the broker is there.

        Raises:
            ConfigError: The broker refuses the user, or a queue's declaration.
        """
        if self._exchange is not None:
            self._publishing.on_open(self._bind_streams)
        self._publishing.start()
        await self._publishing.connected()
        if self._has_queues:
            self._consuming.start()
            await self._consuming.connected()
            self.source.start()
            await self.source.ready()

    async def stop_consuming(self) -> None:
        """Finish what was taken from queues, and give the rest back."""
        await self.source.stop()

    async def close(self) -> None:
        """Let go of the connections; requests that wait for a reply fail."""
        await asyncio.gather(self._consuming.close(), self._publishing.close())

    def note(self, entry: EventEntry) -> None:
        """Remember of an entry that came from the log whether it was a message without an id."""
        if entry.origin is not None:
            self.known.note(entry.origin)

    def _translate(self, content: AMQPContent, queue: str) -> Entries | Awaitable[Entries]:
        return self._router.route(open_envelope(content, self._envelopes[queue]))

    def _foreign_entry(self, data: bytes) -> EventEntry | None:
        """Return the entry of a message in the log's stream, or None and a line in the log.

        It can't go to the dead letters: every node reads it, and it stays in the stream.
        """
        try:
            entries = self._router.route(open_envelope(read_stream_message(data)))
            return _only_entry(entries)
        except Exception as error:  # whatever it is: no message may keep nodes from reading on
            self.rejected += 1
            if self.rejected < 10 or self.rejected % 1000 == 0:
                trace = None if isinstance(error, MessageRejected) else error
                text = "message %d in the log was passed over: %s"
                _logger.warning(text, self.rejected, error, exc_info=trace)
            return None

    async def _bind_streams(self, connection: AMQPConnection) -> None:
        """Bind the log's streams to their exchange; each gets all, and reads its own tenants'."""
        if self._exchange is None or not isinstance(self._log, RabbitMQStreamLog):
            return
        channel = await connection.open_channel()
        try:
            await channel.declare_exchange(self._exchange, "topic")
            for stream in self._log.streams:
                await channel.bind_queue(stream, self._exchange, "#")
        except AMQPChannelClosed as error:
            if error.code not in _REFUSED:
                raise
            raise ConfigError(
                "log.exchange",
                f"can't be used as a durable topic exchange: {error.text}",
                remedy="Name another one, or let the user configure, write and read it.",
            ) from error
        await channel.close()


def _only_entry(entries: Entries | Awaitable[Entries]) -> EventEntry | None:
    """Return the one entry of a message that every node reads for itself, if it has any."""
    if isinstance(entries, Coroutine):
        entries.close()
    if isinstance(entries, Awaitable):
        raise MessageRejected("handler_failed", "async `consume` functions are for queues only")
    if len(entries) > 1:
        raise MessageRejected("handler_failed", "several audiences are for queues only")
    return entries[0] if entries else None


def queue_configs(settings: Settings) -> list[QueueConfig]:
    """Return the configured queues as their source wants them."""
    return [_queue_config(queue, settings.rabbitmq.prefetch) for queue in settings.rabbitmq.queues]


def _queue_config(queue: QueueSettings, prefetch: int) -> QueueConfig:
    return QueueConfig(
        name=queue.name,
        type=queue.type,
        durable=queue.durable,
        passive=queue.passive,
        single_active_consumer=queue.single_active_consumer,
        arguments=queue.arguments,
        exchanges=tuple(ExchangeConfig(**each.model_dump()) for each in queue.exchanges),
        prefetch=queue.prefetch or prefetch,
        dead_letter_exchange=queue.dead_letter_exchange,
        dead_letter_queue=queue.dead_letter_queue,
    )


def _connection(settings: Settings, name: str) -> AMQPConnection:
    broker = settings.rabbitmq
    if broker.url is None:
        raise ConfigError("rabbitmq.url", "is not set", remedy="Set it to the broker's URL.")
    return AMQPConnection(
        broker.url.get_secret_value(),
        name=name,
        heartbeat=broker.heartbeat,
        retry_delay=broker.retry_delay,
    )
