"""The model: how many nodes a demand takes, what each of them and the broker has to bear.

A *node* is one worker process on one core. Every node follows the whole log, so following costs
each of them the same however many there are; turns and deliveries are shared out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import ceil, inf
from typing import Literal

from benchmarks.scale.demand import Demand, DemandError
from benchmarks.scale.units import Units

__all__ = ["Load", "Placement", "Plan", "Setup", "first_guess", "with_nodes"]

Placement = Literal["random", "sticky"]


@dataclass(frozen=True)
class Setup:
    """How the gateway is run.

    Attributes:
        target: Part of a core that a node may be busy; what is left takes peaks and reconnects.
        after_loss: The same when a machine is gone, before another has taken its place.
        brokers: In the cluster.
        machine_nodes: Nodes on one machine, which are lost together.
        placement: Clients go to any node (random, which least connections comes to), or a
            tenant's to one (sticky: rendezvous hashing with bounded load).
        slack: By what a node may have more sockets than the mean, if they stick.
        nodes: How many, instead of as many as it takes.
        partitions: How many, instead of as many as it takes.
        window: Bytes that ``window.bytes`` allows; None for its default.
        follows_all: Whether every node reads all partitions, as it is now.
        shares_window: Whether a machine's nodes share one follower and one window; not so now.
    """

    target: float = 0.6
    after_loss: float = 0.85
    brokers: int = 3
    machine_nodes: int = 4
    placement: Placement = "random"
    slack: float = 0.25
    nodes: int | None = None
    partitions: int | None = None
    window: float | None = None
    follows_all: bool = True
    shares_window: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.target < 1:
            raise DemandError(f"--target is {self.target}; it is a part of a core: between 0 and 1")
        for name in ("brokers", "machine_nodes", "nodes", "partitions", "window"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                option = name.replace("_", "-")
                raise DemandError(f"--{option} is {value}; it must be more than 0")
        if not self.target <= self.after_loss < 1:
            raise DemandError(f"--after-loss is {self.after_loss}; it must be from --target to 1")
        if self.slack <= 0:
            raise DemandError(f"--slack is {self.slack}; it must be more than 0")


@dataclass(frozen=True)
class Load:
    """Cores that all nodes together are busy, by what with.

    Attributes:
        following: Reading the log, keeping the window.
        consuming: From queues into the log; without reading it back.
        turns: Events that have an audience on a node.
        deliveries: One write for each.
        heartbeats: Pings and pongs.
    """

    following: float
    consuming: float
    turns: float
    deliveries: float
    heartbeats: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.following + self.consuming + self.turns + self.deliveries + self.heartbeats


@dataclass(frozen=True)
class Plan:
    """What a demand takes. Rates are per second; sizes are bytes.

    Attributes:
        nodes: Processes, a core each.
        is_possible: Whether any number of nodes is enough; else ``nodes`` is what was asked for,
            or none.
        queues: RabbitMQ queues needed, each with a single active consumer.
        batch: Events in a message of the stream.
        pairs: Nodes with an audience for a mean event.
        announcements: Control entries that tell of sockets in resource rooms.
    """

    demand: Demand
    setup: Setup
    units: Units = field(repr=False)
    nodes: int
    is_possible: bool
    partitions: int
    queues: int
    batch: float
    pairs: float
    load: Load
    announcements: float

    # A node

    @property
    def busy(self) -> float:
        """Part of its core that a mean node is busy."""
        return self.load.total / self.nodes

    @property
    def follow_share(self) -> float:
        """Part of its core that a node needs for following alone."""
        return self.load.following / self.nodes

    @property
    def sockets_per_node(self) -> float:
        """On a mean node."""
        return self.demand.sockets / self.nodes

    @property
    def window_bytes(self) -> float:
        """What ``window.bytes`` allows."""
        return self.setup.window or self.units["window_bytes"]

    @property
    def events_seen(self) -> float:
        """Events per second in a node's window."""
        return self.demand.events * _part_followed(self.setup, self.nodes)

    @property
    def window_reach(self) -> float:
        """Seconds that a node's window reaches back at this rate."""
        counted = self.units.counted_bytes(self.demand.payload)
        reach = self.window_bytes / (self.events_seen * counted)
        return min(reach, self.units["window_age"])

    @property
    def tenant_reach(self) -> float:
        """Seconds that it reaches back for the largest tenant."""
        counted = self.units.counted_bytes(self.demand.payload)
        reach = self.units["window_tenant_bytes"] / (self.demand.largest_rate * counted)
        return min(reach, self.window_reach)

    def window_for(self, seconds: float) -> float:
        """Return the ``window.bytes`` that reaches back so far."""
        return self.events_seen * seconds * self.units.counted_bytes(self.demand.payload)

    def real_bytes(self, window: float) -> float:
        """Return the memory that a full window takes; more than it counts for."""
        payload = self.demand.payload
        delivered = min(1.0, self.pairs / self.nodes / _part_followed(self.setup, self.nodes))
        kept = self.units.kept_bytes(payload, is_delivered=False)
        framed = self.units.kept_bytes(payload, is_delivered=True)
        each = kept + (framed - kept) * delivered
        return window / self.units.counted_bytes(payload) * each

    @property
    def sockets_memory(self) -> float:
        """Memory of a node's sockets and of the process itself."""
        return self.units["process_bytes"] + self.sockets_per_node * self.units["socket_bytes"]

    @property
    def kernel_memory(self) -> float:
        """The kernel's memory for a node's sockets while they are idle."""
        return self.sockets_per_node * self.units["kernel_socket_bytes"]

    @property
    def start_seconds(self) -> float:
        """Seconds until a node that starts has filled its window and caught up."""
        share = self.follow_share
        if share >= 1:
            return inf
        return self.units["read_back"] * self.units["window_age"] * share / (1 - share)

    # Broker and network

    @property
    def log_bytes(self) -> float:
        """Bytes per second into the log, one copy."""
        events = self.demand.events * self.units.stored_bytes(self.demand.payload)
        return events + self.announcements * self.units["control_bytes"]

    @property
    def broker_out_events(self) -> float:
        """Events per second that the brokers send to nodes."""
        return self.nodes * self.events_seen * _copies(self.demand, self.partitions)

    @property
    def broker_out_bytes(self) -> float:
        """Bytes per second that the brokers send to nodes."""
        part = _part_followed(self.setup, self.nodes) * _copies(self.demand, self.partitions)
        return _followers(self) * self.log_bytes * part

    @property
    def broker_cores(self) -> float:
        """Cores of the brokers, with one replica of everything."""
        reading = self.units.broker_read(self.batch)
        if self.demand.source == "exchange":
            reading = self.units["broker_read_foreign"]
        out = self.broker_out_events * _followers(self) / self.nodes * reading
        queued = self.units["broker_queue"] if self.demand.source == "queue" else 0
        return (out + self.demand.events * queued) / 1e6

    @property
    def broker_connections(self) -> int:
        """Connections to the brokers: each node reads and writes each partition."""
        return self.nodes * (2 * self.partitions + 2)

    @property
    def network_out(self) -> float:
        """Bytes per second to clients, heartbeats and packets' heads included."""
        head = self.units["packet_bytes"]
        events = self.demand.deliveries * (self.units.wire_bytes(self.demand.payload) + head)
        # A ping, and the acknowledgement of the pong that comes back.
        beats = self.demand.sockets / self.units["ping_interval"] * (3 + 2 * head)
        return events + beats

    # Loss of nodes

    def busy_without(self, lost: int) -> float:
        """Return the part of its core that a node is busy without so many; infinite if all go."""
        left = self.nodes - lost
        shared = self.load.total - self.load.following
        return self.follow_share + shared / left if left > 0 else inf

    def spare_without(self, lost: int) -> float:
        """Return the part of its core that a node has left for clients that come back."""
        return max(0.05, 1 - self.busy_without(lost))


def first_guess(demand: Demand, setup: Setup, units: Units) -> Plan:
    """Return the plan for one node; ``with_nodes`` makes others of it."""
    partitions = setup.partitions or _partitions(demand, setup, units)
    return with_nodes(
        Plan(
            demand=demand,
            setup=setup,
            units=units,
            nodes=1,
            is_possible=True,
            partitions=partitions,
            queues=_queues(demand, setup, units),
            batch=_batch(demand, partitions, units),
            pairs=1.0,
            load=Load(0, 0, 0, 0, 0),
            announcements=2 * demand.in_rooms * demand.sockets / units["window_age"],
        ),
        1,
    )


def with_nodes(other: Plan, nodes: int) -> Plan:
    """Return the same plan for so many nodes."""
    demand, setup, units = other.demand, other.setup, other.units
    pairs = _pairs_per_event(demand, setup, nodes)
    made = replace(other, nodes=nodes, pairs=pairs)
    read = demand.events * _follow_cost(made) + other.announcements * units["follow_batched"]
    consume = max(0.0, units["consume"] - units["follow_batched"])
    beats = demand.sockets / units["ping_interval"]
    load = Load(
        following=_followers(made) * read * _part_followed(setup, nodes) / 1e6,
        consuming=demand.events * consume / 1e6 if demand.source == "queue" else 0.0,
        turns=demand.events * pairs * units["turn"] / 1e6,
        deliveries=demand.deliveries * units["delivery"] / 1e6,
        heartbeats=beats * units["heartbeat"] / 1e6,
    )
    return replace(made, load=load)


def _pairs_per_event(demand: Demand, setup: Setup, nodes: int) -> float:
    """Return the nodes on which a mean event has an audience."""
    total = 0.0
    for size, count in demand.sizes.items():
        total += size * count * _nodes_of_tenant(size, demand, setup, nodes)
    return demand.to_user + (1 - demand.to_user) * total / demand.sockets


def _nodes_of_tenant(size: int, demand: Demand, setup: Setup, nodes: int) -> float:
    if setup.placement == "sticky":
        room = (1 + setup.slack) * demand.sockets / nodes
        return min(nodes, max(1.0, size / room))
    return nodes * (1 - (1 - 1 / nodes) ** size)


def _followers(made: Plan) -> float:
    """Return how many follow the log: the nodes, or one on each machine."""
    if made.setup.shares_window:
        return ceil(made.nodes / made.setup.machine_nodes)
    return made.nodes


def _part_followed(setup: Setup, nodes: int) -> float:
    """Return the part of the log that a node reads."""
    return 1.0 if setup.follows_all else min(1.0, (1 + setup.slack) / nodes)


def _follow_cost(made: Plan) -> float:
    if made.demand.source == "exchange":
        return made.units["follow_foreign"] * _copies(made.demand, made.partitions)
    return made.units.follow(made.batch)


def _copies(demand: Demand, partitions: int) -> int:
    """Return how often an event is in the log: an exchange puts it into every partition."""
    return partitions if demand.source == "exchange" else 1


def _partitions(demand: Demand, setup: Setup, units: Units) -> int:
    needed = ceil(demand.events / units["partition_rate"])
    if demand.source == "exchange":
        return 1  # every further one would be a further copy for every node to open
    brokers = setup.brokers if needed > 1 else 1
    return min(int(units["max_partitions"]), ceil(needed / brokers) * brokers)


def _queues(demand: Demand, setup: Setup, units: Units) -> int:
    if demand.source != "queue":
        return 0
    return ceil(demand.events / (units["consume_rate"] * setup.target))


def _batch(demand: Demand, partitions: int, units: Units) -> float:
    """Return the events in a message of the stream.

    A queue's messages gather while the batch before them is appended, and are then parted by
    partition. The API's are taken one by one.
    """
    if demand.source != "queue":
        return 1.0
    seconds = (units["through_log"] - units["without_log"]) / 1000
    rate = min(demand.events, units["consume_rate"])
    gathered = min(units["max_append"], rate * seconds)
    return max(1.0, gathered / partitions)
