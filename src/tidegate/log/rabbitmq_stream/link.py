"""One connection to RabbitMQ's stream port, with rstream's protocol client underneath.

rstream's own producer and consumer restart themselves, but neither tells what was stored when a
connection was lost, and both can go on with a gap or a repeat. So its client is used directly, and
``writer`` and ``reader`` keep the promises.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from rstream import connection as rstream_connection
from rstream import exceptions, schema
from rstream.client import Client

__all__ = ["FRAME_MAX", "LINK_CLOSE_SECONDS", "LINK_ERRORS", "Link"]

log = logging.getLogger("tidegate.log")

Answer = TypeVar("Answer")

FRAME_MAX = 1024 * 1024
"""Bytes of a frame, as the broker has it by default; one of ours is never larger."""

FRAME_HEAD = 32
"""What a frame has beside its one message, at most."""

MISSED_HEARTBEATS = 2.5
"""Intervals without a sign of life after which a link counts as lost; rstream only warns."""

WATCH_SECONDS = 1.0
"""Between two looks at whether a link is still alive."""

LINK_CLOSE_SECONDS = 3.0
"""What closing a link takes at most."""

READ_SIZE = 64 * 1024
rstream_connection.CHUNK_SIZE = READ_SIZE
"""Bytes that rstream takes from its socket's buffer at once.

It has no option for it, and its own 256 cost a follower 15 % where each event is a message.
"""

LINK_ERRORS = (
    OSError,
    EOFError,
    TimeoutError,
    AssertionError,  # rstream's way to say that the connection was closed meanwhile
    exceptions.ServerError,
    exceptions.ClientError,
)
"""What an exchange with the broker can end with; the link is given up then."""


class Link:
    """A connection; made by ``open_link``.

    Attributes:
        client: rstream's protocol client. Ask it by way of ``ask``.
        heartbeat: Seconds between heartbeats; 0 if there are none: the broker's settings may say
            so, and then only the connection itself tells that it is lost.
        lost: Set when the connection is gone, or the broker gives no sign of life.
        on_lost: Called then, for whoever waits for something else as well.
    """

    def __init__(self, client: Client, heartbeat: float) -> None:
        self.client = client
        self.lost = asyncio.Event()
        self.on_lost: Callable[[], None] | None = None
        self.heartbeat = heartbeat
        self._heard = asyncio.get_running_loop().time()
        self._watch = asyncio.ensure_future(self._watch_life())
        for kind in (schema.Heartbeat, schema.PublishConfirm):
            client.add_handler(kind, self._note_life, name="life")
        client.add_handler(schema.MetadataUpdate, self._on_metadata_update, name="link")

    @property
    def frame_max(self) -> int:
        """Bytes of a frame that the broker takes."""
        return self.client.frame_max or FRAME_MAX  # 0: the broker sets no limit

    @property
    def max_message(self) -> int:
        """Bytes of a stream message that fits into a frame."""
        return self.frame_max - FRAME_HEAD

    async def ask(self, exchange: Coroutine[Any, Any, Answer]) -> Answer:
        """Return what the broker answers.

        rstream would wait for its full ten seconds if the connection is lost meanwhile.

        Raises:
            ConnectionError: It was lost.
        """
        answer = asyncio.ensure_future(exchange)
        lost = asyncio.ensure_future(self.lost.wait())
        try:
            await asyncio.wait({answer, lost}, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
        finally:
            lost.cancel()
            answer.cancel()
        raise ConnectionError("the connection was lost")

    async def deliver_to(self, handler: Callable[[schema.Deliver], Awaitable[None]]) -> None:
        """Hand over what the link's one subscription, number 0, delivers."""

        async def handle(frame: schema.Deliver) -> None:
            self._heard = asyncio.get_running_loop().time()
            await handler(frame)

        # rstream takes the name of such a handler for the number of the subscription, and keeps
        # what is delivered for each name, whether or not anybody takes it: there is only this one.
        self.client.add_handler(schema.Deliver, handle, name="0")
        await self.client.run_queue_listener_task(0, handle)

    def is_gone(self, now: float) -> bool:
        """Tell whether the connection is closed, or the broker silent for too long.

        rstream notes a failed write, and then stops reading without telling anybody.
        """
        if not self.client.is_connection_alive():
            return True
        return 0 < MISSED_HEARTBEATS * self.heartbeat < now - self._heard

    def give_up(self) -> None:
        """Count the link as lost."""
        self.lost.set()
        if self.on_lost is not None:
            self.on_lost()

    async def close(self) -> None:
        """Close the connection; errors on the way don't matter any more."""
        self._watch.cancel()
        self.lost.set()
        await close_client(self.client)

    def _note_life(self, frame: schema.Frame) -> None:
        self._heard = asyncio.get_running_loop().time()

    def _on_metadata_update(self, frame: schema.MetadataUpdate) -> None:
        """Give up the link when its stream has moved or is gone; its user connects anew."""
        self.give_up()

    async def _watch_life(self) -> None:
        loop = asyncio.get_running_loop()
        while not self.lost.is_set():
            await asyncio.sleep(WATCH_SECONDS)
            if self.is_gone(loop.time()):
                self.give_up()


async def close_client(client: Client) -> None:
    """Close rstream's client and, what it leaves out if the connection is broken, the socket.

    Nothing of it is left over, also if this is cancelled.
    """
    connection = client._conn  # noqa: SLF001 - rstream 1.1 drops a broken connection unclosed
    try:
        async with asyncio.timeout(LINK_CLOSE_SECONDS):
            await client.close()
    except Exception:
        log.debug("closing a stream connection failed", exc_info=True)
    finally:
        writer = None if connection is None else connection._writer  # noqa: SLF001
        if writer is not None:
            writer.close()
        for task in client._tasks.values():  # noqa: SLF001 - what it did not come to
            task.cancel()
