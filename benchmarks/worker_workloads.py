"""Two workers against one, on two cores that the broker and the load client need as well.

In all runs everything may use both cores. So what two workers reach is limited by what broker and
client take. Their CPU time for each delivery tells what they would reach with a core for each, and
no other program on it: as many deliveries as go into two seconds of CPU. That is worked out, and
told apart from what was measured.
"""

from __future__ import annotations

import time

from benchmarks.broker import Publisher
from benchmarks.measure import Load, busy_seconds, cpu_seconds
from benchmarks.processes import Cores
from benchmarks.servers import RunningServer
from benchmarks.tokens import room_tokens
from benchmarks.workload import Column, Figures, Goal, Scale, Workload, faults_in, latencies

__all__ = ["WORKER_WORKLOADS"]

SOCKETS = 2_000
RATE = 30
"""Events per second at which one worker writes one event at a time; 60,000 deliveries."""

WORKERS = {"tidegate-1-worker": 1, "tidegate-2-workers": 2}
PATIENCE = 120.0
SETTLED_SECONDS = 1.0


def _full_queue(server: RunningServer, core: Cores, scale: Scale) -> Figures:
    """Publish all events at once."""
    return _measure(server, core, scale.worker_events, "queue", scale.worker_events)


def _fixed_rate(server: RunningServer, core: Cores, scale: Scale) -> Figures:
    """Publish events by schedule."""
    return _measure(server, core, round(RATE * scale.seconds), "rate", RATE, scale.seconds)


def _measure(server: RunningServer, core: Cores, events: int, *command: object) -> Figures:
    """Publish events to the queue, and see when all sockets have all of them."""
    server.begin()
    with Load(
        "burst",
        port=server.port,
        core=core,
        sockets=SOCKETS,
        tokens=room_tokens(),
        total=events,
        timeout=PATIENCE,
    ) as load:
        load.read(PATIENCE)
        time.sleep(SETTLED_SECONDS)
        began, before, busy_before = time.monotonic(), _cpu(server), busy_seconds(core)
        environment = server.broker_environment
        with Publisher(*command, core=core, environment=environment) as publisher:
            seen = load.read(PATIENCE)
            publisher.read(PATIENCE)
        cpu, busy = _cpu(server) - before, busy_seconds(core) - busy_before
        seconds = time.monotonic() - began
    _clean_up(server)
    count = seen["events"]
    return {
        "deliveries_per_s": seen["events_per_s"],
        "server_cpu_us": cpu / count * 1e6,
        "capacity_per_s": WORKERS[server.server.name] * count / cpu,
        "server_cores": cpu / seconds,
        "client_cores": seen["client_cpu_s"] / seconds,
        "other_cores": (busy - cpu - seen["client_cpu_s"]) / seconds,
        "events_per_read": seen["events_per_read"],
        "faults": faults_in(seen) + abs(count - events * SOCKETS),
        **latencies(seen),
    }


def _cpu(server: RunningServer) -> float:
    """Return the CPU time of workers and supervisor."""
    return sum(cpu_seconds(pid) for pid in server.pids)


def _clean_up(server: RunningServer) -> None:
    server.stop()
    name = server.name_at_broker
    for each in (name, f"{name}.0-of-1", f"{name}.dead-letters"):
        server.broker.delete(each)


_SERVERS = ("tidegate-2-workers", "tidegate-1-worker")
_COLUMNS = (
    Column("capacity_per_s", "deliveries/s, a core for each (from CPU)"),
    Column("server_cpu_us", "CPU, us each", "{:.2f}"),
    Column("deliveries_per_s", "deliveries/s, measured"),
    Column("server_cores", "workers' cores", "{:.2f}"),
    Column("client_cores", "client's", "{:.2f}"),
    Column("other_cores", "broker's and others'", "{:.2f}"),
    Column("events_per_read", "events per read", "{:.1f}"),
)
_CAPACITY = Goal("capacity_per_s", 1.7, "tidegate-1-worker", of="tidegate-2-workers")
_RATE = Goal("deliveries_per_s", 1.7, "tidegate-1-worker", of="tidegate-2-workers")

WORKER_WORKLOADS = (
    Workload(
        "workers",
        "A full RabbitMQ queue to 2,000 sockets: two workers against one",
        _full_queue,
        _SERVERS,
        _COLUMNS,
        (_CAPACITY, _RATE),
        needs_broker=True,
        is_spread=True,
    ),
    Workload(
        "workers-fixed",
        f"{RATE} events/s from RabbitMQ to 2,000 sockets: two workers against one",
        _fixed_rate,
        _SERVERS,
        (*_COLUMNS, Column("p99_ms", "p99, ms", "{:,.1f}")),
        (_CAPACITY,),
        needs_broker=True,
        is_spread=True,
    ),
)
