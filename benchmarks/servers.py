"""The servers side by side, and the few lines that all of them understand.

A server listens on a free port of the loopback address and prints one JSON line,
``{"port", "versions"}``. Then it obeys lines on stdin, and stops when stdin ends:

==============  ==================================================================================
``saturate``    emit to the room as fast as the public API takes it, for ever
``single``      the same, but each event in a write of its own
``rate N``      emit N events per second by schedule; an event carries the time when it was due
``stats``       print ``{"events", "batches"}``: events so far, in how many writes to a socket
==============  ==================================================================================

Clients join ``/bench`` with a token of tenant ``acme``. An event is ``bench`` with ``{"seq", "t",
"pad"}``: a number without gaps from 100,000,000 on, nanoseconds of ``CLOCK_MONOTONIC``, and what
makes the frame 167 bytes.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.prepare import BUILD, ROOT, SECRET, VENV_PYTHON
from benchmarks.processes import Program

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
    """

    name: str
    title: str
    command: Callable[[int], list[str]]


SERVERS = {
    server.name: server
    for server in (
        Server(
            "tidegate",
            "Tidegate",
            lambda _: [sys.executable, "-m", "benchmarks.peers.tidegate.server"],
        ),
        Server("c-loop", "bare C loop", lambda batch: [str(BUILD / "c_loop"), str(batch)]),
        Server(
            "node",
            "Socket.IO for Node",
            lambda _: [shutil.which("node") or "node", str(ROOT / "peers" / "node" / "server.js")],
        ),
        Server(
            "python-socketio",
            "python-socketio",
            lambda _: [str(VENV_PYTHON), "-m", "benchmarks.peers.python_socketio.server"],
        ),
    )
}


class RunningServer(Program):
    """A started server that is ready for clients; use it as a context manager.

    Raises:
        ProgramError: It did not start.
    """

    def __init__(self, server: Server, *, core: int, batch: int) -> None:
        super().__init__(
            server.command(batch),
            core=core,
            log=BUILD / f"{server.name}.log",
            environment={"BENCH_SECRET": SECRET, "NODE_ENV": "production"},
        )
        self.server = server
        try:
            ready = self.read(START_SECONDS)
        except BaseException:
            self.stop()
            raise
        self.port: int = ready["port"]
        self.versions: dict[str, str] = ready["versions"]

    def stats(self) -> dict[str, Any]:
        """Return its counters."""
        self.tell("stats")
        return self.read(ANSWER_SECONDS)
