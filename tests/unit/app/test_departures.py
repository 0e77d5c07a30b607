"""What the application hears of connections that end."""

from __future__ import annotations

import asyncio

from tests.unit.app.visitors import Visitor, gateway_with

from tidegate import Client, Namespace


async def test_each_connection_that_was_let_in_ends_once_for_the_hooks() -> None:
    news = Namespace("/news")
    came: list[str] = []
    went: list[str] = []
    gone = asyncio.Event()

    @news.on_connect
    async def hello(client: Client) -> None:
        came.append(client.user_id)

    @news.on_disconnect
    async def goodbye(client: Client, reason: str) -> None:
        went.append(reason)
        gone.set()

    gateway = gateway_with(news)
    await gateway.start()
    first, second = Visitor(1), Visitor(1)
    first.ask(gateway)
    await first.answered()

    # It comes back before anybody has noticed that the first connection is dead.
    second.ask(gateway, pid=first.reply["pid"])
    await second.answered()
    assert not first.is_open
    gateway.reception.connection_lost(first, "replaced")
    await asyncio.wait_for(gone.wait(), 5)
    assert second.sockets == first.sockets
    assert (came, went) == (["user-1", "user-1"], ["replaced"])

    gone.clear()
    gateway.reception.connection_lost(second, "transport close")
    await asyncio.wait_for(gone.wait(), 5)
    assert went == ["replaced", "transport close"]
    await gateway.stop()
