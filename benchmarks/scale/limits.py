"""What breaks first: for each part, the load at which it does, the rest staying as it is."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from benchmarks.scale.model import Plan
from benchmarks.scale.storm import Loss, Storm

__all__ = ["Limit", "limits"]

SLOW_START = 60.0
"""Seconds from which on the start of a node counts as too slow."""


class Limit(NamedTuple):
    """A part that breaks.

    Attributes:
        what: What happens.
        at: The load from which on it does, in ``unit``.
        load: The load that is asked for.
        remedy: What moves the limit.
    """

    what: str
    at: float
    load: float
    unit: str
    remedy: str

    @property
    def room(self) -> float:
        """The limit over the load: below 1 it is broken."""
        return self.at / self.load if self.load else inf


def limits(plan: Plan, storms: Mapping[Loss, Storm]) -> list[Limit]:
    """Return the limits, the first to break first; ``storms`` has one for each kind of loss."""
    found = [
        *_window_limits(plan, storms["process"], storms["machine"]),
        *_log_limits(plan),
        *_node_limits(plan),
        *_storm_limits(plan, storms),
    ]
    return sorted(found, key=lambda limit: limit.room)


def _window_limits(plan: Plan, process: Storm, machine: Storm) -> list[Limit]:
    units, demand = plan.units, plan.demand
    counted = units.counted_bytes(demand.payload)
    part = plan.events_seen / demand.events
    share = demand.largest_size / demand.sockets

    def events(seconds: float) -> float:
        return plan.window_bytes / (counted * seconds * part)

    return [
        Limit(
            "the window is shorter than window.age",
            *(events(units["window_age"]), demand.events, "events/s", "window.bytes"),
        ),
        Limit(
            "clients of a lost machine are not recovered",
            *(events(machine.last), demand.events, "events/s", "window.bytes"),
        ),
        Limit(
            "clients of a lost process are not recovered",
            *(events(process.last), demand.events, "events/s", "window.bytes"),
        ),
        Limit(
            "clients of the largest tenant are not recovered after a machine's loss",
            units["window_tenant_bytes"] / (counted * machine.last * share),
            *(demand.events, "events/s", "window.tenant_bytes"),
        ),
    ]


def _log_limits(plan: Plan) -> list[Limit]:
    units, demand = plan.units, plan.demand
    read_back = units["read_back"] * units["window_age"]
    stored = units.stored_bytes(demand.payload)
    kept = plan.partitions * units["log_max_bytes"] / (stored * read_back)
    network = plan.setup.brokers * units["broker_network"] * plan.setup.target
    out = network / plan.broker_out_bytes * demand.events
    rate, top = units["partition_rate"], units["max_partitions"]
    found = [
        Limit(
            "the streams are shorter than what a node reads when it starts",
            *(kept, demand.events, "events/s", "log.max_bytes"),
        ),
        Limit(
            "the brokers' network is full: every node reads everything",
            *(out, demand.events, "events/s", "brokers; nodes that read less"),
        ),
    ]
    if demand.source == "queue":
        one = units["consume_rate"] * plan.setup.target
        found.append(
            Limit("one queue is consumed by one node", one, demand.events, "events/s", "queues")
        )
    if demand.source != "exchange":
        found += [
            Limit("one stream", rate, demand.events, "events/s", "log.partitions"),
            Limit("log.partitions ends at 64", top * rate, demand.events, "events/s", "the code"),
        ]
    return found


def _node_limits(plan: Plan) -> list[Limit]:
    units, demand = plan.units, plan.demand
    full = demand.events / plan.follow_share  # rate at which a core does nothing but follow
    read_back = units["read_back"] * units["window_age"]
    slow = full * SLOW_START / (SLOW_START + read_back)
    in_rooms, less_one = demand.in_rooms, 1 - 1 / plan.nodes
    remembered = units.remembered(plan.window_bytes)
    remedy = "nodes that read less"
    found = [
        Limit(
            f"a node takes more than {SLOW_START:.0f} s to start",
            *(slow, demand.events, "events/s", "window.age; " + remedy),
        ),
        Limit(
            "following alone fills a node, however many there are",
            *(full * plan.setup.target, demand.events, "events/s", remedy),
        ),
        Limit(
            "floors of quiet tenants are forgotten",
            *(remembered, demand.tenants, "tenants", "window.bytes"),
        ),
    ]
    if in_rooms and less_one:
        elsewhere = in_rooms * less_one
        buried = units["buried_each"] * remembered
        found += [
            Limit(
                "rooms of sockets on other nodes are forgotten; some are not recovered elsewhere",
                *(remembered / elsewhere, demand.sockets, "sockets", "window.bytes"),
            ),
            Limit(
                "so many that hardly anybody is recovered elsewhere",
                (remembered + buried) / elsewhere,
                *(demand.sockets, "sockets", "window.bytes"),
            ),
        ]
    return found


def _storm_limits(plan: Plan, storms: Mapping[Loss, Storm]) -> list[Limit]:
    sockets = plan.demand.sockets
    whats: dict[Loss, str] = {
        "machine": "a machine is lost: nodes do little but refuse",
        "all": "all connections are lost: nodes do little but refuse",
    }
    return [
        Limit(
            what,
            storms[loss].settles / storms[loss].lost * sockets,
            *(sockets, "sockets", "nodes; longer pauses of the clients"),
        )
        for loss, what in whats.items()
    ]
