"""The gateway that a command names."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from tidegate.app.gateway import Gateway
from tidegate.errors import ConfigError

__all__ = ["import_gateway"]


def import_gateway(target: str) -> Gateway:
    """Import ``module:attribute``, also from the working directory; ``:gateway`` may be left out.

    Raises:
        ConfigError: There is no such module, or no gateway in it.
    """
    module_name, _, attribute = target.partition(":")
    if not module_name or module_name.startswith(".") or module_name.endswith(".py"):
        raise _bad_target(target, f"{module_name!r} is not the name of a module")
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
