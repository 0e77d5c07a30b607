"""The stream reader without a broker: what becomes of a batch whose link is lost under it."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from rstream import schema
from rstream.client import Client
from rstream.constants import OffsetType
from tests.conftest import PATIENCE, until

from tidegate.errors import ConfigError, LogError
from tidegate.ids import TenantId
from tidegate.log import Batch, Disconnection
from tidegate.log.rabbitmq_stream.codec import encode_batch, pack
from tidegate.log.rabbitmq_stream.link import Link
from tidegate.log.rabbitmq_stream.reader import Reader, Start
from tidegate.log.rabbitmq_stream.retry import Outage

FROM_THE_FIRST = schema.OffsetSpec(OffsetType.FIRST)
ENTRY = Disconnection(TenantId("acme"))


class FakeClient(Client):
    """rstream's client as it is, with a broker that has ``messages`` and sends one at a time."""

    def __init__(self, messages: list[bytes]) -> None:
        super().__init__("nowhere", 0, frame_max=1_000_000, heartbeat=30)
        self.messages = messages
        self.frames = self._frames

    async def subscribe(
        self,
        stream: str,
        subscription_id: int,
        offset_spec: schema.OffsetSpec = FROM_THE_FIRST,
        initial_credit: int = 0,
        properties: dict[str, Any] | None = None,
    ) -> None:
        offset = getattr(offset_spec, "value", 0)
        for place in range(offset, len(self.messages)):
            await self.deliver(chunk(place, self.messages[place]))

    async def deliver(self, frame: schema.Deliver) -> None:
        """Do what rstream's listener does with a frame."""
        for name in self._handlers[schema.Deliver]:
            await self._frames[int(name)].put(frame)

    async def credit(self, subscription_id: int, credit: int) -> None:
        pass


def stored(number: int) -> bytes:
    (packed,) = pack([ENTRY], 1_000)
    return encode_batch("writer", number, packed)


def chunk(place: int, message: bytes) -> schema.Deliver:
    data = len(message).to_bytes(4, "big") + message
    return schema.Deliver(0, 0, 0, 1, 1, 0, 1, place, zlib.crc32(data), len(data), 0, 0, data)


@asynccontextmanager
async def reading(
    connect: Callable[[], Link], sink: Callable[[Batch | LogError], object]
) -> AsyncIterator[Reader]:
    async def connected() -> Link:
        return connect()

    reader = Reader(
        0,
        "stream",
        Start(),
        connect=connected,
        outage=Outage("the stream", 0.01),
        sink=sink,  # type: ignore[arg-type]
        stored=lambda *_: None,
        foreign=lambda data: None,
    )
    reader.start()
    yield reader
    await reader.close()


async def test_a_batch_that_the_follower_lets_wait_outlives_its_link() -> None:
    messages = [stored(number) for number in range(1, 6)]
    links: list[Link] = []
    taken: asyncio.Queue[Batch | LogError] = asyncio.Queue(1)

    def connect() -> Link:
        links.append(Link(FakeClient(messages), 30))
        return links[-1]

    async with reading(connect, taken.put):
        await until(taken.full, "the first batch")
        await asyncio.sleep(0.01)  # the reader waits with the second one
        links[0].give_up()
        await asyncio.sleep(0.5)  # time for the link to close
        async with asyncio.timeout(PATIENCE):
            batches = [await taken.get() for _ in messages]
    offsets = [r.offset for batch in batches if isinstance(batch, Batch) for r in batch.records]
    assert offsets == [1024 * place for place in range(1, 6)]


async def test_a_link_keeps_nothing_that_was_taken() -> None:
    client = FakeClient([stored(number) for number in range(1, 6)])
    taken: asyncio.Queue[Batch | LogError] = asyncio.Queue()
    async with reading(lambda: Link(client, 30), taken.put):
        await until(lambda: taken.qsize() == 5, "all batches")
        assert {name: queue.qsize() for name, queue in client.frames.items()} == {0: 0}


async def test_a_refusal_after_the_start_is_tried_again() -> None:
    client = FakeClient([stored(1)])
    taken: asyncio.Queue[Batch | LogError] = asyncio.Queue()
    attempts = iter([ConfigError("rabbitmq.stream_url", "is refused", remedy="Wait.")])

    def connect() -> Link:
        for error in attempts:
            raise error
        return Link(client, 30)

    async with reading(connect, taken.put):
        await until(lambda: taken.qsize() == 1, "the batch")
    assert isinstance(taken.get_nowait(), Batch)


async def test_what_can_not_be_read_is_told_and_not_passed_over() -> None:
    client = FakeClient([b"\x00 no section"])

    def connect() -> Link:
        return Link(client, 30)

    taken: asyncio.Queue[Batch | LogError] = asyncio.Queue()
    async with reading(connect, taken.put) as reader:
        await until(lambda: taken.qsize() == 1, "the batch")
        reader._foreign = lambda data: 1 / 0  # type: ignore[assignment, return-value]
        await client.deliver(chunk(1, b"\x00"))
        await until(lambda: taken.qsize() == 2, "the failure")
    taken.get_nowait()
    assert isinstance(taken.get_nowait(), LogError)
