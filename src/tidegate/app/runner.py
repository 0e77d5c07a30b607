"""Runs a gateway as a process: start, serve until told to stop, drain, exit."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable

from tidegate.app.gateway import Gateway
from tidegate.app.safety import api_is_on

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
    """
    from tidegate.api.http import make_api
    from tidegate.api.server import APIServer

    settings = gateway.settings
    stopped = _stop_signals()
    await gateway.start()
    api: APIServer | None = None
    try:
        port = await gateway.listen()
        api_port = None
        if api_is_on(settings):
            key = settings.api.key
            app = make_api(gateway, None if key is None else key.get_secret_value())
            api = APIServer(app)
            api_port = await api.start(settings.api.host, settings.api.port)
        log.info("listening on %s:%s", settings.host, port)
        if on_ready is not None:
            on_ready(port, api_port)
        await _serve_until(stopped, gateway)
    finally:
        if api is not None:
            await api.stop()
        await gateway.stop()


async def _serve_until(stopped: asyncio.Queue[None], gateway: Gateway) -> None:
    await stopped.get()
    connections = len(gateway.listener.connections) if gateway.listener else 0
    seconds = gateway.settings.drain_seconds
    log.info("draining %s connections over %s s; a second signal ends it", connections, seconds)
    drain = asyncio.ensure_future(gateway.drain())
    again = asyncio.ensure_future(stopped.get())
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
