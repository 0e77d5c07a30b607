"""A start that waits for RabbitMQ ends when it is cancelled, at whatever moment that is."""

from __future__ import annotations

import asyncio

import pytest
from tests.broker import free_port
from tests.conftest import PATIENCE

from tidegate.log.rabbitmq_stream import RabbitMQStreamLog, StreamAddress
from tidegate.log.rabbitmq_stream.cancelling import cancellable


@pytest.mark.parametrize("turns", range(12))
async def test_a_start_that_is_cancelled_amid_an_attempt_ends(turns: int) -> None:
    """In some of these turns rstream's `wait_for` swallows the cancellation."""
    address = StreamAddress("127.0.0.1", free_port(), "guest", "guest", "/")
    start = asyncio.ensure_future(RabbitMQStreamLog(address).start())
    for _ in range(turns):
        await asyncio.sleep(0)
    start.cancel()
    await asyncio.wait({start}, timeout=PATIENCE)
    assert start.cancelled()


async def test_what_swallows_a_cancellation_is_ended_all_the_same() -> None:
    begun = asyncio.Event()
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        begun.set()
        while swallowed < 2:
            try:
                await asyncio.sleep(PATIENCE)
            except asyncio.CancelledError:
                swallowed += 1
        raise OSError("as rstream might")

    task = asyncio.ensure_future(cancellable(stubborn()))
    await begun.wait()
    task.cancel()
    await asyncio.wait({task}, timeout=PATIENCE)
    assert task.cancelled()


async def test_what_comes_of_it_comes_through() -> None:
    async def fails() -> None:
        raise OSError("refused")

    assert await cancellable(asyncio.sleep(0, "done")) == "done"
    with pytest.raises(OSError, match="refused"):
        await cancellable(fails())
