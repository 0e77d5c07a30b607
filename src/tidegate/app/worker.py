"""One of several workers: a gateway whose connections and orders come from a supervisor.

Orders come on standard input: a byte means "drain", the next one "end the draining". Its end means
that the supervisor is gone; then the worker ends at once, so that a new one finds the private port
free, and its clients come back there. Signals are not the way, for service managers and terminals
send them to supervisor and workers alike, and the worker could not tell one from two.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tidegate.app.seat import Seat
from tidegate.transports.handover import ConnectionInbox

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from tidegate.api.server import APIServer
    from tidegate.api.siblings import Siblings
    from tidegate.app.gateway import Gateway

__all__ = ["Worker"]

log = logging.getLogger("tidegate")


class Worker:
    """The ways by which a worker is reached; see ``run_gateway``."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._inbox = ConnectionInbox(socket.socket(fileno=seat.link))
        self._servers: list[APIServer] = []
        self._siblings: Siblings | None = None

    def orders(self) -> asyncio.Queue[None]:
        """Return where each order to stop arrives."""
        stopped: asyncio.Queue[None] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._drain_once, stopped)
        loop.add_reader(sys.stdin.fileno(), self._read_orders, stopped)
        return stopped

    async def open_api(self, gateway: Gateway) -> None:
        """Answer the siblings, and everybody on the private port.

        A worker that comes back is on the private port only once it has started; until then the
        others can answer better.
        """
        from tidegate.api.http import make_api

        if self._seat.api is None:
            return
        inner = _listen_at(Path(self._seat.socket_of(self._seat.number)))
        await self._serve(make_api(gateway, None), inner)
        if not self._seat.is_restart:
            await self._open_private_port(gateway)

    async def open_public(self, gateway: Gateway) -> None:
        """Take connections from the supervisor."""
        if self._seat.is_restart:
            await self._open_private_port(gateway)
        gateway.listen_from(self._inbox)
        log.info("ready")

    async def close(self) -> None:
        """Let go of the private port."""
        await asyncio.gather(*(server.stop() for server in self._servers))
        if self._siblings is not None:
            await self._siblings.close()
        self._inbox.close()

    async def _open_private_port(self, gateway: Gateway) -> None:
        from tidegate.api.http import make_api
        from tidegate.api.siblings import Siblings

        if self._seat.api is None:
            return
        paths = {number: self._seat.socket_of(number) for number in range(self._seat.count)}
        self._siblings = Siblings(paths)
        key = gateway.settings.api.key
        api = make_api(gateway, None if key is None else key.get_secret_value(), self._siblings)
        await self._serve(api, socket.socket(fileno=self._seat.api))

    async def _serve(self, api: Starlette, listening: socket.socket) -> None:
        from tidegate.api.server import APIServer

        server = APIServer(api)
        self._servers.append(server)
        await server.serve(listening)

    def _drain_once(self, stopped: asyncio.Queue[None]) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: None)
        stopped.put_nowait(None)

    def _read_orders(self, stopped: asyncio.Queue[None]) -> None:
        orders = os.read(sys.stdin.fileno(), 16)
        for _ in orders:
            stopped.put_nowait(None)
        if orders:
            return
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        log.error("the supervisor is gone, so this worker ends")
        shutil.rmtree(self._seat.folder, ignore_errors=True)  # it can't do that any more
        stopped.put_nowait(None)
        stopped.put_nowait(None)


def _listen_at(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)  # of a worker that was killed
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()
    return listening
