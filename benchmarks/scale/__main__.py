"""``python -m benchmarks.scale``: what a load takes, what breaks first, and a simulation of it.

python -m benchmarks.scale --sockets 1000000 --tenants 100000 --events 100000
python -m benchmarks.scale --sources                       # and what every figure is worth
python -m benchmarks.scale simulate --placement sticky     # placement, and the loss of nodes
python -m benchmarks.scale tables                          # those of docs/topics/scale.md
python -m benchmarks.scale.measure                         # measures what no workload does
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Sequence

from benchmarks.scale.demand import Demand, DemandError
from benchmarks.scale.model import Setup
from benchmarks.scale.report import (
    describe,
    describe_simulation,
    describe_sources,
    table,
    table_of_limits,
    table_of_variants,
)
from benchmarks.scale.simulate import come_back, place
from benchmarks.scale.sizing import plan
from benchmarks.scale.units import load_units

__all__ = ["COLUMNS", "main"]

COLUMNS = (
    (Demand(10_000, 1_000, 1_000), Setup(machine_nodes=1)),
    (Demand(100_000, 10_000, 10_000), Setup(machine_nodes=2)),
    (Demand(1_000_000, 100_000, 100_000), Setup(machine_nodes=4)),
)
"""Columns of the page's table: ever larger, with larger machines."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was asked for; 2 if it makes no sense."""
    options = _parser().parse_args(arguments)
    try:
        text = _run(options)
    except DemandError as error:
        print(f"scale: {error}", file=sys.stderr)
        return 2
    print(text)
    return 0


def _run(options: argparse.Namespace) -> str:
    units = load_units()
    if options.what == "tables":
        parts = [table(COLUMNS, units)]
        largest = plan(*COLUMNS[-1], units)
        return "\n\n".join([*parts, table_of_limits(largest), table_of_variants(largest)])
    demand, setup = _demand(options), _setup(options)
    made = plan(demand, setup, units)
    if options.what == "simulate":
        gc.disable()  # there are no cycles, and many small tuples to look through for them
        placed = place(made, setup.placement, options.seed)
        losses = dict.fromkeys(options.loss or ("process", "machine"))
        comebacks = {
            loss: come_back(made, placed, setup.placement, loss, options.seed) for loss in losses
        }
        text = describe_simulation(made, placed, comebacks)
    else:
        text = describe(made)
    return f"{text}\n\n{describe_sources(units)}" if options.sources else text


def _demand(options: argparse.Namespace) -> Demand:
    return Demand(
        sockets=options.sockets,
        tenants=options.tenants,
        events=options.events,
        payload=options.payload,
        to_user=options.to_user,
        in_rooms=options.in_rooms,
        tail=options.tail,
        largest=options.largest,
        source=options.source,
    )


def _setup(options: argparse.Namespace) -> Setup:
    return Setup(
        target=options.target,
        after_loss=options.after_loss,
        brokers=options.brokers,
        machine_nodes=options.machine_nodes,
        placement=options.placement,
        slack=options.slack,
        nodes=options.nodes,
        partitions=options.partitions,
        window=None if options.window is None else options.window * 1024**2,
    )


def _parser() -> argparse.ArgumentParser:
    demand, setup = Demand(), Setup()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale", description=__doc__.partition("\n\n")[0]
    )
    add = parser.add_argument
    add("what", nargs="?", choices=("plan", "simulate", "tables"), default="plan")
    add("--sockets", type=int, default=demand.sockets)
    add("--tenants", type=int, default=demand.tenants)
    add("--events", type=float, default=demand.events, help="per second, of all tenants")
    add("--payload", type=int, default=demand.payload, help="bytes")
    add("--to-user", type=float, default=demand.to_user, help="part of the events for one socket")
    add("--in-rooms", type=float, default=demand.in_rooms, help="part of the sockets in rooms")
    add("--tail", type=float, default=demand.tail, help="exponent of the tenants' sizes")
    add("--largest", type=int, default=demand.largest, help="sockets of a tenant at most")
    add("--source", choices=("queue", "api", "exchange"), default=demand.source)
    add("--target", type=float, default=setup.target, help="part of a core that a node is busy")
    add("--after-loss", type=float, default=setup.after_loss, help="without one of the machines")
    add("--brokers", type=int, default=setup.brokers)
    add("--machine-nodes", type=int, default=setup.machine_nodes, help="nodes on one machine")
    add("--placement", choices=("random", "sticky"), default=setup.placement)
    add("--slack", type=float, default=setup.slack, help="of sticky placement's bound")
    add("--nodes", type=int, help="instead of as many as it takes")
    add("--partitions", type=int, help="instead of as many as it takes")
    add("--window", type=float, help="window.bytes, in MiB")
    add("--loss", action="append", choices=("process", "machine", "all"), help="simulate this")
    add("--seed", type=int, default=1)
    add("--sources", action="store_true", help="print what every figure is worth")
    return parser


if __name__ == "__main__":
    sys.exit(main())
