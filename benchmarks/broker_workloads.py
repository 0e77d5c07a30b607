"""The workloads with RabbitMQ: from a queue, from the log's stream, to sockets; and recovery."""

from __future__ import annotations

import time
from typing import NamedTuple

from benchmarks.broker import Publisher
from benchmarks.measure import Load, busy_seconds, cpu_seconds, wait_seconds
from benchmarks.processes import Cores, ProgramError
from benchmarks.servers import RunningServer
from benchmarks.tokens import room_tokens
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

__all__ = ["BROKER_WORKLOADS"]

FILL_SECONDS = 120.0
CONSUME_SECONDS = 120.0
POLL_SECONDS = 0.02
WARM_SHARE = 0.1
"""Part of the events that goes by before the measurement begins."""

GRACE_SECONDS = 2.0
"""Time for events on their way: through the log to the hub, or to the end of a test."""

RATE, HIGH_RATE = 1_000, 10_000
AUDIENCE = 100
FLOOD = 150_000
"""Events published to a sustained run: more than any gateway delivers to 100 sockets meanwhile."""

QUEUE_BATCH = 256
"""Events that a gateway appends to the log at once when a queue is full: its largest batch."""

SEEN_BEFORE, MISSED = 10, 100
RETURNING_AT_ONCE = 4_000
"""Linux lets 4,096 connections wait to be accepted; one more waits a second to try again."""


class Fill(NamedTuple):
    """How a stream is filled: the publisher's command, the part of the events, its last words."""

    command: str
    share: float
    each: tuple[int, ...] = ()


FILLS = {
    "tidegate-stream": Fill("log", 1, (QUEUE_BATCH,)),
    "tidegate-stream-single": Fill("log", 0.25, (1,)),
    "tidegate-stream-foreign": Fill("stream", 0.25),
    "rstream": Fill("stream", 0.25),
}


class Sample(NamedTuple):
    """A server at one moment."""

    time: float
    events: int
    server_cpu: float
    server_wait: float
    other_core: float


def _from_queue(server: RunningServer, core: Cores, scale: Scale) -> Figures:
    """Fill the queue while the server's core is idle, and let the server empty it."""
    name = server.name_at_broker
    server.broker.declare_queue(name)
    _publish(server, "queue", scale.queued)
    figures = _consume(server, core, scale.queued)
    figures["faults"] += server.broker.left_in_queue(name)
    _clean_up(server)
    return figures


def _from_stream(server: RunningServer, core: Cores, scale: Scale) -> Figures:
    fill = FILLS[server.server.name]
    count = round(scale.logged * fill.share)
    _publish(server, fill.command, count, *fill.each)
    figures = _consume(server, core, count)
    _clean_up(server)
    return figures


def _publish(server: RunningServer, *command: object) -> None:
    environment = server.broker_environment
    with Publisher(*command, core=server.core, environment=environment) as publisher:
        publisher.read(FILL_SECONDS)


def _clean_up(server: RunningServer) -> None:
    server.stop()
    for name in (server.name_at_broker, f"{server.name_at_broker}.0-of-1"):
        server.broker.delete(name)


def _consume(server: RunningServer, core: Cores, count: int) -> Figures:
    """Measure from a tenth of the events to the last."""
    server.begin()
    end = time.monotonic() + CONSUME_SECONDS
    first = last = _sample(server, core)
    while last.events < count:
        time.sleep(POLL_SECONDS)
        last = _sample(server, core)
        if first.events < count * WARM_SHARE:
            first = last
        if last.time > end:
            raise ProgramError(f"{server.name} took {last.events} of {count} events in time")
    time.sleep(GRACE_SECONDS)
    stats = server.stats()
    seconds, events = last.time - first.time, last.events - first.events
    cpu = last.server_cpu - first.server_cpu
    return {
        "events_per_s": events / seconds,
        "server_cpu_us": cpu / events * 1e6,
        "server_cpu_share": cpu / seconds,
        "server_wait_share": (last.server_wait - first.server_wait) / seconds,
        "client_cpu_share": (last.other_core - first.other_core) / seconds,
        "measured": events,
        "faults": stats["rejected"] + abs(stats.get("in_hub", stats["events"]) - count),
    }


def _sample(server: RunningServer, core: Cores) -> Sample:
    stats = server.stats()
    return Sample(
        time.monotonic(),
        stats["events"],
        cpu_seconds(server.pid),
        wait_seconds(server.pid),
        busy_seconds(core),
    )


def _to_sockets(sockets: int, *command: object) -> Measure:
    """Publish to the queue, and see what reaches the sockets and when.

    Args:
        command: The publisher's; without one, events are published at once and stay in the queue.
    """

    def measure(server: RunningServer, core: Cores, scale: Scale) -> Figures:
        server.broker.declare_queue(server.name_at_broker)
        server.begin()
        seconds = scale.warmup + scale.seconds + GRACE_SECONDS
        publish = ("rate", *command, seconds) if command else ("queue", FLOOD)
        with Load(
            "fanout",
            port=server.port,
            core=core,
            sockets=sockets,
            tokens=room_tokens(),
            warmup=scale.warmup,
            seconds=scale.seconds,
            server_pid=server.pid,
        ) as load:
            load.read(CONSUME_SECONDS)
            environment = server.broker_environment
            with Publisher(*publish, core=core, environment=environment) as publisher:
                seen = load.read(CONSUME_SECONDS)
                publisher.read(CONSUME_SECONDS)
        figures = {
            "events_per_s": seen["events_per_s"] / sockets,
            "deliveries_per_s": seen["events_per_s"],
            "server_cpu_us": seen["server_cpu_s"] / max(seen["events"], 1) * 1e6,
            **shares(seen),
            "faults": faults_in(seen) + server.stats()["rejected"],
            **latencies(seen),
        }
        _clean_up(server)
        return figures

    return measure


def _recovery(server: RunningServer, core: Cores, scale: Scale) -> Figures:
    """Cut all clients, let them miss events, and have all return at once."""
    count = scale.returning
    with Load(
        "recover",
        port=server.port,
        core=core,
        sockets=count,
        concurrency=min(count, RETURNING_AT_ONCE),
        tokens=room_tokens(),
        before=SEEN_BEFORE,
        missed=MISSED,
        server_pid=server.pid,
    ) as load:
        load.read(CONSUME_SECONDS)
        server.tell(f"burst {SEEN_BEFORE}")
        load.read(CONSUME_SECONDS)
        load.tell("cut")
        load.read(CONSUME_SECONDS)
        time.sleep(GRACE_SECONDS)
        server.tell(f"burst {MISSED}")
        time.sleep(GRACE_SECONDS)
        load.tell("return")
        seen = load.read(CONSUME_SECONDS)
    return {
        "seconds": seen["seconds"],
        "server_cpu_us": seen["server_cpu_s"] / count * 1e6,
        **shares(seen),
        "recovered": seen["recovered"],
        "lost": seen["lost"],
        "repeated": seen["repeated"] + seen["reordered"],
        "faults": faults_in(seen) + count - seen["recovered"],
        **latencies(seen),
    }


_CORES = (*SHARES[:2], Column("client_cpu_share", "broker's core", "{:.0%}"))
_RATE = (Column("events_per_s", "events/s"), CPU, *_CORES)
_LATENCY = (
    Column("p99_ms", "p99, ms", "{:,.1f}"),
    Column("p50_ms", "p50, ms", "{:,.2f}"),
    Column("p90_ms", "p90, ms", "{:,.2f}"),
    Column("max_ms", "max, ms", "{:,.1f}"),
    Column("deliveries_per_s", "deliveries/s"),
    CPU,
    *SHARES,
)
_RECOVERY = (
    Column("seconds", "until all have all, s", "{:.2f}"),
    Column("p50_ms", "half have all, ms"),
    Column("recovered", "recovered"),
    Column("lost", "lost"),
    Column("repeated", "doubled"),
    Column("server_cpu_us", "CPU per client, us"),
    *SHARES,
)
_RECOVERING_NODES = ("node-recovery", "node-recovery-key-object")
_GATEWAYS = ("tidegate-queue", "tidegate-queue-memory", "nest")


def _latency_workload(name: str, sockets: int, rate: int) -> Workload:
    goals = [
        Goal(key, 1, "nest", is_ceiling=True, of=server)
        for server in _GATEWAYS[:2]
        for key in ("p50_ms", "p99_ms")
    ]
    audience = "one socket" if sockets == 1 else f"{sockets} sockets"
    return Workload(
        name,
        f"RabbitMQ queue to {audience}, {rate:,} events/s: latency from the scheduled publish",
        _to_sockets(sockets, rate),
        _GATEWAYS,
        _LATENCY,
        tuple(goals),
        needs_broker=True,
    )


BROKER_WORKLOADS = (
    Workload(
        "queue",
        "A full quorum queue consumed with acks: events of 200 bytes",
        _from_queue,
        ("tidegate-queue", "tidegate-queue-memory", "pika", "nest"),
        _RATE,
        (Goal("events_per_s", 25_000, of="tidegate-queue"),),
        needs_broker=True,
    ),
    Workload(
        "stream",
        "From the log's stream into the hub of a gateway that starts",
        _from_stream,
        tuple(FILLS),
        _RATE,
        (Goal("events_per_s", 100_000, of="tidegate-stream"),),
        needs_broker=True,
    ),
    _latency_workload("broker_latency", 1, RATE),
    _latency_workload("broker_latency_10", 10, RATE),
    _latency_workload("broker_latency_high", 1, HIGH_RATE),
    Workload(
        "broker_sustained",
        f"RabbitMQ queue to {AUDIENCE} sockets of a tenant, as fast as it goes",
        _to_sockets(AUDIENCE),
        _GATEWAYS,
        (Column("events_per_s", "events/s"), *_LATENCY[4:]),
        tuple(Goal("events_per_s", 3, "nest", of=server) for server in _GATEWAYS[:2]),
        needs_broker=True,
    ),
    Workload(
        "recovery",
        f"Clients that were all cut and missed {MISSED} events return at once",
        _recovery,
        ("tidegate", "tidegate-rabbitmq", *_RECOVERING_NODES),
        _RECOVERY,
        tuple(
            Goal("seconds", 0.2, node, is_ceiling=True, of=gateway)
            for node in _RECOVERING_NODES
            for gateway in ("tidegate", "tidegate-rabbitmq")
        ),
        needs_broker=True,
    ),
)
