"""The workloads of what clients do: come, stay, and call."""

from __future__ import annotations

from pathlib import Path

from benchmarks.bystander import BYSTANDER, Bystander
from benchmarks.fan_out_workloads import CONNECT_SECONDS
from benchmarks.measure import Load, settled_memory
from benchmarks.processes import Cores
from benchmarks.servers import RunningServer
from benchmarks.tokens import repeated_tokens, room_tokens
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

__all__ = ["CLIENT_WORKLOADS", "hold_sockets"]

WARM_SOCKETS = 100
CALLERS = 200
AT_ONCE = 4_000
"""Linux lets 4,096 connections wait to be accepted; one more waits a second to try again."""


def hold_sockets(
    server: RunningServer,
    core: Cores,
    *,
    algorithm: str = "HS256",
    rooms: int = 0,
    rooms_each: int = 0,
) -> None:
    """Have some sockets come and go: what is loaded once belongs to nobody's figures."""
    dialect = server.server.dialect
    with Load(
        "idle",
        port=server.port,
        core=core,
        sockets=WARM_SOCKETS,
        dialect=dialect,
        tokens=room_tokens(algorithm, dialect),
        rooms=rooms,
        rooms_each=rooms_each,
    ) as load:
        load.read(CONNECT_SECONDS)
        load.close_stdin()
        load.read(CONNECT_SECONDS)


def _idle(server: RunningServer, core: Cores, scale: Scale) -> Figures:
    hold_sockets(server, core)
    before = settled_memory(server.pid)
    count, dialect = scale.idle_sockets, server.server.dialect
    with Load(
        "idle",
        port=server.port,
        core=core,
        sockets=count,
        dialect=dialect,
        tokens=room_tokens(dialect=dialect),
        timeout=CONNECT_SECONDS,
    ) as load:
        load.read(CONNECT_SECONDS)
        after = settled_memory(server.pid)
        load.close_stdin()
        faults = faults_in(load.read(CONNECT_SECONDS))
    return {
        "pss_per_socket": (after.pss - before.pss) / count,
        "rss_per_socket": (after.rss - before.rss) / count,
        "pss_before": before.pss,
        "sockets": count,
        "faults": faults,
    }


def _storm(algorithm: str, *, is_repeating: bool = False) -> Measure:
    """Have all want in at once, while a bystander is served."""

    def measure(server: RunningServer, core: Cores, scale: Scale) -> Figures:
        tokens: Path = repeated_tokens() if is_repeating else room_tokens(algorithm)
        hold_sockets(server, core, algorithm=algorithm)
        with Bystander(server, core, algorithm) as bystander:
            bystander.begin()
            with Load(
                "storm",
                port=server.port,
                core=core,
                sockets=scale.storm,
                concurrency=min(scale.storm, AT_ONCE),
                tokens=tokens,
                timeout=CONNECT_SECONDS,
                server_pid=server.pid,
                background=1,
            ) as load:
                seen = load.read(CONNECT_SECONDS)
                other = bystander.end()
        return {
            "handshakes_per_s": seen["handshakes_per_s"],
            "server_cpu_us": seen["server_cpu_s"] / seen["handshakes"] * 1e6,
            **shares(seen),
            **latencies(seen),
            **other,
            "faults": faults_in(seen) + other["faults"],
        }

    return measure


def _calls(server: RunningServer, core: Cores, scale: Scale) -> Figures:
    with Load(
        "calls",
        port=server.port,
        core=core,
        sockets=CALLERS,
        tokens=room_tokens(),
        warmup=scale.warmup,
        seconds=scale.seconds,
        server_pid=server.pid,
    ) as load:
        seen = load.read(CONNECT_SECONDS)
    return {
        "calls_per_s": seen["calls_per_s"],
        "server_cpu_us": seen["server_cpu_s"] / max(seen["calls"], 1) * 1e6,
        **shares(seen),
        "faults": faults_in(seen),
    }


_REAL = ("tidegate", "node", "python-socketio")  # the C loop checks no token and keeps no session

_VERIFYING = ("tidegate", "node", "node-key-object", "python-socketio")

_HANDSHAKE = (
    Column("handshakes_per_s", "handshakes/s"),
    CPU,
    Column("p50_ms", "half are in, ms"),
    Column("max_ms", "all are in, ms"),
    *BYSTANDER,
    *SHARES,
)
_MEMORY = (
    Column("pss_per_socket", "memory each, KB (PSS)", "{:.2f}", 1 / 1024),
    Column("rss_per_socket", "RSS, KB", "{:.2f}", 1 / 1024),
    Column("pss_before", "process before, MB", "{:.1f}", 1 / 1024**2),
)


def _storm_workload(name: str, algorithm: str, *, is_repeating: bool = False) -> Workload:
    tokens = "200 tokens over and over" if is_repeating else "each with a token of its own"
    return Workload(
        name,
        f"9,000 clients want in at once, {algorithm}, {tokens}",
        _storm(algorithm, is_repeating=is_repeating),
        _VERIFYING,
        _HANDSHAKE,
        (
            Goal("handshakes_per_s", 4, "node"),
            Goal("handshakes_per_s", 4, "node-key-object"),
            Goal("other_p99_ms", 100, is_ceiling=True),
        ),
        algorithm=algorithm,
    )


CLIENT_WORKLOADS = (
    Workload(
        "idle",
        "Idle sockets, joined to their rooms",
        _idle,
        (*_REAL, "centrifugo"),
        _MEMORY,
        (Goal("pss_per_socket", 4096, is_ceiling=True),),
    ),
    _storm_workload("handshakes", "HS256"),
    _storm_workload("handshakes-rs256", "RS256"),
    _storm_workload("handshakes-es256", "ES256"),
    _storm_workload("handshakes-repeated", "HS256", is_repeating=True),
    Workload(
        "acks",
        f"{CALLERS} sockets send an event, wait for its ack, and send the next",
        _calls,
        ("tidegate", "c-loop", "node", "python-socketio"),
        (Column("calls_per_s", "round trips/s"), CPU, *SHARES),
        (Goal("calls_per_s", 3, "node"),),
    ),
)
