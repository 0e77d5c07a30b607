"""python-socketio's client, unmodified: the second judge of the protocol."""

from __future__ import annotations

from typing import Any

import pytest
import socketio

from tests.conftest import StartGateway, make_token, until
from tidegate import Client, Namespace

SERVERS = ("own", "asgi")


async def test_events_acks_and_refusals(start_gateway: StartGateway) -> None:
    chat = Namespace("/chat")

    @chat.on("double")
    def double(client: Client, n: int) -> int:
        return 2 * n

    running = await start_gateway(chat)
    client, heard = socketio.AsyncClient(), []

    def on_tick(*args: Any) -> None:
        heard.append(args[0])

    client.on("tick", on_tick, namespace="/chat")
    await client.connect(
        running.url, transports=["websocket"], auth={"token": make_token()}, namespaces=["/chat"]
    )
    assert await client.call("double", 21, namespace="/chat") == 42
    await running.gateway.tenant("acme").emit("tick", {"n": 1, "raw": b"\x00\xff"})
    await until(lambda: heard, "the event")
    assert heard == [{"n": 1, "raw": b"\x00\xff"}]
    await client.disconnect()


async def test_a_refused_client_raises(start_gateway: StartGateway) -> None:
    running = await start_gateway()
    client = socketio.AsyncClient(reconnection=False)
    errors: list[Any] = []
    client.on("connect_error", errors.append, namespace="/chat")
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(
            running.url, transports=["websocket"], auth={"token": "x"}, namespaces=["/chat"]
        )
    assert errors[0]["data"]["code"] == "token_invalid"


async def test_heartbeats_keep_a_connection_open(start_gateway: StartGateway) -> None:
    running = await start_gateway(ping_interval=0.1, ping_timeout=0.5)
    client = socketio.AsyncClient(reconnection=False)
    await client.connect(
        running.url, transports=["websocket"], auth={"token": make_token()}, namespaces=["/chat"]
    )
    assert running.gateway.listener is not None
    (connection,) = running.gateway.listener.connections
    first = connection.core.next_deadline()
    assert first is not None
    await until(lambda: (connection.core.next_deadline() or 0) > first + 0.5, "five heartbeats")
    assert client.connected
    await client.disconnect()
