"""Settings for commands: loaded, judged, and reported."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tidegate.app.config import LoadedSettings, load_settings
from tidegate.app.safety import require_safe, setting_warnings
from tidegate.app.settings import Settings

__all__ = ["load", "load_safe", "start_logging"]


def load(config: Path | None, flags: Mapping[str, object] | None = None) -> LoadedSettings:
    """Return the settings of this process.

    Raises:
        ConfigErrors: What is wrong with them.
    """
    return load_settings(file=config, environ=os.environ, flags=flags or {})


def load_safe(
    config: Path | None,
    flags: Mapping[str, object],
    *,
    has_authenticator: bool = False,
    is_quiet: bool = False,
) -> LoadedSettings:
    """Return settings that are safe to serve with; with ``dev``, warn of those that are not.

    Args:
        config: The settings file, if one was named.
        flags: Values by dotted key.
        has_authenticator: The gateway verifies tokens in a way of its own.
        is_quiet: Warn of nothing; somebody did already.

    Raises:
        ConfigErrors: They are wrong, or unsafe without ``dev``.
    """
    loaded = load(config, flags)
    problems = require_safe(loaded, has_authenticator=has_authenticator)
    if is_quiet:
        return loaded
    for problem in problems:
        print(f"UNSAFE, permitted by --dev: {problem}", file=sys.stderr)
    for warning in setting_warnings(loaded):
        print(f"warning: {warning}", file=sys.stderr)
    return loaded


def start_logging(settings: Settings, *, worker: int | None = None) -> None:
    """Write log lines to standard error, as text or as JSON, with the worker's number if any."""
    handler = logging.StreamHandler()
    if settings.log_format == "json":
        from tidegate.cli.json_log import JSONFormatter

        handler.setFormatter(JSONFormatter(worker))
    else:
        who = "" if worker is None else f"worker {worker} "
        line = f"%(asctime)s %(levelname)s {who}%(name)s: %(message)s"
        handler.setFormatter(logging.Formatter(line))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole URLs, which may hold keys
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # its life is told by ours
