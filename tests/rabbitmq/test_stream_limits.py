"""The log on a RabbitMQ whose stream port is set to other limits than usual."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator

import pytest
from rstream.connection import Connection

from tests.broker import PrivateBroker
from tests.conftest import until
from tests.contract.event_log import PATIENCE, entry, numbers, take
from tidegate.errors import ConfigError, LogError
from tidegate.log.rabbitmq_stream import RabbitMQStreamLog, StreamAddress
from tidegate.log.rabbitmq_stream.opening import open_link

FRAME_MAX = 65_536


@pytest.fixture(scope="module")
def limited() -> Iterator[PrivateBroker]:
    with PrivateBroker(f"stream.heartbeat = 0\nstream.frame_max = {FRAME_MAX}") as broker:
        yield broker


def make_log(broker: PrivateBroker) -> RabbitMQStreamLog:
    address = StreamAddress.from_url(broker.stream_url)
    return RabbitMQStreamLog(address, name=f"test-{secrets.token_hex(6)}", retry_delay=0.2)


@pytest.fixture
async def log(limited: PrivateBroker) -> AsyncIterator[RabbitMQStreamLog]:
    made = make_log(limited)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def frames(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the frames that are sent; RabbitMQ 3.10 takes any, later ones need not."""
    sizes: list[int] = []
    write = Connection._write_frame_raw

    async def note(self: Connection, data: bytes) -> None:
        sizes.append(len(data))
        await write(self, data)

    monkeypatch.setattr(Connection, "_write_frame_raw", note)
    return sizes


async def test_a_broker_that_wants_no_heartbeats_is_not_missed_for_them(
    limited: PrivateBroker,
) -> None:
    link = await open_link(StreamAddress.from_url(limited.stream_url), "test", 5)
    assert link.heartbeat == 0
    assert not link.lost.is_set()
    await link.close()


async def test_batches_are_cut_to_the_frames_that_the_broker_takes(
    log: RabbitMQStreamLog, frames: list[int]
) -> None:
    heads = await log.heads()
    offsets = await log.append([entry(number, size=15_000) for number in range(40)])
    largest = await log.append([entry(40, size=log.max_entry_size - 2)])
    records = await take(log.follow(heads), 41)
    assert numbers(records) == list(range(41))
    assert [record.offset for record in records] == [*offsets, *largest]
    assert FRAME_MAX // 2 < max(frames) <= FRAME_MAX


async def test_an_entry_that_fits_into_no_frame_is_refused(log: RabbitMQStreamLog) -> None:
    assert FRAME_MAX // 2 < log.max_entry_size < FRAME_MAX
    heads = await log.heads()
    with pytest.raises(LogError, match="larger than the log takes"):
        await log.append([entry(1), entry(2, size=FRAME_MAX)])
    await log.append([entry(3)])
    assert numbers(await take(log.follow(heads), 1)) == [3]


async def test_a_broker_that_comes_back_with_smaller_frames(
    limited: PrivateBroker, log: RabbitMQStreamLog, frames: list[int]
) -> None:
    heads = await log.heads()
    limited.kill()
    await until(lambda: not log._writers[0].is_connected, "the log to notice")
    large = asyncio.ensure_future(log.append([entry(1, size=40_000)]))
    small = asyncio.ensure_future(log.append([entry(2)]))
    frames.clear()
    limited.configure("stream.frame_max = 32768")
    await asyncio.to_thread(limited.start)
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(LogError, match="larger than the broker takes"):
            await large
        await small
    await log.append([entry(number, size=10_000) for number in range(3, 10)])
    assert numbers(await take(log.follow(heads), 8)) == list(range(2, 10))
    assert max(frames) <= 32_768


async def test_frames_that_hold_no_event_are_refused_at_the_start(limited: PrivateBroker) -> None:
    limited.kill()
    limited.configure("stream.frame_max = 16000")
    await asyncio.to_thread(limited.start)
    log = make_log(limited)
    with pytest.raises(ConfigError, match=r"stream\.frame_max"):
        await log.start()
    await log.close()
