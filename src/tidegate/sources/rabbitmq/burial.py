"""Publishing dead letters until they are confirmed, whatever it takes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence

from pika.spec import BasicProperties

from tidegate.backoff import Backoff
from tidegate.errors import ConfigError, MessageRejected, SourceError
from tidegate.sources.message import AMQPContent
from tidegate.sources.rabbitmq.config import QueueConfig
from tidegate.sources.rabbitmq.connection import AMQPConnection
from tidegate.sources.rabbitmq.dead_letter import letter_properties
from tidegate.sources.rabbitmq.deliveries import Deliveries
from tidegate.sources.rabbitmq.publisher import ConfirmedPublisher
from tidegate.sources.rabbitmq.topology import declare_dead_letters

__all__ = ["Burial"]

_logger = logging.getLogger(__name__)


class Burial:
    """Buries the rejected messages of one queue in its dead-letter queue."""

    def __init__(
        self,
        connection: AMQPConnection,
        publisher: ConfirmedPublisher,
        queue: QueueConfig,
        retry_delay: float,
    ) -> None:
        self._connection = connection
        self._publisher = publisher
        self._queue = queue
        self._retry_delay = retry_delay

    async def bury(
        self, rejected: Sequence[tuple[AMQPContent, MessageRejected]], deliveries: Deliveries
    ) -> None:
        """Return once all are confirmed; those that fail are published again after a pause.

        Raises:
            AMQPChannelClosed: The messages' channel is gone; the broker will deliver them again.
        """
        now = time.time()
        letters = [
            (content.body, letter_properties(content, error, self._queue.name, now))
            for content, error in rejected
        ]
        backoff = Backoff(self._retry_delay)
        has_spoken = False
        while failures := await self._publish(letters):
            letters = [letter for letter, _ in failures]
            await deliveries.pause(backoff.next_pause())  # a lost connection ends it here, untold
            if not has_spoken:
                problem = failures[0][1]
                text = "Dead letters of queue %s can't be published, so it waits: %s"
                trace = None if isinstance(problem, SourceError) else problem
                _logger.warning(text, self._queue.name, problem, exc_info=trace)
                has_spoken = True
            with contextlib.suppress(SourceError, ConfigError):  # someone may have deleted them
                await declare_dead_letters(self._connection, self._queue)

    async def _publish(
        self, letters: list[tuple[bytes, BasicProperties]]
    ) -> list[tuple[tuple[bytes, BasicProperties], BaseException]]:
        """Publish all in order, and return those that failed."""
        outcomes = await asyncio.gather(
            *(
                self._publisher.publish(
                    self._queue.dead_letter_exchange,
                    self._queue.dead_letters,
                    body,
                    properties,
                    confirm_within=None,  # a second copy would not come sooner
                )
                for body, properties in letters
            ),
            return_exceptions=True,
        )
        return [
            (letter, outcome)
            for letter, outcome in zip(letters, outcomes, strict=True)
            if outcome is not None
        ]
