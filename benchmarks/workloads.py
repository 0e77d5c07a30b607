"""The workloads: what each does to one server, which figures it gives, what is promised of them."""

from __future__ import annotations

from benchmarks.broker_workloads import BROKER_WORKLOADS
from benchmarks.measure import Load, settled_memory
from benchmarks.prepare import REPEATED_TOKENS, TOKENS
from benchmarks.servers import RunningServer
from benchmarks.workload import (
    CPU,
    SHARES,
    Column,
    Figures,
    Goal,
    Measure,
    Scale,
    Workload,
    faults_in,
    latencies,
    shares,
)

__all__ = ["WORKLOADS"]

ROOM = 1_000
FIXED_RATE = 100
WARM_SOCKETS = 100
CONNECT_SECONDS = 120.0
"""Time for a load client to be done with its handshakes; python-socketio is slow at 9,000."""


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
    return {
        "deliveries_per_s": seen["events_per_s"],
        "server_cpu_us": seen["server_cpu_s"] / events * 1e6,
        **shares(seen),
        "batch": sent["events"] / max(sent["batches"], 1),
        "frame_bytes": seen["frame_bytes"],
        "events_per_read": seen["events_per_read"],
        "faults": faults_in(seen),
        **latencies(seen),
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
            **shares(seen),
            "faults": 0,
        }

    return measure


_ALL = ("tidegate", "c-loop", "node", "python-socketio")
_REAL = ("tidegate", "node", "python-socketio")  # the C loop checks no token and keeps no session

_FRAME = (Column("batch", "events per write", "{:.1f}"), Column("frame_bytes", "frame", "{:.1f} B"))
_RATE = (Column("deliveries_per_s", "deliveries/s"), CPU, *_FRAME, *SHARES)
_HANDSHAKE = (Column("handshakes_per_s", "handshakes/s"), CPU, *SHARES)
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
        *BROKER_WORKLOADS,
    )
}
