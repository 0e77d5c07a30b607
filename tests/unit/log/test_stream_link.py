"""When a link to RabbitMQ's stream port counts as lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from rstream import schema
from rstream.client import Client
from tests.conftest import PATIENCE

from tidegate.log.rabbitmq_stream.link import Link


@pytest.fixture
async def link() -> AsyncIterator[Link]:
    made = Link(Client("nowhere", 0, frame_max=1_000_000, heartbeat=30), 30.0)
    yield made
    await made.close()


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_a_link_without_a_sign_of_life_is_gone(link: Link) -> None:
    assert not link.is_gone(now() + 74)
    assert link.is_gone(now() + 76)
    link._heard -= 60
    link._note_life(schema.Heartbeat())
    assert not link.is_gone(now() + 74)


async def test_where_no_heartbeats_were_agreed_on_none_are_missed(link: Link) -> None:
    link.heartbeat = 0.0
    assert not link.is_gone(now() + 1_000_000)


async def test_a_link_whose_connection_rstream_knows_to_be_closed_is_given_up(link: Link) -> None:
    link.heartbeat = 0.0
    lost = asyncio.Event()
    link.on_lost = lost.set
    link.client._is_not_closed = False  # as a failed write leaves it
    async with asyncio.timeout(PATIENCE):
        await lost.wait()
    assert link.lost.is_set()
