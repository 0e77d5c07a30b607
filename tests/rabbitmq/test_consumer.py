from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest

from tests.broker import Proxy
from tests.conftest import Broker, until
from tests.rabbitmq.conftest import Publish, count_in, take, until_taken, until_there
from tidegate.errors import ConfigError, LogError, MessageRejected, SourceError
from tidegate.ids import NamespaceName, TenantId
from tidegate.log.entry import EventEntry
from tidegate.sources.message import AMQPContent
from tidegate.sources.rabbitmq import (
    AMQPConnection,
    ConfirmedPublisher,
    ExchangeConfig,
    QueueConfig,
    QueueSource,
)
from tidegate.sources.redelivery import KnownOrigins

Consume = Callable[..., Awaitable[QueueSource]]


class Log:
    """A log that can be told to fail, to wait, and what it knows."""

    def __init__(self) -> None:
        self.batches: list[list[EventEntry]] = []
        self.failure: Exception | None = None
        self.failures = 0
        self.flows = asyncio.Event()
        self.flows.set()
        self.known = KnownOrigins()
        self.synchronised = 0
        self._noted = 0

    @property
    def bodies(self) -> list[str]:
        return [entry.data.decode() for batch in self.batches for entry in batch]

    async def append(self, entries: Sequence[EventEntry]) -> None:
        await self.flows.wait()
        if self.failure is not None:
            self.failures += 1
            raise self.failure
        self.batches.append(list(entries))

    async def synchronise(self) -> None:
        """As a node would that reads the log: what was appended becomes known."""
        self.synchronised += 1
        for batch in self.batches[self._noted :]:
            for entry in batch:
                if entry.origin is not None:
                    self.known.note(entry.origin)
        self._noted = len(self.batches)


def entry_of(content: AMQPContent, _queue: str) -> list[EventEntry]:
    if content.body.startswith(b"bad"):
        raise MessageRejected("tenant_missing", "there is no tenant", "data.tenant")
    if content.body.startswith(b"bug"):
        raise KeyError("tenant")
    tenant, namespace = TenantId("acme"), NamespaceName("/n")
    identifier = content.properties.get("message_id")
    return [EventEntry(tenant, namespace, "e", content.body, 0.0, message_id=identifier)]


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
async def consume(connection: AMQPConnection, name: str, log: Log) -> AsyncIterator[Consume]:
    sources: list[QueueSource] = []

    async def start(
        config: QueueConfig | None = None, *, on: AMQPConnection | None = None, **options: Any
    ) -> QueueSource:
        steps: dict[str, Any] = {
            "translate": entry_of,
            "append": log.append,
            "is_known": log.known.take,
            "synchronise": log.synchronise,
            "retry_delay": 0.2,
        }
        queues = [config or QueueConfig(name)]
        source = QueueSource(on or connection, queues, **(steps | options))
        sources.append(source)
        source.start()
        await source.ready()
        return source

    yield start
    log.flows.set()
    for source in sources:
        await source.stop()


async def test_messages_come_in_order_and_are_acked(
    consume: Consume, publish: Publish, connection: AMQPConnection, name: str, log: Log
) -> None:
    source = await consume()
    sent = [str(number) for number in range(500)]
    await publish(name, *sent)
    await until(lambda: source.stats[name].consumed == 500, "all messages")
    assert log.bodies == sent
    assert source.is_connected and source.is_consuming
    await source.stop()
    assert await count_in(connection, name) == 0


async def test_what_waits_is_appended_as_few_batches(
    consume: Consume, publish: Publish, name: str, log: Log
) -> None:
    source = await consume()
    log.flows.clear()
    await publish(name, *map(str, range(600)))
    log.flows.set()
    await until(lambda: source.stats[name].consumed == 600, "all messages")
    assert len(log.batches) <= 4
    assert max(map(len, log.batches)) == 500


async def test_nothing_is_acked_before_the_log_has_it(
    consume: Consume, publish: Publish, connection: AMQPConnection, name: str, log: Log
) -> None:
    source = await consume(QueueConfig(name, single_active_consumer=False))
    log.flows.clear()
    await publish(name, "a", "b", "c")
    await source.stop(within=0.05)
    assert await take(connection, name, 3) == ["a", "b", "c"]
    assert log.bodies == []


async def test_a_log_that_fails_for_a_while_pauses_the_queue_and_nothing_is_lost(
    consume: Consume,
    publish: Publish,
    connection: AMQPConnection,
    name: str,
    log: Log,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "tidegate.sources.rabbitmq.pipeline")
    source = await consume(QueueConfig(name, prefetch=10))
    log.failure = LogError("no quorum")
    sent = [str(number) for number in range(30)]
    await publish(name, *sent)
    await until(lambda: log.failures > 2, "attempts in vain")
    await until_there(connection, name, 20)
    log.failure = None
    await until(lambda: source.stats[name].consumed == 30, "all messages")
    assert log.bodies == sent
    lines = [record.message for record in caplog.records]
    assert len(lines) == 2, lines
    assert "no quorum" in lines[0] and "goes on" in lines[1]


async def test_poison_goes_to_the_dead_letters_and_holds_up_nothing(
    consume: Consume, publish: Publish, connection: AMQPConnection, name: str, log: Log
) -> None:
    source = await consume()
    await publish(name, "a", "bad", "b", "bug", "c", message_id="1", headers={"k": [1, "x"]})
    await until(lambda: source.stats[name].consumed == 3, "the good messages")
    await until(lambda: source.stats[name].rejected.total() == 2, "the bad messages")
    assert log.bodies == ["a", "b", "c"]
    assert source.stats[name].rejected == {"tenant_missing": 1, "handler_failed": 1}
    channel = await connection.open_channel()
    first, second = [await channel.get(f"{name}.dead-letters") for _ in range(2)]
    assert first is not None and second is not None
    assert (first.body, second.body) == (b"bad", b"bug")
    assert first.properties.headers.pop("x-tidegate-time").endswith("+00:00")
    first.properties.headers.pop("x-delivery-count", None)  # the broker's
    assert first.properties.headers == {
        "k": [1, "x"],
        "x-tidegate-reason": "tenant_missing",
        "x-tidegate-error": "there is no tenant",
        "x-tidegate-field": "data.tenant",
        "x-tidegate-queue": name,
        "x-tidegate-exchange": "",
        "x-tidegate-routing-key": name,
    }
    assert first.properties.message_id == "1"
    assert second.properties.headers["x-tidegate-error"] == "KeyError: 'tenant'"
    await channel.close()


async def test_properties_that_would_act_on_the_letter_move_to_headers(
    consume: Consume, publish: Publish, connection: AMQPConnection, name: str
) -> None:
    source = await consume()
    copies = {"CC": [f"{name}.nowhere"]}
    await publish(name, "bad", expiration="600000", user_id="guest", headers=copies)
    await until(lambda: source.stats[name].rejected.total() == 1, "the letter")
    channel = await connection.open_channel()
    letter = await channel.get(f"{name}.dead-letters")
    assert letter is not None
    assert (letter.properties.expiration, letter.properties.user_id) == (None, None)
    assert letter.properties.headers["x-tidegate-expiration"] == "600000"
    assert letter.properties.headers["x-tidegate-user-id"] == "guest"
    assert letter.properties.headers["x-tidegate-cc"] == [f"{name}.nowhere"]
    assert "CC" not in letter.properties.headers
    await channel.close()


async def test_dead_letters_that_can_not_be_published_hold_up_the_acks(
    consume: Consume, publish: Publish, connection: AMQPConnection, name: str, log: Log
) -> None:
    config = QueueConfig(name, dead_letter_exchange=f"{name}.dlx")
    source = await consume(config)
    channel = await connection.open_channel()
    channel.raw.exchange_delete(config.dead_letter_exchange)
    channel.raw.queue_delete(config.dead_letters)
    # Of another kind, so that ours can't be declared; it routes nothing.
    await channel.declare_exchange(config.dead_letter_exchange, "headers")
    await publish(name, "a", "bad", "b")
    await until(lambda: "a" in log.bodies, "the append")
    assert source.stats[name].rejected.total() == 0
    channel.raw.exchange_delete(config.dead_letter_exchange)
    await until(lambda: source.stats[name].rejected.total() == 1, "the dead letter")
    await until(lambda: source.stats[name].consumed == 2, "the rest")
    assert await take(connection, config.dead_letters, 1) == ["bad"]
    await channel.close()


async def test_an_entry_that_the_log_can_not_take_is_rejected(
    consume: Consume, publish: Publish, name: str, log: Log
) -> None:
    source = await consume(max_entry_size=lambda: 5)
    await publish(name, "short", "too long", "last")
    await until(lambda: source.stats[name].consumed == 2, "the short ones")
    assert log.bodies == ["short", "last"]
    assert source.stats[name].rejected == {"too_large": 1}


async def test_a_translation_may_be_awaited_and_may_mean_nothing(
    consume: Consume, publish: Publish, name: str, log: Log
) -> None:
    async def translate(content: AMQPContent, queue: str) -> list[EventEntry]:
        await asyncio.sleep(0)
        return [] if content.body == b"nothing" else entry_of(content, queue)

    source = await consume(translate=translate)
    await publish(name, "a", "nothing", "bad", "b")
    await until(lambda: source.stats[name].consumed == 3, "all but the bad one")
    assert log.bodies == ["a", "b"]


async def test_after_a_lost_connection_what_is_in_the_log_is_left_out(
    consume: Consume,
    publish: Publish,
    connection: AMQPConnection,
    proxy: Proxy,
    name: str,
    log: Log,
) -> None:
    mine = AMQPConnection(f"amqp://guest:guest@127.0.0.1:{proxy.port}/", retry_delay=0.1)
    mine.start()
    each_acked_at_once = QueueConfig(name, prefetch=7)
    source = await consume(each_acked_at_once, on=mine)
    stats = source.stats[name]
    await publish(name, "before")
    await until(lambda: stats.consumed == 1, "the first message")
    log.flows.clear()
    await publish(name, "a", "a", "b", "c")
    await publish(name, "with id", message_id="1")
    await until_taken(connection, name)
    proxy.cut()
    await until(lambda: not mine.is_connected, "the loss")
    log.flows.set()  # the append under way succeeds, but its ack is lost
    await until(lambda: stats.consumed + stats.already_in_log >= 6, "the rest")
    in_doubt = [entry for entry in log.batches[1] if entry.origin is not None]
    assert stats.already_in_log == len(in_doubt) > 0
    assert log.synchronised == 1
    # The log itself knows a message id that comes twice.
    assert [body for body in log.bodies if body != "with id"] == ["before", "a", "a", "b", "c"]
    assert log.bodies[-1] == "with id"
    await source.stop()
    assert await count_in(connection, name) == 0
    await mine.close()


async def test_a_node_takes_over_what_another_left(
    consume: Consume, publish: Publish, connection: AMQPConnection, name: str, log: Log
) -> None:
    first = await consume()
    standby = Log()
    second = await consume(append=standby.append)
    await publish(name, "a", "b")
    await until(lambda: first.stats[name].consumed == 2, "the first node")
    log.flows.clear()
    await publish(name, "c", "d")
    await until_taken(connection, name)
    await first.stop(within=0.05)
    await until(lambda: second.stats[name].consumed == 2, "the second node")
    assert (log.bodies, standby.bodies) == (["a", "b"], ["c", "d"])


@pytest.mark.parametrize("kind", ["quorum", "classic"])
async def test_a_node_that_stops_gives_back_before_the_next_one_begins(
    consume: Consume, publish: Publish, broker: Broker, name: str, log: Log, kind: Any
) -> None:
    """More waits than is handed out ahead: the next node could begin behind what is given back."""
    queue = QueueConfig(name, type=kind, prefetch=10)
    log.flows.clear()
    first = await consume(queue)
    sent = [str(number) for number in range(200)]
    await publish(name, *sent)
    other = AMQPConnection(broker.url, name="another node", retry_delay=0.2)
    other.start()
    standby = Log()
    second = await consume(queue, on=other, append=standby.append)
    await first.stop(within=0)
    await until(lambda: second.stats[name].consumed == 200, "the second node")
    await second.stop()
    await other.close()
    assert (log.bodies, standby.bodies) == ([], sent)


async def test_a_queue_with_other_arguments_is_a_setting_that_is_wrong(
    consume: Consume, connection: AMQPConnection, name: str
) -> None:
    channel = await connection.open_channel()
    await channel.declare_queue(name)
    with pytest.raises(ConfigError, match=r"inequivalent arg .*passive = true"):
        await consume()


async def test_a_queue_with_arguments_of_its_own_can_be_configured(
    consume: Consume, connection: AMQPConnection, name: str
) -> None:
    channel = await connection.open_channel()
    arguments = {"x-queue-type": "classic", "x-max-priority": 3}
    ours = QueueConfig(name, type="classic", arguments={"x-max-priority": 3})
    await channel.declare_queue(name, arguments=arguments | ours.all_arguments)
    source = await consume(ours)
    assert source.is_consuming


async def test_a_passive_queue_is_taken_as_it_is(
    consume: Consume, publish: Publish, connection: AMQPConnection, name: str, log: Log
) -> None:
    channel = await connection.open_channel()
    await channel.declare_queue(name, durable=False, arguments={"x-max-length": 100})
    source = await consume(QueueConfig(name, passive=True))
    await publish(name, "a", "bad", "b")
    await until(lambda: source.stats[name].consumed == 2, "the messages")
    assert await take(connection, f"{name}.dead-letters", 1) == ["bad"]


async def test_a_passive_queue_that_is_missing_is_waited_for(
    consume: Consume,
    publish: Publish,
    connection: AMQPConnection,
    name: str,
    log: Log,
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = await consume(QueueConfig(name, passive=True))
    assert not source.is_consuming
    consumer = source._consumers[0]
    await until(lambda: consumer._backoff._attempts > 2, "attempts in vain")
    lines = [record.message for record in caplog.records]
    assert len(lines) == 1 and "passive and does not exist" in lines[0], lines
    channel = await connection.open_channel()
    await channel.declare_queue(name)
    await publish(name, "a")
    await until(lambda: log.bodies == ["a"], "the message")


@pytest.mark.parametrize("kind", ["topic", "direct", "fanout"])
async def test_a_queue_is_bound_to_exchanges(
    consume: Consume, connection: AMQPConnection, name: str, log: Log, kind: Any
) -> None:
    key = {"topic": "order.*", "direct": "order.made", "fanout": "#"}[kind]
    exchange = f"{name}.{kind}"
    await consume(QueueConfig(name, exchanges=(ExchangeConfig(exchange, kind, key),)))
    publisher = ConfirmedPublisher(connection)
    await publisher.publish(exchange, "order.made", b"a")
    if kind != "fanout":
        with pytest.raises(SourceError, match="NO_ROUTE"):
            await publisher.publish(exchange, "user.made", b"b")
    await until(lambda: log.bodies == ["a"], "the message")


async def test_a_dead_letter_queue_of_another_kind_is_used_as_it_is(
    consume: Consume,
    publish: Publish,
    connection: AMQPConnection,
    name: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    channel = await connection.open_channel()
    await channel.declare_queue(f"{name}.dead-letters")
    source = await consume()
    assert "Using the dead-letter queue" in caplog.text
    await publish(name, "bad")
    await until(lambda: source.stats[name].rejected.total() == 1, "the letter")


async def test_a_deleted_queue_is_declared_and_consumed_again(
    consume: Consume, publish: Publish, connection: AMQPConnection, name: str, log: Log
) -> None:
    source = await consume()
    await publish(name, "a")
    await until(lambda: log.bodies == ["a"], "the first message")
    channel = await connection.open_channel()
    log.flows.clear()
    await publish(name, "b")
    await until_taken(connection, name)
    channel.raw.queue_delete(name)
    await until(lambda: not source._consumers[0]._deliveries.is_open, "the cancel")  # type: ignore[union-attr]
    log.flows.set()
    await until(lambda: source.is_consuming, "the new queue")
    await publish(name, "c")
    await until(lambda: log.bodies == ["a", "b", "c"], "the last message")


async def test_a_closed_channel_is_opened_again(
    consume: Consume, publish: Publish, name: str, log: Log
) -> None:
    source = await consume()
    deliveries = source._consumers[0]._deliveries
    assert deliveries is not None
    deliveries._channel.raw.basic_ack(1_000)  # an unknown tag: the broker closes the channel
    await until(lambda: not deliveries.is_open, "the close")
    await until(lambda: source.is_consuming, "the new channel")
    await publish(name, "a")
    await until(lambda: source.stats[name].consumed == 1, "the message")


async def test_stopping_finishes_the_batch_and_gives_the_rest_back(
    consume: Consume, publish: Publish, connection: AMQPConnection, name: str, log: Log
) -> None:
    source = await consume(QueueConfig(name, single_active_consumer=False))
    log.flows.clear()
    await publish(name, "a", "b", "c")
    await until_taken(connection, name)
    stopping = asyncio.ensure_future(source.stop())
    await asyncio.sleep(0)
    log.flows.set()
    await stopping
    assert log.bodies + await take(connection, name, 2) == ["a", "b", "c"]
    assert log.bodies[0] == "a"


async def test_stopping_does_not_wait_for_a_log_that_fails(
    consume: Consume, publish: Publish, connection: AMQPConnection, name: str, log: Log
) -> None:
    source = await consume()
    log.failure = LogError("no quorum")
    await publish(name, "a", "b")
    await until(lambda: log.failures, "an attempt in vain")
    async with asyncio.timeout(2):
        await source.stop(within=60)
    assert await take(connection, name, 2) == ["a", "b"]


async def test_a_message_sent_back_keeps_where_it_was_published(
    consume: Consume, publish: Publish, name: str
) -> None:
    seen: list[AMQPContent] = []

    def translate(content: AMQPContent, _queue: str) -> list[EventEntry]:
        seen.append(content)
        return []

    await consume(translate=translate)
    headers = {"x-tidegate-exchange": "events", "x-tidegate-routing-key": "order.made"}
    await publish(name, "a", headers=headers, content_type="text/plain")
    await until(lambda: seen, "the message")
    assert (seen[0].exchange, seen[0].routing_key) == ("events", "order.made")
    assert seen[0].properties == {"content_type": "text/plain"}
