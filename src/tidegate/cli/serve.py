"""``tidegate serve``."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import uvloop

from tidegate.app.gateway import Gateway
from tidegate.app.runner import OnReady, run_gateway
from tidegate.app.seat import take_seat
from tidegate.app.settings import Settings
from tidegate.app.supervisor import Supervisor
from tidegate.cli.gateways import import_gateway
from tidegate.cli.loading import load_safe, start_logging
from tidegate.errors import ConfigError

__all__ = ["serve_gateway"]


def serve_gateway(target: str | None, config: Path | None, flags: Mapping[str, object]) -> None:
    """Run a gateway until it is told to stop, in several processes if the settings say so.

    Raises:
        ConfigError: The settings or the target can't be used.
        SystemExit: The workers can't run, for reasons that they have told.
    """
    seat = take_seat(os.environ)
    gateway = Gateway() if target is None else import_gateway(target)
    loaded = load_safe(
        config, flags, has_authenticator=gateway.has_own_authenticator, is_quiet=seat is not None
    )
    settings = loaded.settings
    start_logging(settings, worker=None if seat is None else seat.number)
    gateway.configure(settings)
    if not gateway.namespaces and not settings.namespaces:
        raise ConfigError(
            "namespaces",
            "nothing is served",
            remedy="Name module:gateway, or set namespaces, such as TIDEGATE_NAMESPACES=/chat",
        )

    def announce(port: int, api_port: int | None) -> None:
        scheme = "https" if settings.tls.certificate else "http"
        print(f"Tidegate serves {scheme}://{settings.host}:{port}{settings.path}", flush=True)
        if api_port is None:
            print("The private port is off: api.key is not set.", flush=True)
        else:
            print(f"Private port: http://{settings.api.host}:{api_port}", flush=True)

    if settings.workers > 1 and seat is None:
        code = asyncio.run(_supervise(settings, announce))
        if code:
            sys.exit(code)
    else:
        uvloop.run(run_gateway(gateway, on_ready=announce, seat=seat))


async def _supervise(settings: Settings, announce: OnReady) -> int:
    # The same program with the same flags, however it was started.
    command = [sys.executable, *sys.orig_argv[1:]]
    return await Supervisor(settings, command=command, on_ready=announce).run()
