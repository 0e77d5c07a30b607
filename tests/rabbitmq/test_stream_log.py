"""The log on a real RabbitMQ: the contract, and what only it promises."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import aclosing

import aio_pika
import pytest

from tests.broker import Proxy
from tests.conftest import Broker, until
from tests.contract.event_log import PATIENCE, EventLogContract, entry, numbers, take
from tidegate.errors import LogError, LogGap
from tidegate.ids import NamespaceName, TenantId, UserId
from tidegate.log import EventEntry, Revocation
from tidegate.log.rabbitmq_stream import RabbitMQStreamLog, Retention, StreamAddress
from tidegate.log.rabbitmq_stream.opening import open_link
from tidegate.sources.stream_message import read_stream_message


def make_log(
    broker: Broker,
    name: str | None = None,
    partitions: int = 1,
    retention: Retention | None = None,
    port: int | None = None,
) -> RabbitMQStreamLog:
    address = StreamAddress.from_url(broker.stream_url)
    return RabbitMQStreamLog(
        address if port is None else address._replace(port=port),
        name=name or f"test-{secrets.token_hex(6)}",
        partitions=partitions,
        retention=retention or Retention(size=50_000_000),
        heartbeat=5,
        retry_delay=0.5,
    )


@pytest.fixture
async def event_log(broker: Broker) -> AsyncIterator[RabbitMQStreamLog]:
    log = make_log(broker)
    await log.start()
    yield log
    await log.close()


class TestOnePartition(EventLogContract):
    """The contract on one stream."""


class TestManyPartitions(EventLogContract):
    """The contract on three streams."""

    @pytest.fixture
    async def event_log(self, broker: Broker) -> AsyncIterator[RabbitMQStreamLog]:
        log = make_log(broker, partitions=3)
        await log.start()
        yield log
        await log.close()


@pytest.fixture
async def line(broker: Broker) -> AsyncIterator[Proxy]:
    line = Proxy(StreamAddress.from_url(broker.stream_url).port)
    await line.open()
    yield line
    await line.close()


async def behind(line: Proxy, broker: Broker) -> RabbitMQStreamLog:
    """Return a log that reaches its broker by a line."""
    log = make_log(broker, port=line.port)
    await log.start()
    return log


async def test_nothing_is_lost_or_doubled_when_lines_are_cut(broker: Broker, line: Proxy) -> None:
    log = await behind(line, broker)
    reading = asyncio.ensure_future(take(log.follow(await log.heads()), 3_000))
    await asyncio.sleep(0)
    appends = []
    for number in range(3_000):
        appends.append(asyncio.ensure_future(log.append([entry(number)])))
        if number % 500 == 250:
            await appends[number - 200]
            line.cut()
    offsets = [(await append)[0] for append in appends]
    records = await reading
    assert numbers(records) == list(range(3_000))
    assert [record.offset for record in records] == offsets
    assert line.connections > 10
    await log.close()


async def test_what_is_stored_is_there_once_and_in_order_when_lines_are_cut(
    broker: Broker, line: Proxy
) -> None:
    """What was stored before a cut was confirmed, or is sent again by the writer."""
    log = await behind(line, broker)
    reading = asyncio.ensure_future(take(log.follow(await log.heads()), 1_000))
    for number in range(1_000):
        await log.store([entry(number)])
        if number % 200 == 100:
            line.cut()
    assert numbers(await reading) == list(range(1_000))
    await log.close()


async def test_a_batch_of_many_messages_is_stored_in_order(broker: Broker) -> None:
    log = make_log(broker)
    await log.start()
    reading = asyncio.ensure_future(take(log.follow(await log.heads()), 30_000))
    await log.store([entry(number, size=1_000) for number in range(30_000)])
    assert numbers(await reading) == list(range(30_000))
    await log.close()


async def test_appends_wait_for_a_broker_that_is_gone_for_a_while(
    broker: Broker, line: Proxy
) -> None:
    log = await behind(line, broker)
    heads = await log.heads()
    await line.refuse()
    await until(lambda: not log.is_available, "the log to notice")
    waiting = [asyncio.ensure_future(log.append([entry(n)])) for n in range(3)]
    given_up = asyncio.ensure_future(log.append([entry(99)]))
    await asyncio.sleep(0)
    given_up.cancel()
    await line.open()
    await asyncio.gather(*waiting)
    await log.append([entry(3)])
    assert numbers(await take(log.follow(heads), 4)) == [0, 1, 2, 3]
    await log.close()


async def test_a_cut_follower_goes_on_where_it_was(broker: Broker, line: Proxy) -> None:
    log = await behind(line, broker)
    other = make_log(broker, log.name)
    await other.start()
    follower = log.follow(await log.heads())
    await other.append([entry(n) for n in range(5)])
    seen = await anext(follower)
    await line.refuse()
    for number in range(5, 50):
        await other.append([entry(number)])
    await line.open()
    got = numbers(list(seen.records))
    async with asyncio.timeout(PATIENCE), aclosing(follower):
        while len(got) < 50:
            got += numbers(list((await anext(follower)).records))
    assert got == list(range(50))
    await log.close()
    await other.close()


async def test_nodes_that_start_together_agree_on_epoch_and_key(broker: Broker) -> None:
    name = f"test-{secrets.token_hex(6)}"
    logs = [make_log(broker, name, partitions=2) for _ in range(4)]
    await asyncio.gather(*(log.start() for log in logs))
    assert len({log.epoch for log in logs}) == len({log.key for log in logs}) == 1
    later = make_log(broker, name, partitions=2)
    await later.start()
    assert (later.epoch, later.key) == (logs[0].epoch, logs[0].key)
    another = make_log(broker, name, partitions=1)
    await another.start()
    assert another.epoch != later.epoch
    for log in (*logs, later, another):
        await log.close()


async def test_nodes_append_side_by_side(broker: Broker) -> None:
    name = f"test-{secrets.token_hex(6)}"
    one, two = make_log(broker, name), make_log(broker, name)
    await one.start()
    await two.start()
    reading = asyncio.ensure_future(take(one.follow(await one.heads()), 400))
    await asyncio.gather(
        *(one.append([entry(n)]) for n in range(200)),
        *(two.append([entry(1_000 + n)]) for n in range(200)),
    )
    got = numbers(await reading)
    assert [n for n in got if n < 1_000] == list(range(200))
    assert [n for n in got if n >= 1_000] == list(range(1_000, 1_200))
    await one.close()
    await two.close()


async def delete(broker: Broker, stream: str) -> None:
    link = await open_link(StreamAddress.from_url(broker.stream_url), "test", 5)
    await link.client.delete_stream(stream)
    await link.close()


@pytest.mark.parametrize(("partitions", "deleted"), [(1, 0), (3, 0), (3, 2)])
async def test_a_log_that_was_made_anew_is_not_taken_for_the_old_one(
    broker: Broker, partitions: int, deleted: int
) -> None:
    log = make_log(broker, partitions=partitions)
    await log.start()
    follower = log.follow(await log.heads())
    await log.append([entry(1)])
    await anext(follower)
    await delete(broker, log.streams[deleted])
    again = make_log(broker, log.name, partitions=partitions)
    await again.start()
    assert again.epoch != log.epoch
    assert again.key != log.key
    with pytest.raises(LogError, match="another log"):
        await take(follower, 1_000)
    await log.close()
    await again.close()


async def test_appends_to_a_log_that_was_made_anew_fail_also_where_nobody_follows(
    broker: Broker,
) -> None:
    log = make_log(broker)
    await log.start()
    await log.append([entry(1)])
    await delete(broker, log.streams[0])
    await until(lambda: not log.is_available, "the log to notice")
    waiting = asyncio.ensure_future(log.append([entry(2)]))
    again = make_log(broker, log.name)
    await again.start()
    for append in (waiting, log.append([entry(3)])):
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(LogError, match="another log"):
                await append
    await log.close()
    await again.close()


async def test_a_stream_is_read_once_when_somebody_follows(broker: Broker, line: Proxy) -> None:
    log = await behind(line, broker)
    heads = await log.heads()  # nobody follows, so the log reads for itself
    alone = line.connections
    await until(lambda: line.open_connections == 3, "two writers and a reader")
    async with aclosing(log.follow(heads)) as follower:
        await log.append([entry(1)])
        await anext(follower)
        assert line.connections > alone
        await until(lambda: line.open_connections == 3, "the log's own reader to end")
        await log.append([entry(2)])
        await anext(follower)
    await log.append([entry(3)])
    assert numbers(await take(log.follow(heads), 3)) == [1, 2, 3]
    await log.close()


async def test_an_append_outlives_the_follower_that_it_relied_on(
    broker: Broker, line: Proxy
) -> None:
    log = await behind(line, broker)
    heads = await log.heads()
    await line.refuse()
    await until(lambda: not log.is_available, "the log to notice")
    following = asyncio.ensure_future(take(log.follow(since=time.time()), 1))
    await until(lambda: log._witnesses.followers, "the follower")
    waiting = asyncio.ensure_future(log.append([entry(1)]))
    await asyncio.sleep(0)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await line.open()
    async with asyncio.timeout(PATIENCE):
        await waiting
    assert numbers(await take(log.follow(heads), 1)) == [1]
    await log.close()


async def test_a_follower_that_lost_its_place_is_told(broker: Broker) -> None:
    log = make_log(broker, retention=Retention(size=4_000_000))
    await log.start()
    begin = await log.heads()
    for number in range(20):
        await log.append([entry(number, size=900_000)])
    with pytest.raises(LogGap):
        await take(log.follow(begin), 1)
    await log.close()


async def test_revocations_are_there_after_a_restart(broker: Broker) -> None:
    log = make_log(broker)
    await log.start()
    assert await log.revocations() == []
    now = time.time()
    revoked = Revocation(TenantId("acme"), now, now + 3600, user=UserId("42"))
    over = Revocation(TenantId("acme"), now - 10, now - 5, token_id="t")
    await log.append([entry(1), revoked, over])
    again = make_log(broker, log.name)
    await again.start()
    assert await again.revocations() == [revoked]
    await log.close()
    await again.close()


async def test_what_is_too_large_for_the_log_is_refused_whole(broker: Broker) -> None:
    log = make_log(broker)
    await log.start()
    heads = await log.heads()
    with pytest.raises(LogError, match="larger than the log takes"):
        await log.append([entry(1), entry(2, size=2 * log.max_entry_size)])
    await log.append([entry(3, size=log.max_entry_size)])
    assert numbers(await take(log.follow(heads), 1)) == [3]
    await log.close()


@pytest.mark.parametrize("partitions", [1, 3])
async def test_services_publish_into_the_log_through_an_exchange(
    broker: Broker, partitions: int
) -> None:
    log = make_log(broker, partitions=partitions)
    log.foreign = as_entry
    await log.start()
    connection = await aio_pika.connect(broker.url)
    channel = await connection.channel()
    exchange = await channel.declare_exchange(log.name, "topic", auto_delete=True)
    for stream in log.streams:
        queue = await channel.get_queue(stream, ensure=False)
        await queue.bind(exchange, "#")
    reading = asyncio.ensure_future(take(log.follow(await log.heads()), 41))
    tenants = ["acme", "globex", "initech", "umbrella"]
    for number in range(40):
        message = aio_pika.Message(str(number).encode(), headers={"tenant": tenants[number % 4]})
        await exchange.publish(message, "order.created")
    await exchange.publish(aio_pika.Message(b"nothing to see"), "order.created")
    await log.append([entry(40)])
    records = await reading
    assert sorted(numbers(records)) == list(range(41))
    for number, tenant in enumerate(tenants):
        own = [r for r in records if r.entry.tenant == tenant]
        assert numbers(own)[:10] == list(range(number, 40, 4))
    assert len({(log.partition_of(r.entry.tenant), r.offset) for r in records}) == 41
    await connection.close()
    await log.close()


def as_entry(data: bytes) -> EventEntry | None:
    content = read_stream_message(data)
    assert content.routing_key == "order.created"
    if "tenant" not in content.headers:
        return None
    tenant = TenantId(content.headers["tenant"])
    return EventEntry(tenant, NamespaceName("/"), "order.created", content.body, 0.0)
