"""The workloads that grow: what a delivery, a socket, a join and a departure cost in a crowd."""

from __future__ import annotations

from benchmarks.client_workloads import hold_sockets
from benchmarks.fan_out_workloads import CONNECT_SECONDS
from benchmarks.measure import Load, settled_memory
from benchmarks.processes import Cores
from benchmarks.servers import RunningServer
from benchmarks.tokens import room_tokens
from benchmarks.workload import (
    Column,
    Figures,
    Goal,
    Measure,
    Scale,
    Sweep,
    Workload,
    faults_in,
)

__all__ = ["GROWTH_WORKLOADS"]

SOCKETS = (1_000, 2_000, 4_000, 8_000)
ROOMS = (3, 100, 10_000)
SOCKETS_IN_ROOMS = 5_000
OTHER_ROOMS_EACH = 2
"""So that each is in three rooms, however many there are, and all rooms have somebody."""

SIZES = (1, 1_000, 8_000)
CALLERS = 10
FLAT = 1.25
"""The largest's figure may be as many times the smallest's."""


def _sockets(server: RunningServer, core: Cores, scale: Scale) -> Figures:
    """Measure rooms of more and more sockets, each with a server of its own."""
    figures: Figures = {"faults": 0}
    for count in SOCKETS:
        if count <= scale.crowd:
            _measure_crowd(server, core, scale, figures, place=count, sockets=count)
    return {**figures, **_growth(figures, SOCKETS, "cpu_us"), **_growth(figures, SOCKETS, "pss")}


def _rooms(server: RunningServer, core: Cores, scale: Scale) -> Figures:
    """Measure one room that all are in, beside more and more others."""
    figures: Figures = {"faults": 0}
    sockets = min(SOCKETS_IN_ROOMS, scale.crowd)
    for count in ROOMS:
        _measure_crowd(
            server,
            core,
            scale,
            figures,
            place=count,
            sockets=sockets,
            rooms=count,
            rooms_each=OTHER_ROOMS_EACH,
        )
    return {**figures, **_growth(figures, ROOMS, "cpu_us"), **_growth(figures, ROOMS, "pss")}


def _measure_crowd(
    server: RunningServer,
    core: Cores,
    scale: Scale,
    figures: Figures,
    *,
    place: int,
    sockets: int,
    rooms: int = 0,
    rooms_each: int = 0,
) -> None:
    with server.again() as fresh:
        hold_sockets(fresh, core, rooms=rooms, rooms_each=rooms_each)
        before = settled_memory(fresh.pid)
        with Load(
            "fanout",
            port=fresh.port,
            core=core,
            sockets=sockets,
            tokens=room_tokens(),
            timeout=CONNECT_SECONDS,
            warmup=scale.warmup,
            seconds=scale.seconds,
            server_pid=fresh.pid,
            rooms=rooms,
            rooms_each=rooms_each,
        ) as load:
            load.read(CONNECT_SECONDS)
            after = settled_memory(fresh.pid)
            fresh.tell("single room:0" if rooms else "single")
            seen = load.read(CONNECT_SECONDS)
    figures[f"cpu_us_{place}"] = seen["server_cpu_s"] / max(seen["events"], 1) * 1e6
    figures[f"pss_{place}"] = (after.pss - before.pss) / sockets
    figures["faults"] += faults_in(seen)


def _membership(server: RunningServer, core: Cores, scale: Scale) -> Figures:
    """Measure joining, leaving, connecting and disconnecting beside more and more members."""
    figures: Figures = {"faults": 0}
    for size in SIZES:
        if size <= scale.crowd:
            with (
                server.again() as fresh,
                Load(
                    "idle",
                    port=fresh.port,
                    core=core,
                    sockets=size,
                    tokens=room_tokens(),
                    timeout=CONNECT_SECONDS,
                    rooms=1,
                ) as members,
            ):
                members.read(CONNECT_SECONDS)
                hold_sockets(fresh, core)
                _join_and_leave(fresh, core, scale, figures, size)
                _come_and_go(fresh, core, scale, figures, size)
                members.close_stdin()
                figures["faults"] += faults_in(members.read(CONNECT_SECONDS))
    return {**figures, **_growth(figures, SIZES, "join_us"), **_growth(figures, SIZES, "come_us")}


def _join_and_leave(
    server: RunningServer, core: Cores, scale: Scale, figures: Figures, size: int
) -> None:
    with Load(
        "calls",
        port=server.port,
        core=core,
        call="join",
        sockets=CALLERS,
        tokens=room_tokens(),
        warmup=scale.warmup,
        seconds=scale.seconds,
        server_pid=server.pid,
    ) as load:
        seen = load.read(CONNECT_SECONDS)
    figures[f"join_us_{size}"] = 2 * seen["server_cpu_s"] / max(seen["calls"], 1) * 1e6
    figures["faults"] += faults_in(seen)


def _come_and_go(
    server: RunningServer, core: Cores, scale: Scale, figures: Figures, size: int
) -> None:
    with Load(
        "handshake",
        port=server.port,
        core=core,
        total=scale.cycles,
        tokens=room_tokens(),
        first_token=size,
        server_pid=server.pid,
    ) as load:
        seen = load.read(CONNECT_SECONDS)
    figures[f"come_us_{size}"] = seen["server_cpu_s"] / seen["handshakes"] * 1e6
    figures["faults"] += faults_in(seen)


def _growth(figures: Figures, places: tuple[int, ...], key: str) -> Figures:
    """Return the largest's figure over the smallest's."""
    values = [figures[f"{key}_{place}"] for place in places if f"{key}_{place}" in figures]
    return {f"{key}_growth": values[-1] / values[0]}


CPU_EACH = ("cpu_us", "CPU per delivery, us", 1.0)
MEMORY_EACH = ("pss", "memory each, KB (PSS)", 1 / 1024)
JOIN = ("join_us", "CPU to join and leave, us", 1.0)
COME = ("come_us", "CPU to connect and disconnect, us", 1.0)


def _workload(
    name: str,
    title: str,
    measure: Measure,
    servers: tuple[str, ...],
    axis: str,
    places: tuple[int, ...],
    *figures: tuple[str, str, float],
    flat: tuple[str, ...],
) -> Workload:
    columns = [Column(f"{key}_growth", f"{what}: growth", "x {:.2f}") for key, what, _ in figures]
    for key, what, factor in figures:
        for place in places:
            heading = f"{what}, {place:,} {axis}"
            columns.append(Column(f"{key}_{place}", heading, "{:,.2f}", factor))
    sweeps = [
        Sweep(what, axis, tuple((place, f"{key}_{place}") for place in places), factor)
        for key, what, factor in figures
    ]
    goals = [Goal(f"{key}_growth", FLAT, is_ceiling=True) for key in flat]
    return Workload(
        name, title, measure, servers, tuple(columns), tuple(goals), sweeps=tuple(sweeps)
    )


GROWTH_WORKLOADS = (
    _workload(
        "growth",
        "One room of more and more sockets, one event at a time",
        _sockets,
        ("tidegate", "c-loop", "node"),
        "sockets",
        SOCKETS,
        CPU_EACH,
        MEMORY_EACH,
        flat=("cpu_us", "pss"),
    ),
    _workload(
        "growth-rooms",
        "A room of 5,000 sockets beside more and more others that they are in",
        _rooms,
        ("tidegate", "node"),
        "rooms",
        ROOMS,
        CPU_EACH,
        MEMORY_EACH,
        flat=("cpu_us",),  # a room of one's own costs memory
    ),
    _workload(
        "membership",
        "Joining, leaving, connecting and disconnecting beside more and more members",
        _membership,
        ("tidegate", "node"),
        "members",
        SIZES,
        JOIN,
        COME,
        flat=("join_us", "come_us"),
    ),
)
