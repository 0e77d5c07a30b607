"""Who sees what this process appends: a follower's reader, else one of our own."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from tests.conftest import until

from tidegate.errors import LogError, LogGap
from tidegate.log.rabbitmq_stream.reader import Sink
from tidegate.log.rabbitmq_stream.witnesses import Witnesses


class FakeReader:
    """Subscribes, fails and closes when the test says so."""

    def __init__(self, partition: int = 0, sink: Sink | None = None) -> None:
        self.partition = partition
        self.subscribed = asyncio.Event()
        self.failure: LogError | None = None
        self.is_closed = False
        self._sink = sink

    def start(self) -> None:
        pass

    async def fail(self, error: LogError) -> None:
        self.failure = error
        self.subscribed.set()
        if self._sink is not None:
            await self._sink(error)

    async def close(self) -> None:
        self.is_closed = True
        self.subscribed.set()


class FakeWriter:
    def __init__(self) -> None:
        self.has_pending = False
        self.failures: list[LogError] = []

    def fail(self, error: LogError) -> None:
        self.failures.append(error)
        self.has_pending = False


@pytest.fixture
def scene() -> Any:
    own: list[FakeReader] = []
    writer = FakeWriter()

    def make_reader(number: int, sink: Sink) -> Any:
        own.append(FakeReader(number, sink))
        return own[-1]

    writers: Any = [writer]
    return SimpleNamespace(own=own, writer=writer, of=Witnesses(writers, make_reader))


async def waiting_for(witnesses: Witnesses) -> asyncio.Task[None]:
    task = asyncio.ensure_future(witnesses.reads(0))
    await asyncio.sleep(0)
    return task


async def test_without_a_follower_one_reader_of_our_own_serves_all(scene: Any) -> None:
    tasks = [await waiting_for(scene.of) for _ in range(3)]
    (own,) = scene.own
    assert not any(task.done() for task in tasks)
    own.subscribed.set()
    await asyncio.gather(*tasks)
    await scene.of.close()
    assert own.is_closed


async def test_our_own_reader_ends_when_a_follower_reads_and_not_before(scene: Any) -> None:
    task = await waiting_for(scene.of)
    follower: Any = FakeReader()
    scene.of.rely_on(follower)
    await asyncio.sleep(0)
    assert not scene.own[0].is_closed
    follower.subscribed.set()
    await until(lambda: scene.own[0].is_closed)
    await task  # it waited for the one that was not there yet
    await scene.of.reads(0)
    assert len(scene.own) == 1


async def test_a_follower_that_ends_is_followed_by_our_own(scene: Any) -> None:
    follower: Any = FakeReader()
    scene.of.rely_on(follower)
    task = await waiting_for(scene.of)
    scene.of.stop_relying_on(follower)
    assert scene.own == []  # nothing waits to be seen
    await follower.close()
    await until(lambda: scene.own)
    scene.own[0].subscribed.set()
    await task


async def test_what_waits_to_be_seen_is_seen_when_a_follower_ends(scene: Any) -> None:
    follower: Any = FakeReader()
    scene.of.rely_on(follower)
    scene.writer.has_pending = True
    scene.of.stop_relying_on(follower)
    assert len(scene.own) == 1


async def test_appends_are_told_when_the_stream_can_not_be_read(scene: Any) -> None:
    task = await waiting_for(scene.of)
    scene.writer.has_pending = True
    await scene.own[0].fail(LogError("another log"))
    with pytest.raises(LogError, match="another log"):
        await task
    assert [str(error) for error in scene.writer.failures] == ["another log"]
    await waiting_for(scene.of)
    assert len(scene.own) == 2  # the next append tries again


async def test_after_a_gap_reading_goes_on_from_now(scene: Any) -> None:
    await waiting_for(scene.of)
    scene.own[0].subscribed.set()
    scene.writer.has_pending = True
    await scene.own[0].fail(LogGap("it is gone"))
    assert scene.writer.failures == []
    assert len(scene.own) == 2


async def test_a_failed_follower_is_not_relied_on(scene: Any) -> None:
    follower: Any = FakeReader()
    scene.of.rely_on(follower)
    await follower.fail(LogError("it can't be read"))
    await waiting_for(scene.of)
    assert len(scene.own) == 1
