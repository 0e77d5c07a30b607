"""The log on a real RabbitMQ: the contract, and what only it promises."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import pytest

from tests.conftest import Broker
from tests.contract.event_log import EventLogContract
from tidegate.log.rabbitmq_stream import RabbitMQStreamLog, Retention, StreamAddress


def make_log(broker: Broker, name: str | None = None, partitions: int = 1) -> RabbitMQStreamLog:
    return RabbitMQStreamLog(
        StreamAddress.from_url(broker.stream_url),
        name=name or f"test-{secrets.token_hex(6)}",
        partitions=partitions,
        retention=Retention(size=50_000_000),
        heartbeat=5,
        retry_delay=0.5,
    )


@pytest.fixture
async def event_log(broker: Broker) -> AsyncIterator[RabbitMQStreamLog]:
    log = make_log(broker)
    await log.start()
    yield log
    await log.close()


class TestOnePartition(EventLogContract):
    """The contract on one stream."""


class TestManyPartitions(EventLogContract):
    """The contract on three streams."""

    @pytest.fixture
    async def event_log(self, broker: Broker) -> AsyncIterator[RabbitMQStreamLog]:
        log = make_log(broker, partitions=3)
        await log.start()
        yield log
        await log.close()
