"""uvicorn in the test's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp

__all__ = ["ASGIServer"]


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to pytest."""
        yield


class ASGIServer:
    """Serves an application on a port of its own; ``options`` are uvicorn's."""

    def __init__(self, app: ASGIApp, **options: Any) -> None:
        values: dict[str, Any] = {"log_config": None, "access_log": False, "lifespan": "on"}
        self._server = _Server(uvicorn.Config(app, **values | options))
        self._task: asyncio.Task[None] | None = None

    async def start(self, port: int = 0) -> int:
        """Start and return the port.

        Raises:
            RuntimeError: The application did not start.
        """
        listening = socket.create_server(("127.0.0.1", port), backlog=128)
        bound: int = listening.getsockname()[1]
        self._task = asyncio.get_running_loop().create_task(self._serve(listening))
        while not self._server.started and not self._task.done():  # noqa: ASYNC110 - no event there
            await asyncio.sleep(0.001)
        if self._task.done():
            await self._task
        return bound

    async def stop(self) -> None:
        """Let uvicorn shut down."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task

    async def _serve(self, listening: socket.socket) -> None:
        try:
            await self._server.serve([listening])
        except SystemExit:
            listening.close()
            raise RuntimeError("the application did not start") from None
