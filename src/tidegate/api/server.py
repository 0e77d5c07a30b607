"""Runs the private port on the gateway's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

__all__ = ["BACKLOG", "APIServer"]

BACKLOG = 128


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the gateway."""
        yield


class APIServer:
    """A uvicorn server that starts, tells its port, and stops."""

    def __init__(self, app: ASGIApp) -> None:
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port.

        Raises:
            OSError: The address is taken or not ours.
        """
        listening = socket.create_server((host, port), backlog=BACKLOG)
        bound: int = listening.getsockname()[1]
        await self.serve(listening)
        return bound

    async def serve(self, listening: socket.socket) -> None:
        """Answer on a socket that listens already."""
        listening.setblocking(False)
        self._task = asyncio.get_running_loop().create_task(self._server.serve([listening]))
        while not self._server.started and not self._task.done():  # noqa: ASYNC110 - no event there
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """Finish the requests under way, for a bounded time, and close."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
