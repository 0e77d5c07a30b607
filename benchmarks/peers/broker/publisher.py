"""Publishes events as NestJS does, to a queue or a stream; or fills a log as a gateway does.

Usage: ``publisher.py rate N SECONDS | queue N | stream N | log N EACH``

- ``rate``: N events per second to the queue, by schedule: an event carries when it was due.
- ``queue``, ``stream``: N events to the queue, or through an exchange into the log's stream, all
  confirmed.
- ``log``: N events appended to the log, EACH at once: 256 are what a gateway appends of a queue.

It answers ``{"published"}`` at the end.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Any

import pika
import uvloop
from benchmarks.peers.control import FIRST_SEQUENCE, say

from tidegate.ids import NamespaceName, TenantId
from tidegate.log import EventEntry
from tidegate.log.rabbitmq_stream import RabbitMQStreamLog, StreamAddress

BODY_SIZE = 200
PERSISTENT = pika.BasicProperties(delivery_mode=2)
APPENDS_AT_ONCE = 64
PUBLISH_AT_ONCE = 1_000

NAME = os.environ["BENCH_NAME"]


def data_of(sequence: int, due: int) -> dict[str, str | int]:
    """Return an event's payload; in its NestJS envelope it has 200 bytes."""
    data: dict[str, str | int] = {"tenantId": "acme", "seq": sequence, "t": due, "pad": ""}
    data["pad"] = "x" * (BODY_SIZE - len(_compact({"pattern": "bench", "data": data})))
    return data


def body_of(sequence: int, due: int) -> bytes:
    """Return a message as ``client.emit("bench", data)`` sends it."""
    return _compact({"pattern": "bench", "data": data_of(sequence, due)})


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def publish_by_schedule(rate: float, seconds: float) -> int:
    """Publish to the queue; one that is late still carries the time at which it was due."""
    connection = _connect()
    channel = connection.channel()
    count, period = round(rate * seconds), 1e9 / rate
    start = time.monotonic_ns()
    for number in range(count):
        due = round(start + (number + 1) * period)
        wait = (due - time.monotonic_ns()) / 1e9
        if wait > 0:
            time.sleep(wait)
        channel.basic_publish("", NAME, body_of(FIRST_SEQUENCE + number, due), PERSISTENT)
    connection.close()
    return count


def fill(exchange: str, routing_key: str, count: int) -> int:
    """Publish as fast as the broker takes it, and return when it has confirmed all."""
    connection = pika.SelectConnection(pika.URLParameters(os.environ["BENCH_AMQP_URL"]))
    unconfirmed = dict.fromkeys(range(1, count + 1))

    def on_open(channel: Any) -> None:
        channel.confirm_delivery(on_confirm, callback=lambda _: publish(channel, 0))

    def publish(channel: Any, first: int) -> None:
        for number in range(first, min(first + PUBLISH_AT_ONCE, count)):
            body = body_of(FIRST_SEQUENCE + number, time.monotonic_ns())
            channel.basic_publish(exchange, routing_key, body, PERSISTENT)
        if first + PUBLISH_AT_ONCE < count:  # meanwhile confirms come in
            connection.ioloop.call_later(0, lambda: publish(channel, first + PUBLISH_AT_ONCE))

    def on_confirm(frame: Any) -> None:
        tag = frame.method.delivery_tag
        if not frame.method.multiple:
            unconfirmed.pop(tag, None)
        while frame.method.multiple and unconfirmed and next(iter(unconfirmed)) <= tag:
            unconfirmed.pop(next(iter(unconfirmed)))
        if not unconfirmed:
            connection.close()

    connection.add_on_open_callback(lambda _: connection.channel(on_open_callback=on_open))
    connection.add_on_close_callback(lambda *_: connection.ioloop.stop())
    connection.ioloop.start()
    return count


async def make_stream(exchange: str) -> None:
    """Make the log's stream as a gateway does, and bind it to an exchange."""
    log = _log()
    await log.start()
    await log.close()
    connection = _connect()
    channel = connection.channel()
    channel.exchange_declare(exchange, "topic", durable=True)
    channel.queue_bind(log.streams[0], exchange, "#")
    connection.close()


async def append(count: int, each: int) -> int:
    """Append to the log as a gateway does."""
    log = _log()
    await log.start()
    slots = asyncio.Semaphore(APPENDS_AT_ONCE)

    async def append_some(first: int) -> None:
        async with slots:
            now = time.monotonic_ns()
            await log.append(
                [_entry(number, now) for number in range(first, min(first + each, count))]
            )

    await asyncio.gather(*(append_some(first) for first in range(0, count, each)))
    await log.close()
    return count


def _entry(number: int, now: int) -> EventEntry:
    data = _compact(data_of(FIRST_SEQUENCE + number, now))
    return EventEntry(TenantId("acme"), NamespaceName("/bench"), "bench", data, time.time())


def _log() -> RabbitMQStreamLog:
    return RabbitMQStreamLog(StreamAddress.from_url(os.environ["BENCH_STREAM_URL"]), name=NAME)


def _connect() -> pika.BlockingConnection:
    return pika.BlockingConnection(pika.URLParameters(os.environ["BENCH_AMQP_URL"]))


def main(command: str, *numbers: str) -> int:
    """Do what is asked and return how many events it were."""
    if command == "rate":
        return publish_by_schedule(float(numbers[0]), float(numbers[1]))
    if command == "queue":
        return fill("", NAME, int(numbers[0]))
    if command == "stream":
        uvloop.run(make_stream(f"{NAME}.events"))
        return fill(f"{NAME}.events", "bench", int(numbers[0]))
    return uvloop.run(append(int(numbers[0]), int(numbers[1])))


if __name__ == "__main__":
    say({"published": main(*sys.argv[1:])})
