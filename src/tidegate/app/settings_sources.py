"""Where settings come from: the file, the environment, the flags; each value with its source.

pydantic-settings merges the same three, but keeps no record of who said what and lets unknown
variables pass; the error messages here depend on the first and typing mistakes hide in the second.
So the reading is ours, and pydantic validates the result.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from tidegate.app.settings import FIELDS, SECTIONS, holds_path
from tidegate.errors import ConfigError

__all__ = [
    "DEFAULT_FILE",
    "PREFIX",
    "Given",
    "Layer",
    "flag_name",
    "read_environment",
    "read_file",
    "read_flags",
    "variable_name",
]

DEFAULT_FILE = Path("tidegate.toml")
"""Read when no file is named and it exists in the working directory."""

PREFIX = "TIDEGATE_"

_REVIEW = "review"  # the table of `tidegate review`, which checks it itself

# A Kubernetes Service called "tidegate" puts these into every pod of its namespace (service links);
# TIDEGATE_PORT is the one that collides with a setting of ours, and is told by its value.
_SERVICE_LINK = re.compile(
    r"TIDEGATE_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_SERVICE_LINK_VALUE = re.compile(r"(tcp|udp|sctp)://\S+:\d+")


@dataclass(frozen=True, slots=True)
class Given:
    """A value that somebody gave, and who."""

    value: object = field(repr=False)
    source: str


@dataclass(slots=True)
class Layer:
    """What one source gave, by dotted key, and what was wrong with the source itself."""

    values: dict[str, Given] = field(default_factory=dict)
    errors: list[ConfigError] = field(default_factory=list)


def variable_name(key: str) -> str:
    """Return the environment variable of a setting: ``auth.secret`` is TIDEGATE_AUTH__SECRET."""
    return PREFIX + key.replace(".", "__").upper()


def flag_name(key: str) -> str:
    """Return the flag of a setting: ``api.port`` is ``--api-port``."""
    return "--" + re.sub(r"[._]", "-", key)


# The file.


def read_file(file: Path | None) -> Layer:
    """Return what the file says; ``None`` stands for ``tidegate.toml``, which need not exist.

    Paths in the file are relative to the file.
    """
    path = file or DEFAULT_FILE
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        return Layer() if file is None else Layer(errors=[_no_file(path)])
    except (OSError, UnicodeDecodeError) as error:
        return Layer(errors=[_unreadable(path, error)])
    try:
        return _from_tables(tomllib.loads(text), path)
    except tomllib.TOMLDecodeError as error:
        return Layer(errors=[_not_toml(path, text, error)])


def _from_tables(tables: dict[str, object], path: Path) -> Layer:
    layer = Layer()
    for key, value in _flatten(tables):
        if key == _REVIEW and isinstance(value, dict):
            continue
        if key in FIELDS:
            layer.values[key] = Given(_beside(path, key, value), str(path))
        elif key in SECTIONS:
            layer.errors.append(_not_a_table(key, str(path)))
        else:
            layer.errors.append(_unknown(key, str(path), _closest(key, (*FIELDS, *SECTIONS))))
    return layer


def _flatten(tables: dict[str, object]) -> Iterator[tuple[str, object]]:
    for name, value in tables.items():
        if isinstance(value, dict) and name in SECTIONS:
            yield from ((f"{name}.{inner}", given) for inner, given in value.items())
        else:
            yield name, value


def _beside(path: Path, key: str, value: object) -> object:
    return path.parent / value if holds_path(key) and isinstance(value, str) else value


# The environment and the flags.


def read_environment(environ: Mapping[str, str]) -> Layer:
    """Return what the ``TIDEGATE_`` variables say; an empty one counts as not set."""
    layer = Layer()
    for name, value in environ.items():
        if not name.startswith(PREFIX) or not value or _is_service_link(name, value):
            continue
        key = name.removeprefix(PREFIX).lower().replace("__", ".")
        source = f"environment variable {name}"
        if key in FIELDS and name == variable_name(key):
            layer.values[key] = Given(value, source)
        else:
            closest = _closest(key)
            layer.errors.append(_unknown(key, source, closest and variable_name(closest)))
    return layer


def _is_service_link(name: str, value: str) -> bool:
    if name == variable_name("port"):
        return _SERVICE_LINK_VALUE.fullmatch(value) is not None
    return _SERVICE_LINK.fullmatch(name) is not None


def read_flags(flags: Mapping[str, object]) -> Layer:
    """Return what the command line says; ``None`` stands for a flag that was not used."""
    layer = Layer()
    for key, value in flags.items():
        source = f"flag {flag_name(key)}"
        if key not in FIELDS:
            closest = _closest(key)
            layer.errors.append(_unknown(key, source, closest and flag_name(closest)))
        elif value is not None:
            layer.values[key] = Given(value, source)
    return layer


# What can be wrong with a source.


def _closest(key: str, known: Iterable[str] = FIELDS) -> str | None:
    return next(iter(get_close_matches(key, list(known), n=1, cutoff=0.65)), None)


def _unknown(key: str, source: str, closest: str | None) -> ConfigError:
    remedy = "Remove it; `tidegate check` lists all settings."
    if closest:
        remedy = f"Did you mean {closest}?"
    return ConfigError(key, "is not a setting", remedy=remedy, source=source)


def _not_a_table(key: str, source: str) -> ConfigError:
    inner = next(name for name in FIELDS if name.startswith(f"{key}."))
    return ConfigError(
        key,
        "is one value, but it is a table of settings",
        remedy=f"Write its settings below a line [{key}], such as {inner}.",
        source=source,
    )


def _no_file(path: Path) -> ConfigError:
    return ConfigError(
        "config",
        f"there is no file {path}",
        remedy="Name a file that exists, or leave the flag out.",
        source="flag --config",
    )


def _unreadable(path: Path, error: OSError | UnicodeDecodeError) -> ConfigError:
    reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
    return ConfigError(
        "config",
        f"the file can't be read: {reason}",
        remedy="Make it a UTF-8 text file that this process may read.",
        source=str(path),
    )


def _not_toml(path: Path, text: str, error: tomllib.TOMLDecodeError) -> ConfigError:
    reason, _, place = str(error).partition(" (at ")
    line = re.match(r"line (\d+)", place)
    number = int(line[1]) if line else len(text.splitlines())
    return ConfigError(
        "config",
        f"is not valid TOML: {reason[:1].lower()}{reason[1:]}",
        remedy='Fix that line; texts stand in quotes, lists in brackets: origins = ["https://…"].',
        source=f"{path}, line {number}",
    )
