"""The Python target: strict tools find nothing, its own test passes, and it does what it should."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import aio_pika
import pytest

from tests.conftest import Broker, make_token
from tests.interop.official_client import NodeDriver, OfficialClient
from tests.scaffold.domains import activity_feed, notification
from tests.scaffold.python_project import PAGE, PythonProject

PLACES = pytest.mark.parametrize("gateway", ["apps/api-gateway", "standalone"])
CREATED = {"id": "1", "message": "hello", "type": "info"}
ITEM = {
    "id": "1",
    "feedId": "7",
    "actor": {"id": "2", "displayName": "Ada"},
    "others": [],
    "at": "2030-01-31T12:00:00Z",
    "tags": ["x"],
    "count": 1,
    "seen": False,
    "data": None,
    "from": "Bob",
}


@pytest.fixture
def project(tmp_path: Path, broker: Broker) -> PythonProject:
    return PythonProject(tmp_path, broker)


@pytest.fixture
async def exchange(
    project: PythonProject, broker: Broker
) -> AsyncIterator[aio_pika.abc.AbstractExchange]:
    connection = await aio_pika.connect(broker.url)
    channel = await connection.channel()
    yield await channel.declare_exchange(project.exchange, "topic", durable=True)
    await connection.close()


async def publish(
    exchange: aio_pika.abc.AbstractExchange, event: str, payload: Any, **address: str
) -> None:
    message = aio_pika.Message(json.dumps(payload).encode(), headers=dict(address))
    await exchange.publish(message, event)


def page(
    node: NodeDriver, url: str, token: str | None, *, origin: str = PAGE, namespace: str
) -> OfficialClient:
    auth = {} if token is None else {"token": token}
    options = {"extraHeaders": {"Origin": origin}, "forceNew": True, "reconnection": False}
    name = f"client-{time.monotonic_ns()}"
    return node.client(name, f"{url}{namespace}", auth=auth, **options)


async def member(
    node: NodeDriver, url: str, tenant: str, user: str, namespace: str = "/notifications"
) -> OfficialClient:
    client = page(node, url, make_token(tenant, user), namespace=namespace)
    await client.wait("connect")
    return client


@PLACES
async def test_tools_find_nothing_and_its_own_test_passes(
    project: PythonProject, gateway: str
) -> None:
    for domain in (notification(gateway=gateway), activity_feed(gateway=gateway)):
        project.new(domain)
    folder = project.root / domain.gateway_root
    await project.run(folder, "ruff", "check", "--isolated", "--no-cache", ".")
    await project.run(folder, "ruff", "format", "--isolated", "--no-cache", "--check", ".")
    cache = str(project.root / "mypy")
    await project.run(
        folder, "mypy", "--strict", "--config-file=", "--cache-dir", cache, "realtime"
    )
    scope = "asyncio_default_fixture_loop_scope=function"
    said = await project.run(
        folder, "pytest", "-W", "error", "-p", "no:cacheprovider", "-o", scope, "realtime"
    )
    assert " passed" in said
    assert "skipped" not in said


@PLACES
async def test_the_scenario(
    project: PythonProject,
    node: NodeDriver,
    exchange: aio_pika.abc.AbstractExchange,
    broker: Broker,
    gateway: str,
) -> None:
    domain = notification(gateway=gateway)
    project.new(domain)
    project.isolate(project.root / domain.gateway_root)
    async with project.serving(domain) as url:
        ada, bob = await asyncio.gather(
            member(node, url, "acme", "ada"), member(node, url, "acme", "bob")
        )
        stranger = await member(node, url, "globex", "ada")
        name = "notification.created"
        await publish(exchange, name, CREATED, tenantId="acme")
        await publish(exchange, name, {**CREATED, "id": "2"}, tenantId="acme", userId="ada")
        await publish(exchange, name, {**CREATED, "id": 3}, tenantId="acme")  # no string
        await publish(exchange, name, {**CREATED, "id": "4"})  # of no tenant
        await publish(exchange, name, {**CREATED, "id": "5"}, tenantId="acme")
        await publish(exchange, name, {**CREATED, "id": "6"}, tenantId="globex")
        await ada.heard(name, 3)
        await bob.heard(name, 2)
        await stranger.heard(name, 1)
        assert [event["id"] for event in ada.events(name)] == ["1", "2", "5"]
        assert [event["id"] for event in bob.events(name)] == ["1", "5"]
        assert [event["id"] for event in stranger.events(name)] == ["6"]
        assert await dead_letters(broker, project.queue(domain)) == [
            *("payload_invalid", "tenant_missing"),
        ]
        assert await ada.ask("notification.markRead", {"notificationId": "1"}) == [{"ok": True}]
        (refusal,) = await ada.ask("notification.markRead", {"notificationId": 1})
        assert refusal["error"]["field"] == "$.notificationId"

        guest = page(node, url, None, namespace="/notifications")
        assert (await guest.wait("connect_error"))["data"]["code"] == "token_missing"
        forger = page(node, url, "no.token.this", namespace="/notifications")
        assert (await forger.wait("connect_error"))["data"]["code"] == "token_invalid"
        evil = "https://evil.example.com"
        foreign = page(node, url, make_token(), origin=evil, namespace="/notifications")
        await foreign.wait("connect_error")
        for refused in (guest, forger, foreign):
            assert refused.said("connect") == []


async def dead_letters(broker: Broker, queue: str) -> list[Any]:
    connection = await aio_pika.connect(broker.url)
    async with connection:
        letters = await (await connection.channel()).get_queue(f"{queue}.dead-letters")
        taken = []
        while letter := await letters.get(fail=False, timeout=5):
            await letter.ack()
            taken.append(letter.headers["x-tidegate-reason"])
        return taken


async def test_two_nodes_both_deliver(
    project: PythonProject, node: NodeDriver, exchange: aio_pika.abc.AbstractExchange
) -> None:
    domain = notification(gateway="standalone")
    project.new(domain)
    project.isolate(project.root / domain.gateway_root)
    async with project.serving(domain) as one, project.serving(domain) as two:
        clients = [await member(node, url, "acme", "ada") for url in (one, two)]
        await publish(exchange, "notification.created", CREATED, tenantId="acme")
        for client in clients:
            assert await client.heard("notification.created", 1) == [CREATED]


async def test_two_domains_share_a_gateway_and_rooms_are_shut_until_someone_decides(
    project: PythonProject, node: NodeDriver, exchange: aio_pika.abc.AbstractExchange
) -> None:
    domain = activity_feed()
    project.new(notification())
    project.new(domain)
    folder = project.root / domain.gateway_root
    project.isolate(folder)
    file = folder / "realtime/activity_feeds/gateway.py"
    file.write_text(file.read_text().replace("return False", 'return feed_id == "7"'))
    async with project.serving(domain) as url:
        inside = await member(node, url, "acme", "ada", "/activity-feeds")
        outside = await member(node, url, "acme", "bob", "/activity-feeds")
        abroad = await member(node, url, "globex", "ada", "/activity-feeds")
        elsewhere = await member(node, url, "acme", "ada", "/notifications")
        for client in (inside, abroad):
            assert "error" not in (await client.ask("tidegate.join", {"room": "feed:7"}))[0]
        (refusal,) = await outside.ask("tidegate.join", {"room": "feed:8"})
        assert refusal["error"]["code"] == "forbidden"
        await publish(exchange, "activityFeed.itemAdded", ITEM, tenantId="acme")
        await publish(exchange, "activityFeed.cleared", {}, tenantId="acme")
        await publish(exchange, "notification.created", CREATED, tenantId="acme")
        await inside.heard("activityFeed.cleared", 1)
        await outside.heard("activityFeed.cleared", 1)
        await elsewhere.heard("notification.created", 1)
        assert inside.events("activityFeed.itemAdded") == [ITEM]
        assert len(outside.said("event")) == len(elsewhere.said("event")) == 1
        assert abroad.said("event") == []


@pytest.mark.parametrize(
    ("file", "written", "broken"),
    [
        ("consumer.py", "message.tenant.user(message.user_id) if message.user_id else ", ""),
        ("gateway.py", "return Accepted()", "raise LookupError"),
        ("events.py", 'name="notification.created"', 'name="notification.made"'),
    ],
)
async def test_its_own_test_needs_no_broker_and_notices_mistakes(
    project: PythonProject, tmp_path: Path, file: str, written: str, broken: str
) -> None:
    project.new(notification())
    folder = project.root / "apps/api-gateway"
    lonely = PythonProject(tmp_path, Broker("amqp://guest:guest@127.0.0.1:9/", ""))
    command = ("pytest", "-q", "-p", "no:cacheprovider", "realtime")
    assert " passed" in await lonely.run(folder, *command)
    path = folder / "realtime/notifications" / file
    text = path.read_text()
    assert written in text
    path.write_text(text.replace(written, broken))
    with pytest.raises(AssertionError, match="failed"):
        await lonely.run(folder, *command)


async def test_a_service_of_its_own_can_be_packed(project: PythonProject) -> None:
    domain = notification(gateway="standalone")
    project.new(domain)
    folder = project.root / domain.gateway_root
    await project.run(folder, "hatchling", "build", "-t", "wheel")
    (wheel,) = folder.glob("dist/*.whl")
    names = {name for name in ZipFile(wheel).namelist() if name.startswith("realtime/")}
    assert "realtime/notifications/gateway.py" in names
    assert not any("test_" in name for name in names)
