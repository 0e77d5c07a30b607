"""Runs a gateway as a process: start, serve until told to stop, drain, exit."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from tidegate.app.gateway import Gateway
from tidegate.app.safety import api_is_on
from tidegate.app.seat import Seat
from tidegate.app.worker import Worker

if TYPE_CHECKING:
    from tidegate.api.server import APIServer

__all__ = ["OnReady", "run_gateway", "stop_signals"]

log = logging.getLogger("tidegate")

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

OnReady = Callable[[int, int | None], None]


class Ports(Protocol):
    """The ways by which a gateway is reached, by clients, services and orders."""

    def orders(self) -> asyncio.Queue[None]:
        """Return where each order to stop arrives."""
        ...

    async def open_api(self, gateway: Gateway) -> None:
        """Open the private port first: it tells that the gateway lives, and what it waits for."""
        ...

    async def open_public(self, gateway: Gateway) -> None:
        """Let the clients in."""
        ...

    async def close(self) -> None:
        """Let go of the private port."""
        ...


async def run_gateway(
    gateway: Gateway, *, on_ready: OnReady | None = None, seat: Seat | None = None
) -> None:
    """Serve until told to stop, then drain; a second order ends the draining, a third the process.

    Args:
        gateway: Configured, not started.
        on_ready: Told the public port and the private one (None if it is off), unless a worker's.
        seat: The gateway is a worker; without, it has its own ports and heeds SIGTERM and SIGINT.

    Raises:
        OSError: A port can't be had.
        ConfigError: The settings can't be used.
        LogError: The log was lost; the process should be started anew.
    """
    ports: Ports = _OwnPorts(on_ready) if seat is None else Worker(seat)
    stopped = ports.orders()
    try:
        await ports.open_api(gateway)
        if not await _start_unless(stopped, gateway):
            return
        await ports.open_public(gateway)
        await _serve_until(stopped, gateway)
    finally:
        await ports.close()
        await gateway.stop()
    if gateway.is_started and gateway.follower.failure is not None:
        raise gateway.follower.failure


class _OwnPorts:
    def __init__(self, on_ready: OnReady | None) -> None:
        self._on_ready = on_ready
        self._api: APIServer | None = None
        self._api_port: int | None = None

    def orders(self) -> asyncio.Queue[None]:
        return stop_signals()

    async def open_api(self, gateway: Gateway) -> None:
        from tidegate.api.http import make_api
        from tidegate.api.server import APIServer

        settings = gateway.settings
        if not api_is_on(settings):
            return
        key = settings.api.key
        self._api = APIServer(make_api(gateway, None if key is None else key.get_secret_value()))
        self._api_port = await self._api.start(settings.api.host, settings.api.port)

    async def open_public(self, gateway: Gateway) -> None:
        port = await gateway.listen()
        log.info("listening on %s:%s", gateway.settings.host, port)
        if self._on_ready is not None:
            self._on_ready(port, self._api_port)

    async def close(self) -> None:
        for number in STOP_SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if self._api is not None:
            await self._api.stop()


async def _start_unless(stopped: asyncio.Queue[None], gateway: Gateway) -> bool:
    """Start the gateway, which may wait for RabbitMQ; False if it was told to stop meanwhile."""
    start = asyncio.ensure_future(gateway.start())
    stop = asyncio.ensure_future(stopped.get())
    await asyncio.wait({start, stop}, return_when=asyncio.FIRST_COMPLETED)
    if not start.done():
        start.cancel()
        await asyncio.gather(start, return_exceptions=True)
        return False
    stop.cancel()
    await start
    return True


async def _serve_until(stopped: asyncio.Queue[None], gateway: Gateway) -> None:
    told = asyncio.ensure_future(stopped.get())
    failed = asyncio.ensure_future(gateway.follower.failed.wait())
    await asyncio.wait({told, failed}, return_when=asyncio.FIRST_COMPLETED)
    failed.cancel()
    connections = len(gateway.listener.connections) if gateway.listener else 0
    seconds = gateway.settings.drain_seconds
    log.info("draining %s connections over %s s; a second signal ends it", connections, seconds)
    drain = asyncio.ensure_future(gateway.drain())
    again = told if not told.done() else asyncio.ensure_future(stopped.get())
    _, unfinished = await asyncio.wait({drain, again}, return_when=asyncio.FIRST_COMPLETED)
    for task in unfinished:
        task.cancel()
    await asyncio.gather(*unfinished, return_exceptions=True)
    log.info("stopped")


def stop_signals() -> asyncio.Queue[None]:
    """Return where each SIGTERM and SIGINT from now on arrives."""
    stopped: asyncio.Queue[None] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stopped.put_nowait, None)
    return stopped
