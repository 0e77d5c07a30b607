"""What is asked for: sockets, tenants of unequal sizes, events and whom they are for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle
from typing import Literal

__all__ = ["Demand", "DemandError", "Source"]

Source = Literal["queue", "api", "exchange"]


class DemandError(ValueError):
    """The demand makes no sense; says which option, and what it may be."""


@dataclass(frozen=True)
class Demand:
    """A load, and how tenants share it.

    Tenants' sizes are a Pareto distribution between one socket and ``largest``; a tenant has its
    share of the events by its share of the sockets.

    Attributes:
        sockets: Connected at once.
        tenants: With at least one socket.
        events: Events per second of all tenants.
        payload: Bytes of an event's payload.
        to_user: Part of the events that is for one socket; the rest is for the whole tenant.
        in_rooms: Part of the sockets that is in resource rooms.
        tail: Exponent of the sizes; the smaller, the more is in the few largest.
        largest: Sockets of a tenant at most.
        source: Where events come from: RabbitMQ queues, the API (one by one), or ``log.exchange``.
    """

    sockets: int = 1_000_000
    tenants: int = 100_000
    events: float = 100_000
    payload: int = 200
    to_user: float = 0.9
    in_rooms: float = 0.1
    tail: float = 1.5
    largest: int = 10_000
    source: Source = "queue"

    def __post_init__(self) -> None:
        for name in ("sockets", "tenants", "events", "payload"):
            if getattr(self, name) <= 0:
                raise DemandError(f"--{name} is {getattr(self, name)}; it must be more than 0")
        for name in ("to_user", "in_rooms"):
            if not 0 <= getattr(self, name) <= 1:
                option = name.replace("_", "-")
                raise DemandError(f"--{option} is {getattr(self, name)}; it is a part: 0 to 1")
        if not 1 < self.tail <= 10:
            raise DemandError(f"--tail is {self.tail}; it must be more than 1 and at most 10")
        if self.tenants > self.sockets:
            raise DemandError(
                f"--tenants {self.tenants} is more than --sockets {self.sockets}; "
                "count the tenants that have somebody connected"
            )
        if self.largest * self.tenants < self.sockets:
            raise DemandError(
                f"--largest {self.largest} is too small: {self.tenants} tenants of that size "
                f"have fewer than {self.sockets} sockets"
            )

    @cached_property
    def sizes(self) -> dict[int, int]:
        """How many tenants have how many sockets, without chance."""
        middles = ((number + 0.5) / self.tenants for number in range(self.tenants))
        return dict(sorted(Counter(_sizes(self, middles)).items()))

    @cached_property
    def members(self) -> float:
        """Sockets of the tenant of a mean event; more than of a mean tenant."""
        return sum(size * size * count for size, count in self.sizes.items()) / self.sockets

    @property
    def audience(self) -> float:
        """Sockets that a mean event is for."""
        return self.to_user + (1 - self.to_user) * self.members

    @property
    def deliveries(self) -> float:
        """Deliveries per second."""
        return self.events * self.audience

    @property
    def largest_size(self) -> int:
        """Sockets of the largest tenant."""
        return max(self.sizes)

    @property
    def largest_rate(self) -> float:
        """Events per second of the largest tenant."""
        return self.events * self.largest_size / self.sockets


def _sizes(demand: Demand, places: Iterable[float]) -> list[int]:
    """Return the sizes at these places (0 to 1) of the distribution, whole and of the right sum."""
    top = min(demand.largest, demand.sockets - demand.tenants + 1)
    least = _least(demand.sockets / demand.tenants, top, demand.tail)
    rest = 1 - (least / top) ** demand.tail
    sizes, carried = [], 0.0
    for place in places:
        size = least * (1 - place * rest) ** (-1 / demand.tail)
        whole = min(top, max(1, round(size + carried)))
        carried += size - whole
        sizes.append(whole)
    _correct(sizes, demand.sockets - sum(sizes), top)
    return sizes


def _least(mean: float, top: float, tail: float) -> float:
    """Return the lower end of a Pareto distribution up to ``top`` that has this mean."""
    if mean >= top:
        return top
    low, high = 0.0, top
    for _ in range(100):
        least = (low + high) / 2
        part = least / top
        its_mean = tail / (tail - 1) * least * (1 - part ** (tail - 1)) / (1 - part**tail)
        low, high = (least, high) if its_mean < mean else (low, least)
    return (low + high) / 2


def _correct(sizes: list[int], missing: int, top: int) -> None:
    """Add what is missing, or take what is too much, one by one."""
    step = 1 if missing > 0 else -1
    for place in cycle(range(len(sizes))):
        if not missing:
            return
        if 1 <= sizes[place] + step <= top:
            sizes[place] += step
            missing -= step
