"""The example publisher, run as its README says, against a real broker."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.broker.private import free_port
from tests.conftest import PATIENCE, Broker
from tidegate.ids import random_id
from tidegate.sources.rabbitmq import AMQPChannel, AMQPConnection

FOLDER = Path(__file__).parents[2] / "examples" / "fastapi_publisher"
KEY = random_id()


@pytest.fixture
async def publisher(broker: Broker) -> AsyncIterator[httpx.AsyncClient]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "uvicorn", "app:app", "--port", str(port)),
        *("--log-level", "warning"),
        cwd=FOLDER,
        env={
            **os.environ,
            "PYTHONDONTWRITEBYTECODE": "1",
            "RABBITMQ_URL": broker.url,
            "TENANT_KEYS": json.dumps({KEY: "acme"}),
        },
    )
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False
    ) as client:
        try:
            await _healthy(client)
            yield client
        finally:
            process.terminate()
            await process.wait()


@pytest.fixture
async def queue(broker: Broker) -> AsyncIterator[tuple[AMQPChannel, str]]:
    """A queue bound to the events of tests: the exchange is durable, other tests may share it."""
    connection = AMQPConnection(broker.url)
    connection.start()
    await connection.connected()
    channel = await connection.open_channel()
    name = f"publisher.{random_id()}"
    await channel.declare_exchange("events", "topic")
    await channel.declare_queue(name, exclusive=True)
    yield channel, name
    await connection.close()


async def test_an_event_is_persistent_addressed_and_confirmed(
    publisher: httpx.AsyncClient, queue: tuple[AMQPChannel, str]
) -> None:
    channel, name = queue
    await channel.bind_queue(name, "events", "notification.#")
    asked = {"message": "Order 7 is paid", "userId": "42", "tenantId": "evil"}
    answer = await publisher.post("/notifications", json=asked, headers={"Idempotency-Key": "k1"})
    assert answer.status_code == 202
    delivered = await channel.get(name)
    assert delivered is not None
    assert delivered.method.routing_key == "notification.created"
    assert json.loads(delivered.body) == answer.json()
    assert answer.json() == {"id": "k1", "message": "Order 7 is paid", "type": "info"}
    properties = delivered.properties
    assert properties.headers == {"tenantId": "acme", "userId": "42"}
    assert (properties.delivery_mode, properties.message_id) == (2, "k1")
    assert properties.content_type == "application/json"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"headers": {"Authorization": "Bearer wrong"}}, 401),
        ({"json": {"message": ""}}, 422),
        ({"headers": {"Idempotency-Key": "x" * 300}}, 422),
        ({}, 503),  # nobody has bound a queue
    ],
)
async def test_what_can_not_be_published_is_told(
    publisher: httpx.AsyncClient, changes: dict[str, Any], status: int
) -> None:
    values = {"json": {"message": "hi"}} | changes
    assert (await publisher.post("/notifications", **values)).status_code == status


async def _healthy(client: httpx.AsyncClient) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(httpx.TransportError):
            if (await client.get("/health")).is_success:
                return
        await asyncio.sleep(0.05)
    raise AssertionError("the publisher did not become healthy")
