"""Appends to one stream: in order, each batch once, across lost connections.

A batch is safe once the broker has confirmed it. Its offset is known when a reader has seen it in
the stream, or a later one of the same writer; that is 1 to 2 ms later where events are many, since
the broker sleeps for a millisecond after each chunk that it sends before it looks for the next.
The broker knows a writer by name and remembers the number of its newest batch, so after a lost
connection only what is missing is sent again, and what arrives twice is dropped there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from rstream import schema

from tidegate.errors import ConfigError, LogError
from tidegate.log.rabbitmq_stream.cancelling import end_task
from tidegate.log.rabbitmq_stream.codec import EMPTY, Packed, encode_batch
from tidegate.log.rabbitmq_stream.link import LINK_ERRORS, Link
from tidegate.log.rabbitmq_stream.retry import Outage

__all__ = ["FINISH_SECONDS", "Writer"]

log = logging.getLogger("tidegate.log")

PUBLISHER = 0
MAX_UNCONFIRMED = 256
"""Batches on their way to the broker at once; further appends wait."""

MAX_UNSEEN = 16
"""Batches that were stored without their offsets and no reader has seen yet; who stores more waits,
since this node does not keep up with what it takes in."""

FINISH_SECONDS = 5.0
"""What batches under way get to be stored when the log is closed."""

NUDGE_SECONDS = 3.0
"""A batch that nobody has seen for so long is followed by an empty one. A reader that begins at a
time can miss what is written at that very moment; it sees the next."""


class _Pending:
    """A batch that has not been seen in the stream yet.

    Attributes:
        stored: Its offset, once it was seen.
        confirmed: Done once the broker has it, if somebody waits for that.
    """

    __slots__ = ("confirmed", "data", "is_sent", "stored")

    def __init__(self, data: bytes, stored: asyncio.Future[int]) -> None:
        self.data = data
        self.stored = stored
        self.confirmed: asyncio.Future[None] | None = None
        self.is_sent = False

    def confirm(self) -> None:
        if self.confirmed is not None and not self.confirmed.done():
            self.confirmed.set_result(None)

    def fail(self, error: LogError) -> None:
        for future in (self.stored, self.confirmed):
            if future is not None and not future.done():
                future.set_exception(error)
                future.exception()  # nobody may be waiting any more


class Writer:
    """One process's way into one stream.

    Args:
        name: The process, unique for each of its lives.
        stream: Where to append.
        connect: Opens a link to the stream's leader.
        outage: Pauses between attempts.
    """

    def __init__(
        self, name: str, stream: str, connect: Callable[[], Awaitable[Link]], outage: Outage
    ) -> None:
        self._name = name
        self._stream = stream
        self._connect = connect
        self._outage = outage
        self._number = 0
        self._pending: dict[int, _Pending] = {}  # by number, in order
        self._room = asyncio.Semaphore(MAX_UNCONFIRMED)
        self._unseen = asyncio.Semaphore(MAX_UNSEEN)
        self._work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.is_connected = False
        self.is_closed = False

    @property
    def has_pending(self) -> bool:
        """Whether batches wait to be seen in the stream."""
        return bool(self._pending)

    def start(self) -> None:
        """Begin to connect."""
        self._task = asyncio.ensure_future(self._run())

    async def append(self, packed: Packed) -> int:
        """Append one batch and return its offset in the stream.

        Raises:
            LogError: The log was closed before the batch was stored.
        """
        async with self._room:
            if self.is_closed:
                raise LogError("the log is closed")
            number, pending = self._put(packed)
            try:
                return await pending.stored
            finally:
                if not pending.is_sent:  # cancelled in time: it will not be sent either
                    self._pending.pop(number, None)

    async def store(self, packed: Packed) -> None:
        """Append one batch, and return as soon as the broker has it.

        Waits while too many that were stored so have not been seen in the stream.

        Raises:
            LogError: The log was closed before the batch was stored.
        """
        await self._unseen.acquire()
        if self.is_closed:
            self._unseen.release()
            raise LogError("the log is closed")
        number, pending = self._put(packed)
        pending.stored.add_done_callback(lambda _: self._unseen.release())
        pending.confirmed = asyncio.get_running_loop().create_future()
        try:
            await pending.confirmed
        finally:
            if not pending.is_sent and self._pending.pop(number, None) is not None:
                pending.stored.cancel()  # cancelled in time: it will not be sent either

    def stored(self, number: int, offset: int) -> None:
        """Note that a reader has seen a batch in the stream, and so all before it are there."""
        while self._pending:
            oldest = next(iter(self._pending))
            if oldest > number:
                return
            pending = self._pending.pop(oldest)
            if not pending.stored.done():
                pending.stored.set_result(offset)
            pending.confirm()

    def fail(self, error: LogError) -> None:
        """Give up all batches that were not seen; those under way may be stored all the same."""
        waiting, self._pending = self._pending, {}
        for pending in waiting.values():
            pending.fail(LogError(str(error)))

    def _put(self, packed: Packed) -> tuple[int, _Pending]:
        self._number += 1
        data = encode_batch(self._name, self._number, packed)
        pending = _Pending(data, asyncio.get_running_loop().create_future())
        self._pending[self._number] = pending
        self._work.set()
        return self._number, pending

    async def close(self) -> None:
        """Let what is under way finish if the broker is there, and stop."""
        self.is_closed = True
        if self.is_connected and self._pending:
            waiting = [pending.stored for pending in self._pending.values()]
            await asyncio.wait(waiting, timeout=FINISH_SECONDS)
        await end_task(self._task)
        self.fail(LogError("the log was closed before it was stored"))

    async def _run(self) -> None:
        while not self.is_closed:
            link: Link | None = None
            try:
                link = await self._connect()
                await self._declare(link)
                self._outage.is_over()
                self.is_connected = True
                await self._send_until_lost(link)
            except (*LINK_ERRORS, ConfigError) as error:  # it was let in once: a refusal may pass
                self._outage.goes_on(error)
            finally:
                self.is_connected = False
                if link is not None:
                    await link.close()
            await self._outage.pause()

    async def _declare(self, link: Link) -> None:
        """Introduce ourselves, and find out what has to be sent again."""
        client = link.client
        client.add_handler(schema.PublishError, _on_error(link), name="writer")
        client.add_handler(schema.PublishConfirm, self._on_confirm, name="writer")
        await link.ask(client.declare_publisher(self._stream, self._name, PUBLISHER))
        newest = await link.ask(client.query_publisher_sequence(self._stream, self._name))
        for number, pending in self._pending.items():
            pending.is_sent = number <= newest

    async def _send_until_lost(self, link: Link) -> None:
        link.on_lost = self._work.set
        while not link.lost.is_set():
            self._work.clear()
            await self._send_waiting(link)
            try:
                async with asyncio.timeout(NUDGE_SECONDS if self._pending else None):
                    await self._work.wait()
            except TimeoutError:
                if self._pending:
                    self._put(EMPTY)

    async def _send_waiting(self, link: Link) -> None:
        messages: list[schema.Message] = []
        size = 0
        for number, pending in list(self._pending.items()):
            if pending.is_sent:
                continue
            if len(pending.data) > link.max_message:
                self._refuse(number, link)
                continue
            if messages and size + len(pending.data) > link.frame_max // 2:
                await _publish(link, messages)
                messages, size = [], 0
            pending.is_sent = True
            messages.append(
                schema.Message(publishing_id=number, filter_value=None, data=pending.data)
            )
            size += len(pending.data) + 12
        if messages:
            await _publish(link, messages)

    def _on_confirm(self, frame: schema.PublishConfirm) -> None:
        for number in frame.publishing_ids:
            pending = self._pending.get(number)
            if pending is not None:
                pending.confirm()

    def _refuse(self, number: int, link: Link) -> None:
        """Give up a batch that was made for larger frames; it would end the connection."""
        pending = self._pending.pop(number)
        size, limit = len(pending.data), link.max_message
        text = f"a batch of {size} bytes is larger than the broker takes by now ({limit})"
        pending.fail(LogError(text))


async def _publish(link: Link, messages: list[schema.Message]) -> None:
    frame = schema.Publish(publisher_id=PUBLISHER, messages=messages)
    await link.client.send_publish_frame(frame)


def _on_error(link: Link) -> Callable[[schema.PublishError], None]:
    def on_error(frame: schema.PublishError) -> None:
        codes = sorted({error.response_code for error in frame.errors})
        log.warning("the broker did not take events (codes %s); they are sent again", codes)
        link.give_up()

    return on_error
