"""What the broker has of one configured queue."""

from __future__ import annotations

from collections.abc import AsyncIterator

from tidegate.doctor.finding import Finding, failed, ok, refused, warning
from tidegate.sources.rabbitmq.channel import AMQPChannelClosed, QueueState
from tidegate.sources.rabbitmq.config import QueueConfig
from tidegate.sources.rabbitmq.connection import AMQPConnection
from tidegate.sources.rabbitmq.inspection import (
    can_compare,
    compare_queue,
    exchange_exists,
    queue_state,
)

__all__ = ["judge_queue"]


async def judge_queue(connection: AMQPConnection, queue: QueueConfig) -> AsyncIterator[Finding]:
    """Yield whether a queue and its exchanges are as configured, and what its dead letters are.

    Raises:
        SourceError: The connection was lost.
    """
    try:
        yield await _judge_itself(connection, queue)
        async for finding in _judge_exchanges(connection, queue):
            yield finding
        yield await _judge_dead_letters(connection, queue)
    except AMQPChannelClosed as error:
        if not connection.is_connected:
            raise
        remedy = "Another connection may own it (exclusive), or the user may not look at it."
        yield failed(f"queue {queue.name}", f"can't be looked at: {error.text}", remedy)


async def _judge_itself(connection: AMQPConnection, queue: QueueConfig) -> Finding:
    check = f"queue {queue.name}"
    state = await queue_state(connection, queue.name)
    if state is None:
        return _missing(check, queue)
    counts = _counts(state)
    if not queue.passive and can_compare(connection):
        problem = await compare_queue(connection, queue)
        if problem is not None:
            return refused(check, problem)
        counts += ", declared as configured"
    return _judge_consumers(check, queue, state, counts)


async def _judge_exchanges(
    connection: AMQPConnection, queue: QueueConfig
) -> AsyncIterator[Finding]:
    """Yield which exchanges are not there although the queue needs them; the others are made."""
    for each in queue.exchanges:
        is_needed = each.passive and not queue.passive
        if is_needed and not await exchange_exists(connection, each.exchange):
            yield warning(
                f"queue {queue.name}",
                f"is to be bound to exchange {each.exchange}, which is passive and does not exist",
                "Until someone declares it the queue is not consumed; check its name and the "
                "virtual host.",
            )


async def _judge_dead_letters(connection: AMQPConnection, queue: QueueConfig) -> Finding:
    check = f"dead letters of {queue.name}"
    state = await queue_state(connection, queue.dead_letters)
    if state is None:
        return ok(check, f"none: {queue.dead_letters} is not there yet")
    if not state.messages:
        return ok(check, f"none in {queue.dead_letters}")
    waiting = _number(state.messages, "message waits", "messages wait")
    remedy = "`tidegate dead-letters list` shows why; `retry` sends them back, `drop` deletes them."
    return warning(check, f"{waiting} in {queue.dead_letters}", remedy)


def _missing(check: str, queue: QueueConfig) -> Finding:
    if not queue.passive:
        return ok(check, "is not there yet; `tidegate serve` declares it")
    return warning(
        check,
        "is passive and does not exist",
        "It is consumed as soon as someone declares it: start that service, or check the name "
        "and the virtual host.",
    )


def _judge_consumers(check: str, queue: QueueConfig, state: QueueState, counts: str) -> Finding:
    if queue.single_active_consumer and not queue.passive:
        return ok(check, f"{counts}; one consumer at a time is active")
    if not state.consumers:
        return ok(check, counts)
    unless = ", unless it has x-single-active-consumer" if queue.passive else ""
    return warning(
        check,
        f"{counts}; each message goes to one of the consumers only{unless}",
        "End the consumer if it is no gateway, or give each a queue of its own; with "
        "single_active_consumer = true gateways keep the order.",
    )


def _counts(state: QueueState) -> str:
    messages = _number(state.messages, "message waits", "messages wait")
    return f"{messages}, {_number(state.consumers, 'consumer', 'consumers')}"


def _number(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
