"""Declares what a queue needs: the queue, its bindings, and where its bad messages go.

Publishers declare queues too, and RabbitMQ insists that all declare the same. So every argument can
be configured, or the queue is ``passive``: then it is only looked for. A declaration that fails
takes its channel with it, hence one channel for each.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tidegate.errors import ConfigError, SourceError
from tidegate.sources.rabbitmq.channel import AMQPChannel, AMQPChannelClosed
from tidegate.sources.rabbitmq.config import QueueConfig
from tidegate.sources.rabbitmq.connection import AMQPConnection

__all__ = [
    "ACCESS_REFUSED",
    "NOT_FOUND",
    "PRECONDITION_FAILED",
    "QueueMissing",
    "conflict",
    "declare_dead_letters",
    "declare_queue",
    "on_channel",
]

ACCESS_REFUSED, NOT_FOUND, PRECONDITION_FAILED = 403, 404, 406
"""Reply codes of AMQP 0-9-1."""

_logger = logging.getLogger(__name__)

T = TypeVar("T")


class QueueMissing(SourceError):
    """A passive queue, or a passive exchange, does not exist (yet)."""


async def declare_queue(connection: AMQPConnection, queue: QueueConfig) -> None:
    """Declare a queue with its dead letters and bindings, or check that a passive one exists.

    Raises:
        ConfigError: It exists with other arguments, or the user may not declare it.
        QueueMissing: It is passive, and not there.
        SourceError: The connection was lost.
    """
    await declare_dead_letters(connection, queue)
    if queue.passive:
        await _check_queue(connection, queue.name)
        return

    async def declare(channel: AMQPChannel) -> None:
        # A quorum queue that is not durable does not exist.
        durable = queue.durable or queue.type == "quorum"
        await channel.declare_queue(queue.name, durable=durable, arguments=queue.all_arguments)

    await _insist(connection, declare, f"queue {queue.name!r}")
    for exchange in queue.exchanges:

        async def bind(channel: AMQPChannel, bound=exchange) -> None:  # type: ignore[no-untyped-def]
            await channel.declare_exchange(bound.exchange, bound.type, passive=bound.passive)
            key = "" if bound.type == "fanout" else bound.routing_key
            await channel.bind_queue(queue.name, bound.exchange, key)

        await _insist(connection, bind, f"exchange {exchange.exchange!r}")


async def declare_dead_letters(connection: AMQPConnection, queue: QueueConfig) -> None:
    """Declare the dead-letter exchange and queue, or take them as they are.

    Raises:
        ConfigError: They exist otherwise than we would declare them, and can't be used so.
        SourceError: The connection was lost.
    """
    exchange, name = queue.dead_letter_exchange, queue.dead_letters

    async def declare_exchange(channel: AMQPChannel, *, passive: bool) -> None:
        await channel.declare_exchange(exchange, "direct", passive=passive)

    async def declare_letters(channel: AMQPChannel, *, passive: bool) -> None:
        arguments: dict[str, str | int] = {"x-queue-type": "quorum"}
        if connection.server_version >= (4,):
            # There looking at a letter counts as a delivery, and after 20 it would be dropped.
            arguments["x-delivery-limit"] = -1
        await channel.declare_queue(name, passive=passive, arguments=arguments)

    async def bind(channel: AMQPChannel) -> None:
        await channel.bind_queue(name, exchange, name)

    await _prefer(connection, declare_exchange, f"dead-letter exchange {exchange!r}")
    await _prefer(connection, declare_letters, f"dead-letter queue {name!r}")
    await _insist(connection, bind, f"dead-letter queue {name!r}")


async def _check_queue(connection: AMQPConnection, name: str) -> None:
    try:
        await on_channel(connection, lambda channel: channel.declare_queue(name, passive=True))
    except AMQPChannelClosed as error:
        if error.code == NOT_FOUND:
            raise QueueMissing(f"queue {name!r} is passive and does not exist") from None
        raise


async def _insist(
    connection: AMQPConnection, work: Callable[[AMQPChannel], Awaitable[None]], what: str
) -> None:
    try:
        await on_channel(connection, work)
    except AMQPChannelClosed as error:
        if error.code in (PRECONDITION_FAILED, ACCESS_REFUSED):
            raise conflict(what, error) from None
        if error.code == NOT_FOUND:
            raise QueueMissing(f"{what} does not exist: {error.text}") from None
        raise


async def _prefer(
    connection: AMQPConnection, work: Callable[..., Awaitable[None]], what: str
) -> None:
    """Declare, and where that is refused be content with what exists."""
    try:
        await on_channel(connection, lambda channel: work(channel, passive=False))
    except AMQPChannelClosed as error:
        if error.code not in (PRECONDITION_FAILED, ACCESS_REFUSED):
            raise
        await _insist(connection, lambda channel: work(channel, passive=True), what)
        _logger.warning("Using the %s as it is, declared otherwise: %s", what, error.text)


async def on_channel(connection: AMQPConnection, work: Callable[[AMQPChannel], Awaitable[T]]) -> T:
    """Work on a channel of its own; one that fails is closed by the broker."""
    channel = await connection.open_channel()
    done = await work(channel)
    await channel.close()
    return done


def conflict(what: str, error: AMQPChannelClosed) -> ConfigError:
    """Return what to tell when the broker refuses a declaration for good."""
    remedy = (
        "Use the same arguments or passive = true."
        if error.code == PRECONDITION_FAILED
        else "Give the user that permission, or declare it yourself and use passive = true."
    )
    problem = f"the {what} can't be declared: {error.text.rstrip('.')}"
    return ConfigError("rabbitmq.queues", problem, remedy=remedy)
