"""The log on a RabbitMQ whose stream port is set to other limits than usual."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.broker import PrivateBroker
from tidegate.log.rabbitmq_stream import StreamAddress
from tidegate.log.rabbitmq_stream.link import open_link


@pytest.fixture(scope="module")
def limited() -> Iterator[PrivateBroker]:
    with PrivateBroker("stream.heartbeat = 0") as broker:
        yield broker


async def test_a_broker_that_wants_no_heartbeats_is_not_missed_for_them(
    limited: PrivateBroker,
) -> None:
    link = await open_link(StreamAddress.from_url(limited.stream_url), "test", 5)
    assert link.heartbeat == 0
    assert not link.lost.is_set()
    await link.close()
