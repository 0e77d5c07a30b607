"""``python -m benchmarks.run``: every workload against every server, in turn, on pinned cores."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import resource
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.broker import BenchBroker
from benchmarks.measure import describe_machine
from benchmarks.prepare import BUILD, ROOT, MissingToolError, prepare
from benchmarks.processes import ProgramError, choose_cores
from benchmarks.servers import SERVERS, RunningServer
from benchmarks.workload import Figures, Scale, Workload
from benchmarks.workloads import WORKLOADS
from tests.broker.private import BrokerError

__all__ = ["main"]

QUICK = Scale(
    seconds=1.0,
    warmup=0.3,
    idle_sockets=2_000,
    queued=5_000,
    logged=20_000,
    returning=500,
    storm=1_000,
    crowd=2_000,
    tenants=100,
    cycles=200,
    soak_rounds=5,
    soak_each=500,
    worker_events=500,
)
DEFAULT_BATCH = 10
"""Events that the C loop joins when Tidegate was not measured before it."""

FILES_NEEDED = 10_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the workloads named, write and print their results; 1 if one could not be run."""
    options = _parser().parse_args(arguments)
    names = options.workloads or list(WORKLOADS)
    folder = options.output or (BUILD / "quick" if options.quick else ROOT / "results")
    try:
        _raise_file_limit()
        prepare({n for name in names for n in WORKLOADS[name].servers} & set(options.servers))
        cores = choose_cores()
        for name in names:
            result = _run(WORKLOADS[name], options, cores)
            report.write(result, folder)
            print(report.markdown(result), flush=True)
    except (
        ProgramError,
        MissingToolError,
        BrokerError,
        subprocess.CalledProcessError,
    ) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    return 0


def _run(workload: Workload, options: argparse.Namespace, cores: tuple[int, int]) -> report.Result:
    context: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "command": _command(),
        "machine": describe_machine(),
        "versions": {},
    }
    result = report.Result(workload, context)
    shared = cores if workload.is_spread else cores[1]
    broker = BenchBroker(shared) if workload.needs_broker else None
    with broker or contextlib.nullcontext():
        if broker is not None:
            context["versions"]["rabbitmq"] = broker.version
        _do_rounds(options, result, cores, broker)
    return result


def _do_rounds(
    options: argparse.Namespace,
    result: report.Result,
    cores: tuple[int, int],
    broker: BenchBroker | None,
) -> None:
    workload = result.workload
    scale = QUICK if options.quick else Scale()
    batch = DEFAULT_BATCH if workload.is_batch_shared else 1
    server_core, load_core = (cores, cores) if workload.is_spread else cores
    servers = [name for name in workload.servers if name in options.servers]
    for name in [name for name in servers if not SERVERS[name].is_there]:
        print(f"{name} is left out: {SERVERS[name].needs} is not set", file=sys.stderr)
        servers.remove(name)
    for number in range(options.rounds):
        figures: dict[str, Figures] = {}
        # Back and forth: a machine that slows down or speeds up favours nobody.
        for name in servers if number % 2 == 0 else reversed(servers):
            server = RunningServer(
                SERVERS[name],
                core=server_core,
                batch=batch,
                algorithm=workload.algorithm,
                broker=broker,
            )
            with server:
                result.context["versions"].update(server.versions)
                figures[name] = workload.measure(server, load_core, scale)
            if name == "tidegate" and workload.is_batch_shared:
                batch = max(1, round(figures[name]["batch"]))
            _say_progress(workload, number, name, figures[name])
        result.rounds.append(figures)


def _say_progress(workload: Workload, number: int, server: str, figures: Figures) -> None:
    shown = [
        f"{column.heading} {column.form.format(figures[column.key] * column.scale)}"
        for column in workload.columns
        if column.key in figures
    ]
    print(f"{workload.name} {number + 1} {server}: {'; '.join(shown)}", file=sys.stderr)
    if figures["faults"]:
        print(f"  {figures['faults']:.0f} faults: lost, repeated, out of order", file=sys.stderr)


def _raise_file_limit() -> None:
    """Allow as many sockets as the largest workload has, for us and for what we start."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= FILES_NEEDED:
        return
    if hard != resource.RLIM_INFINITY and hard < FILES_NEEDED:
        raise ProgramError(f"{FILES_NEEDED} open files are needed; the hard limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES_NEEDED, hard))


def _command() -> str:
    return shlex.join(["python", "-m", "benchmarks.run", *sys.argv[1:]])


def _workload(name: str) -> str:
    if name not in WORKLOADS:
        raise argparse.ArgumentTypeError(f"no workload {name!r}; known: {', '.join(WORKLOADS)}")
    return name


def _servers(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in SERVERS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no server {unknown[0]!r}; known: {', '.join(SERVERS)}")
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument(
        "workloads",
        nargs="*",
        type=_workload,
        metavar="workload",
        help=f"of {', '.join(WORKLOADS)}; default: all",
    )
    parser.add_argument("--rounds", type=int, default=3, help="times each server is measured")
    parser.add_argument("--quick", action="store_true", help="short: see that it runs")
    parser.add_argument(
        "--servers", type=_servers, default=list(SERVERS), help="some only, with commas"
    )
    parser.add_argument(
        "--output", type=Path, help="folder of the results; benchmarks/results, quick: build/quick"
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
