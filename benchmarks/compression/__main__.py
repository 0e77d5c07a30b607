"""``python -m benchmarks.compression``: what compression saves and costs, on and off in turn.

python -m benchmarks.compression                              # 1,000 sockets, three rounds
python -m benchmarks.compression --sockets 1 --events 2000    # what it costs for one socket
python -m benchmarks.compression --quick                      # does it run?

Each event is one write to each socket. The server has a core to itself, the clients another; CPU is
the server's, and rounds alternate. Results go to ``benchmarks/results/compression.json`` and
``.md`` (quick ones to ``benchmarks/build/quick``).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import jwt
from benchmarks.compression.clients import Clients
from benchmarks.compression.server import SECRET
from benchmarks.measure import describe_machine, read_memory
from benchmarks.prepare import BUILD
from benchmarks.processes import Cores, Program, ProgramError, choose_cores, pinned

RESULTS = Path(__file__).parents[1] / "results"
SIZES = (200, 2_000, 20_000)
MODES = ("off", "on")
EVENT_SECONDS = 60.0
TOKEN_SECONDS = 6 * 3600

Figures = dict[str, float]


def tokens(count: int) -> list[str]:
    """Return a token for each user of one tenant."""
    until = int(time.time()) + TOKEN_SECONDS
    claims = ({"tenantId": "acme", "sub": f"user-{n}", "exp": until} for n in range(count))
    return [jwt.encode(claim, SECRET, algorithm="HS256") for claim in claims]


def measure(mode: str, size: int, sockets: list[str], count: int, core: Cores) -> Figures:
    """Measure one mode with one size of events."""
    command = [sys.executable, "-m", "benchmarks.compression.server", mode, str(size)]
    with Program(command, core=core, log=BUILD / "compression.log") as server:
        port = server.read(EVENT_SECONDS)["port"]
        before = read_memory(server.pid)
        with Clients(port, sockets, offer=mode == "on") as clients:
            after = read_memory(server.pid)
            _emit(server, clients)  # warm
            used, wire = -_emit(server, clients)[0], 0
            for _ in range(count):
                cpu, taken = _emit(server, clients)
                wire += taken
            used += cpu
    return {
        "wire_bytes": wire / count,
        "cpu_us": used / count / len(sockets) * 1e6,
        "event_us": used / count * 1e6,
        "pss_each": (after.pss - before.pss) / len(sockets),
    }


def _emit(server: Program, clients: Clients) -> tuple[float, int]:
    """Have an event emitted; return the server's CPU time so far, and the event's bytes."""
    server.tell("1")
    events, wire = clients.wait_for(1, EVENT_SECONDS)
    assert len(events) == 1
    cpu_s: float = server.read(EVENT_SECONDS)["cpu_s"]
    return cpu_s, wire


def table(found: dict[str, list[Figures]], sockets: int) -> str:
    """Return the medians of all rounds."""
    rows = [
        "| event | compression | on the wire | CPU for a delivery |",
        "| --- | --- | --- | --- |",
    ]
    memory = {}
    for name, rounds in found.items():
        size, mode = name.split()
        middle = {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}
        cells = f"{middle['wire_bytes']:,.0f} B | {middle['cpu_us']:.1f} us"
        rows.append(f"| {int(size):,} B | {mode} | {cells} |")
        # Making large events leaves the server free memory, which sockets take unseen.
        memory.setdefault(mode, f"{middle['pss_each'] / 1024:.1f} KB with compression {mode}")
    heading = f"{sockets:,} sockets in a room, one event per write; each takes "
    return heading + ", ".join(memory.values()) + ".\n\n" + "\n".join(rows) + "\n"


def main() -> None:
    """Measure everything, print and store it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compression")
    parser.add_argument("--sockets", type=int, default=1_000)
    parser.add_argument("--events", type=int, default=200, help="of each size in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if options.quick:
        options.sockets, options.events, options.rounds = min(options.sockets, 50), 5, 1
    BUILD.mkdir(exist_ok=True)
    server_core, client_core = choose_cores()
    joining = tokens(options.sockets)
    found: dict[str, list[Figures]] = {f"{size} {mode}": [] for size in SIZES for mode in MODES}
    with pinned(client_core):
        for number in range(options.rounds):
            for size in SIZES:
                for mode in MODES if number % 2 == 0 else MODES[::-1]:
                    figures = measure(mode, size, joining, options.events, server_core)
                    found[f"{size} {mode}"].append(figures)
    text = table(found, options.sockets)
    print(text)
    folder = BUILD / "quick" if options.quick else RESULTS
    folder.mkdir(parents=True, exist_ok=True)
    name = "compression" if options.sockets > 1 else "compression-one-socket"
    about = {"machine": describe_machine(), "options": vars(options), "rounds": found}
    (folder / f"{name}.json").write_text(json.dumps(about, indent=1) + "\n")
    (folder / f"{name}.md").write_text(text)


try:
    main()
except (ProgramError, RuntimeError) as error:
    sys.exit(f"benchmarks: {error}")
