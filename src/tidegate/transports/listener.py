"""The public port: its opening and its draining."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Coroutine
from typing import Any

from tidegate.transports.entrance import Entrance, Wiring
from tidegate.transports.handover import ConnectionInbox
from tidegate.transports.http import Routes
from tidegate.transports.websocket import WebSocketConnection

__all__ = ["Listener"]

BACKLOG = 4096


class Listener(Entrance[WebSocketConnection]):
    """Accepts connections on one address.

    Args:
        wiring: What its connections are wired to.
        routes: Plain HTTP beside the endpoint.
        max_body_size: Bytes of a request's body; 0 unless a route takes one.
    """

    def __init__(
        self, wiring: Wiring, *, routes: Routes | None = None, max_body_size: int = 0
    ) -> None:
        super().__init__(wiring, WebSocketConnection.due)
        self.routes: Routes = routes or {}
        self.max_body_size = max_body_size
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
            lambda: WebSocketConnection(self),
            host,
            port,
            ssl=tls,
            ssl_handshake_timeout=self._handshake_timeout(tls),
            backlog=BACKLOG,
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
                    lambda: WebSocketConnection(self),
                    accepted,
                    ssl=tls,
                    ssl_handshake_timeout=self._handshake_timeout(tls),
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
        """Stop accepting, and close the connections spread over ``seconds``."""
        if self._server is not None:
            self._server.close()
        if self._inbox is not None:
            self._inbox.close()
        await self.close_all(seconds)

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

    def _handshake_timeout(self, tls: ssl.SSLContext | None) -> float | None:
        """Return seconds for a TLS handshake: who does not go on with it is counted nowhere yet."""
        return None if tls is None else self.upgrade_timeout

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine beside the connections; it is cancelled by ``stop``."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
