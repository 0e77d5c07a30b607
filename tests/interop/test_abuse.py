"""Clients that break the rules, or keep to their letter only, harm nobody but themselves."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from tests.conftest import StartGateway, until
from tests.interop.raw_client import RawClient
from tidegate import Client, Namespace, PayloadError, Refused
from tidegate.ids import TenantId

SERVERS = ("own", "asgi")

UPGRADE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


async def test_namespaces_are_counted_again_after_a_hook_that_took_time(
    start_gateway: StartGateway,
) -> None:
    both_ask, namespaces = asyncio.Event(), [Namespace("/a"), Namespace("/b")]

    asking: list[Client] = []

    async def wait(client: Client) -> None:
        asking.append(client)
        await both_ask.wait()

    for namespace in namespaces:
        namespace.on_connect(wait)
    running = await start_gateway(*namespaces, limits={"namespaces": 1})
    async with RawClient(running.port) as client:
        await client.connect("/a")
        await client.connect("/b")
        await until(lambda: len(asking) == 2, "both hooks")
        both_ask.set()
        assert (await client.next()).startswith("40/a,")
        assert '"limit_reached"' in await client.next()
        assert len(running.gateway.hub.sockets_of(TenantId("acme"))) == 1

        await running.gateway.tenant("acme").disconnect()
        assert await client.next() == "41/a,"
    await until(lambda: not running.gateway.hub.tenants(), "the client to be gone")
    assert running.gateway.is_ready


@pytest.mark.own_server
async def test_a_client_that_pings_and_never_reads_is_disconnected(
    start_gateway: StartGateway,
) -> None:
    running = await start_gateway()
    listener = running.gateway.listener
    assert listener is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(UPGRADE)
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # it is a read transport, too
    pings = (b"\x89\xfd\0\0\0\0" + b"x" * 125) * 1_000
    sent = 0
    with contextlib.suppress(ConnectionError):
        while not listener.closes and sent < 64 * 1024**2:
            writer.write(pings)
            await writer.drain()
            await asyncio.sleep(0)
            sent += len(pings)
    assert listener.closes["lagging"] == 1
    writer.close()


async def test_clients_that_left_their_namespaces_are_counted_as_waiting(
    start_gateway: StartGateway,
) -> None:
    # Else nothing would count them: with one token a client could hold any number of connections.
    running = await start_gateway(
        connect_timeout=0.5, ping_interval=0.5, limits={"unauthenticated_per_address": 2}
    )
    listener = running.gateway.listener
    assert listener is not None
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(RawClient(running.port)) for _ in range(2)]
        for client in clients:
            await client.connect()
            assert (await client.next()).startswith("40/chat,")
        third = await stack.enter_async_context(RawClient(running.port))
        await third.connect()
        assert (await third.next()).startswith("40/chat,")
        for client in clients:
            await client.send("41/chat,")
        await until(lambda: listener.doorkeeper.waiting == 2, "two to wait")
        await third.send("41/chat,")
        await third.closed()
        await clients[0].connect()
        assert (await clients[0].next()).startswith("40/chat,")
        await clients[1].closed()
        assert listener.doorkeeper.waiting == 0
        assert len(running.gateway.hub.sockets_of(TenantId("acme"))) == 1
    assert (listener.closes["connect timeout"], listener.closes["refused"]) == (1, 1)


async def test_a_handler_that_was_cancelled_holds_up_no_later_event(
    start_gateway: StartGateway,
) -> None:
    chat = Namespace("/chat")
    seen: list[int] = []

    @chat.on("cancelled")
    async def wait_for_something_cancelled(client: Client) -> None:
        await asyncio.sleep(0.05)
        other = asyncio.get_running_loop().create_future()
        other.cancel()
        await other

    @chat.on("next")
    async def note(client: Client, number: int) -> int:
        seen.append(number)
        return number

    @chat.on("now")
    def note_at_once(client: Client, number: int) -> int:
        seen.append(number)
        return number

    running = await start_gateway(chat)
    async with RawClient(running.port) as client:
        await client.connect()
        await client.next()
        await client.send('42/chat,1["cancelled"]', '42/chat,2["next",2]', '42/chat,3["now",3]')
        assert '"internal"' in await client.next()
        assert await client.next() == "43/chat,2[2]"
        assert await client.next() == "43/chat,3[3]"
    assert seen == [2, 3]


@pytest.mark.parametrize("text", [ValueError("no\ud800"), "no\ud800"], ids=["error", "surrogate"])
async def test_a_refusal_that_is_no_proper_text_is_told_all_the_same(
    start_gateway: StartGateway, text: Any
) -> None:
    chat, closed = Namespace("/chat"), Namespace("/closed")

    @chat.on("async")
    async def refuse(client: Client) -> None:
        raise Refused(text)

    @chat.on("sync")
    def refuse_at_once(client: Client) -> None:
        raise Refused(text)

    @chat.on("odd")
    def say_it_is_odd(client: Client) -> None:
        raise PayloadError(text)

    @closed.on_connect
    async def turn_away(client: Client) -> None:
        raise Refused(text)

    running = await start_gateway(chat, closed)
    async with RawClient(running.port) as client:
        await client.connect()
        await client.next()
        for event in ("async", "sync"):
            await client.send(f'42/chat,1["{event}"]')
            assert await client.next() == (
                '43/chat,1[{"error":{"code":"forbidden","message":"no?"}}]'
            )
        await client.send('42/chat,1["odd"]')
        assert (await client.next()).startswith('43/chat,1[{"error":')
        await client.connect("/closed")
        assert (await client.next()).startswith('44/closed,{"message":"no?"')


async def test_a_hook_that_was_cancelled_refuses(start_gateway: StartGateway) -> None:
    chat = Namespace("/chat")

    @chat.on_connect
    async def wait_for_something_cancelled(client: Client) -> None:
        other = asyncio.get_running_loop().create_future()
        other.cancel()
        await other

    running = await start_gateway(chat)
    async with RawClient(running.port) as client:
        await client.connect()
        assert '"try_again"' in await client.next()
        await client.closed()
    assert running.gateway.reception.door.refusals["try_again"] == 1


async def test_a_client_that_breaks_the_protocol_is_no_error_of_ours(
    start_gateway: StartGateway, caplog: pytest.LogCaptureFixture
) -> None:
    running = await start_gateway()
    listener = running.gateway.listener
    assert listener is not None
    for _ in range(10):
        async with RawClient(running.port) as client:
            await client.connect()
            await client.next()
            client.socket.transport.write(b"\xff\xff\xff\xff")
            # An ASGI server has closed the connection before this is written.
            await running.gateway.tenant("acme").emit("tick")
            await client.closed()
    await until(lambda: not listener.connections, "the connections to end")
    assert listener.closes["parse error"] == 10
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
