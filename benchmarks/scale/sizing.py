"""How many nodes: the fewest that bear the load, and the loss of a machine.

That every node follows the whole log makes it ``nodes * target = nodes * following + the rest``.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf

from benchmarks.scale.demand import Demand
from benchmarks.scale.model import Plan, Setup, first_guess, with_nodes
from benchmarks.scale.storm import storm
from benchmarks.scale.units import Units

__all__ = ["plan"]

MAX_NODES = 100_000


def plan(demand: Demand, setup: Setup, units: Units) -> Plan:
    """Return what a demand takes."""
    one = first_guess(demand, setup, units)
    if setup.nodes is not None:
        made = with_nodes(one, setup.nodes)
        return replace(made, is_possible=made.busy <= setup.target)
    if setup.follows_all and one.follow_share >= setup.target:
        return replace(one, is_possible=False)
    return _fewest(one)


def _fewest(one: Plan) -> Plan:
    """Return the plan with the fewest nodes that are enough."""
    low, high = 0, 1
    while not _is_enough(made := with_nodes(one, high)):
        if high > MAX_NODES:
            return replace(made, is_possible=False)
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if _is_enough(with_nodes(one, middle)):
            high = middle
        else:
            low = middle
    return with_nodes(one, high)


def _is_enough(made: Plan) -> bool:
    setup = made.setup
    after_loss = made.busy_without(setup.machine_nodes)
    is_busy = made.busy > setup.target or after_loss > setup.after_loss
    return not is_busy and storm(made, "machine").last < inf
