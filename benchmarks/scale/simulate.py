"""The simulation: sockets placed one by one, a node lost, its clients coming back one by one.

It shares the demand and the unit costs with the model, and none of its formulas.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from dataclasses import dataclass
from statistics import mean

from benchmarks.scale.demand import DemandError
from benchmarks.scale.model import Placement, Plan
from benchmarks.scale.storm import BACKOFF, Loss

__all__ = ["Comeback", "Placed", "come_back", "place"]

PATIENCE = 600.0
"""Seconds after which a client counts as back, so that a storm without an end has one here."""

_MASK = (1 << 64) - 1


@dataclass(frozen=True)
class Placed:
    """Where every tenant's sockets are.

    Attributes:
        where: For each tenant, sockets by node.
        loads: Sockets by node.
        pairs: Nodes with an audience for a mean event.
        busiest: Events with an audience on the node that has most of them, over the mean.
    """

    where: list[dict[int, int]]
    loads: list[int]
    pairs: float
    busiest: float

    @property
    def fullest(self) -> float:
        """Sockets of the fullest node, over the mean."""
        return max(self.loads) / mean(self.loads)


@dataclass(frozen=True)
class Comeback:
    """What a loss costs.

    Attributes:
        lost: Sockets without a node.
        takers: Nodes that got some of them.
        fullest: What the node that got most of them got, over the mean of all that are left.
        half, most, all: Seconds after the loss until so many (50 %, 99 %) are back.
        refused: Attempts for which there was no place.
        missed: Events that had one of them in their audience, counted by client.
        recovered: Part of the clients that got all of that.
        longest: Seconds that the last was away.
    """

    lost: int
    takers: int
    fullest: float
    half: float
    most: float
    all: float
    refused: int
    missed: float
    recovered: float
    longest: float


def place(plan: Plan, placement: Placement, seed: int) -> Placed:
    """Place every socket on one of the plan's nodes.

    ``random`` stands for a load balancer that knows nothing of tenants: each socket goes to a node
    with the fewest. ``sticky`` is rendezvous hashing with bounded load: to the first node in its
    tenant's own order that is not full.
    """
    chance = random.Random(seed)
    sizes = [size for size, count in plan.demand.sizes.items() for _ in range(count)]
    chance.shuffle(sizes)
    if placement == "random":
        where = _by_fewest(sizes, plan.nodes, chance)
    else:
        where = _by_hash(sizes, plan.nodes, plan.setup.slack, seed)
    loads = [0] * plan.nodes
    for own in where:
        for node, count in own.items():
            loads[node] += count
    return Placed(where, loads, *_event_figures(plan, where))


def _by_fewest(sizes: list[int], nodes: int, chance: random.Random) -> list[dict[int, int]]:
    """Sockets of all tenants come in any order; each node in turn gets one."""
    order = [tenant for tenant, size in enumerate(sizes) for _ in range(size)]
    chance.shuffle(order)
    where: list[dict[int, int]] = [{} for _ in sizes]
    for number, tenant in enumerate(order):
        node, own = number % nodes, where[tenant]
        own[node] = own.get(node, 0) + 1
    return where


def _by_hash(sizes: list[int], nodes: int, slack: float, seed: int) -> list[dict[int, int]]:
    bound = -int(-(1 + slack) * sum(sizes) // nodes)
    salts = _salts(nodes, seed)
    room = [bound] * nodes
    where: list[dict[int, int]] = []
    for tenant, size in enumerate(sizes):
        own: dict[int, int] = {}
        best = max(range(nodes), key=lambda node: _weight(tenant, salts[node]))
        order = [best] if room[best] >= size else _order(tenant, salts)
        for node in order:
            taken = min(size, room[node])
            if taken:
                own[node] = taken
                room[node] -= taken
                size -= taken
            if not size:
                break
        where.append(own)
    return where


def _salts(nodes: int, seed: int) -> list[int]:
    chance = random.Random(f"{seed} nodes")
    return [chance.getrandbits(64) | 1 for _ in range(nodes)]


def _weight(tenant: int, salt: int) -> int:
    mixed = ((tenant + 1) * salt) & _MASK
    return ((mixed ^ (mixed >> 29)) * 0xBF58476D1CE4E5B9) & _MASK


def _order(tenant: int, salts: list[int]) -> list[int]:
    """Return the nodes in a tenant's own order: without one of them, the others keep theirs."""
    return sorted(range(len(salts)), key=lambda node: -_weight(tenant, salts[node]))


def _event_figures(plan: Plan, where: list[dict[int, int]]) -> tuple[float, float]:
    """Return nodes with an audience per event, and the busiest node's part over the mean."""
    to_user, sockets = plan.demand.to_user, plan.demand.sockets
    pairs, by_node = 0.0, [0.0] * plan.nodes
    for own in where:
        size = sum(own.values())
        for node, count in own.items():
            # An event is this tenant's in `size` of `sockets` cases, and for one of its sockets
            # or for all of them.
            here = size / sockets * (to_user * count / size + 1 - to_user)
            by_node[node] += here
            pairs += here
    return pairs, max(by_node) / (pairs / plan.nodes)


# A loss


def come_back(plan: Plan, placed: Placed, placement: Placement, loss: Loss, seed: int) -> Comeback:
    """Take nodes away and let their clients come back.

    Raises:
        DemandError: Nobody would be left.
    """
    chance = random.Random(seed)
    gone = _gone(plan, loss, chance)
    left = [node for node in range(plan.nodes) if node not in gone] or list(gone)
    clients = [
        tenant
        for tenant, own in enumerate(placed.where)
        for node, count in own.items()
        if node in gone
        for _ in range(count)
    ]
    targets = _targets(plan, placed, placement, clients, left, seed, chance)
    back, refused = _return_all(plan, loss, targets, len(left), chance)
    got = Counter(targets)
    missed, recovered = _missed(plan, placed, clients, back, chance)
    times = sorted(back)
    return Comeback(
        lost=len(clients),
        takers=len(got),
        fullest=max(got.values()) / (len(clients) / len(left)),
        half=times[len(times) // 2],
        most=times[int(len(times) * 0.99)],
        all=times[-1],
        refused=refused,
        missed=missed,
        recovered=recovered,
        longest=times[-1],
    )


def _gone(plan: Plan, loss: Loss, chance: random.Random) -> frozenset[int]:
    if loss == "all":
        return frozenset(range(plan.nodes))
    count = 1 if loss == "process" else plan.setup.machine_nodes
    if count >= plan.nodes:
        raise DemandError(
            f"--loss {loss} takes {count} of {plan.nodes} nodes, and nobody is left; "
            "give more --nodes or fewer --machine-nodes"
        )
    first = chance.randrange(plan.nodes)
    return frozenset((first + number) % plan.nodes for number in range(count))


def _targets(
    plan: Plan,
    placed: Placed,
    placement: Placement,
    clients: list[int],
    left: list[int],
    seed: int,
    chance: random.Random,
) -> list[int]:
    """Return where each client goes: an index into ``left``."""
    if placement == "random":
        return [chance.randrange(len(left)) for _ in clients]
    bound = -int(-(1 + plan.setup.slack) * plan.demand.sockets // len(left))
    is_all = len(left) == plan.nodes
    room = {node: bound - (0 if is_all else placed.loads[node]) for node in left}
    index = {node: at for at, node in enumerate(left)}
    salts = _salts(plan.nodes, seed)
    orders: dict[int, list[int]] = {}
    targets = []
    for tenant in clients:
        order = orders.get(tenant)
        if order is None:
            order = orders[tenant] = [node for node in _order(tenant, salts) if node in index]
        while room[order[0]] <= 0 and len(order) > 1:
            order.pop(0)
        room[order[0]] -= 1
        targets.append(index[order[0]])
    return targets


def _return_all(
    plan: Plan, loss: Loss, targets: list[int], nodes: int, chance: random.Random
) -> tuple[list[float], int]:
    """Return when each client is back, in seconds after the loss, and how many were refused."""
    units = plan.units
    gone = plan.nodes - nodes
    spare = 1 - plan.follow_share if loss == "all" else plan.spare_without(gone)
    work, refusal = units["comeback"] / spare / 1e6, units["refusal"] / spare / 1e6
    comers: list[list[int]] = [[] for _ in range(nodes)]
    for client, node in enumerate(targets):
        comers[node].append(client)
    back, refused = [PATIENCE] * len(targets), 0
    for own in comers:
        first = []
        for client in own:
            noticed = 0.0
            if loss == "machine":
                noticed = units["ping_timeout"] + chance.random() * units["ping_interval"]
            first.append((noticed + _pause(0, chance), client, 0))
        refused += _let_in(first, work, refusal, units["waiting"] * work, back, chance)
    return back, refused


def _let_in(
    attempts: list[tuple[float, int, int]],
    work: float,
    refusal: float,
    longest_wait: float,
    back: list[float],
    chance: random.Random,
) -> int:
    """Let a node's comers in, one after the other; return how many attempts it refused."""
    heapq.heapify(attempts)
    free, refused = 0.0, 0  # when it will be done with those who are waiting
    while attempts and attempts[0][0] < PATIENCE:
        now, client, tries = attempts[0]
        if free - now >= longest_wait:
            free += refusal
            refused += 1
            again = now + _pause(tries + 1, chance)
            heapq.heapreplace(attempts, (again, client, tries + 1))
        else:
            heapq.heappop(attempts)
            free = max(free, now) + work
            back[client] = free
    return refused


def _pause(tries: int, chance: random.Random) -> float:
    """Return what the official client waits before an attempt."""
    first, longest, part = BACKOFF
    return min(longest, first * 2.0**tries * (1 + part * (2 * chance.random() - 1)))


def _missed(
    plan: Plan,
    placed: Placed,
    clients: list[int],
    back: list[float],
    chance: random.Random,
) -> tuple[float, float]:
    """Return events missed, summed over clients, and the part of the clients that got them all."""
    demand, units = plan.demand, plan.units
    each = units.counted_bytes(demand.payload)
    missed, recovered = 0.0, 0
    for tenant, away in zip(clients, back, strict=True):
        size = sum(placed.where[tenant].values())
        rate = demand.events * size / demand.sockets  # of the tenant
        missed += away * rate * (demand.to_user / size + 1 - demand.to_user)
        reach = min(plan.window_reach, units["window_tenant_bytes"] / (rate * each))
        # Let go of: an event of the tenant after the client was lost, and out of reach by now.
        recovered += chance.expovariate(rate) > away - reach
    return missed, recovered / len(clients)
