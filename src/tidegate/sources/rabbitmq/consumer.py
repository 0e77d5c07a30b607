"""Consumes queues into the event log: at least once, in order, with the acks behind the log.

Each queue has a task, a channel and a pipeline of its own, so that one that stands still does not
hold up the others. While a batch is under way its followers gather, up to the prefetch; so batches
grow by themselves when there is much to do, and are one message when there is little.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from pika.exceptions import AMQPError

from tidegate.backoff import Backoff
from tidegate.errors import ConfigError, SourceError
from tidegate.sources.message import AMQPContent
from tidegate.sources.rabbitmq.burial import Burial
from tidegate.sources.rabbitmq.config import QueueConfig
from tidegate.sources.rabbitmq.connection import AMQPConnection
from tidegate.sources.rabbitmq.deliveries import Deliveries
from tidegate.sources.rabbitmq.pipeline import Pipeline, QueueStats, Steps, Translated
from tidegate.sources.rabbitmq.publisher import ConfirmedPublisher
from tidegate.sources.rabbitmq.topology import QueueMissing, declare_queue

__all__ = ["STOP_SECONDS", "QueueSource"]

_MAX_BATCH = 500
_MAX_BATCH_BYTES = 1_000_000
_FINISH_SECONDS = 5.0
_CLOSE_SECONDS = 2.0
STOP_SECONDS = _FINISH_SECONDS + _CLOSE_SECONDS
"""What ``stop`` takes at most by itself."""

_logger = logging.getLogger(__name__)


class QueueSource:
    """Consumes queues on one connection, again after each loss.

    Guarantees: at least once into the log, in the queue's order as the broker delivers it; acks
    only after the append is confirmed; bad messages to the dead-letter queue. `Steps` tells what
    the callbacks do.

    Args:
        connection: Started and closed by whoever made it.
        queues: What to consume; names are unique.
        publisher: Publishes dead letters; best one of another connection, because a broker short
            of memory reads no acks from connections that publish. Default: on ``connection``.
        retry_delay: Longest pause between two attempts at what failed, seconds.
    """

    def __init__(
        self,
        connection: AMQPConnection,
        queues: Sequence[QueueConfig],
        *,
        translate: Callable[[AMQPContent, str], Translated | Awaitable[Translated]],
        append: Callable[[Translated], Awaitable[object]],
        is_known: Callable[[int], bool],
        synchronise: Callable[[], Awaitable[object]],
        max_entry_size: Callable[[], int] | None = None,
        publisher: ConfirmedPublisher | None = None,
        retry_delay: float = 10.0,
    ) -> None:
        steps = Steps(translate, append, is_known, synchronise, max_entry_size)
        publisher = publisher or ConfirmedPublisher(connection)
        self._consumers = []
        for queue in queues:
            burial = Burial(connection, publisher, queue, retry_delay)
            pipeline = Pipeline(queue, steps, burial, retry_delay)
            self._consumers.append(_QueueConsumer(connection, queue, pipeline, retry_delay))
        self._connection = connection

    @property
    def is_connected(self) -> bool:
        """Whether the broker is connected now."""
        return self._connection.is_connected

    @property
    def is_consuming(self) -> bool:
        """Whether every queue is consumed now."""
        return all(stats.is_consuming for stats in self.stats.values())

    @property
    def stats(self) -> Mapping[str, QueueStats]:
        """The counts of each queue, by name."""
        return {each.queue.name: each.pipeline.stats for each in self._consumers}

    def start(self) -> None:
        """Begin to consume as soon as the connection is there, and return at once."""
        for consumer in self._consumers:
            consumer.start()

    async def ready(self) -> None:
        """Wait until each queue is consumed, or is waited for because it is passive and missing.

        Raises:
            ConfigError: A queue can't be declared as configured. It is tried again all the same,
                for who does not stop because of that.
        """
        for consumer in self._consumers:
            await asyncio.shield(consumer.first_attempt)

    async def stop(self, within: float = _FINISH_SECONDS) -> None:
        """Finish the batches under way and give the rest back, for another node to consume.

        Args:
            within: Seconds after which a batch that the log has not taken yet is given back too.
        """
        await asyncio.gather(*(consumer.stop(within) for consumer in self._consumers))


class _QueueConsumer:
    """One queue: declared, consumed, and both again whenever the channel is gone."""

    def __init__(
        self, connection: AMQPConnection, queue: QueueConfig, pipeline: Pipeline, retry_delay: float
    ) -> None:
        self.queue = queue
        self.pipeline = pipeline
        self.first_attempt: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._connection = connection
        self._backoff = Backoff(retry_delay)
        self._deliveries: Deliveries | None = None
        self._task: asyncio.Task[None] | None = None
        self._problem = ""
        self._is_stopping = False

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"queue {self.queue.name}")

    async def stop(self, within: float) -> None:
        self._is_stopping = True
        if self._deliveries is not None:
            self._deliveries.stop()
        if self._task is not None:
            if self._deliveries is None:
                self._task.cancel()
            await asyncio.wait([self._task], timeout=within)
            self._task.cancel()
            # A broker that is silent does not say that the channel is closed.
            await asyncio.wait([self._task], timeout=_CLOSE_SECONDS)

    async def _run(self) -> None:
        while not self._is_stopping:
            try:
                await self._connection.connected()
                await declare_queue(self._connection, self.queue)
                await self._consume()
            except (ConfigError, QueueMissing) as error:
                self._settle(error if isinstance(error, ConfigError) else None)
                self._complain(error)
            except (SourceError, AMQPError) as error:
                # A lost connection is told by the connection.
                if self._connection.is_connected and not self._is_stopping:
                    self._complain(error)
            except Exception:
                _logger.exception("Consuming queue %s failed; trying again", self.queue.name)
            if not self._is_stopping:
                await asyncio.sleep(self._backoff.next_pause())

    async def _consume(self) -> None:
        """Work until the channel is closed, the broker cancels the consumer, or ``stop``."""
        deliveries = await Deliveries.open(self._connection, self.queue, self._on_end)
        self._deliveries = deliveries
        self.pipeline.stats.is_consuming = deliveries.is_open
        self._backoff.reset()
        self._problem = ""
        self._settle(None)
        _logger.info("Consuming queue %s", self.queue.name)
        try:
            while batch := await deliveries.take(_MAX_BATCH, _MAX_BATCH_BYTES):
                await self.pipeline.work(batch, deliveries)
        finally:
            self._deliveries = None
            await deliveries.close()
        if not self._is_stopping:
            raise SourceError("the broker ended the consumer; was the queue deleted?")

    def _on_end(self) -> None:
        self.pipeline.stats.is_consuming = False

    def _settle(self, error: ConfigError | None) -> None:
        if self.first_attempt.done():
            return
        if error is None:
            self.first_attempt.set_result(None)
        else:
            self.first_attempt.set_exception(error)
            self.first_attempt.exception()  # nobody may be waiting for it

    def _complain(self, error: Exception) -> None:
        """Say it once, and again when the problem is another."""
        if str(error) != self._problem:
            text = "Queue %s is not consumed, trying again until it is: %s"
            _logger.warning(text, self.queue.name, error)
            self._problem = str(error)
