"""Each limit holds, refuses clearly and is counted."""

from __future__ import annotations

import asyncio
import contextlib

import httpx
import pytest

from tests.conftest import Running, StartGateway, make_token, until
from tests.interop.official_client import NodeDriver
from tidegate import Client, Namespace
from tidegate.app.metrics import render_metrics

SERVERS = ("own", "asgi")


def limit_count(running: Running, limit: str) -> float:
    for line in render_metrics(running.gateway).decode().splitlines():
        if line.startswith(f'tidegate_limits_reached_total{{limit="{limit}"}}'):
            return float(line.split()[-1])
    return 0.0


async def test_payload(start_gateway: StartGateway, node: NodeDriver) -> None:
    running = await start_gateway(limits={"payload": 1_000})
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token()})
    await client.wait("connect")
    client.emit("big", "x" * 2_000)
    await client.wait("disconnect")
    assert limit_count(running, "payload") == 1


async def test_attachments(start_gateway: StartGateway, node: NodeDriver) -> None:
    running = await start_gateway(limits={"attachments": 2})
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token()})
    await client.wait("connect")
    client.emit("files", *[{"$bytes": "AA=="}] * 3)
    await client.wait("disconnect")
    assert running.gateway.listener is not None
    assert running.gateway.listener.closes["parse error"] == 1


async def test_namespaces(start_gateway: StartGateway, node: NodeDriver) -> None:
    running = await start_gateway(
        Namespace("/a"), Namespace("/b"), Namespace("/c"), limits={"namespaces": 2}
    )
    clients = []
    for name in ("/a", "/b"):
        client = node.client(name, running.url + name, auth={"token": make_token()})
        await client.wait("connect")
        clients.append(client)
    third = node.client("/c", f"{running.url}/c", auth={"token": make_token()})
    assert (await third.wait("connect_error"))["data"] == {"code": "limit_reached", "retry": True}
    assert limit_count(running, "namespaces") == 1


async def test_rooms(start_gateway: StartGateway, node: NodeDriver) -> None:
    chat = Namespace("/chat")

    @chat.room("talk:{number}")
    def may_join(client: Client, number: int) -> bool:
        return True

    running = await start_gateway(chat, limits={"rooms": 2})
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token()})
    await client.wait("connect")
    for number in (1, 2):
        assert (await client.ask("tidegate.join", f"talk:{number}"))[0]["ok"] is True
    assert (await client.ask("tidegate.join", "talk:3"))[0]["error"]["code"] == "limit_reached"
    assert (await client.ask("tidegate.leave", "talk:1"))[0]["ok"] is True
    assert (await client.ask("tidegate.join", "talk:3"))[0]["ok"] is True
    assert limit_count(running, "rooms") == 1


async def test_events(start_gateway: StartGateway, node: NodeDriver) -> None:
    chat = Namespace("/chat")

    @chat.on("hit")
    def hit(client: Client) -> str:
        return "ok"

    running = await start_gateway(chat, limits={"events_per_second": 0.1, "event_burst": 3})
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token()})
    await client.wait("connect")
    for _ in range(3):
        assert await client.ask("hit") == ["ok"]
    (answer,) = await client.ask("hit")
    assert answer["error"]["code"] == "limit_reached"
    assert (await client.wait("disconnect"))["reason"] == "io server disconnect"
    assert limit_count(running, "events") == 1


@pytest.mark.parametrize(
    ("limit", "users"), [("tenant_connections", ["1", "2"]), ("user_connections", ["1", "1"])]
)
async def test_connections(
    start_gateway: StartGateway, node: NodeDriver, limit: str, users: list[str]
) -> None:
    running = await start_gateway(limits={limit: 1})
    url = f"{running.url}/chat"
    first = node.client("1", url, auth={"token": make_token(user=users[0])})
    await first.wait("connect")
    second = node.client("2", url, forceNew=True, auth={"token": make_token(user=users[1])})
    refused = await second.wait("connect_error")
    assert refused["data"] == {"code": "limit_reached", "retry": True}
    assert limit_count(running, limit) == 1
    first.disconnect()
    await until(lambda: not running.gateway.hub.tenants(), "the first to be gone")
    second.open()
    await second.wait("connect")


async def _upgrade(port: int, **headers: str) -> tuple[bytes, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    fields = {
        "Host": "x",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    with contextlib.suppress(ConnectionError):
        writer.write(f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n{head}\r\n".encode())
    async with asyncio.timeout(5):
        return await reader.readline(), writer


async def test_unauthenticated_connections_in_all(start_gateway: StartGateway) -> None:
    running = await start_gateway(limits={"unauthenticated": 2})
    answers = [await _upgrade(running.port) for _ in range(3)]
    assert [answer.split()[1] for answer, _ in answers] == [b"101", b"101", b"503"]
    answers[0][1].close()
    doorkeeper = running.gateway.listener and running.gateway.listener.doorkeeper
    assert doorkeeper
    await until(lambda: doorkeeper.waiting == 1, "the first to be uncounted")
    again, writer = await _upgrade(running.port)
    assert again.split()[1] == b"101"
    for open_writer in (writer, *(w for _, w in answers)):
        open_writer.close()


async def test_unauthenticated_connections_of_an_address_behind_a_proxy(
    start_gateway: StartGateway,
) -> None:
    running = await start_gateway(
        limits={"unauthenticated_per_address": 1}, trusted_proxies=["127.0.0.0/8"]
    )
    forwarded = ["203.0.113.1", "203.0.113.2", "203.0.113.1"]
    answers = [await _upgrade(running.port, **{"X-Forwarded-For": ip}) for ip in forwarded]
    assert [answer.split()[1] for answer, _ in answers] == [b"101", b"101", b"429"]
    for _, writer in answers:
        writer.close()


@pytest.mark.own_server
async def test_an_oversized_request_is_refused(start_gateway: StartGateway) -> None:
    running = await start_gateway()
    async with httpx.AsyncClient() as http:
        response = await http.get(f"{running.url}/", headers={"X-Big": "x" * 20_000})
    assert response.status_code == 431
