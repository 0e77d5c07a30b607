"""What the model and the simulation say, as text and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import ceil, inf

from benchmarks.scale.demand import Demand
from benchmarks.scale.limits import limits
from benchmarks.scale.model import Plan, Setup
from benchmarks.scale.simulate import Comeback, Placed
from benchmarks.scale.sizing import plan
from benchmarks.scale.storm import Loss, Storm, storm
from benchmarks.scale.units import Units

__all__ = [
    "describe",
    "describe_simulation",
    "describe_sources",
    "table",
    "table_of_limits",
    "table_of_variants",
    "variants",
]

Row = tuple[str, str]

TENANT_SOCKETS = 3
"""Of a mean tenant in the workload ``tenants-single``."""


def describe(made: Plan) -> str:
    """Return everything about one plan."""
    if not made.is_possible and made.setup.nodes is None:
        full = made.demand.events * made.setup.target / made.follow_share
        reason = (
            f"no number is enough: following the log alone takes {made.follow_share:.0%} of each "
            f"node's core;\n  at {made.setup.target:.0%} a node follows {full:,.0f} events/s"
        )
        return f"Asked for\n{_rows(_demand_rows(made))}\n\nNodes\n  {reason}"
    losses = _losses(made)
    sections = {
        "Asked for": _demand_rows(made),
        "Nodes (a process on a core each)": _node_rows(made),
        "Broker": _broker_rows(made),
        "Window of each node": _window_rows(made, losses),
        "A node is lost": _storm_rows(losses["process"]),
        f"A machine is lost ({made.setup.machine_nodes} nodes)": _storm_rows(losses["machine"]),
        "All connections are lost": _storm_rows(losses["all"]),
    }
    parts = [f"{title}\n{_rows(rows)}" for title, rows in sections.items()]
    parts.append(f"What breaks first\n{_limit_lines(made, losses)}")
    parts.append(f"To go further\n{_rows(_variant_rows(made))}")
    return "\n\n".join(parts)


def describe_sources(units: Units) -> str:
    """Return every figure that went in, with its origin."""
    lines = ["What went in"]
    if "tenant_event" in units.figures:
        expected = units["turn"] + TENANT_SOCKETS * units["delivery"]
        lines.append(
            f"  check: an event to {TENANT_SOCKETS} sockets of one tenant takes {expected:.1f} us; "
            f"the workload tenants-single measured {units['tenant_event']:.1f} us with its emit"
        )
    for name, figure in sorted(units.figures.items(), key=lambda item: (item[1].kind, item[0])):
        value = f"{figure.value:,.4g}" if figure.value < 1000 else f"{figure.value:,.0f}"
        lines.append(f"  {figure.kind:9} {name:22} {value:>14} {figure.unit:12} {figure.source}")
    return "\n".join(lines)


# One plan


def _demand_rows(made: Plan) -> list[Row]:
    demand = made.demand
    largest = f"{demand.largest_size:,} sockets, {demand.largest_rate:,.0f} events/s"
    return [
        ("sockets, tenants", f"{demand.sockets:,}, {demand.tenants:,}"),
        ("events", f"{demand.events:,.0f}/s of {demand.payload} bytes, from: {demand.source}"),
        ("deliveries", f"{demand.deliveries:,.0f}/s; {demand.audience:.1f} for an event"),
        ("largest tenant", largest),
    ]


def _node_rows(made: Plan) -> list[Row]:
    load = made.load
    parts = {
        "following the log": load.following,
        "consuming queues": load.consuming,
        "events' turns": load.turns,
        "deliveries": load.deliveries,
        "heartbeats": load.heartbeats,
    }
    too_few = "" if made.is_possible else " (too few)"
    memory = f"{_size(made.sockets_memory)}, and {_size(made.kernel_memory)} of the kernel's"
    return [
        ("nodes", f"{made.nodes}{too_few}, {made.busy:.0%} busy"),
        ("sockets each", f"{made.sockets_per_node:,.0f}"),
        ("nodes with an audience", f"{made.pairs:.2f} for an event"),
        *((f"cores for {what}", f"{cores:.2f}") for what, cores in parts.items()),
        ("cores in all", f"{load.total:.1f}"),
        ("memory each without window", memory),
        ("to start", f"{_seconds(made.start_seconds)} until the window is filled"),
        ("network to clients", f"{_rate(made.network_out)} in all"),
    ]


def _broker_rows(made: Plan) -> list[Row]:
    read = f"{made.broker_out_events:,.0f} events/s, {_rate(made.broker_out_bytes)}"
    return [
        ("partitions", f"{made.partitions}, with {made.batch:.0f} events in a message"),
        ("queues", f"{made.queues}, a single active consumer each" if made.queues else "none"),
        ("into the log", f"{made.demand.events:,.0f} events/s, {_rate(made.log_bytes)}"),
        ("rooms told again", f"{made.announcements:,.0f} entries/s of the log"),
        ("read by all nodes", read),
        ("cores", f"{made.broker_cores:.1f} without replicas"),
        ("connections", f"{made.broker_connections:,}"),
    ]


def _window_rows(made: Plan, losses: dict[Loss, Storm]) -> list[Row]:
    needs = {f"loss of a {loss}": losses[loss].last for loss in ("process", "machine")}
    needs["all of window.age"] = made.units["window_age"]
    rows = [
        (
            f"{_size(made.window_bytes)} reach back",
            f"{made.window_reach:.1f} s ({made.tenant_reach:.1f} s for the largest tenant) "
            f"and take {_size(made.real_bytes(made.window_bytes))}",
        )
    ]
    for what, seconds in needs.items():
        need = made.window_for(seconds)
        text = f"{_size(need)}, which take {_size(made.real_bytes(need))}" if need < inf else "-"
        rows.append((f"for {what} ({_seconds(seconds)})", text))
    return rows


def _storm_rows(its: Storm) -> list[Row]:
    ratio = its.lost / its.nodes
    return [
        ("sockets without a node", f"{its.lost:,.0f}, {ratio:,.0f} for each that is left"),
        ("handshakes", f"{its.capacity:,.0f}/s"),
        ("all are back", f"after {_range(its)}"),
        ("events missed", f"{its.missed:,.0f}, counted by client"),
        ("clients recovered", f"{its.recovered:.0%} with this window"),
        ("looks at the log's end", f"up to {its.looks:,.0f} messages/s, read by every node"),
    ]


def _limit_lines(made: Plan, losses: dict[Loss, Storm]) -> str:
    found = limits(made, losses)
    return "\n".join(
        f"  {'past' if limit.room < 1 else 'holds':5} x{limit.room:<7.3g} "
        f"{_round(limit.at):>12} {limit.unit:9} {limit.what} [{limit.remedy}]"
        for limit in found
    )


# To go further


def variants(made: Plan) -> dict[str, Plan]:
    """Return the same demand as Tidegate is, and as it might be."""
    demand, units = made.demand, made.units
    now = replace(made.setup, nodes=None)
    sticky = replace(now, placement="sticky")
    setups = {
        "as it is, clients anywhere": replace(now, placement="random"),
        "as it is, tenants stick to nodes": sticky,
        "a machine's nodes share follower and window": replace(now, shares_window=True),
        "nodes follow only what their tenants live in": replace(sticky, follows_all=False),
    }
    return {what: plan(demand, setup, units) for what, setup in setups.items()}


def _variant_rows(made: Plan) -> list[Row]:
    return [
        (
            what,
            f"{one.nodes if one.is_possible else 'no number of'} nodes, "
            f"{one.load.following:.1f} of {one.load.total:.1f} cores follow, "
            f"brokers send {_rate(one.broker_out_bytes)}, "
            f"all windows, to recover from a machine's loss: {_all_windows(one)}",
        )
        for what, one in variants(made).items()
    ]


def _all_windows(made: Plan) -> str:
    seconds = storm(made, "machine").last
    if seconds == inf:
        return "too few nodes to come back to"
    copies = made.nodes
    if made.setup.shares_window:
        copies = ceil(made.nodes / made.setup.machine_nodes)
    return _size(copies * made.real_bytes(made.window_for(seconds)))


# Tables


def table(columns: Sequence[tuple[Demand, Setup]], units: Units) -> str:
    """Return a Markdown table with a column for each demand."""
    plans = [plan(demand, setup, units) for demand, setup in columns]
    cells = [_table_rows(made) for made in plans]
    lines = ["| | " + " | ".join(f"{made.demand.sockets:,} sockets" for made in plans) + " |"]
    lines.append("| --- |" + " ---: |" * len(plans))
    for rows in zip(*cells, strict=True):
        lines.append(f"| {rows[0][0]} | " + " | ".join(value for _, value in rows) + " |")
    return "\n".join(lines)


def _table_rows(made: Plan) -> list[Row]:
    process, machine, whole = (storm(made, loss) for loss in ("process", "machine", "all"))
    load, need = made.load, made.window_for(machine.last)
    follow = f"{load.following:.2f} of {load.total:.2f}"
    return [
        ("tenants; events/s", f"{made.demand.tenants:,}; {made.demand.events:,.0f}"),
        ("deliveries/s", _round(made.demand.deliveries)),
        ("nodes; on a machine", f"{made.nodes}; {made.setup.machine_nodes}"),
        ("cores that only follow the log", follow),
        ("partitions; queues", f"{made.partitions}; {made.queues}"),
        ("into the log", _rate(made.log_bytes)),
        ("out of the brokers, to nodes", _rate(made.broker_out_bytes)),
        ("brokers' cores, without replicas", f"{made.broker_cores:.1f}"),
        ("out to clients", _rate(made.network_out)),
        ("a node's memory: sockets; kernel", _pair(made.sockets_memory, made.kernel_memory)),
        ("64 MiB of window reach back", _seconds(made.window_reach)),
        ("a process is lost: all are back after", _span(process)),
        ("recovered with 64 MiB", f"{process.recovered:.0%}"),
        ("a machine is lost: all are back after", _span(machine)),
        ("recovered with 64 MiB", f"{machine.recovered:.0%}"),
        ("`window.bytes` for that; memory", _pair(need, made.real_bytes(need))),
        ("all connections are lost: back after", _span(whole)),
        ("a node starts in", _seconds(made.start_seconds)),
    ]


def table_of_limits(made: Plan) -> str:
    """Return a Markdown table of what breaks at which load."""
    found = limits(made, _losses(made))
    lines = ["| what breaks | from | of the load | what moves it |", "| --- | ---: | ---: | --- |"]
    lines += [
        f"| {limit.what} | {_round(limit.at)} {limit.unit} | {limit.room:.2g} | {limit.remedy} |"
        for limit in found
    ]
    return "\n".join(lines)


def table_of_variants(made: Plan) -> str:
    """Return a Markdown table of what changes would bring."""
    lines = [
        "| | nodes | cores that follow | of | out of the brokers | all windows |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {what} | {one.nodes} | {one.load.following:.1f} | {one.load.total:.1f} | "
        f"{_rate(one.broker_out_bytes)} | {_all_windows(one)} |"
        for what, one in variants(made).items()
    ]
    return "\n".join(lines)


# The simulation


def describe_simulation(made: Plan, placed: Placed, comebacks: dict[Loss, Comeback]) -> str:
    """Return what was simulated beside what the model says."""
    rows = [
        ("", "model", "simulation"),
        ("nodes with an audience, per event", f"{made.pairs:.3f}", f"{placed.pairs:.3f}"),
        ("fullest node, sockets over the mean", "", f"{placed.fullest:.2f}"),
        ("busiest node, events over the mean", "", f"{placed.busiest:.2f}"),
    ]
    for loss, seen in comebacks.items():
        its = storm(made, loss)
        span = _range(its)
        rows += [
            ("", "", ""),
            (f"lost: {loss}", f"{its.lost:,.0f}", f"{seen.lost:,}"),
            ("nodes that take them", f"{its.nodes}", f"{seen.takers}"),
            ("what the fullest takes, over the mean", "", f"{seen.fullest:.2f}"),
            ("half are back after", "", _seconds(seen.half)),
            ("99 % are back after", "", _seconds(seen.most)),
            ("all are back after", span, _seconds(seen.all)),
            ("refused attempts", "", f"{seen.refused:,}"),
            ("events missed, by client", f"{its.missed:,.0f}", f"{seen.missed:,.0f}"),
            ("recovered", f"{its.recovered:.1%}", f"{seen.recovered:.1%}"),
            (
                "window.bytes for all of them",
                _size(made.window_for(its.last)),
                _size(made.window_for(seen.longest)),
            ),
        ]
    return "\n".join(f"{name:40} {model:>20} {seen:>14}".rstrip() for name, model, seen in rows)


# Small parts


def _losses(made: Plan) -> dict[Loss, Storm]:
    kinds: tuple[Loss, ...] = ("process", "machine", "all")
    return {loss: storm(made, loss) for loss in kinds}


def _rows(rows: Iterable[Row]) -> str:
    return "\n".join(f"  {name:45} {value}" for name, value in rows)


def _pair(first: float, second: float) -> str:
    return f"{_size(first)}; {_size(second)}"


def _range(its: Storm) -> str:
    if its.last == inf:
        return "minutes, if at all"
    return f"{_seconds(its.first)} to {_seconds(its.last)}"


def _span(its: Storm) -> str:
    if its.last == inf:
        return "minutes"
    return f"{its.first:.0f} to {its.last:.0f} s" if its.last >= 3 else f"{its.last:.1f} s"


def _seconds(value: float) -> str:
    if value == inf:
        return "for ever"
    return f"{value:,.0f} s" if value >= 10 else f"{value:.1f} s"


def _size(value: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"


def _rate(value: float) -> str:
    return f"{_size(value)}/s"


def _round(value: float) -> str:
    """Return it with two digits that count: more would say more than is known."""
    if value == inf:
        return "any"
    digits = max(0, len(str(int(value))) - 2)
    return f"{round(value, -digits):,.0f}"
