"""Makes sure that what this process appends is read by it: so it gets known that it is stored.

A follower's reader does that by the way. Where there is none, a reader of our own reads along until
there is one: two would double what the broker sends, and appends would not wait any more for a
follower that is too far behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from tidegate.errors import LogError, LogGap
from tidegate.log.base import Batch
from tidegate.log.rabbitmq_stream.cancelling import end_task
from tidegate.log.rabbitmq_stream.reader import Reader, Sink
from tidegate.log.rabbitmq_stream.writer import Writer

__all__ = ["Witnesses"]


class Witnesses:
    """The readers that see what the writers append.

    Args:
        writers: One for each stream.
        make_reader: Makes a reader of a stream, by number, that begins a little before now.
    """

    def __init__(
        self, writers: Sequence[Writer], make_reader: Callable[[int, Sink], Reader]
    ) -> None:
        self._writers = writers
        self._make_reader = make_reader
        self._own: dict[int, Reader] = {}
        self._handovers: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self.followers: set[Reader] = set()

    async def reads(self, number: int) -> None:
        """Return once a reader of a stream has its place, so that it will see what is appended.

        Raises:
            LogError: The stream can't be read any more.
        """
        while not self._is_closed:
            reader = self._follower_of(number) or self._own_reader(number)
            await reader.subscribed.wait()
            if reader.failure is not None:
                raise LogError(str(reader.failure))
            if not reader.is_closed:
                return

    def rely_on(self, follower: Reader) -> None:
        """Rely on a follower's reader, perhaps still on its way; once it reads, our own ends."""
        self.followers.add(follower)
        if follower.partition in self._own:
            handover = asyncio.ensure_future(self._hand_over_to(follower))
            self._handovers.add(handover)
            handover.add_done_callback(self._handovers.discard)

    def stop_relying_on(self, follower: Reader) -> None:
        """Let go of a reader that ends; appends that wait for what it would see get another."""
        self.followers.discard(follower)
        self._see_to(follower.partition)

    async def close(self) -> None:
        """End our own readers."""
        self._is_closed = True
        await asyncio.gather(*(end_task(handover) for handover in list(self._handovers)))
        await asyncio.gather(*(reader.close() for reader in self._own.values()))

    def _follower_of(self, number: int) -> Reader | None:
        alive = (each for each in self.followers if each.failure is None)
        return next((each for each in alive if each.partition == number), None)

    def _own_reader(self, number: int) -> Reader:
        reader = self._own.get(number)
        if reader is None:

            async def sink(batch: Batch | LogError) -> None:
                if isinstance(batch, LogError):
                    self._own_reader_failed(number, batch)

            reader = self._own[number] = self._make_reader(number, sink)
            reader.start()
        return reader

    def _own_reader_failed(self, number: int, error: LogError) -> None:
        del self._own[number]
        if not isinstance(error, LogGap) and self._follower_of(number) is None:
            self._writers[number].fail(error)
        self._see_to(number)  # after a gap: what is appended later tells what was stored before

    def _see_to(self, number: int) -> None:
        is_needed = self._writers[number].has_pending and self._follower_of(number) is None
        if is_needed and not self._is_closed:
            self._own_reader(number)

    async def _hand_over_to(self, follower: Reader) -> None:
        await follower.subscribed.wait()
        if self._follower_of(follower.partition) is follower:
            own = self._own.pop(follower.partition, None)
            if own is not None:
                await own.close()
