"""From a service's message to the official client: envelopes, audiences, dead letters, repeats."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aio_pika
import pytest

from tests.conftest import SECRET, Broker, Running, StartGateway, make_token, until
from tests.interop.nest_services import NestPublisher
from tests.interop.official_client import NodeDriver, OfficialClient
from tests.rabbitmq.cluster import Cluster
from tidegate import Audience, Event, Message, Namespace
from tidegate.errors import ConfigError
from tidegate.ids import random_id


class NotificationCreated(Event, name="notification.created"):
    id: str
    message: str


@pytest.fixture
async def channel(broker: Broker) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    connection = await aio_pika.connect(broker.url)
    yield await connection.channel()
    await connection.close()


@pytest.fixture
def queue() -> str:
    return f"events.{random_id()}"


def settings(
    broker: Broker, queue: str, exchanges: list[dict[str, str]] | None = None, **more: Any
) -> dict[str, Any]:
    own = {"name": queue, "exchanges": exchanges or []}
    return {"rabbitmq": {"url": broker.url, "queues": [own], "retry_delay": 0.2}, **more}


async def connected(
    node: NodeDriver, running: Running, tenant: str = "acme", user: str = "42"
) -> OfficialClient:
    token = make_token(tenant, user)
    name = f"{tenant}/{user}"
    client = node.client(name, f"{running.url}/chat", auth={"token": token}, forceNew=True)
    await client.wait("connect")
    return client


async def publish(
    channel: aio_pika.abc.AbstractChannel, queue: str, body: Any, **properties: Any
) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    await channel.default_exchange.publish(aio_pika.Message(data, **properties), queue)


def tick(number: int, **more: Any) -> dict[str, Any]:
    return {"pattern": "tick", "data": {"tenantId": "acme", "n": number, **more}}


async def dead_letters(channel: aio_pika.abc.AbstractChannel, queue: str, count: int) -> list[Any]:
    """Take so many dead letters."""
    letters = await channel.get_queue(f"{queue}.dead-letters")
    taken: list[Any] = []
    while len(taken) < count:
        letter = await letters.get(fail=False, timeout=5)
        if letter is not None:
            await letter.ack()
            taken.append(letter)
    return taken


async def test_what_nest_emits_reaches_tenant_and_user(
    start_gateway: StartGateway, node: NodeDriver, broker: Broker, queue: str
) -> None:
    chat = Namespace("/chat", events=[NotificationCreated])

    @chat.consume("notification.created")
    def audience(message: Message[NotificationCreated]) -> Audience:
        return message.tenant.user(message.user_id) if message.user_id else message.tenant

    @chat.consume({"cmd": "order", "version": 2}, event="order.created")
    def of_orders(message: Message[dict[str, Any]]) -> Audience:
        return message.tenant

    running = await start_gateway(chat, **settings(broker, queue))
    options = {"queueOptions": {"durable": True, "passive": True}, "noAssert": True}
    async with NestPublisher(broker.url, queue, **options) as nest:
        own = await connected(node, running, "acme", "42")
        colleague = await connected(node, running, "acme", "43")
        stranger = await connected(node, running, "globex", "42")
        body = {"tenantId": "acme", "id": "1", "message": "é"}
        await nest.emit("notification.created", body)
        await nest.emit("notification.created", {**body, "id": "2", "userId": "42"})
        await nest.emit({"version": 2, "cmd": "order"}, {"tenantId": "acme", "id": "3"})
        await own.heard("order.created", 1)
        await colleague.heard("order.created", 1)
        assert own.events("notification.created") == [body, {**body, "id": "2", "userId": "42"}]
        assert colleague.events("notification.created") == [body]
        await nest.emit("notification.created", {**body, "tenantId": "globex"})
        await stranger.heard("notification.created", 1)
        assert len(stranger.said("event")) == 1


async def test_nests_wildcards_and_fanout_are_bound(
    start_gateway: StartGateway, node: NodeDriver, broker: Broker, queue: str
) -> None:
    topic, fanout = f"topic.{random_id()}", f"fanout.{random_id()}"
    exchanges = [
        {"exchange": topic, "type": "topic", "routing_key": "chat.*.sent"},
        {"exchange": fanout, "type": "fanout"},
    ]
    running = await start_gateway(**settings(broker, queue, exchanges))
    by_fanout = {"exchange": fanout, "exchangeType": "fanout"}
    async with (
        NestPublisher(broker.url, topic, wildcards=True) as by_topic,
        NestPublisher(broker.url, "unused", **by_fanout) as to_all,
    ):
        client = await connected(node, running)
        await by_topic.emit("chat.note.ignored", {"tenantId": "acme"})
        await by_topic.emit("chat.message.sent", {"tenantId": "acme", "n": 1})
        assert await client.heard("chat.message.sent", 1) == [{"tenantId": "acme", "n": 1}]
        await to_all.emit("chat.closed", {"tenantId": "acme", "n": 2})
        assert await client.heard("chat.closed", 1) == [{"tenantId": "acme", "n": 2}]
    assert len(client.said("event")) == 2


async def test_other_envelopes_are_told_apart(
    start_gateway: StartGateway,
    node: NodeDriver,
    broker: Broker,
    queue: str,
    channel: aio_pika.abc.AbstractChannel,
) -> None:
    exchange = f"domain.{random_id()}"
    exchanges = [{"exchange": exchange, "routing_key": "order.#"}]
    running = await start_gateway(**settings(broker, queue, exchanges))
    client = await connected(node, running)
    there = await channel.get_exchange(exchange)
    plain = aio_pika.Message(b'{"tenantId":"acme","n":1}')
    await there.publish(plain, "order.created")
    event = {
        "specversion": "1.0",
        "id": "7",
        "source": "/orders",
        "type": "order.paid",
        "tenantid": "acme",
        "data": {"n": 2},
    }
    content_type = "application/cloudevents+json"
    await publish(channel, queue, event, content_type=content_type)
    binary = {f"cloudEvents:{key}": value for key, value in event.items() if key != "data"}
    binary["cloudEvents:id"] = "8"
    await publish(channel, queue, {"n": 3}, headers=binary)
    said = {"tenant": "acme", "namespace": "/chat", "event": "order.sent", "data": {"n": 4}}
    await publish(channel, queue, {**said, "user": "42"})
    await client.heard("order.sent", 1)
    events = [(line["event"], line["args"][0]["n"]) for line in client.said("event")]
    assert events == [
        ("order.created", 1),
        ("order.paid", 2),
        ("order.paid", 3),
        ("order.sent", 4),
    ]


async def test_the_same_message_id_is_delivered_once(
    start_gateway: StartGateway,
    node: NodeDriver,
    broker: Broker,
    queue: str,
    channel: aio_pika.abc.AbstractChannel,
) -> None:
    running = await start_gateway(**settings(broker, queue))
    client = await connected(node, running)
    for number in (1, 2, 3):
        await publish(channel, queue, tick(number), message_id="same")
    await publish(channel, queue, tick(4), message_id="other")
    await publish(channel, queue, tick(5))
    await publish(channel, queue, tick(5))  # without an id it may well be meant
    await client.heard("tick", 4)
    assert [event["n"] for event in client.events("tick")] == [1, 4, 5, 5]


async def test_bad_messages_go_to_the_dead_letters_and_the_queue_goes_on(
    start_gateway: StartGateway,
    node: NodeDriver,
    broker: Broker,
    queue: str,
    channel: aio_pika.abc.AbstractChannel,
) -> None:
    chat = Namespace("/chat", events=[NotificationCreated])
    bindings = [
        {"pattern": "notification.*", "namespace": "/chat"},
        {"pattern": "tick", "namespace": "/chat", "user": "userId?"},
        {"pattern": "whisper", "namespace": "/chat", "user": "userId"},
    ]
    running = await start_gateway(chat, **settings(broker, queue, bindings=bindings))
    client = await connected(node, running)
    await publish(channel, queue, tick(1))
    bad = {
        "malformed": b"{not json",
        "unknown_pattern": {"pattern": "nobody.knows", "data": {"tenantId": "acme"}},
        "tenant_missing": {"pattern": "tick", "data": {"n": 2}},
        "audience_missing": {"pattern": "whisper", "data": {"tenantId": "acme"}},
        "payload_invalid": {
            "pattern": "notification.created",
            "data": {"tenantId": "acme", "id": 5, "message": "x"},
        },
    }
    for body in bad.values():
        await publish(channel, queue, body, headers={"own": "header"}, message_id="m")
    await publish(channel, queue, tick(3))
    await client.heard("tick", 2)
    assert [event["n"] for event in client.events("tick")] == [1, 3]
    letters = await dead_letters(channel, queue, len(bad))
    reasons = [letter.headers["x-tidegate-reason"] for letter in letters]
    assert reasons == list(bad)
    for letter, body in zip(letters, bad.values(), strict=True):
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        assert letter.body == sent
        assert letter.headers["own"] == "header"
        assert letter.headers["x-tidegate-queue"] == queue
        assert letter.message_id == "m"
    assert letters[4].headers["x-tidegate-field"].endswith("id")
    left = await channel.declare_queue(queue, passive=True)
    assert left.declaration_result.message_count == 0


async def test_a_service_publishes_into_the_log_past_the_queues(
    start_gateway: StartGateway,
    node: NodeDriver,
    broker: Broker,
    channel: aio_pika.abc.AbstractChannel,
) -> None:
    name = f"test-{random_id()}"
    running = await start_gateway(
        rabbitmq={"url": broker.url, "stream_url": broker.stream_url},
        log={"kind": "rabbitmq", "name": name, "partitions": 2, "exchange": f"{name}.in"},
    )
    clients = [await connected(node, running, tenant) for tenant in ("acme", "globex", "initech")]
    exchange = await channel.get_exchange(f"{name}.in")
    await exchange.publish(aio_pika.Message(b"{}"), "order.created")  # no tenant: passed over
    for number, tenant in enumerate(("acme", "globex", "initech")):
        body = json.dumps({"tenantId": tenant, "n": number}).encode()
        await exchange.publish(aio_pika.Message(body), "order.created")
    for number, client in enumerate(clients):
        heard = await client.heard("order.created", 1)
        assert [event["n"] for event in heard] == [number]
    own = running.gateway.broker
    assert own is not None
    await until(lambda: own.rejected == 2, "the bad one in both partitions")


async def test_an_exchange_of_another_kind_is_a_clear_error(
    start_gateway: StartGateway, broker: Broker, channel: aio_pika.abc.AbstractChannel
) -> None:
    name = f"test-{random_id()}"
    await channel.declare_exchange(name, "fanout", durable=True)
    with pytest.raises(ConfigError, match="can't be used as a durable topic exchange"):
        await start_gateway(
            rabbitmq={"url": broker.url, "stream_url": broker.stream_url},
            log={"kind": "rabbitmq", "name": name, "exchange": name},
        )


async def test_settings_alone_serve_a_file_of_bindings_and_dead_letters_are_retried(
    node: NodeDriver,
    broker: Broker,
    queue: str,
    tmp_path: Path,
    channel: aio_pika.abc.AbstractChannel,
) -> None:
    file = tmp_path / "tidegate.toml"
    text = f"""
        namespaces = ["/chat"]

        [[rabbitmq.queues]]
        name = "{queue}"
        type = "classic"

        [[bindings]]
        pattern = "order.*"
        namespace = "/chat"
        event = "order"
        tenant = "headers.x-tenant"
        room = "order.room?"
        payload = "order"
    """
    file.write_text(text)
    environment = {"TIDEGATE_LOG__KIND": "memory", "TIDEGATE_RABBITMQ__QUEUES": ""}
    nodes = Cluster(broker, tmp_path, **environment)
    nodes.arguments = ["--config", str(file)]
    try:
        gateway = await nodes.add()
        url = f"http://127.0.0.1:{gateway.port}/chat"
        client = node.client("a", url, auth={"token": make_token()})
        await client.wait("connect")
        body = b'{"order":{"n":  1}, "rest": 2}'
        await publish_as(channel, queue, body, {"x-tenant": "acme"})
        assert await client.heard("order", 1) == [{"n": 1}]
        await publish_as(channel, queue, b'{"order":{"n":2}}', {"wrong": "acme"})
        environ = {**os.environ, **nodes.environment, "TIDEGATE_AUTH__SECRET": SECRET}
        listed = await letters_of(environ, file, queue)
        assert [letter["reason"] for letter in listed] == ["tenant_missing"]
        file.write_text(text.replace("headers.x-tenant", "headers.wrong"))
        await gateway.stop()
        gateway = await nodes.add()
        again = node.client(
            "b", f"http://127.0.0.1:{gateway.port}/chat", auth={"token": make_token()}
        )
        await again.wait("connect")
        await command(environ, file, "retry", "--all")
        assert await again.heard("order", 1) == [{"n": 2}]
        assert await letters_of(environ, file, queue, wait=False) == []
    finally:
        await nodes.close()


async def publish_as(
    channel: aio_pika.abc.AbstractChannel, queue: str, body: bytes, headers: dict[str, Any]
) -> None:
    """Publish with a routing key that the binding takes, through an exchange bound to the queue."""
    exchange = await channel.declare_exchange(f"{queue}.x", "topic", auto_delete=True)
    bound = await channel.get_queue(queue, ensure=False)
    await bound.bind(exchange, "order.*")
    await exchange.publish(aio_pika.Message(body, headers=headers), "order.created")


async def letters_of(
    environ: dict[str, str], file: Path, queue: str, *, wait: bool = True
) -> list[Any]:
    while True:
        listed: list[Any] = json.loads(await command(environ, file, "list", "--json"))
        if listed or not wait:
            return listed


async def command(environ: dict[str, str], file: Path, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tidegate", "dead-letters", *arguments, "--config", str(file)),
        env=environ,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said
    return said.decode()
