"""The public port: what its connections share, and its opening and draining."""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from tidegate.deadlines import DeadlineWheel
from tidegate.hub import Hub
from tidegate.protocol.connection import ConnectionConfig
from tidegate.transports.base import ConnectionHandler
from tidegate.transports.doorkeeper import Doorkeeper
from tidegate.transports.handover import ConnectionInbox
from tidegate.transports.http import Routes
from tidegate.transports.websocket import WebSocketConnection

__all__ = ["Listener"]

log = logging.getLogger("tidegate.transports")

BACKLOG = 4096
GOING_AWAY = 1001


class Listener:
    """Accepts connections on one address and keeps what they have in common.

    Args:
        handler: The application.
        hub: Told when a connection can be written to again.
        doorkeeper: Decides on upgrades.
        core_config: Heartbeats and bounds of the protocol.
        write_buffer: Unsent bytes at which a client counts as slow.
        upgrade_timeout: Seconds for a complete request.
        routes: Plain HTTP beside the endpoint.
        max_body_size: Bytes of a request's body; 0 unless a route takes one.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        handler: ConnectionHandler,
        hub: Hub,
        doorkeeper: Doorkeeper,
        *,
        core_config: ConnectionConfig,
        write_buffer: int,
        upgrade_timeout: float,
        routes: Routes | None = None,
        max_body_size: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.handler = handler
        self.hub = hub
        self.doorkeeper = doorkeeper
        self.core_config = core_config
        self.write_buffer = write_buffer
        self.upgrade_timeout = upgrade_timeout
        # A connection is filed once, before its deadlines are known: so near that none is missed.
        self.first_look = min(
            upgrade_timeout, core_config.connect_timeout, core_config.ping_interval / 2
        )
        self.routes: Routes = routes or {}
        self.max_body_size = max_body_size
        self.clock = clock
        self.connections: set[WebSocketConnection] = set()
        self.closes: Counter[str] = Counter()
        self.wheel = DeadlineWheel(WebSocketConnection.due, tick=_tick(core_config), clock=clock)
        self._server: asyncio.Server | None = None
        self._inbox: ConnectionInbox | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen, and return the port (the chosen one if ``port`` was 0).

        Raises:
            OSError: The address is taken or not ours.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: WebSocketConnection(self), host, port, ssl=tls, backlog=BACKLOG
        )
        self.wheel.start()
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    def start_from(self, inbox: ConnectionInbox, tls: ssl.SSLContext | None = None) -> None:
        """Serve the connections that another process accepts."""

        async def serve(accepted: socket.socket) -> None:
            loop = asyncio.get_running_loop()
            try:
                await loop.connect_accepted_socket(
                    lambda: WebSocketConnection(self), accepted, ssl=tls
                )
            except OSError:  # among others: no TLS handshake; nothing knows of it yet
                accepted.close()
                self.connection_ended()

        self._inbox = inbox
        self.wheel.start()
        inbox.open(lambda accepted: self.spawn(serve(accepted)))

    def connection_ended(self) -> None:
        """Tell whoever accepted the connection that it is over."""
        if self._inbox is not None:
            self._inbox.ended()

    async def drain(self, seconds: float) -> None:
        """Stop accepting, and close the connections spread over ``seconds`` with jitter.

        They are closed without a DISCONNECT packet, so that their clients come back elsewhere.
        """
        if self._server is not None:
            self._server.close()
        if self._inbox is not None:
            self._inbox.close()
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

    async def stop(self) -> None:
        """Cut what is left and let go of everything."""
        for connection in list(self.connections):
            connection.abort("going away")
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.wheel.stop()
        if self._inbox is not None:
            self._inbox.close()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine beside the connections; it is cancelled by ``stop``."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def first_ping(self) -> float:
        """Return seconds to the first heartbeat, up to a fifth early to spread a storm."""
        return self.core_config.ping_interval * random.uniform(0.8, 1.0)


def _tick(config: ConnectionConfig) -> float:
    return min(0.25, config.ping_interval / 8, config.ping_timeout / 8, config.connect_timeout / 8)
