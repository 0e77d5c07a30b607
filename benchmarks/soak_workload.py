"""Two hours of a busy gateway in a few minutes: does its memory stay what it is?

In each round new clients of tenants never seen before come and go, others join and leave a room and
call, and events go to sockets that stay all the time. Twenty rounds are what an hour brings at 25
connects, 25 joins, 50 calls and 100 events per second. An hour takes some three minutes, so what
is kept for two minutes (events, and the sessions of clients that dropped) is kept for six seconds.
The first hour fills what has a bound: log, window, caches, and the heap around them.
"""

from __future__ import annotations

import time

from benchmarks.fan_out_workloads import CONNECT_SECONDS
from benchmarks.measure import Load, read_memory, settled_memory
from benchmarks.processes import Cores, ProgramError
from benchmarks.servers import RunningServer
from benchmarks.tokens import room_tokens, visitor_tokens
from benchmarks.workload import Column, Figures, Goal, Scale, Sweep, Workload, faults_in

__all__ = ["SOAK_WORKLOAD"]

STAYING, CALLERS = 100, 50
EVENTS, JOINS, CALLS = 4, 2, 2
"""For each client that comes; a join and the leave after it are two calls."""

WARM_ROUNDS = 32
"""By then the log's 64 MB, the cache of verified tokens and the heap are as full as they get."""

EVENT_SECONDS = 60.0
POLL_SECONDS = 0.05
MOST_GROWTH = 2 * 1024**2
ROUNDS = 44


def _soak(server: RunningServer, core: Cores, scale: Scale) -> Figures:
    figures: Figures = {"faults": 0}
    with Load(
        "idle", port=server.port, core=core, sockets=STAYING, tokens=room_tokens()
    ) as staying:
        staying.read(CONNECT_SECONDS)
        for number in range(1, scale.soak_rounds + 1):
            figures["faults"] += _come_and_go(server, core, scale, number)
            figures["faults"] += _call(server, core, "join", JOINS * scale.soak_each, number)
            figures["faults"] += _call(server, core, "echo", CALLS * scale.soak_each, number)
            _emit(server, EVENTS * scale.soak_each, number)
            figures[f"pss_{number}"] = read_memory(server.pid).pss
            if number == min(WARM_ROUNDS, scale.soak_rounds - 1):
                figures["pss_warm"] = settled_memory(server.pid).pss
        figures["pss_end"] = settled_memory(server.pid).pss
        staying.close_stdin()
        seen = staying.read(CONNECT_SECONDS)
    missing = STAYING * EVENTS * scale.soak_each * scale.soak_rounds - seen["events"]
    figures["faults"] += faults_in(seen) + abs(missing)
    figures["pss_growth"] = figures["pss_end"] - figures["pss_warm"]
    after_warm = scale.soak_each * max(scale.soak_rounds - WARM_ROUNDS, 1)
    figures["growth_per_client"] = figures["pss_growth"] / after_warm
    return figures


def _come_and_go(server: RunningServer, core: Cores, scale: Scale, number: int) -> float:
    with Load(
        "handshake",
        port=server.port,
        core=core,
        total=scale.soak_each,
        tokens=visitor_tokens(scale.soak_each * scale.soak_rounds),
        first_token=(number - 1) * scale.soak_each,
    ) as load:
        return faults_in(load.read(CONNECT_SECONDS))


def _call(server: RunningServer, core: Cores, call: str, total: int, number: int) -> float:
    """Have clients call; each round they join another room."""
    with Load(
        "calls",
        port=server.port,
        core=core,
        call=call,
        total=total,
        sockets=CALLERS,
        first_room=number,
        tokens=room_tokens(),
        first_token=STAYING,
    ) as load:
        return faults_in(load.read(CONNECT_SECONDS))


def _emit(server: RunningServer, count: int, number: int) -> None:
    server.tell(f"burst {count}")
    end = time.monotonic() + EVENT_SECONDS
    while server.stats()["events"] < count * number:
        time.sleep(POLL_SECONDS)
        if time.monotonic() > end:
            raise ProgramError(f"{server.name} did not send {count} events in time")


SOAK_WORKLOAD = Workload(
    "soak",
    "Two hours of connects, joins, calls and events: memory",
    _soak,
    ("tidegate-soak",),
    (
        Column("pss_growth", "growth, KB (PSS)", "{:,.0f}", 1 / 1024),
        Column("growth_per_client", "for each that came, bytes", "{:.1f}"),
        Column("pss_warm", "once full, MB", "{:.1f}", 1 / 1024**2),
        Column("pss_end", "at the end, MB", "{:.1f}", 1 / 1024**2),
    ),
    (Goal("pss_growth", MOST_GROWTH, is_ceiling=True, of="tidegate-soak"),),
    sweeps=(
        Sweep(
            "memory, MB (PSS)",
            "twentieths of an hour",
            tuple((number, f"pss_{number}") for number in range(1, ROUNDS + 1)),
            1 / 1024**2,
        ),
    ),
)
