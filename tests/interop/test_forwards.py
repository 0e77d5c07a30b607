"""Client events to a real NestJS service: the official client, the gateway, RabbitMQ, Nest."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.conftest import Broker, Running, StartGateway, make_token
from tests.interop.nest_services import NestResponder
from tests.interop.official_client import NodeDriver, OfficialClient
from tidegate import Namespace
from tidegate.ids import random_id

PATTERNS = ["echo", "refuse", "crash", "silent", "slow", "stumble", "stream", "note"]


@pytest.fixture
async def nest(broker: Broker) -> AsyncIterator[NestResponder]:
    async with NestResponder(broker.url, f"forwards.{random_id()}") as responder:
        yield responder


def forwards(nest: NestResponder, **more: Any) -> list[dict[str, Any]]:
    """A forward for each of the responder's patterns, as the settings have them."""
    base = {"namespace": "/chat", "queue": nest.queue, "timeout": 5, **more}
    return [{**base, "event": pattern} for pattern in PATTERNS]


async def connected(
    node: NodeDriver, running: Running, *, token: str | None = None, **options: Any
) -> OfficialClient:
    auth = {"token": token or make_token(), **options.pop("auth", {})}
    client = node.client(random_id(), f"{running.url}/chat", auth=auth, **options)
    await client.wait("connect")
    return client


async def test_the_service_sees_who_it_is_and_its_answer_is_the_ack(
    start_gateway: StartGateway, node: NodeDriver, broker: Broker, nest: NestResponder
) -> None:
    running = await start_gateway(rabbitmq={"url": broker.url}, forwards=forwards(nest))
    token = make_token("acme", "7", role="admin")
    liar = {"tenantId": "evil", "headers": {"x-tidegate-user": "root"}}
    client = await connected(node, running, token=token, auth=liar)
    payload = {"text": "é", "tenantId": "evil", "headers": {"x-tidegate-tenant": "evil"}}
    [answer] = await client.ask("echo", payload)
    assert answer["data"] == payload
    claims = json.loads(answer["headers"].pop("x-tidegate-claims"))
    assert (claims["sub"], claims["tenantId"], claims["role"]) == ("7", "acme", "admin")
    assert answer["headers"] == {
        "x-tidegate-tenant": "acme",
        "x-tidegate-user": "7",
        "x-tidegate-namespace": "/chat",
        "x-tidegate-sid": client.said("connect")[0]["sid"],
        "x-tidegate-event": "echo",
    }
    assert await client.ask("stream", [1, 2, 3]) == [3]


async def test_refusals_reach_the_client_with_their_code(
    start_gateway: StartGateway, node: NodeDriver, broker: Broker, nest: NestResponder
) -> None:
    chat = Namespace("/chat")
    chat.forward("nobody", queue=f"nobody.{random_id()}")
    chat.forward("number", queue=nest.queue, pattern="echo", payload=int, max_size=10)
    settings = {"rabbitmq": {"url": broker.url}, "forwards": forwards(nest, timeout=0.3)}
    running = await start_gateway(chat, **settings)
    client = await connected(node, running)

    async def refused(event: str, *args: Any) -> tuple[str, str]:
        [answer] = await client.ask(event, *args)
        return answer["error"]["code"], answer["error"]["message"]

    assert await refused("refuse", "No such order") == ("service_error", "No such order")
    assert await refused("refuse", {"message": "No.", "status": 7}) == ("service_error", "No.")
    assert await refused("crash", 1) == ("service_error", "Internal server error")
    assert (await refused("silent", 1))[0] == "timeout"
    assert (await refused("nobody", 1))[0] == "unavailable"
    assert (await refused("number", "x"))[0] == "invalid_payload"
    assert (await refused("number", 1, 2))[0] == "invalid_payload"
    assert (await refused("number", {"$bytes": "AAAA"}))[0] == "invalid_payload"
    assert (await refused("number", 12345678901))[0] == "too_large"
    assert (await client.ask("number", 1))[0]["data"] == 1


async def test_events_without_ack_arrive_in_order(
    start_gateway: StartGateway, node: NodeDriver, broker: Broker, nest: NestResponder
) -> None:
    running = await start_gateway(rabbitmq={"url": broker.url}, forwards=forwards(nest))
    client = await connected(node, running)
    for number in range(50):
        client.emit("note", number)
    await nest.wait("note", 50)
    assert [line["data"] for line in nest.heard("note")] == list(range(50))
    assert len({line["messageId"] for line in nest.heard("note")}) == 50


async def test_a_client_that_retries_resends_with_the_same_id(
    start_gateway: StartGateway, node: NodeDriver, broker: Broker, nest: NestResponder
) -> None:
    settings = {"rabbitmq": {"url": broker.url}, "forwards": forwards(nest, timeout=0.6)}
    running = await start_gateway(**settings)
    client = await connected(node, running, retries=3, ackTimeout=400)
    for _ in range(2):  # the second time it is a repeat: it stumbles again
        assert await client.ask("stumble", {"text": "hi"}) == [{"text": "hi"}]
    await nest.wait("stumble", 4)
    first, resent, repeat, repeat_resent = nest.heard("stumble")
    assert first["messageId"] == resent["messageId"] != repeat["messageId"]
    assert repeat["messageId"] == repeat_resent["messageId"]
    flags = [line["headers"].get("x-tidegate-resent") for line in nest.heard("stumble")]
    assert flags == [None, True, None, True]


async def test_a_client_that_was_cut_off_resends_with_the_same_id(
    start_gateway: StartGateway, node: NodeDriver, broker: Broker, nest: NestResponder
) -> None:
    running = await start_gateway(rabbitmq={"url": broker.url}, forwards=forwards(nest))
    client = await connected(node, running, retries=3, ackTimeout=4000)
    asking = asyncio.ensure_future(client.ask("slow", {"ms": 300}))
    await nest.wait("slow")
    client.cut()
    assert await asking == [{"ms": 300}]
    assert (await client.wait("connect", 2))["recovered"]
    first, resent = nest.heard("slow")
    assert first["messageId"] == resent["messageId"]
    assert resent["headers"]["x-tidegate-resent"] is True
