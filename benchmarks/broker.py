"""A RabbitMQ node for the workloads that need one, and the events that wait in it."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import pika
from benchmarks.prepare import BUILD
from benchmarks.processes import Cores, Program, pinned
from tests.broker.private import PrivateBroker

__all__ = ["BenchBroker", "Publisher"]


class BenchBroker:
    """One RabbitMQ node, on the load client's core (one scheduler); use it as a context manager.

    Each server under measurement gets a name of its own for its queue, or for its log.
    """

    def __init__(self, core: Cores) -> None:
        self._broker = PrivateBroker()
        self._core = core
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        with pinned(self._core):
            self._broker.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._broker.close()

    @property
    def version(self) -> str:
        """RabbitMQ's version."""
        connection = self._connect()
        properties = connection._impl.server_properties  # noqa: SLF001
        connection.close()
        return str(properties["version"])

    def environment(self) -> Mapping[str, str]:
        """Return what a server, and who publishes for it, are told: addresses, and a new name."""
        return {
            "BENCH_AMQP_URL": self._broker.url,
            "BENCH_STREAM_URL": self._broker.stream_url,
            "BENCH_NAME": f"bench-{next(self._numbers)}",
        }

    def declare_queue(self, name: str) -> None:
        """Make a durable quorum queue."""
        connection = self._connect()
        arguments = {"x-queue-type": "quorum"}
        connection.channel().queue_declare(name, durable=True, arguments=arguments)
        connection.close()

    def left_in_queue(self, name: str) -> int:
        """Return how many messages are in a queue, consumers' unacked ones aside."""
        connection = self._connect()
        declared = connection.channel().queue_declare(name, passive=True)
        connection.close()
        return int(declared.method.message_count)

    def delete(self, name: str) -> None:
        """Delete a queue or stream, if it is there, so that it costs the next server nothing."""
        connection = self._connect()
        connection.channel().queue_delete(name)
        connection.close()

    def _connect(self) -> pika.BlockingConnection:
        return pika.BlockingConnection(pika.URLParameters(self._broker.url))


class Publisher(Program):
    """Publishes; see ``peers/broker/publisher.py`` for commands."""

    def __init__(self, *command: object, core: Cores, environment: Mapping[str, str]) -> None:
        module = "benchmarks.peers.broker.publisher"
        super().__init__(
            [sys.executable, "-m", module, *map(str, command)],
            core=core,
            log=BUILD / "publisher.log",
            environment=environment,
        )
