"""RabbitMQ by AMQP: whether it lets us in, and what it has of the queues; nothing is changed."""

from __future__ import annotations

from collections.abc import AsyncIterator

from tidegate.app.broker import queue_configs
from tidegate.app.settings import Settings
from tidegate.doctor.finding import Finding, failed, ok, refused, warning
from tidegate.doctor.queues import judge_queue
from tidegate.errors import ConfigError, SourceError
from tidegate.sources.rabbitmq.connection import AMQPConnection

__all__ = ["check_broker"]

_LEAST_VERSION = (3, 10)


async def check_broker(settings: Settings) -> AsyncIterator[Finding]:
    """Yield whether the broker can be reached, and then a few lines for each queue."""
    broker = settings.rabbitmq
    if broker.url is None:
        return
    connection = AMQPConnection(
        broker.url.get_secret_value(),
        name="tidegate doctor",
        heartbeat=broker.heartbeat,
        gives_up=True,
    )
    connection.start()
    try:
        await connection.connected()
        yield _judge_version(connection)
        for queue in queue_configs(settings):
            async for finding in judge_queue(connection, queue):
                yield finding
    except ConfigError as error:
        yield refused("broker", error)
    except SourceError as error:
        remedy = "Start it, correct rabbitmq.url, or let this machine reach the port."
        yield failed("broker", str(error), remedy)
    finally:
        await connection.close()


def _judge_version(connection: AMQPConnection) -> Finding:
    version = connection.server_version
    name = ".".join(map(str, version)) or "of an unknown version"
    text = f"RabbitMQ {name} at {connection.address} takes user and password"
    if version < _LEAST_VERSION:
        least = ".".join(map(str, _LEAST_VERSION))
        return warning("broker", text, f"Use {least} or later: Tidegate is tested with that.")
    return ok("broker", text)
