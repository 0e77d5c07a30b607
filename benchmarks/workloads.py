"""The workloads: what each does to one server, which figures it gives, what is promised of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.measure import Load, settled_memory
from benchmarks.prepare import REPEATED_TOKENS, TOKENS
from benchmarks.servers import RunningServer

__all__ = ["WORKLOADS", "Column", "Figures", "Goal", "Scale", "Workload"]

Figures = dict[str, float]

ROOM = 1_000
FIXED_RATE = 100
WARM_SOCKETS = 100
CONNECT_SECONDS = 120.0
"""Time for a load client to be done with its handshakes; python-socketio is slow at 9,000."""


@dataclass(frozen=True)
class Scale:
    """How much is done: enough for a result, or enough to see that it runs."""

    seconds: float = 5.0
    warmup: float = 1.0
    idle_sockets: int = 9_000
    handshakes: int = 5_000


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
    """

    key: str
    bound: float
    beside: str | None = None
    is_ceiling: bool = False


Measure = Callable[[RunningServer, int, Scale], Figures]


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
    """

    name: str
    title: str
    measure: Measure
    servers: tuple[str, ...]
    columns: tuple[Column, ...]
    goals: tuple[Goal, ...]
    is_batch_shared: bool = False


def _fan_out(command: str) -> Measure:
    def measure(server: RunningServer, core: int, scale: Scale) -> Figures:
        with Load(
            "fanout",
            port=server.port,
            core=core,
            sockets=ROOM,
            tokens=TOKENS,
            warmup=scale.warmup,
            seconds=scale.seconds,
            server_pid=server.pid,
        ) as load:
            load.read(CONNECT_SECONDS)
            server.tell(command)
            seen = load.read(CONNECT_SECONDS)
            sent = server.stats()
        return _fan_out_figures(seen, sent)

    return measure


def _fan_out_figures(seen: dict[str, float], sent: dict[str, float]) -> Figures:
    events = max(seen["events"], 1)
    faults = ("lost", "repeated", "reordered", "unnumbered", "closed")
    figures = {
        "deliveries_per_s": seen["events_per_s"],
        "server_cpu_us": seen["server_cpu_s"] / events * 1e6,
        **_shares(seen),
        "batch": sent["events"] / max(sent["batches"], 1),
        "frame_bytes": seen["frame_bytes"],
        "events_per_read": seen["events_per_read"],
        "faults": sum(seen[fault] for fault in faults),
    }
    latency: dict[str, float] = seen["latency_us"] or {}  # type: ignore[assignment]  # an object
    figures.update({f"{name}_ms": value / 1e3 for name, value in latency.items()})
    return figures


def _shares(seen: dict[str, float]) -> Figures:
    """Return how busy both cores were, and what the server lost of its own to other programs."""
    return {
        "server_cpu_share": seen["server_cpu_s"] / seen["seconds"],
        "server_wait_share": seen["server_wait_s"] / seen["seconds"],
        "client_cpu_share": seen["client_cpu_s"] / seen["seconds"],
    }


def _idle(server: RunningServer, core: int, scale: Scale) -> Figures:
    """Measure after some sockets have come and gone: what is loaded once is not theirs."""
    _hold_sockets(server, core, WARM_SOCKETS)
    before = settled_memory(server.pid)
    count = scale.idle_sockets
    with Load(
        "idle", port=server.port, core=core, sockets=count, tokens=TOKENS, timeout=CONNECT_SECONDS
    ) as load:
        load.read(CONNECT_SECONDS)
        after = settled_memory(server.pid)
        load.close_stdin()
        faults = load.read(CONNECT_SECONDS)["closed"]
    return {
        "pss_per_socket": (after.pss - before.pss) / count,
        "rss_per_socket": (after.rss - before.rss) / count,
        "pss_before": before.pss,
        "sockets": count,
        "faults": faults,
    }


def _hold_sockets(server: RunningServer, core: int, count: int) -> None:
    with Load("idle", port=server.port, core=core, sockets=count, tokens=TOKENS) as load:
        load.read(CONNECT_SECONDS)
        load.close_stdin()
        load.read(CONNECT_SECONDS)


def _handshakes(*, is_repeating: bool) -> Measure:
    def measure(server: RunningServer, core: int, scale: Scale) -> Figures:
        _hold_sockets(server, core, WARM_SOCKETS)
        with Load(
            "handshake",
            port=server.port,
            core=core,
            total=scale.handshakes,
            tokens=REPEATED_TOKENS if is_repeating else TOKENS,
            timeout=CONNECT_SECONDS,
            server_pid=server.pid,
        ) as load:
            seen = load.read(CONNECT_SECONDS)
        return {
            "handshakes_per_s": seen["handshakes_per_s"],
            "server_cpu_us": seen["server_cpu_s"] / seen["handshakes"] * 1e6,
            **_shares(seen),
            "faults": 0,
        }

    return measure


_ALL = ("tidegate", "c-loop", "node", "python-socketio")
_REAL = ("tidegate", "node", "python-socketio")  # the C loop checks no token and keeps no session

_CPU = Column("server_cpu_us", "CPU, us each", "{:.2f}")
_SHARES = (
    Column("server_cpu_share", "server core", "{:.0%}"),
    Column("server_wait_share", "lost to others", "{:.0%}"),
    Column("client_cpu_share", "client core", "{:.0%}"),
)
_FRAME = (Column("batch", "events per write", "{:.1f}"), Column("frame_bytes", "frame", "{:.1f} B"))
_RATE = (Column("deliveries_per_s", "deliveries/s"), _CPU, *_FRAME, *_SHARES)
_HANDSHAKE = (Column("handshakes_per_s", "handshakes/s"), _CPU, *_SHARES)
_LATENCY = (
    Column("p99_ms", "p99, ms", "{:,.1f}"),
    Column("p50_ms", "p50, ms", "{:,.1f}"),
    Column("p90_ms", "p90, ms", "{:,.1f}"),
    Column("max_ms", "max, ms", "{:,.1f}"),
    *_RATE,
)
_MEMORY = (
    Column("pss_per_socket", "memory each, KB (PSS)", "{:.2f}", 1 / 1024),
    Column("rss_per_socket", "RSS, KB", "{:.2f}", 1 / 1024),
    Column("pss_before", "process before, MB", "{:.1f}", 1 / 1024**2),
)

WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload(
            "saturated",
            "One room of 1,000 sockets, events as fast as they go",
            _fan_out("saturate"),
            _ALL,
            _RATE,
            (Goal("deliveries_per_s", 0.8, "c-loop"), Goal("deliveries_per_s", 10, "node")),
            is_batch_shared=True,
        ),
        Workload(
            "single",
            "One room of 1,000 sockets, one event at a time",
            _fan_out("single"),
            _ALL,
            _RATE,
            (Goal("deliveries_per_s", 0.7, "c-loop"), Goal("deliveries_per_s", 2.5, "node")),
        ),
        Workload(
            "idle",
            "Idle sockets, joined to their rooms",
            _idle,
            _REAL,
            _MEMORY,
            (Goal("pss_per_socket", 4096, is_ceiling=True),),
        ),
        Workload(
            "handshakes",
            "Handshakes with HS256, each with a token of its own",
            _handshakes(is_repeating=False),
            _REAL,
            _HANDSHAKE,
            (Goal("handshakes_per_s", 4, "node"),),
        ),
        Workload(
            "handshakes-repeated",
            "Handshakes with HS256, 200 tokens over and over",
            _handshakes(is_repeating=True),
            _REAL,
            _HANDSHAKE,
            (Goal("handshakes_per_s", 4, "node"),),
        ),
        Workload(
            "fixed",
            f"{FIXED_RATE} events/s to 1,000 sockets: latency from the scheduled time",
            _fan_out(f"rate {FIXED_RATE}"),
            _ALL,
            _LATENCY,
            (Goal("p99_ms", 0.25, "node", is_ceiling=True),),
        ),
    )
}
