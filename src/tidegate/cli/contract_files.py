"""``tidegate contract``: made, then printed, written, or compared with what is there."""

from __future__ import annotations

import difflib
import shlex
import sys
from pathlib import Path

from tidegate.app.config import load_part
from tidegate.app.namespace import Namespace
from tidegate.cli.gateways import import_gateway
from tidegate.contract import (
    declared_events,
    read_contract,
    write_asyncapi,
    write_json_schema,
    write_typescript,
)
from tidegate.errors import ConfigError, ContractError

__all__ = ["tell_contract"]

_WRITERS = {
    "typescript": write_typescript,
    "asyncapi": write_asyncapi,
    "json-schema": write_json_schema,
}

_SETTINGS = ("bindings", "forwards", "namespaces", "path", "rabbitmq.queues")

MAX_DIFF_LINES = 40


def tell_contract(
    kind: str, target: str, output: Path | None, config: Path | None, *, check: bool
) -> None:
    """Print or write one document, or check that the file is what would be written.

    Args:
        kind: ``typescript``, ``asyncapi`` or ``json-schema``.
        target: ``module:gateway``.
        output: The file; None prints.
        config: A settings file. The environment does not count, so that the same code and file
            give the same document everywhere; nor does a ``tidegate.toml`` that is not named.
        check: Write nothing.

    Raises:
        ConfigError: The call is wrong, or the gateway's contract can't be told.
        SystemExit: 1: the file is not up to date.
        OSError: The file can't be written.
    """
    if check and output is None:
        raise ConfigError(
            "--check",
            "there is no file to compare with",
            remedy="Name it with --output.",
            source="command line",
        )
    command = _command(kind, target, config)
    text = _make(kind, target, config, command)
    if output is None:
        sys.stdout.write(text)
    elif check:
        _compare(output, text, f"{command} --output {shlex.quote(output.as_posix())}")
    else:
        _write(output, text)


def _make(kind: str, target: str, config: Path | None, command: str) -> str:
    gateway = import_gateway(target)
    settings = gateway.settings
    if config is not None:
        settings = load_part(config, _SETTINGS)
    namespaces = list(gateway.namespaces.values()) or [
        Namespace(name) for name in settings.namespaces
    ]
    try:
        contract = read_contract(
            namespaces, title=target, settings=settings, declared=declared_events()
        )
        return _WRITERS[kind](contract, command=command)
    except ContractError as error:
        raise ConfigError(
            "contract", str(error), remedy="Correct the declaration.", source=target
        ) from error


def _command(kind: str, target: str, config: Path | None) -> str:
    """Return what makes the document again, but for the file: that may be called as one likes."""
    words = ["tidegate", "contract", kind, target]
    return shlex.join(words + (["--config", config.as_posix()] if config is not None else []))


def _write(output: Path, text: str) -> None:
    """Write the file, unless it is the same already: its time matters to build tools."""
    if _read(output) == text:
        print(f"{output} is up to date.", file=sys.stderr)
        return
    output.write_text(text, encoding="utf-8", newline="\n")
    print(f"Wrote {output}.", file=sys.stderr)


def _compare(output: Path, text: str, command: str) -> None:
    there = _read(output)
    if there == text:
        print(f"{output} is up to date.", file=sys.stderr)
        return
    problem = "is not there" if there is None else "is stale: the contract has changed"
    print(f"tidegate: {output} {problem}. Run: {command}", file=sys.stderr)
    if there is not None:
        lines = difflib.unified_diff(
            there.splitlines(), text.splitlines(), str(output), "the contract", lineterm="", n=1
        )
        _show(list(lines))
    sys.exit(1)


def _show(lines: list[str]) -> None:
    print("\n".join(lines[:MAX_DIFF_LINES]), file=sys.stderr)
    if len(lines) > MAX_DIFF_LINES:
        print(f"… and {len(lines) - MAX_DIFF_LINES} more lines", file=sys.stderr)


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
