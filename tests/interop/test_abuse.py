"""Clients that break the rules, or keep to their letter only, harm nobody but themselves."""

from __future__ import annotations

import asyncio

from tests.conftest import StartGateway, until
from tests.interop.raw_client import RawClient
from tidegate import Client, Namespace
from tidegate.ids import TenantId

SERVERS = ("own", "asgi")


async def test_namespaces_are_counted_again_after_a_hook_that_took_time(
    start_gateway: StartGateway,
) -> None:
    both_ask, namespaces = asyncio.Event(), [Namespace("/a"), Namespace("/b")]

    async def wait(client: Client) -> None:
        await both_ask.wait()

    for namespace in namespaces:
        namespace.on_connect(wait)
    running = await start_gateway(*namespaces, limits={"namespaces": 1})
    async with RawClient(running.port) as client:
        await client.connect("/a")
        await client.connect("/b")
        await asyncio.sleep(0.05)
        both_ask.set()
        assert (await client.next()).startswith("40/a,")
        assert '"limit_reached"' in await client.next()
        assert len(running.gateway.hub.sockets_of(TenantId("acme"))) == 1

        await running.gateway.tenant("acme").disconnect()
        assert await client.next() == "41/a,"
    await until(lambda: not running.gateway.hub.tenants(), "the client to be gone")
    assert running.gateway.is_ready
