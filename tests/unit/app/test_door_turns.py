"""Many clients at the door at once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.unit.app.visitors import Visitor, gateway_with

from tidegate import Gateway, Namespace
from tidegate.app.door import CONNECTS_PER_TURN
from tidegate.ids import TenantId


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    gateway = gateway_with(Namespace("/news"))
    await gateway.start()
    yield gateway
    await gateway.stop()


async def test_a_crowd_is_let_in_by_turns(gateway: Gateway) -> None:
    crowd = [Visitor(number) for number in range(3 * CONNECTS_PER_TURN)]
    for visitor in crowd:
        visitor.ask(gateway)

    assert sum(1 for visitor in crowd if visitor.sockets) == CONNECTS_PER_TURN
    await crowd[-1].answered()

    assert all(len(visitor.sockets) == 1 for visitor in crowd)


async def test_who_goes_before_their_turn_leaves_nothing_behind(gateway: Gateway) -> None:
    crowd = [Visitor(number) for number in range(CONNECTS_PER_TURN + 2)]
    for visitor in crowd:
        visitor.ask(gateway)
    gone, last = crowd[-2:]

    gone.is_open = False
    gateway.reception.connection_lost(gone, "transport close")
    await last.answered()

    assert not gone.sockets
    assert not gone.received
    assert len(gateway.hub.sockets_of(TenantId("acme"))) == CONNECTS_PER_TURN + 1
