"""A way in for clients: what its connections share, whoever accepts them."""

from __future__ import annotations

import asyncio
import random
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from tidegate.deadlines import DeadlineWheel
from tidegate.hub import Hub
from tidegate.protocol.connection import ConnectionConfig
from tidegate.transports.base import Connection, ConnectionHandler
from tidegate.transports.doorkeeper import Doorkeeper

__all__ = ["GOING_AWAY", "Entrance", "Wiring"]

GOING_AWAY = 1001

ConnectionType = TypeVar("ConnectionType", bound=Connection)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What an entrance is wired to.

    Attributes:
        handler: The application.
        hub: Told when a connection can be written to again.
        doorkeeper: Decides on upgrades.
        core_config: Heartbeats and bounds of the protocol.
        write_buffer: Unsent bytes at which a client counts as slow.
        upgrade_timeout: Seconds for a complete request.
        clock: Monotonic seconds.
    """

    handler: ConnectionHandler
    hub: Hub
    doorkeeper: Doorkeeper
    core_config: ConnectionConfig
    write_buffer: int
    upgrade_timeout: float
    clock: Callable[[], float] = time.monotonic


class Entrance(ABC, Generic[ConnectionType]):
    """Keeps the connections of one way in.

    Args:
        wiring: Its parts become attributes: connections look there for each message.
        on_due: Called for a connection at its deadlines (see `DeadlineWheel`).

    Attributes:
        connections: Those that are open or closing.
        closes: How many connections ended, by reason.
        first_look: Seconds after which a new connection's deadlines are looked at.
    """

    def __init__(
        self, wiring: Wiring, on_due: Callable[[ConnectionType, float], float | None]
    ) -> None:
        core_config = wiring.core_config
        self.handler = wiring.handler
        self.hub = wiring.hub
        self.doorkeeper = wiring.doorkeeper
        self.core_config = core_config
        self.write_buffer = wiring.write_buffer
        self.upgrade_timeout = wiring.upgrade_timeout
        self.clock = wiring.clock
        # A connection is filed once, before its deadlines are known: so near that none is missed.
        self.first_look = min(
            wiring.upgrade_timeout, core_config.connect_timeout, core_config.ping_interval / 2
        )
        self.connections: set[ConnectionType] = set()
        self.closes: Counter[str] = Counter()
        self.wheel = DeadlineWheel(on_due, tick=_tick(core_config), clock=wiring.clock)

    @abstractmethod
    async def drain(self, seconds: float) -> None:
        """Let nobody in any more, and close the connections spread over ``seconds``."""

    @abstractmethod
    async def stop(self) -> None:
        """Cut what is left and let go of everything."""

    async def close_all(self, seconds: float) -> None:
        """Close the connections spread over ``seconds`` with jitter.

        They are closed without a DISCONNECT packet, so that their clients come back elsewhere.
        """
        waiting = list(self.connections)
        random.shuffle(waiting)
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for index, connection in enumerate(waiting):
            share = (index + random.random()) / len(waiting)
            delay = begin + share * seconds - loop.time()
            if delay > 0:
                await asyncio.sleep(delay)
            connection.close("going away", GOING_AWAY)

    def first_ping(self) -> float:
        """Return seconds to the first heartbeat, up to a fifth early to spread a storm."""
        return self.core_config.ping_interval * random.uniform(0.8, 1.0)


def _tick(config: ConnectionConfig) -> float:
    return min(0.25, config.ping_interval / 8, config.ping_timeout / 8, config.connect_timeout / 8)
