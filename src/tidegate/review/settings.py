"""What a project says about its reviews, and the baseline of what it knows.

It says so in ``tidegate.toml`` under ``[review]``, or in ``pyproject.toml`` under
``[tool.tidegate.review]``.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tidegate.errors import ConfigError
from tidegate.review.diagnostic import Finding
from tidegate.review.registry import all_rules

__all__ = ["ReviewSettings", "check_names", "read_baseline", "read_settings", "write_baseline"]

_KEYS = ("select", "ignore", "exclude", "baseline")


@dataclass(frozen=True)
class ReviewSettings:
    """Settings of a project.

    Attributes:
        baseline: File with the findings that are known, relative to the project.
        source: The file they were read from; empty if there is none.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    baseline: str = ""
    source: str = ""


def read_settings(root: Path) -> ReviewSettings:
    """Return the settings of the project in a folder; ``tidegate.toml`` goes first.

    Raises:
        ConfigError: The file is broken, or has a key or a rule that there is not.
    """
    for name, path in (
        ("tidegate.toml", ("review",)),
        ("pyproject.toml", ("tool", "tidegate", "review")),
    ):
        table: Any = _load(root / name)
        for key in path:
            table = table.get(key) if isinstance(table, dict) else None
        if table is not None:
            return _checked(table, ".".join(path), name)
    return ReviewSettings()


def check_names(names: Iterable[str], key: str, source: str) -> None:
    """Refuse a name that is neither of a rule nor of a topic."""
    rules = all_rules()
    known = {rule.name for rule in rules} | {rule.topic for rule in rules}
    for name in names:
        if name not in known:
            raise ConfigError(
                key,
                f"there is no rule or topic {name!r}",
                remedy="`tidegate explain` lists them.",
                source=source,
            )


def read_baseline(path: Path) -> frozenset[str]:
    """Return the fingerprints in a baseline file.

    Raises:
        ConfigError: There is no such file, or it is not one that `--write-baseline` wrote.
    """
    try:
        document = json.loads(path.read_text("utf-8"))
        return frozenset(entry["fingerprint"] for entry in document["findings"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            "baseline",
            f"{path} can't be read as a baseline",
            remedy="Write it with `tidegate review --write-baseline`.",
            source=str(path),
        ) from error


def write_baseline(path: Path, findings: Iterable[Finding]) -> None:
    """Write a baseline of faults; a line of code that is changed makes its findings new again."""
    entries = {
        each.fingerprint: {"rule": each.rule, "file": each.file, "fingerprint": each.fingerprint}
        for each in findings
        if each.verdict == "fault"
    }
    path.write_text(
        json.dumps({"version": 1, "findings": list(entries.values())}, indent=2) + "\n", "utf-8"
    )


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(
            "review", f"it can't be read: {error}", remedy="Mend the file.", source=path.name
        ) from error


def _checked(table: Any, prefix: str, source: str) -> ReviewSettings:
    if not isinstance(table, dict):
        raise ConfigError(
            prefix, "it is not a table", remedy="See the documentation.", source=source
        )
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in _KEYS:
            remedy = f"Known are {', '.join(_KEYS)}."
            raise ConfigError(
                f"{prefix}.{key}", "there is no such setting", remedy=remedy, source=source
            )
        is_list = isinstance(value, list) and all(isinstance(each, str) for each in value)
        if not (isinstance(value, str) if key == "baseline" else is_list):
            expected = "a text" if key == "baseline" else "a list of texts"
            raise ConfigError(
                f"{prefix}.{key}", f"it is not {expected}", remedy="Write it so.", source=source
            )
        values[key] = value if key == "baseline" else tuple(value)
    for key in ("select", "ignore"):
        check_names(values.get(key, ()), f"{prefix}.{key}", source)
    return ReviewSettings(**values, source=source)
