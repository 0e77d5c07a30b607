"""Messages to services through a real broker, to a real NestJS service and to bare queues."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pika.spec import BasicProperties

from tests.broker import PrivateBroker
from tests.conftest import Broker, until
from tests.interop.nest_services import NestResponder
from tidegate.app.forward_envelopes import encode_body, new_reply
from tidegate.app.forwards import Forward
from tidegate.errors import Refused, RequestFailed
from tidegate.ids import random_id
from tidegate.sources.rabbitmq import AMQPChannel, AMQPConnection
from tidegate.sources.rabbitmq.requests import AMQPRequests
from tidegate.sources.requests import OutgoingMessage


class Services:
    """A connection, the requests on it, and a second channel for looking around."""

    def __init__(self, connection: AMQPConnection, requests: AMQPRequests) -> None:
        self.connection = connection
        self.requests = requests
        self.channel: AMQPChannel

    async def ask(self, queue: str, pattern: str, data: Any, *, within: float = 5.0) -> Any:
        """Ask as a forward in the NestJS envelope does."""
        forward = Forward(event=pattern, queue=queue)
        reply, number = new_reply(forward), random_id()
        body = encode_body(forward, json.dumps(data).encode(), number)
        outgoing = message(queue, body=body, correlation_id=number)
        await self.requests.request(outgoing, reply.feed, within=within)
        result = reply.result()
        return None if result is None else json.loads(bytes(result))

    async def queue(self, **arguments: Any) -> str:
        """Declare a queue of a random name."""
        name = f"requests.{random_id()}"
        await self.channel.declare_queue(name, arguments=arguments)
        return name


def message(routing_key: str, **changes: Any) -> OutgoingMessage:
    values: dict[str, Any] = {
        "exchange": "",
        "routing_key": routing_key,
        "body": b'{"text":"hi"}',
        "headers": {"x-tidegate-tenant": "acme"},
        "message_id": "m-1",
        "correlation_id": random_id(),
    }
    return OutgoingMessage(**(values | changes))


@contextlib.asynccontextmanager
async def services_at(url: str, **options: Any) -> AsyncIterator[Services]:
    connection = AMQPConnection(url, retry_delay=0.2)
    services = Services(connection, AMQPRequests(connection, **options))
    connection.start()
    await connection.connected()
    services.channel = await connection.open_channel()
    try:
        yield services
    finally:
        await connection.close()


@pytest.fixture
async def services(broker: Broker) -> AsyncIterator[Services]:
    async with services_at(broker.url) as services:
        yield services


async def fails_with(code: str, awaitable: Any) -> str:
    with pytest.raises(RequestFailed) as failure:
        await awaitable
    assert failure.value.code == code
    return failure.value.detail


# With NestJS


async def test_nest_answers_errors_and_streams(broker: Broker, services: Services) -> None:
    queue = f"requests.{random_id()}"
    async with NestResponder(broker.url, queue) as nest:
        answer = await services.ask(queue, "echo", {"text": "é"})
        assert answer == {"data": {"text": "é"}, "headers": {"x-tidegate-tenant": "acme"}}
        heard = nest.heard("echo")[0]
        assert heard["messageId"] == "m-1"
        assert heard["contentType"] == "application/json"
        assert heard["deliveryMode"] == 2
        assert await services.ask(queue, "stream", [1, 2, 3]) == 3
        assert await services.ask(queue, "stream", []) is None
        assert await services.ask(queue, "nothing", 1) is None
        with pytest.raises(Refused, match="No such order") as refusal:
            await services.ask(queue, "refuse", "No such order")
        assert refusal.value.code == "service_error"
        with pytest.raises(Refused, match="Internal server error"):
            await services.ask(queue, "crash", 1)
        with pytest.raises(Refused, match="no matching message handler"):
            await services.ask(queue, "unheard.of", 1)
        detail = await fails_with("timeout", services.ask(queue, "silent", 1, within=0.3))
        assert "may have got the event" in detail


async def test_a_late_reply_is_dropped_and_counted(broker: Broker, services: Services) -> None:
    queue = f"requests.{random_id()}"
    async with NestResponder(broker.url, queue):
        await fails_with("timeout", services.ask(queue, "slow", {"ms": 300}, within=0.1))
        await until(lambda: services.requests.counts["late_replies"] == 1, "the late reply")
        assert await services.ask(queue, "slow", {"ms": 1}) == {"ms": 1}


async def test_an_event_reaches_nest_without_a_reply(broker: Broker, services: Services) -> None:
    queue = f"requests.{random_id()}"
    async with NestResponder(broker.url, queue) as nest:
        body = encode_body(Forward(event="note", queue=queue), b'{"n":1}', None)
        await services.requests.publish(message(queue, body=body), within=5)
        heard = await nest.wait("note")
        assert (heard["what"], heard["data"]) == ("event", {"n": 1})
        assert heard["headers"] == {"x-tidegate-tenant": "acme"}


# With bare queues


async def test_replies_find_their_requests(services: Services) -> None:
    queue = await services.queue()

    def answer_backwards(_channel: Any, method: Any, properties: Any, body: bytes) -> None:
        waiting.append((properties, body))
        if len(waiting) == 3:
            for asked, data in reversed(waiting):
                services.channel.raw.basic_publish(
                    "",
                    asked.reply_to,
                    data,
                    BasicProperties(correlation_id=asked.correlation_id),
                )

    waiting: list[tuple[BasicProperties, bytes]] = []
    await services.channel.consume(queue, answer_backwards)

    async def ask(text: bytes) -> list[bytes]:
        replies: list[bytes] = []

        def take(body: bytes) -> bool:
            replies.append(body)
            return True

        await services.requests.request(message(queue, body=text), take, within=5)
        return replies

    first, second, third = await asyncio.gather(ask(b"1"), ask(b"2"), ask(b"3"))
    assert (first, second, third) == ([b"1"], [b"2"], [b"3"])


async def test_a_published_message_is_persistent_and_has_no_reply_address(
    services: Services,
) -> None:
    queue = await services.queue()
    await services.requests.publish(message(queue), within=5)
    delivered = await services.channel.get(queue)
    assert delivered is not None
    assert delivered.body == b'{"text":"hi"}'
    properties = delivered.properties
    assert properties.headers == {"x-tidegate-tenant": "acme"}
    assert (properties.delivery_mode, properties.message_id) == (2, "m-1")
    assert properties.reply_to is None


async def test_nobody_listening_is_told_at_once(services: Services) -> None:
    nowhere = message(f"nowhere.{random_id()}")
    assert "no service got it" in await fails_with(
        "unavailable", services.requests.publish(nowhere, within=5)
    )
    await fails_with("unavailable", services.requests.request(nowhere, lambda _: True, within=5))


async def test_a_missing_exchange_costs_nobody_else_the_reply(services: Services) -> None:
    queue = await services.queue()
    pending = asyncio.ensure_future(
        services.requests.request(message(queue), lambda _: True, within=1)
    )
    await asyncio.sleep(0)
    nowhere = message("a.key", exchange=f"missing.{random_id()}")
    await fails_with("unavailable", services.requests.publish(nowhere, within=5))
    await fails_with("timeout", pending)


async def test_an_exchange_is_used_and_one_that_went_is_noticed(services: Services) -> None:
    exchange, queue = f"requests.{random_id()}", await services.queue()
    await services.channel.declare_exchange(exchange, "topic")
    await services.channel.bind_queue(queue, exchange, "orders.#")
    outgoing = message("orders.new", exchange=exchange)
    await services.requests.publish(outgoing, within=5)
    services.channel.raw.exchange_delete(exchange)
    await services.channel.declare_queue(queue, passive=True)  # the broker has deleted it by now
    await fails_with("unavailable", services.requests.publish(outgoing, within=5))
    await fails_with("unavailable", services.requests.publish(outgoing, within=5))
    await services.requests.publish(message(queue), within=5)
    assert (await services.channel.declare_queue(queue, passive=True)).messages == 2


async def test_a_full_queue_refuses(services: Services) -> None:
    queue = await services.queue(**{"x-max-length": 1, "x-overflow": "reject-publish"})
    await services.requests.publish(message(queue), within=5)
    detail = await fails_with("unavailable", services.requests.publish(message(queue), within=5))
    assert "did not get this one" in detail
    await fails_with(
        "unavailable", services.requests.request(message(queue), lambda _: True, within=5)
    )


async def test_pending_requests_are_bounded(broker: Broker) -> None:
    async with services_at(broker.url, max_pending=1) as services:
        queue = await services.queue()
        pending = asyncio.ensure_future(
            services.requests.request(message(queue), lambda _: True, within=0.5)
        )
        await until(lambda: services.requests._lane and services.requests._lane._calls)
        refused = services.requests.request(message(queue), lambda _: True, within=5)
        assert "not sent" in await fails_with("try_again", refused)
        await fails_with("timeout", pending)


async def test_a_lost_broker_ends_waiting_at_once_and_a_new_one_is_used() -> None:
    with PrivateBroker() as broker:
        async with services_at(broker.url) as services:
            queue = await services.queue()
            pending = asyncio.ensure_future(
                services.requests.request(message(queue), lambda _: True, within=60)
            )
            await until(lambda: services.requests._lane and services.requests._lane._calls)
            await asyncio.to_thread(broker.kill)
            assert "may have got the event" in await fails_with("unavailable", pending)
            await until(lambda: not services.connection.is_connected)
            detail = await fails_with(
                "unavailable", services.requests.publish(message(queue), within=60)
            )
            assert "did not get the event" in detail
            await asyncio.to_thread(broker.start)
            await until(lambda: services.connection.is_connected, "the broker")
            await services.requests.publish(message(queue), within=5)
