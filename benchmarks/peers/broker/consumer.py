"""A bare consumer: the limit of what Python takes from RabbitMQ, since it does nothing else.

Usage: ``consumer.py pika|rstream``: pika acks the queue's messages, a hundred at a time; rstream
decodes the stream's, as its documentation does.
"""

from __future__ import annotations

import asyncio
import os
import sys
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import pika
import uvloop
from benchmarks.peers.control import lines_of_stdin, say
from pika.adapters.asyncio_connection import AsyncioConnection
from rstream import AMQPMessage, Consumer, ConsumerOffsetSpecification, OffsetType, amqp_decoder

PREFETCH = 1_000  # Tidegate's default
ACK_EVERY = 100

events = 0


async def consume_queue() -> None:
    """Ack what comes."""
    opened: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    parameters = pika.URLParameters(os.environ["BENCH_AMQP_URL"])
    connection = AsyncioConnection(parameters, on_open_callback=opened.set_result)
    await opened
    channel_opened: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    connection.channel(on_open_callback=channel_opened.set_result)
    channel = await channel_opened

    def on_message(channel: Any, method: Any, _properties: Any, _body: bytes) -> None:
        global events
        events += 1
        if events % ACK_EVERY == 0:
            channel.basic_ack(method.delivery_tag, multiple=True)

    channel.basic_qos(prefetch_count=PREFETCH)
    channel.basic_consume(os.environ["BENCH_NAME"], on_message)


async def consume_stream() -> None:
    """Decode what comes."""
    address = urlsplit(os.environ["BENCH_STREAM_URL"])
    consumer = Consumer(
        host=address.hostname or "",
        port=address.port or 0,
        username=address.username or "",
        password=address.password or "",
    )

    def on_message(_message: AMQPMessage, _context: Any) -> None:
        global events
        events += 1

    await consumer.start()
    await consumer.subscribe(
        stream=f"{os.environ['BENCH_NAME']}.0-of-1",
        callback=on_message,
        decoder=amqp_decoder,
        offset_specification=ConsumerOffsetSpecification(OffsetType.FIRST),
        initial_credit=10,
    )


async def main(library: str) -> None:
    """Consume from ``begin`` until stdin ends."""
    say({"port": 0, "versions": {library: version(library)}})
    async for line in lines_of_stdin():
        if line == "begin":
            await (consume_queue() if library == "pika" else consume_stream())
            say({"port": 0})
        elif line == "stats":
            say({"events": events, "rejected": 0})


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
