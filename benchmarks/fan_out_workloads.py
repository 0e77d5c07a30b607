"""The workloads of events to many sockets: one room, a room and a bystander, many tenants."""

from __future__ import annotations

import time

from benchmarks.bystander import BYSTANDER, Bystander
from benchmarks.measure import Load
from benchmarks.processes import Cores
from benchmarks.servers import RunningServer
from benchmarks.tokens import bare_tenants, room_tokens, tenant_tokens
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

__all__ = ["CONNECT_SECONDS", "FAN_OUT_WORKLOADS", "fan_out_figures"]

ROOM = 1_000
FIXED_RATE = 50
BROADCAST_RATE = 10
"""Broadcasts per second beside a bystander: 8,000 sockets are written to most of the time, and the
server keeps up."""

SOCKETS_PER_TENANT = 3
RUN = 10
"""Events that come together for one tenant."""

CONNECT_SECONDS = 120.0
"""Time for a load client to be done with its handshakes; python-socketio is slow at 9,000."""


def _fan_out(command: str, *, is_crowd: bool = False) -> Measure:
    def measure(server: RunningServer, core: Cores, scale: Scale) -> Figures:
        dialect = server.server.dialect
        with Load(
            "fanout",
            port=server.port,
            core=core,
            sockets=scale.crowd if is_crowd else ROOM,
            dialect=dialect,
            tokens=room_tokens(dialect=dialect),
            warmup=scale.warmup,
            seconds=scale.seconds,
            server_pid=server.pid,
        ) as load:
            load.read(CONNECT_SECONDS)
            server.tell(command)
            seen = load.read(CONNECT_SECONDS)
            sent = server.stats()
        return fan_out_figures(seen, sent)

    return measure


def fan_out_figures(seen: dict[str, float], sent: dict[str, float]) -> Figures:
    """Return the figures of events to many sockets: as the load client saw, and the server sent."""
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


def _neighbour(server: RunningServer, core: Cores, scale: Scale) -> Figures:
    """Broadcast to a crowd, and see how long another tenant's events take meanwhile."""
    with (
        Bystander(server, core) as bystander,
        Load(
            "fanout",
            port=server.port,
            core=core,
            sockets=scale.crowd,
            tokens=room_tokens(),
            warmup=scale.warmup,
            seconds=scale.seconds,
            server_pid=server.pid,
            background=1,
        ) as load,
    ):
        load.read(CONNECT_SECONDS)
        server.tell(f"rate {BROADCAST_RATE}")
        time.sleep(scale.warmup)
        bystander.begin()
        seen = load.read(CONNECT_SECONDS)
        other = bystander.end()
        figures = fan_out_figures(seen, server.stats())
    return {**figures, **other, "faults": figures["faults"] + other["faults"]}


def _tenants(each: int) -> Measure:
    def measure(server: RunningServer, core: Cores, scale: Scale) -> Figures:
        is_bare = server.server.name == "c-loop"
        tokens = (bare_tenants if is_bare else tenant_tokens)(scale.tenants)
        with Load(
            "fanout",
            port=server.port,
            core=core,
            sockets=scale.tenants * SOCKETS_PER_TENANT,
            tokens=tokens,
            warmup=scale.warmup,
            seconds=scale.seconds,
            server_pid=server.pid,
        ) as load:
            load.read(CONNECT_SECONDS)
            server.tell(f"tenants {scale.tenants} {each}")
            seen = load.read(CONNECT_SECONDS)
            figures = fan_out_figures(seen, server.stats())
        forgotten = seen["least_per_socket"] == 0 and seen["most_per_socket"] > 2 * each
        return {
            **figures,
            "tenant_events_per_s": figures["deliveries_per_s"] / SOCKETS_PER_TENANT,
            "event_cpu_us": figures["server_cpu_us"] * SOCKETS_PER_TENANT,
            "faults": figures["faults"] + forgotten,
        }

    return measure


_ALL = ("tidegate", "c-loop", "node", "python-socketio")
_FAST = ("tidegate", "c-loop", "node")  # to 8,000 sockets, python-socketio needs a second an event

_FRAME = (Column("batch", "events per write", "{:.1f}"), Column("frame_bytes", "frame", "{:.1f} B"))
_RATE = (Column("deliveries_per_s", "deliveries/s"), CPU, *_FRAME, *SHARES)
_LATENCY = (
    Column("p99_ms", "p99, ms", "{:,.1f}"),
    Column("p50_ms", "p50, ms", "{:,.1f}"),
    Column("p90_ms", "p90, ms", "{:,.1f}"),
    Column("max_ms", "max, ms", "{:,.1f}"),
    *_RATE,
)
_TENANTS = (
    Column("tenant_events_per_s", "events/s"),
    Column("event_cpu_us", "CPU per event, us", "{:.1f}"),
    *_RATE,
)
_SATURATED = (Goal("deliveries_per_s", 0.85, "c-loop"), Goal("deliveries_per_s", 10, "node"))
_SINGLE = (Goal("deliveries_per_s", 0.7, "c-loop"), Goal("deliveries_per_s", 2.5, "node"))
_FIXED = (Goal("p99_ms", 0.5, "node", is_ceiling=True),)


def _room_workloads(suffix: str, size: str, servers: tuple[str, ...]) -> tuple[Workload, ...]:
    is_crowd = bool(suffix)
    return (
        Workload(
            f"saturated{suffix}",
            f"One room of {size} sockets, events as fast as they go",
            _fan_out("saturate", is_crowd=is_crowd),
            servers,
            _RATE,
            _SATURATED,
            is_batch_shared=True,
        ),
        Workload(
            f"single{suffix}",
            f"One room of {size} sockets, one event at a time",
            _fan_out("single", is_crowd=is_crowd),
            servers,
            _RATE,
            _SINGLE,
        ),
        Workload(
            f"fixed{suffix}",
            f"{FIXED_RATE} events/s to {size} sockets: latency from the scheduled time",
            _fan_out(f"rate {FIXED_RATE}", is_crowd=is_crowd),
            (*servers, "centrifugo"),
            _LATENCY,
            _FIXED,
        ),
    )


def _tenant_workload(name: str, what: str, each: int) -> Workload:
    return Workload(
        name,
        f"1,000 tenants with 1 to 5 sockets, {what}, as fast as they go",
        _tenants(each),
        _ALL,
        _TENANTS,
        (
            Goal("tenant_events_per_s", 5, "node"),
            Goal("event_cpu_us", 2.5, "c-loop", is_ceiling=True),
        ),
        is_batch_shared=True,
    )


FAN_OUT_WORKLOADS = (
    *_room_workloads("", "1,000", _ALL),
    *_room_workloads("-8000", "8,000", _FAST),
    Workload(
        "neighbour",
        f"{BROADCAST_RATE} events/s to 8,000 sockets: another tenant's latency meanwhile",
        _neighbour,
        ("tidegate", "node"),
        (*BYSTANDER, Column("p99_ms", "broadcast's p99, ms"), *_RATE),
        (Goal("other_p99_ms", 10, is_ceiling=True),),
    ),
    _tenant_workload("tenants", "one event to each in turn", 1),
    _tenant_workload("tenants-runs", f"{RUN} events to each in turn", RUN),
)
