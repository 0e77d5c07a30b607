"""Backlog on one node: it stops reading the log, and goes on when its sockets have caught up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.conftest import until

from tidegate.auth.identity import Identity
from tidegate.hub import Hub, Socket, turns
from tidegate.ids import NamespaceName, Sid, TenantId, UserId
from tidegate.log import Batch, EventEntry, MemoryLog, Record, Window


class Link:
    """A link that takes everything."""

    is_writable = True
    takes_compressed = False

    def __init__(self) -> None:
        self.writes = 0

    @property
    def transport(self) -> Link:
        return self

    def write(self, data: bytes) -> None:
        self.writes += 1

    def abort(self, reason: str) -> None:
        raise AssertionError(reason)


def batch(first: int, count: int) -> Batch:
    records = [
        Record(offset, EventEntry(TenantId("acme"), NamespaceName("/"), "tick", b"1", 0.0))
        for offset in range(first, first + count)
    ]
    return Batch(0, records, first - 1, first + count - 1)


@pytest.fixture(autouse=True)
def small_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MAX_ALL_PENDING", 100)


def make_hub(sockets: int) -> tuple[Hub, list[Socket]]:
    """A hub with sockets of one tenant; more than 128 are not served in one turn."""
    window = Window(age=60, max_bytes=10**9, tenant_bytes=10**9)
    hub = Hub(window=window, log=MemoryLog(), session_age=60, on_control=lambda entry: None)
    identity = Identity(TenantId("acme"), UserId("42"))
    made = []
    for number in range(sockets):
        own = Socket(sid=Sid(f"s{number}"), namespace=NamespaceName("/"), identity=identity)
        own.link = Link()
        hub.add(own)
        made.append(own)
    return hub, made


async def test_a_node_that_keeps_up_reads_on_at_once() -> None:
    hub, _ = make_hub(1)
    hub.ingest(batch(1, 1_000))
    await asyncio.wait_for(hub.turns.wait_for_room(), 1)


async def test_a_node_with_a_long_backlog_waits_until_it_is_short() -> None:
    hub, sockets = make_hub(600)
    hub.ingest(batch(1, 1_000))
    waiting = asyncio.ensure_future(hub.turns.wait_for_room())
    await asyncio.sleep(0)
    assert not waiting.done()
    await asyncio.wait_for(waiting, 10)
    assert all(socket.last_sent for socket in sockets)


async def test_a_tenant_that_leaves_takes_its_backlog_along() -> None:
    hub, sockets = make_hub(600)
    hub.ingest(batch(1, 1_000))
    for socket in sockets:
        hub.drop(socket)
    await asyncio.wait_for(hub.turns.wait_for_room(), 1)


async def test_a_socket_that_is_finished_amid_a_batch_gets_the_rest_of_it_once() -> None:
    hub, sockets = make_hub(300)
    links = [socket.link for socket in sockets]

    def writes(*which: Any) -> list[int]:
        return [link.writes for link in which]

    hub.ingest(batch(1, 3))
    assert writes(links[0], links[-1]) == [1, 0]
    hub.finish(sockets[0])
    hub.finish(sockets[-1])
    assert writes(links[0], links[-1]) == [1, 1]
    await until(lambda: not hub.turns._queue, "the rest of the batch")
    assert writes(*links) == [1] * 300
