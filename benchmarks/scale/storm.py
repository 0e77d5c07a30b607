"""What the loss of nodes costs: who notices when, who is back when, what was missed meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, log
from typing import Literal

from benchmarks.scale.model import Plan
from benchmarks.scale.units import Units

__all__ = ["BACKOFF", "Loss", "Storm", "storm"]

Loss = Literal["process", "machine", "all"]
"""One node; a machine with its nodes; all connections at once, as when a load balancer restarts.

The kernel ends the connections of a process that dies, and a load balancer its own, so clients
notice at once. Nobody ends those of a machine that is gone: clients notice when no ping comes.
"""

BACKOFF = (1.0, 5.0, 0.5)
"""Of the official client: first pause and longest, seconds, and the part by which they vary."""

RETRY_SECONDS = 3.5
"""Between two attempts of a client that is refused: pauses of 2, 4 and then 5 seconds, roughly."""

STEPS = 200


@dataclass(frozen=True)
class Storm:
    """The return of clients, in closed form.

    Attributes:
        lost: Sockets without a node.
        nodes: Nodes that take them.
        notice: From when to when clients notice, in seconds after the loss.
        capacity: Handshakes per second of all these nodes.
        first, last: All are back no sooner and no later than this, in seconds after the loss.
        typical: Seconds until a mean client is back.
        missed: Events that had one of them in their audience meanwhile, counted by client.
        recovered: Part of the clients that get all of that.
        settles: Sockets without a node up to which it ends soon; with more, nodes mostly refuse.
        looks: Messages per second that all nodes write to learn where the log ends.
    """

    lost: float
    nodes: int
    notice: tuple[float, float]
    capacity: float
    first: float
    last: float
    typical: float
    missed: float
    recovered: float
    settles: float
    looks: float


def storm(plan: Plan, loss: Loss) -> Storm:
    """Return what a loss costs."""
    units = plan.units
    nodes = {"process": 1, "machine": plan.setup.machine_nodes, "all": plan.nodes}[loss]
    nodes = min(nodes, max(1, plan.nodes - 1)) if loss != "all" else plan.nodes
    takers = plan.nodes if loss == "all" else max(1, plan.nodes - nodes)
    lost = plan.demand.sockets * nodes / plan.nodes
    spare = 1 - plan.follow_share if loss == "all" else plan.spare_without(nodes)
    capacity = takers * spare / units["comeback"] * 1e6
    notice = (0.0, 0.0)
    if loss == "machine":
        notice = (units["ping_timeout"], units["ping_interval"] + units["ping_timeout"])
    first, last, typical = _returns(lost, takers, capacity, notice, units)
    return Storm(
        lost=lost,
        nodes=takers,
        notice=notice,
        capacity=capacity,
        first=first,
        last=last,
        typical=typical,
        missed=lost * typical * plan.demand.deliveries / plan.demand.sockets,
        recovered=_recovered(plan, notice[0] + BACKOFF[0] * (1 - BACKOFF[2]), typical),
        settles=_settles(takers, capacity, notice, units),
        looks=takers * plan.partitions / units["look"],
    )


def _returns(
    lost: float, takers: int, capacity: float, notice: tuple[float, float], units: Units
) -> tuple[float, float, float]:
    """Return when all are back, at the earliest and at the latest, and a mean client's time.

    They come within the variation of the first pause (and of noticing). If that is too fast, they
    wait in a node's queue; if that is full, they are refused, pause longer, and every refusal takes
    time from those who are let in: ``dU/dt = -capacity + slowing * U`` for the ``U`` not back yet.
    """
    pause, longest, part = BACKOFF
    begin, end = notice[0] + pause * (1 - part), notice[1] + pause * (1 + part)
    queue = units["waiting"] * takers
    if lost <= capacity * (end - begin) + queue:
        first = max(end, begin + lost / capacity)
        return first, first + min(lost, queue) / capacity, (begin + first) / 2
    if lost >= _settles(takers, capacity, notice, units):
        return inf, inf, inf
    slowing = _slowing(units)
    working = -log(1 - slowing * lost / capacity) / slowing
    refused = 1 - (capacity * (end - begin) + queue) / lost  # they pause while there is a place
    typical = begin + (capacity * working / lost - 1) / slowing + refused * RETRY_SECONDS / 2
    last = begin + working + queue / capacity + longest * (1 + part)
    return begin + working, last, typical


def _settles(takers: int, capacity: float, notice: tuple[float, float], units: Units) -> float:
    """Return how many can come back at all: their refusals must leave time to let some in."""
    spread = notice[1] - notice[0] + 2 * BACKOFF[0] * BACKOFF[2]
    return max(capacity * spread + units["waiting"] * takers, capacity / _slowing(units))


def _slowing(units: Units) -> float:
    """Return by how much each client that is not back slows the others: handshakes per second."""
    return units["refusal"] / units["comeback"] / RETRY_SECONDS


def _recovered(plan: Plan, soonest: float, typical: float) -> float:
    """Return the part of the clients that can be given all that they missed.

    A client can if nothing of its tenant's was let go of since it was lost. A quiet tenant's
    clients are lucky that way even if the window reaches back for less time than they were away.
    """
    if typical == inf:
        return 0.0
    demand, counted = plan.demand, plan.units.counted_bytes(plan.demand.payload)
    total = 0.0
    for size, count in demand.sizes.items():
        rate = demand.events * size / demand.sockets
        reach = min(plan.window_reach, plan.units["window_tenant_bytes"] / (rate * counted))
        mean = 0.0
        for step in range(STEPS):  # times away, spread evenly around the typical one
            away = soonest + 2 * (typical - soonest) * (step + 0.5) / STEPS
            mean += exp(-rate * max(0.0, away - reach)) / STEPS
        total += size * count * mean
    return total / demand.sockets
