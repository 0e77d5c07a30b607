"""``tidegate doctor``."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import threading
from pathlib import Path

import msgspec
from rich.console import Console
from rich.text import Text

from tidegate.app.config import LoadedSettings
from tidegate.cli.loading import load
from tidegate.cli.printable import printable
from tidegate.doctor import Finding, examine
from tidegate.errors import ConfigError

__all__ = ["diagnose", "leave"]

_STYLES = {"ok": "green", "warning": "yellow", "failed": "red"}

_MAX_TOKEN_BYTES = 64 * 1024
"""More than any gateway reads; a wrong file may be large."""


def diagnose(config: Path | None, token: str | None, *, dev: bool, as_json: bool) -> int:
    """Try what a gateway needs, print what was found, and return the exit code.

    Raises:
        ConfigErrors: The settings are wrong, so that nothing can be tried.
        ConfigError: The token can't be read.
    """
    loaded = load(config, {"dev": dev or None})
    findings = _examined(loaded, None if token is None else _read_token(token))
    if as_json:
        print(json.dumps([msgspec.to_builtins(each) for each in findings], indent=2))
    else:
        _print(findings)
    failures = {each.check for each in findings if each.result == "failed"}
    return 2 if "settings" in failures else 1 if failures else 0


def leave(code: int) -> None:
    """Exit at once if a name server that does not answer still keeps a thread.

    Python would wait for that, longer than the command may take.
    """
    if len(threading.enumerate()) > 1:
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def _examined(loaded: LoadedSettings, token: str | None) -> list[Finding]:
    # What libraries log is told by the findings, in one line each.
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(examine(loaded, token=token))
    finally:
        loop.close()


def _read_token(name: str) -> str:
    try:
        if name == "-":
            return sys.stdin.read(_MAX_TOKEN_BYTES).strip()
        with Path(name).open(encoding="utf-8") as file:
            return file.read(_MAX_TOKEN_BYTES).strip()
    except (OSError, ValueError) as error:
        # The name stays out of the message: people put the token itself there.
        reason = getattr(error, "strerror", None) or "it is not text"
        remedy = "Name a file that holds the token, or - for standard input."
        raise ConfigError(
            "token", f"can't be read: {reason}", remedy=remedy, source="--token"
        ) from None


def _print(findings: list[Finding]) -> None:
    console = Console(highlight=False)
    for each in findings:
        line = Text(f"{each.result:<8} ", style=_STYLES[each.result])
        text = f"{each.text.rstrip('.')}. {each.remedy}" if each.remedy else each.text
        line.append(printable(f"{each.check}: {text}"), style="default")
        console.print(line, soft_wrap=True)
