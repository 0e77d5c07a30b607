"""When a consumer's deliveries are acked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

from pika.spec import Basic, BasicProperties

from tidegate.sources.rabbitmq.channel import AMQPChannel
from tidegate.sources.rabbitmq.content import Delivery
from tidegate.sources.rabbitmq.deliveries import Deliveries


class Channel:
    """Notes acks; stands for one at the broker."""

    def __init__(self) -> None:
        self.acked: list[int] = []
        self.closed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.is_open = True
        self.raw = SimpleNamespace(add_on_cancel_callback=lambda callback: None)

    def ack(self, delivery_tag: int, *, multiple: bool) -> None:
        assert multiple
        self.acked.append(delivery_tag)

    async def close(self) -> None:
        self.is_open = False


def consuming(channel: Channel, prefetch: int) -> Deliveries:
    return Deliveries(cast("AMQPChannel", channel), prefetch, lambda: None)


def delivery(tag: int) -> Delivery:
    return Delivery(Basic.Deliver("c", tag), BasicProperties(), b"")


async def test_one_ack_does_for_what_is_done_within_a_moment() -> None:
    channel = Channel()
    deliveries = consuming(channel, prefetch=100)
    for tag in (1, 2, 3):
        deliveries.ack(delivery(tag))
    assert channel.acked == []
    await _until(lambda: bool(channel.acked))
    assert channel.acked == [3]
    deliveries.ack(delivery(4))
    await _until(lambda: len(channel.acked) == 2)
    assert channel.acked == [3, 4]


async def test_a_quarter_of_the_prefetch_is_acked_at_once() -> None:
    channel = Channel()
    deliveries = consuming(channel, prefetch=8)
    deliveries.ack(delivery(1))
    assert channel.acked == []
    deliveries.ack(delivery(2))
    assert channel.acked == [2]


async def test_with_a_prefetch_of_one_each_is_acked_at_once() -> None:
    channel = Channel()
    deliveries = consuming(channel, prefetch=1)
    deliveries.ack(delivery(1))
    assert channel.acked == [1]


async def test_closing_acks_what_is_done() -> None:
    channel = Channel()
    deliveries = consuming(channel, prefetch=100)
    deliveries.ack(delivery(7))
    await deliveries.close()
    assert channel.acked == [7]


async def test_on_a_channel_that_is_gone_nothing_is_acked() -> None:
    channel = Channel()
    deliveries = consuming(channel, prefetch=100)
    deliveries.ack(delivery(1))
    channel.is_open = False
    await deliveries.close()
    assert channel.acked == []


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  # what is waited for has no event
            await asyncio.sleep(0.001)
