"""Runs a gateway as a process: start, serve until told to stop, drain, exit."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

from tidegate.app.gateway import Gateway
from tidegate.app.safety import api_is_on

if TYPE_CHECKING:
    from tidegate.api.server import APIServer

__all__ = ["run_gateway"]

log = logging.getLogger("tidegate")

OnReady = Callable[[int, int | None], None]


async def run_gateway(gateway: Gateway, *, on_ready: OnReady | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second signal ends the draining.

    Args:
        gateway: Configured, not started.
        on_ready: Told the public port and the private one (None if it is off).

    Raises:
        OSError: A port can't be had.
        ConfigError: The settings can't be used.
        LogError: The log was lost; the process should be started anew.
    """
    settings = gateway.settings
    stopped = _stop_signals()
    api, api_port = await _start_api(gateway)
    try:
        if not await _start_unless(stopped, gateway):
            return
        port = await gateway.listen()
        log.info("listening on %s:%s", settings.host, port)
        if on_ready is not None:
            on_ready(port, api_port)
        await _serve_until(stopped, gateway)
    finally:
        if api is not None:
            await api.stop()
        await gateway.stop()
    if gateway.failure is not None:
        raise gateway.failure


async def _start_api(gateway: Gateway) -> tuple[APIServer | None, int | None]:
    """Open the private port first: it tells that the gateway lives, and what it waits for."""
    from tidegate.api.http import make_api
    from tidegate.api.server import APIServer

    settings = gateway.settings
    if not api_is_on(settings):
        return None, None
    key = settings.api.key
    api = APIServer(make_api(gateway, None if key is None else key.get_secret_value()))
    return api, await api.start(settings.api.host, settings.api.port)


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
    failed = asyncio.ensure_future(gateway.failed.wait())
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


def _stop_signals() -> asyncio.Queue[None]:
    stopped: asyncio.Queue[None] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.put_nowait, None)
    return stopped
