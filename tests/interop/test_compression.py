"""Compressed events at the official client, which offers compression unless told not to."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Running, StartGateway, make_token
from tests.interop.official_client import NodeDriver, OfficialClient
from tidegate import Client, Namespace
from tidegate.ids import TenantId

CONSOLE = Path(__file__).parents[2] / "console"

AGREED = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
ON: dict[str, Any] = {"enabled": True}
OFFER: dict[str, Any] = {"threshold": 1024}


def large(number: int) -> dict[str, Any]:
    """An event of 6 KB that is half repetition, as lists of records are."""
    rows = [{"id": f"{number}-{i * 7919 % 1000}", "état": "bezahlt ✓"} for i in range(150)]
    return {"n": number, "rows": rows}


SIZE = len(json.dumps(large(1), ensure_ascii=False, separators=(",", ":")).encode())


async def emit(running: Running, *numbers: int) -> None:
    for number in numbers:
        await running.gateway.tenant("acme").emit("tick", large(number), namespace="/chat")


def join(node: NodeDriver, running: Running, name: str, offer: Any = OFFER) -> OfficialClient:
    auth = {"token": make_token()}
    return node.client(name, f"{running.url}/chat", auth=auth, perMessageDeflate=offer)


async def test_clients_with_and_without_compression_hear_the_same(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    running = await start_gateway(compression=ON)
    zipped, plain = join(node, running, "a"), join(node, running, "b", offer=False)
    await zipped.wait("connect")
    await plain.wait("connect")
    await emit(running, 1, 2, 3)
    for client in (zipped, plain):
        assert await client.heard("tick", 3) == [large(1), large(2), large(3)]
    less, more = await zipped.wire(), await plain.wire()
    assert (less["extensions"], more["extensions"]) == ("permessage-deflate", "")
    assert less["bytes"] < 1.2 * SIZE
    assert more["bytes"] > 3 * SIZE


async def test_compressed_messages_of_the_client_are_answered(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    chat = Namespace("/chat")

    @chat.on("count")
    async def count(client: Client, event: dict[str, Any]) -> int:
        return len(event["rows"])

    running = await start_gateway(chat, compression=ON)
    client = join(node, running, "a")
    await client.wait("connect")
    assert await client.ask("count", large(1)) == [150]
    assert await client.ask("count", {"rows": []}) == [0]
    assert await client.ask("count", large(2)) == [150]


async def test_missed_events_come_compressed(start_gateway: StartGateway, node: NodeDriver) -> None:
    running = await start_gateway(compression=ON)
    client = join(node, running, "a")
    await client.wait("connect")
    await emit(running, 1)
    await client.heard("tick", 1)
    client.cut()
    await client.wait("disconnect")
    await emit(running, 2, 3, 4)
    assert (await client.wait("connect", 2))["recovered"] is True
    assert await client.heard("tick", 4) == [large(n) for n in (1, 2, 3, 4)]
    assert (await client.wire())["bytes"] < 1.5 * SIZE


async def test_slow_client_catches_up_compressed(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    running = await start_gateway(
        compression=ON, window={"bytes": "256MiB", "tenant_bytes": "256MiB"}
    )
    client = join(node, running, "a")
    await client.wait("connect")
    client.hold()
    await client.wire()
    noise = [secrets.token_hex(30_000) for _ in range(400)]  # half as large compressed
    for text in noise:
        await running.gateway.tenant("acme").emit("noise", text, namespace="/chat")
    client.resume()
    assert await client.heard("noise", 400) == noise
    assert running.gateway.hub.stats.caught_up_deliveries > 0
    assert len(client.said("connect")) == 1
    assert (await client.wire())["bytes"] < 0.6 * sum(map(len, noise))


async def test_session_comes_back_without_the_compression_that_it_had(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    """The form of a frame belongs to the connection, not to the session."""
    running = await start_gateway(compression=ON)
    client = join(node, running, "a")
    await client.wait("connect")
    await emit(running, 1)
    await client.heard("tick", 1)
    client.offer(False)
    client.cut()
    await client.wait("disconnect")
    await emit(running, 2)
    assert (await client.wait("connect", 2))["recovered"] is True
    await emit(running, 3)
    assert await client.heard("tick", 3) == [large(n) for n in (1, 2, 3)]
    assert (await client.wire())["extensions"] == ""


async def test_nothing_is_compressed_by_default(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    running = await start_gateway()
    client = join(node, running, "a")
    await client.wait("connect")
    await emit(running, 1)
    assert await client.heard("tick", 1) == [large(1)]
    seen = await client.wire()
    assert seen["extensions"] == ""
    assert seen["bytes"] > SIZE


@pytest.mark.parametrize(("enabled", "status"), [(True, b"400"), (False, b"101")])
async def test_offer_that_breaks_the_syntax(
    start_gateway: StartGateway, enabled: bool, status: bytes
) -> None:
    running = await start_gateway(compression={"enabled": enabled})
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(
        b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\n"
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Extensions: permessage-deflate; =12\r\n\r\n"
    )
    assert (await reader.readline()).split()[1] == status
    writer.close()
    await writer.wait_closed()


@pytest.mark.skipif(
    shutil.which("chromium") is None,
    reason="Chromium is not installed, and only root may install it (see prepare_tests.sh)",
)
async def test_chromium_reads_compressed_events(start_gateway: StartGateway) -> None:
    running = await start_gateway(compression=ON, origins=["null"])
    page = await asyncio.create_subprocess_exec(
        "node",
        "check-compression.mjs",
        f"{running.url}/chat",
        make_token(),
        "tick",
        "2",
        cwd=CONSOLE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert page.stdout is not None
    async with asyncio.timeout(60):
        assert await page.stdout.readline() == b"connected\n"
        await emit(running, 1, 2)
        seen = json.loads((await page.communicate())[0])
    assert seen["extensions"] == AGREED
    assert seen["heard"] == [large(1), large(2)]
    for record in running.gateway.hub.window.after(TenantId("acme"), 0):
        assert record.frame is None, "nobody got the plain form"
        assert record.compressed is not None and len(record.compressed) < SIZE / 5
