"""What the application tells about a queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

__all__ = ["ExchangeConfig", "QueueConfig"]


class ExchangeConfig(msgspec.Struct, frozen=True):
    """An exchange that a queue is bound to; declared, durable, unless it is ``passive``."""

    exchange: str
    type: Literal["topic", "direct", "fanout"] = "topic"
    routing_key: str = "#"
    passive: bool = False


class QueueConfig(msgspec.Struct, frozen=True):
    """One queue to consume; the fields are those of ``[[rabbitmq.queues]]``.

    Attributes:
        arguments: Of the declaration; they come over ours where the names meet.
        prefetch: Messages that the broker sends ahead of the acks.
        dead_letter_exchange: A direct exchange.
        dead_letter_queue: Empty for the queue's name and ``.dead-letters``.
    """

    name: str
    type: Literal["quorum", "classic"] = "quorum"
    durable: bool = True
    passive: bool = False
    single_active_consumer: bool = True
    arguments: Mapping[str, str | int | bool] = {}
    exchanges: tuple[ExchangeConfig, ...] = ()
    prefetch: int = 1_000
    dead_letter_exchange: str = "tidegate.dead-letters"
    dead_letter_queue: str = ""

    @property
    def dead_letters(self) -> str:
        """Return the name of the dead-letter queue; it is also the routing key to it."""
        return self.dead_letter_queue or f"{self.name}.dead-letters"

    @property
    def all_arguments(self) -> dict[str, str | int | bool]:
        """Return the arguments that the queue is declared with."""
        ours: dict[str, str | int | bool] = {
            "x-queue-type": self.type,
            "x-dead-letter-exchange": self.dead_letter_exchange,
            "x-dead-letter-routing-key": self.dead_letters,
        }
        if self.single_active_consumer:
            ours["x-single-active-consumer"] = True
        return ours | dict(self.arguments)
