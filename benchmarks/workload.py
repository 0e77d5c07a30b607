"""What a workload is: what is done to a server, the figures that it gives, and what is promised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.processes import Cores
from benchmarks.servers import RunningServer

__all__ = [
    "CPU",
    "SHARES",
    "Column",
    "Figures",
    "Goal",
    "Measure",
    "Scale",
    "Sweep",
    "Workload",
    "faults_in",
    "latencies",
    "shares",
]

Figures = dict[str, float]


@dataclass(frozen=True)
class Scale:
    """How much is done: enough for a result, or enough to see that it runs."""

    seconds: float = 5.0
    warmup: float = 1.0
    idle_sockets: int = 9_000
    storm: int = 9_000
    crowd: int = 8_000
    tenants: int = 1_000
    cycles: int = 2_000
    soak_rounds: int = 44
    soak_each: int = 4_500
    worker_events: int = 10_000
    queued: int = 100_000
    logged: int = 200_000
    returning: int = 5_000


@dataclass(frozen=True)
class Column:
    """A figure in tables: its key, its heading, and how it is formatted (after scaling)."""

    key: str
    heading: str
    form: str = "{:,.0f}"
    scale: float = 1.0


@dataclass(frozen=True)
class Goal:
    """A promise about Tidegate's figure, absolute or as a ratio to another server's.

    Attributes:
        key: The figure.
        bound: What it must reach, or stay under.
        beside: The server that it is divided by; None for an absolute figure.
        is_ceiling: Whether smaller is better.
        of: Whose figure it is.
    """

    key: str
    bound: float
    beside: str | None = None
    is_ceiling: bool = False
    of: str = "tidegate"


@dataclass(frozen=True)
class Sweep:
    """Figures over something that grows: a panel of the plot, a line for each server.

    Attributes:
        heading: What the figures are.
        axis: What grows.
        points: How much of it, and the figure's key.
        scale: As in a column.
    """

    heading: str
    axis: str
    points: tuple[tuple[int, str], ...]
    scale: float = 1.0


Measure = Callable[[RunningServer, Cores, Scale], Figures]


@dataclass(frozen=True)
class Workload:
    """One workload.

    Attributes:
        name: As on the command line.
        title: As above tables and plots.
        measure: Runs it against a server, with the load client on the given core.
        servers: Who takes part, in the order of the first round.
        columns: Figures in tables; the first one is the one that plots and ratios show.
        goals: What is promised.
        is_batch_shared: Whether the C loop joins as many events as Tidegate did; one, if not.
        needs_broker: Whether a RabbitMQ node runs meanwhile.
        is_spread: Whether server, broker and load client share both cores.
        algorithm: What tokens are signed with.
        sweeps: What is plotted instead of the first column.
    """

    name: str
    title: str
    measure: Measure
    servers: tuple[str, ...]
    columns: tuple[Column, ...]
    goals: tuple[Goal, ...]
    is_batch_shared: bool = False
    needs_broker: bool = False
    is_spread: bool = False
    algorithm: str = "HS256"
    sweeps: tuple[Sweep, ...] = ()


CPU = Column("server_cpu_us", "CPU, us each", "{:.2f}")
SHARES = (
    Column("server_cpu_share", "server core", "{:.0%}"),
    Column("server_wait_share", "lost to others", "{:.0%}"),
    Column("client_cpu_share", "client core", "{:.0%}"),
)


def shares(seen: dict[str, float]) -> Figures:
    """Return how busy both cores were, and what the server lost of its own to other programs."""
    return {
        "server_cpu_share": seen["server_cpu_s"] / seen["seconds"],
        "server_wait_share": seen["server_wait_s"] / seen["seconds"],
        "client_cpu_share": seen["client_cpu_s"] / seen["seconds"],
    }


def faults_in(seen: dict[str, float]) -> float:
    """Return how many events went wrong in one way or another."""
    faults = ("lost", "repeated", "reordered", "foreign", "unnumbered", "failed", "closed")
    return sum(seen[fault] for fault in faults)


def latencies(seen: dict[str, Any]) -> Figures:
    """Return the percentiles that the load client saw, in milliseconds."""
    return {f"{name}_ms": value / 1e3 for name, value in (seen["latency_us"] or {}).items()}
