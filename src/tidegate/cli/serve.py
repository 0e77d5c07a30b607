"""``tidegate serve``."""

from __future__ import annotations

import asyncio
import importlib
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
    gateway = Gateway() if target is None else _import_gateway(target)
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


def _import_gateway(target: str) -> Gateway:
    module_name, _, attribute = target.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not module_name.startswith(error.name):
            raise  # a module that theirs imports; its own trace says more
        problem = f"there is no module {error.name!r} here"
        raise _bad_target(target, problem) from None
    gateway = getattr(module, attribute or "gateway", None)
    if not isinstance(gateway, Gateway):
        problem = f"{attribute or 'gateway'!r} in {module_name!r} is no Gateway"
        raise _bad_target(target, problem)
    return gateway


def _bad_target(target: str, problem: str) -> ConfigError:
    return ConfigError(
        "target",
        f"{target!r}: {problem}",
        remedy="Name it as module:attribute, such as realtime:gateway, from its folder.",
        source="command line",
    )
