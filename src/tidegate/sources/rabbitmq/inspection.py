"""Looks at queues and exchanges without changing anything.

A passive declaration tells whether a queue exists, and nothing of its arguments. Those only a full
declaration is compared with, which makes the queue if it is not there. So ``compare_queue`` asks
for something that can't be made: ``x-max-age`` is for streams, and "never" is no age. RabbitMQ
refuses to make such a queue, but compares of one that exists only the arguments that its type has.
"""

from __future__ import annotations

from tidegate.errors import ConfigError
from tidegate.sources.rabbitmq.channel import AMQPChannelClosed, QueueState
from tidegate.sources.rabbitmq.config import QueueConfig
from tidegate.sources.rabbitmq.connection import AMQPConnection
from tidegate.sources.rabbitmq.topology import (
    ACCESS_REFUSED,
    NOT_FOUND,
    PRECONDITION_FAILED,
    conflict,
    on_channel,
)

__all__ = ["can_compare", "compare_queue", "exchange_exists", "queue_state"]

_IMPOSSIBLE = {"x-max-age": "never"}
_COMPARES_SINCE = (3, 10)


async def queue_state(connection: AMQPConnection, name: str) -> QueueState | None:
    """Return a queue's counts, or None if there is no such queue.

    Raises:
        AMQPChannelClosed: It may not be looked at, or the connection was lost.
    """
    try:
        return await on_channel(
            connection, lambda channel: channel.declare_queue(name, passive=True)
        )
    except AMQPChannelClosed as error:
        if error.code == NOT_FOUND:
            return None
        raise


async def exchange_exists(connection: AMQPConnection, name: str) -> bool:
    """Tell whether an exchange exists. Raises as ``queue_state``."""
    try:
        await on_channel(
            connection, lambda channel: channel.declare_exchange(name, "topic", passive=True)
        )
    except AMQPChannelClosed as error:
        if error.code == NOT_FOUND:
            return False
        raise
    return True


def can_compare(connection: AMQPConnection) -> bool:
    """Tell whether this broker is known to refuse what ``compare_queue`` relies on."""
    return connection.server_version >= _COMPARES_SINCE


async def compare_queue(connection: AMQPConnection, queue: QueueConfig) -> ConfigError | None:
    """Return what ``declare_queue`` would be told of a queue that exists, or None if all is well.

    Raises:
        AMQPChannelClosed: The queue has gone meanwhile, or the connection was lost.
    """
    durable = queue.durable or queue.type == "quorum"
    arguments = queue.all_arguments | _IMPOSSIBLE
    try:
        await on_channel(
            connection,
            lambda channel: channel.declare_queue(queue.name, durable=durable, arguments=arguments),
        )
    except AMQPChannelClosed as error:
        is_about_us = "x-max-age" in error.text
        if error.code not in (ACCESS_REFUSED, PRECONDITION_FAILED) or is_about_us:
            raise
        return conflict(f"queue {queue.name!r}", error)
    return None
