"""Looking at dead letters, sending them back, and dropping them.

A quorum queue puts what is given back *behind* other messages that were given back before. So a
look always takes the same beginning of the queue, however much of it is wanted: what was given back
earlier is then taken whole, and comes back in order.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import AsyncIterator, Callable, Collection
from hashlib import blake2b
from typing import Any

import msgspec

from tidegate.errors import SourceError
from tidegate.sources.rabbitmq.channel import AMQPChannel, AMQPChannelClosed, Delivered
from tidegate.sources.rabbitmq.connection import AMQPConnection
from tidegate.sources.rabbitmq.content import (
    COUNT_HEADERS,
    ORIGINAL_EXCHANGE,
    ORIGINAL_ROUTING_KEY,
)
from tidegate.sources.rabbitmq.dead_letter import retry_properties
from tidegate.sources.rabbitmq.publisher import ConfirmedPublisher

__all__ = ["MAX_LOOK", "DeadLetter", "DeadLetters"]

MAX_LOOK = 1_000
"""Letters at the beginning of a queue that one look sees."""

_MAX_LOOK_BYTES = 64 * 1024 * 1024
_NOT_FOUND = 404


class DeadLetter(msgspec.Struct, frozen=True):
    """A message that could not become an event.

    Attributes:
        id: Ten hex digits, made from the content; equal letters have the same.
        letters: The dead-letter queue that holds it.
        queue: Where it was consumed; retrying publishes it there.
        reason: Ours, or the broker's for a message that it dead-lettered by itself: ``rejected``,
            ``expired``, ``maxlen``, ``delivery_limit``; ``unknown`` if there is neither.
        error: What was expected and what came; empty from the broker.
        field: The offending part, if one is.
        exchange, routing_key: Where it was published at first.
        time: When it was dead-lettered, ISO 8601.
        headers: All of them, without the count of deliveries, which looking changes.
        properties: The other AMQP properties that are set.
        body: As published.
    """

    id: str
    letters: str
    queue: str
    reason: str
    error: str
    field: str
    exchange: str
    routing_key: str
    time: str
    headers: dict[str, Any]
    properties: dict[str, Any]
    body: bytes


Held = tuple[DeadLetter, Delivered]


class DeadLetters:
    """The dead letters of some queues.

    Args:
        connection: Open.
        queues: Dead-letter queues by the queue that they are for.
    """

    def __init__(self, connection: AMQPConnection, queues: dict[str, str]) -> None:
        self._connection = connection
        self._queues = queues
        self._publisher = ConfirmedPublisher(connection)

    async def look(self) -> list[DeadLetter]:
        """Return the letters at the beginning of each queue, up to 1,000 each; all stay.

        Raises:
            SourceError: The connection was lost.
        """
        found = []
        for queue, letters in self._queues.items():
            async with self._opened(queue, letters) as (_, held):
                found += [letter for letter, _ in held]
        return found

    async def retry(self, wanted: Collection[str] | None) -> list[DeadLetter]:
        """Publish letters to the queues that they came from, in order, and take them away.

        A letter is taken away after the broker confirmed the new message, so it is never lost.

        Args:
            wanted: Identifiers, as ``look`` gives them; None for all letters, however many.

        Returns:
            The letters that went back.

        Raises:
            SourceError: No letter has such an identifier (then nothing was done), a queue is not
                there any more, or the connection was lost. What came before the letter that
                failed went back.
        """

        async def publish(letter: DeadLetter, held: Delivered) -> None:
            properties = retry_properties(
                held.properties, exchange=letter.exchange, routing_key=letter.routing_key
            )
            try:
                await self._publisher.publish("", letter.queue, held.body, properties)
            except SourceError as error:
                text = f"letter {letter.id} could not go back to queue {letter.queue!r}"
                raise SourceError(f"{text}: {error}") from error

        return await self._take_away(wanted, publish)

    async def drop(self, wanted: Collection[str] | None) -> list[DeadLetter]:
        """Take letters away for good, and return them. Arguments and errors as for ``retry``."""

        async def nothing(_letter: DeadLetter, _held: Delivered) -> None: ...

        return await self._take_away(wanted, nothing)

    async def _take_away(
        self, wanted: Collection[str] | None, before: Callable[[DeadLetter, Delivered], Any]
    ) -> list[DeadLetter]:
        if wanted is None:
            return await self._take_all(before)
        async with contextlib.AsyncExitStack() as stack:
            # Held from the look on: what is given back is not there again at once.
            opened = [
                await stack.enter_async_context(self._opened(*each))
                for each in self._queues.items()
            ]
            unknown = set(wanted) - {letter.id for _, held in opened for letter, _ in held}
            if unknown:
                raise SourceError(f"no dead letter has the id {', '.join(sorted(unknown))}")
            taken: list[DeadLetter] = []
            for channel, held in opened:
                chosen = [each for each in held if each[0].id in wanted]
                taken += await self._work_off(channel, chosen, before)
            return taken

    async def _take_all(self, before: Callable[[DeadLetter, Delivered], Any]) -> list[DeadLetter]:
        taken: list[DeadLetter] = []
        for queue, letters in self._queues.items():
            async with self._opened(queue, letters) as (channel, held):
                # Retried letters may fail again and come back: only those of now are meant.
                later = await self._count(letters) if held else 0
                taken += await self._work_off(channel, held, before)
            while later > 0:
                async with self._opened(queue, letters) as (channel, held):
                    taken += await self._work_off(channel, held[:later], before)
                    later -= len(held) or later
        return taken

    async def _work_off(
        self, channel: AMQPChannel, held: list[Held], before: Callable[[DeadLetter, Delivered], Any]
    ) -> list[DeadLetter]:
        for letter, message in held:
            await before(letter, message)
            channel.ack(message.method.delivery_tag)
        return [letter for letter, _ in held]

    async def _count(self, letters: str) -> int:
        """Return how many more there are than those that are held."""
        channel = await self._connection.open_channel()
        count = (await channel.declare_queue(letters, passive=True)).messages
        await channel.close()
        return count

    @contextlib.asynccontextmanager
    async def _opened(
        self, queue: str, letters: str
    ) -> AsyncIterator[tuple[AMQPChannel, list[Held]]]:
        """Hold the beginning of a queue; what is not acked goes back when the channel closes."""
        channel = await self._connection.open_channel()
        held: list[Held] = []
        size = 0
        try:
            while len(held) < MAX_LOOK and size < _MAX_LOOK_BYTES:
                message = await _get(channel, letters)
                if message is None:
                    break
                held.append((_letter(queue, letters, message), message))
                size += len(message.body)
            yield channel, held
        finally:
            await channel.close()


async def _get(channel: AMQPChannel, letters: str) -> Delivered | None:
    try:
        return await channel.get(letters)
    except AMQPChannelClosed as error:
        if error.code == _NOT_FOUND:  # nothing has been dead-lettered yet
            return None
        raise


def _letter(queue: str, letters: str, message: Delivered) -> DeadLetter:
    headers = {
        name: value
        for name, value in (message.properties.headers or {}).items()
        if name not in COUNT_HEADERS
    }
    properties = {
        name: value
        for name, value in vars(message.properties).items()
        if value is not None and name != "headers"
    }
    death = _first_death(headers)
    keys = death.get("routing-keys") or [""]
    content = repr((sorted(headers.items(), key=str), sorted(properties.items(), key=str)))
    digest = blake2b(message.body + content.encode(errors="surrogatepass"), digest_size=5)
    return DeadLetter(
        id=digest.hexdigest(),
        letters=letters,
        queue=str(headers.get("x-tidegate-queue") or death.get("queue") or queue),
        reason=str(headers.get("x-tidegate-reason") or death.get("reason") or "unknown"),
        error=str(headers.get("x-tidegate-error", "")),
        field=str(headers.get("x-tidegate-field", "")),
        exchange=str(headers.get(ORIGINAL_EXCHANGE, death.get("exchange", ""))),
        routing_key=str(headers.get(ORIGINAL_ROUTING_KEY, keys[0])),
        time=str(headers.get("x-tidegate-time") or _iso(death.get("time"))),
        headers=headers,
        properties=properties,
        body=message.body,
    )


def _iso(time: object) -> str:
    return time.isoformat() if isinstance(time, datetime.datetime) else ""


def _first_death(headers: dict[str, Any]) -> dict[str, Any]:
    """Return what RabbitMQ notes of the last time that it dead-lettered the message."""
    deaths = headers.get("x-death")
    if isinstance(deaths, list) and deaths and isinstance(deaths[0], dict):
        return deaths[0]
    return {}
