"""The gateway inside somebody else's server: the application and its lifespan.

Who uses it reads ``docs/topics/asgi.md``.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from tidegate.app.config import LoadedSettings, load_settings
from tidegate.app.safety import require_safe, setting_warnings
from tidegate.errors import ConfigError, TidegateError
from tidegate.transports.asgi import ASGIEntrance
from tidegate.transports.asgi.requests import send_refusal, send_response
from tidegate.transports.http import unavailable

if TYPE_CHECKING:
    from tidegate.app.gateway import Gateway

__all__ = ["GatewayApp", "run_lifespan"]

log = logging.getLogger("tidegate.gateway")


class GatewayApp:
    """An ASGI application, to be mounted or served by itself; `Gateway.asgi` makes it.

    Served by itself it keeps the gateway's lifespan; mounted in another application it is not told
    of that, and `Gateway.lifespan` is for the other one to join.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._has_complained = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        entrance, kind = self._gateway.listener, scope["type"]
        if kind == "lifespan":
            await self._keep_lifespan(receive, send)
        elif not isinstance(entrance, ASGIEntrance):
            await self._refuse(scope, receive, send)
        elif kind == "websocket":
            await entrance.serve_websocket(scope, receive, send)
        elif kind == "http":
            await entrance.serve_http(scope, receive, send)

    async def _keep_lifespan(self, receive: Receive, send: Send) -> None:
        phase = "startup"
        await receive()
        try:
            async with self._gateway.lifespan():
                await send({"type": "lifespan.startup.complete"})
                await receive()
                phase = "shutdown"
        except Exception as error:
            if not isinstance(error, TidegateError):
                log.exception("the %s failed", phase)
            await send({"type": f"lifespan.{phase}.failed", "message": str(error)})
        else:
            await send({"type": "lifespan.shutdown.complete"})

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._has_complained:
            self._has_complained = True
            log.error(
                "the gateway has not started, so nobody is let in: the application it is mounted "
                "in must join its lifespan, as in FastAPI(lifespan=gateway.lifespan)"
            )
        if scope["type"] == "websocket":
            await receive()
            await send_refusal(scope, receive, send, unavailable())
        else:
            await send_response(send, unavailable())


@asynccontextmanager
async def run_lifespan(gateway: Gateway, *, has_settings: bool) -> AsyncIterator[None]:
    """Start the gateway for an ASGI server, and drain and stop it at the end.

    Args:
        gateway: One that does not run.
        has_settings: It was given settings; else they are the file's and the environment's.

    Raises:
        ConfigError: The settings can't be used, or are unsafe without ``dev``.
        LogError: The log can't be used.
    """
    if has_settings:
        loaded = LoadedSettings.of(gateway.settings)
    else:
        loaded = load_settings(file=None, environ=os.environ, flags={})
    _judge(gateway, loaded)
    gateway.configure(loaded.settings)
    try:
        await gateway.start()
        gateway.open_asgi()
        gateway.spawn(_leave_when_lost(gateway))
        yield
        await gateway.drain()
    finally:
        await gateway.stop()


def _judge(gateway: Gateway, loaded: LoadedSettings) -> None:
    """Refuse what ``tidegate serve`` refuses, and warn of what it warns of."""
    for problem in require_safe(loaded, has_authenticator=gateway.has_own_authenticator):
        log.warning("UNSAFE, permitted by dev: %s", problem)
    for warning in setting_warnings(loaded):
        log.warning("%s", warning)
    if not gateway.namespaces and not loaded.settings.namespaces:
        raise ConfigError(
            "namespaces",
            "nothing is served",
            remedy="Give the gateway namespaces, or set them, such as TIDEGATE_NAMESPACES=/chat",
        )


async def _leave_when_lost(gateway: Gateway) -> None:
    """Send the clients elsewhere when this node can't go on; the process is the server's."""
    await gateway.follower.failed.wait()
    log.error("no client is served any more: restart this process")
    await gateway.drain()
