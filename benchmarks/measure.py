"""What is measured of a server from the outside, and what machine it ran on."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.prepare import BUILD
from benchmarks.processes import Cores, Program

__all__ = [
    "Load",
    "Memory",
    "busy_seconds",
    "cpu_seconds",
    "describe_machine",
    "read_memory",
    "settled_memory",
    "wait_seconds",
]

SETTLED_SECONDS = 2.0
SETTLED_CHANGE = 0.002
MAX_SETTLE_SECONDS = 20.0


class Memory(NamedTuple):
    """Memory of a process in bytes: resident, and resident with shared pages split up."""

    rss: int
    pss: int


class Load(Program):
    """The load client, on its own core; see ``load/load.c`` for modes and options."""

    def __init__(self, mode: str, *, port: int, core: Cores, **options: object) -> None:
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        super().__init__(
            [str(BUILD / "load"), mode, f"--port={port}", *arguments],
            core=core,
            log=BUILD / "load.log",
        )


def settled_memory(pid: int) -> Memory:
    """Return a process's memory when it has stopped to change, or after 20 s.

    Garbage collectors return what connecting took some time after it.
    """
    deadline = time.monotonic() + MAX_SETTLE_SECONDS
    memory = read_memory(pid)
    while time.monotonic() < deadline:
        time.sleep(SETTLED_SECONDS)
        before, memory = memory, read_memory(pid)
        if abs(memory.pss - before.pss) <= SETTLED_CHANGE * before.pss:
            break
    return memory


def read_memory(pid: int) -> Memory:
    """Read ``smaps_rollup`` (proc(5)); its unit is KiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
    return Memory(sizes["Rss"], sizes["Pss"])


def cpu_seconds(pid: int) -> float:
    """Read user and system time of all threads (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_seconds(pid: int) -> float:
    """Read how long the main thread was ready to run while its core ran something else."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


def busy_seconds(cores: Cores) -> float:
    """Read how long cores have run anything, all in all."""
    names = [f"cpu{core}" for core in ([cores] if isinstance(cores, int) else cores)]
    ticks = 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name in names:
            user, nice, system, _idle, _iowait, irq, softirq = map(int, fields[:7])
            ticks += user + nice + system + irq + softirq
    return ticks / os.sysconf("SC_CLK_TCK")


def describe_machine() -> dict[str, str | int]:
    """Return what a reader needs to compare figures with theirs."""
    return {
        "cpu": _first_value(Path("/proc/cpuinfo"), "model name"),
        "cores": len(os.sched_getaffinity(0)),
        "memory": _first_value(Path("/proc/meminfo"), "MemTotal"),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "gcc": _first_line(["gcc", "--version"]),
    }


def _first_value(path: Path, key: str) -> str:
    for line in path.read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return "unknown"


def _first_line(command: list[str]) -> str:
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.partition("\n")[0]
