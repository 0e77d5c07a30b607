"""How many messages a second go from a durable quorum queue into the embedded log, with acks.

``python -m benchmarks.queue_rate [messages]`` fills a queue of a private RabbitMQ, then consumes it
with the pipeline that the gateway uses, a trivial translation, and a follower on the log.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence

import uvloop
from benchmarks.measure import describe_machine
from pika.spec import BasicProperties
from tests.broker import PrivateBroker

from tidegate.ids import NamespaceName, TenantId
from tidegate.log import EventEntry, MemoryLog
from tidegate.sources.message import AMQPContent
from tidegate.sources.rabbitmq import AMQPConnection, ConfirmedPublisher, QueueConfig, QueueSource
from tidegate.sources.rabbitmq.topology import declare_queue

QUEUE = QueueConfig("rate")
BODY = b'{"pattern":"notification.created","data":{"tenantId":"acme","text":"%b"}}' % (b"x" * 129)
TENANT, NAMESPACE = TenantId("acme"), NamespaceName("/notifications")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    with PrivateBroker() as broker:
        rate, cost = uvloop.run(measure(broker.url, count))
    print(describe_machine())
    print(f"{count} messages of {len(BODY)} bytes: {rate:,.0f} a second, {cost:.1f} us of CPU each")


async def measure(url: str, count: int) -> tuple[float, float]:
    connection = AMQPConnection(url)
    connection.start()
    await connection.connected()
    await declare_queue(connection, QUEUE)
    await fill(connection, count)
    log = MemoryLog()
    reading = asyncio.ensure_future(read(log))
    source = QueueSource(
        connection,
        [QUEUE],
        translate=translate,
        append=log.append,
        is_known=lambda _: False,
        synchronise=log.heads,
    )
    began, began_cpu = time.perf_counter(), time.process_time()
    source.start()
    while source.stats[QUEUE.name].consumed < count:  # noqa: ASYNC110  # it tells nothing else
        await asyncio.sleep(0.01)
    seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    await source.stop()
    await log.close()
    await reading
    await connection.close()
    return count / seconds, cpu / count * 1e6


async def fill(connection: AMQPConnection, count: int) -> None:
    publisher = ConfirmedPublisher(connection)
    properties = BasicProperties(delivery_mode=2)
    for _ in range(0, count, 1_000):
        published = (publisher.publish("", QUEUE.name, BODY, properties) for _ in range(1_000))
        await asyncio.gather(*published)


async def read(log: MemoryLog) -> None:
    async for _ in log.follow():
        pass


def translate(content: AMQPContent, _queue: str) -> Sequence[EventEntry]:
    return [EventEntry(TENANT, NAMESPACE, "notification.created", content.body, 0.0)]


if __name__ == "__main__":
    main()
