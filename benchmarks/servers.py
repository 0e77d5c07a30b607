"""The servers side by side, and the few lines that all of them understand.

A server listens on a free port of the loopback address and prints one JSON line,
``{"port", "versions"}``. Then it obeys lines on stdin, and stops when stdin ends:

====================  ============================================================================
``saturate``          emit to the room as fast as the public API takes it, for ever
``single [R]``        the same, but each event in a write of its own; or to resource room R
``rate N [T]``        emit N events per second by schedule, to tenant T if one is named; an event
                      carries the time when it was due
``tenants N K``       emit K events to each of the tenants 1 to N in turn, as fast as the public API
                      takes them, for ever
``burst N``           emit N events, numbered on from the last burst
``stats``             print ``{"events", "batches"}``: events, in how many writes to a socket
====================  ============================================================================

A server that a broker feeds finds addresses in ``BENCH_AMQP_URL`` and ``BENCH_STREAM_URL``, and in
``BENCH_NAME`` its queue or its log. It prints the same line, with port 0, and obeys others:

==============  ==================================================================================
``begin``       connect, print ``{"port"}`` (and ``"pids"`` of several processes), and consume:
                events that wait, and those that come
``stats``       print ``{"events", "rejected"}``: how many are done
==============  ==================================================================================

Clients join ``/bench`` with a token of tenant ``acme``, number 0, or of tenant ``tenant-N``. An
event is ``bench`` with ``{"seq", "t", "pad"}``: a number without gaps (from 100,000,000 on, and for
tenant N from N times 800,000 more), nanoseconds of ``CLOCK_MONOTONIC``, and what makes the frame
167 bytes. A client's event is ``echo`` with ``{"seq", "pad"}``, acknowledged with ``{"seq"}``; it
joins and leaves rooms ``room:N`` with ``tidegate.join`` and ``tidegate.leave``.

Tokens are signed as ``BENCH_ALGORITHM`` says, and verified with ``BENCH_KEY``: the secret, or the
public key in PEM.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.broker import BenchBroker
from benchmarks.prepare import BUILD, ROOT, VENV_PYTHON
from benchmarks.processes import Cores, Program
from benchmarks.tokens import SECRET, verifying_key

__all__ = ["SERVERS", "RunningServer", "Server"]

START_SECONDS = 20.0
ANSWER_SECONDS = 30.0


@dataclass(frozen=True)
class Server:
    """One of the servers.

    Attributes:
        name: As on the command line and in the results.
        title: As in tables and plots.
        command: Gives program and arguments; its argument is the batch, for who needs to be told.
        dialect: What its clients speak.
        needs: The environment variable without which it can't be measured.
    """

    name: str
    title: str
    command: Callable[[int], list[str]]
    dialect: str = "socket.io"
    needs: str | None = None

    @property
    def is_there(self) -> bool:
        """Whether it can be measured."""
        return self.needs is None or self.needs in os.environ


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"benchmarks.peers.{module}", *arguments]


def _node(script: str, *arguments: str) -> list[str]:
    return [shutil.which("node") or "node", str(ROOT / "peers" / script), *arguments]


SERVERS = {
    server.name: server
    for server in (
        Server(
            "tidegate",
            "Tidegate",
            lambda _: _python("tidegate.server"),
        ),
        Server("c-loop", "bare C loop", lambda batch: [str(BUILD / "c_loop"), str(batch)]),
        Server(
            "node",
            "Socket.IO for Node",
            lambda _: _node("node/server.js"),
        ),
        Server(
            "node-key-object",
            "Socket.IO for Node, key read once",
            lambda _: _node("node/server.js", "key-object"),
        ),
        Server(
            "python-socketio",
            "python-socketio",
            lambda _: [str(VENV_PYTHON), "-m", "benchmarks.peers.python_socketio.server"],
        ),
        Server(
            "tidegate-rabbitmq",
            "Tidegate, log on RabbitMQ",
            lambda _: _python("tidegate.server", "rabbitmq"),
        ),
        Server(
            "tidegate-soak",
            "Tidegate, time at twenty-fold speed",
            lambda _: _python("tidegate.server", "memory", "6"),
        ),
        Server(
            "node-recovery",
            "Socket.IO for Node, recovery in memory",
            lambda _: _node("node/server.js", "recovery"),
        ),
        Server(
            "node-recovery-key-object",
            "Socket.IO for Node, recovery in memory, key read once",
            lambda _: _node("node/server.js", "recovery", "key-object"),
        ),
        Server(
            "tidegate-queue",
            "Tidegate, queue to log on RabbitMQ",
            lambda _: _python("tidegate.gateway", "rabbitmq", "queue"),
        ),
        Server(
            "tidegate-queue-memory",
            "Tidegate, queue to log in memory",
            lambda _: _python("tidegate.gateway", "memory", "queue"),
        ),
        Server(
            "tidegate-stream",
            "Tidegate, appended 256 at once",
            lambda _: _python("tidegate.gateway", "rabbitmq", "stream"),
        ),
        Server(
            "tidegate-stream-single",
            "Tidegate, appended one by one",
            lambda _: _python("tidegate.gateway", "rabbitmq", "stream"),
        ),
        Server(
            "tidegate-stream-foreign",
            "Tidegate, published by services",
            lambda _: _python("tidegate.gateway", "rabbitmq", "stream"),
        ),
        Server(
            "centrifugo",
            "Centrifugo",
            lambda _: _python("centrifugo.server"),
            dialect="centrifugo",
            needs="CENTRIFUGO",
        ),
        Server(
            "tidegate-1-worker",
            "Tidegate, one worker",
            lambda _: _python("tidegate.workers", "1"),
        ),
        Server(
            "tidegate-2-workers",
            "Tidegate, two workers",
            lambda _: _python("tidegate.workers", "2"),
        ),
        Server("nest", "NestJS gateway", lambda _: _node("nest/dist/server.js")),
        Server("pika", "bare pika, acks only", lambda _: _python("broker.consumer", "pika")),
        Server("rstream", "bare rstream", lambda _: _python("broker.consumer", "rstream")),
    )
}


class RunningServer(Program):
    """A started server that is ready for clients; use it as a context manager.

    Args:
        server: Which one.
        core: Where it runs.
        batch: See ``Server.command``.
        algorithm: What tokens are signed with.
        broker: Where its events come from, or where its log is; if the workload has one.

    Attributes:
        pid: The process under measurement.
        pids: All of them, if it is several.

    Raises:
        ProgramError: It did not start.
    """

    def __init__(
        self,
        server: Server,
        *,
        core: Cores,
        batch: int,
        algorithm: str = "HS256",
        broker: BenchBroker | None = None,
    ) -> None:
        self.server, self.core = server, core
        self._batch, self._algorithm, self._broker = batch, algorithm, broker
        self.broker_environment = {} if broker is None else broker.environment()
        super().__init__(
            server.command(batch),
            core=core,
            log=BUILD / f"{server.name}.log",
            environment={
                "BENCH_SECRET": SECRET,
                "BENCH_ALGORITHM": algorithm,
                "BENCH_KEY": verifying_key(algorithm),
                "NODE_ENV": "production",
                **self.broker_environment,
            },
        )
        try:
            ready = self.read(START_SECONDS)
        except BaseException:
            self.stop()
            raise
        self.port: int = ready["port"]
        self.versions: dict[str, str] = ready["versions"]
        self.pids: list[int] = ready.get("pids", [self.pid])
        self.pid = self.pids[0]

    def again(self) -> RunningServer:
        """Stop it and start another that is as fresh as it was."""
        self.stop()
        return RunningServer(
            self.server,
            core=self.core,
            batch=self._batch,
            algorithm=self._algorithm,
            broker=self._broker,
        )

    @property
    def broker(self) -> BenchBroker:
        """The broker of the workload."""
        assert self._broker is not None
        return self._broker

    @property
    def name_at_broker(self) -> str:
        """Its queue's name, or its log's."""
        return self.broker_environment["BENCH_NAME"]

    def begin(self) -> None:
        """Have it connect to the broker, and listen."""
        self.tell("begin")
        begun = self.read(START_SECONDS)
        self.port, self.pids = begun["port"], begun.get("pids", [self.pid])

    def stats(self) -> dict[str, Any]:
        """Return its counters."""
        self.tell("stats")
        return self.read(ANSWER_SECONDS)
