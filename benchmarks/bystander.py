"""A client of another tenant that gets events at a fixed rate, whatever the others do."""

from __future__ import annotations

import time

from benchmarks.measure import Load
from benchmarks.processes import Cores
from benchmarks.servers import RunningServer
from benchmarks.tokens import bystander_tokens
from benchmarks.workload import Column, Figures, faults_in, latencies

__all__ = ["BYSTANDER", "Bystander"]

RATE = 200
TENANT = 1
START_SECONDS = 30.0
STEP_SECONDS = 0.05
"""A line has been read by then."""

BYSTANDER = (
    Column("other_p99_ms", "other tenant's p99, ms", "{:,.1f}"),
    Column("other_p50_ms", "its p50, ms", "{:,.2f}"),
    Column("other_max_ms", "its max, ms", "{:,.1f}"),
)


class Bystander(Load):
    """The client, connected and served before anything else happens; use it as a context manager.

    It is a load client of its own, and the other one yields the core to it: so its latency is the
    server's, and not that of a client with thousands of sockets to read.
    """

    def __init__(self, server: RunningServer, core: Cores, algorithm: str = "HS256") -> None:
        tokens = bystander_tokens(algorithm)
        super().__init__("bystander", port=server.port, core=core, tokens=tokens)
        self.read(START_SECONDS)
        server.tell(f"rate {RATE} {TENANT}")
        time.sleep(STEP_SECONDS)

    def begin(self) -> None:
        """Count the events that are due from now on."""
        self.tell("begin")
        time.sleep(STEP_SECONDS)

    def end(self) -> Figures:
        """Count none that is due from now on, wait for those that were, and return the figures."""
        self.tell("end")
        seen = self.read(START_SECONDS)
        figures = {f"other_{key}": value for key, value in latencies(seen).items()}
        return {**figures, "faults": faults_in(seen) + (not seen["is_complete"])}
