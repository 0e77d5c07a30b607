"""The version of a Python package that a project asks for, by its requirement files."""

from __future__ import annotations

import os
import re

from tidegate.review.model import Model
from tidegate.review.source import SourceFile

__all__ = ["newest_version"]

_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock")
_LISTS = (
    *("requirements.txt", "requirements/base.txt", "requirements/prod.txt", "requirements.in"),
    *("requirements/production.txt", "requirements/common.txt", "requirements/requirements.txt"),
    *("pyproject.toml", "Pipfile", "setup.py", "setup.cfg"),
)


def newest_version(model: Model, file: SourceFile, package: str) -> tuple[int, ...] | None:
    """Return the newest version that a file's project may install, ``(5, 10)``.

    None if nothing says so, or nothing bounds it: then it is the newest there is.
    """
    folder = os.path.dirname(file.name)
    while True:
        for name in (*_LOCKS, *_LISTS):
            try:
                path = model.project.root / folder / name
                text = path.read_text("utf-8", "replace")[:2_000_000]
            except OSError:
                continue
            found = _locked(text, package) if name in _LOCKS else _listed(text, package)
            if found is not None:
                return found
        if not folder.strip("/"):
            return None
        folder = os.path.dirname(folder)


def _locked(text: str, package: str) -> tuple[int, ...] | None:
    name = _spelled(package)
    match = re.search(
        rf'name = "{name}"\s*\nversion = "([\d.]+)|"{name}": \{{[^}}]*?"version": "==([\d.]+)',
        text,
        re.IGNORECASE,
    )
    return _numbers(match[1] or match[2]) if match else None


def _listed(text: str, package: str) -> tuple[int, ...] | None:
    match = re.search(
        rf"""(?<![\w-]){_spelled(package)}(?![\w-])(?:\[[^\]]*\])?["']?\s*(?:=\s*)?["']?\s*(?P<wanted>[^#\n"';]*)""",
        text,
        re.IGNORECASE,
    )
    if match is None:
        return None
    exact = re.match(r"={0,2}\s*(\d[\d.]*)", match["wanted"])
    if exact:
        return _numbers(exact[1])
    below = re.search(r"<(=?)\s*(\d[\d.]*)", match["wanted"])
    if below is None:
        close = re.match(r"~=?\s*(\d+\.\d+\.\d+)", match["wanted"])  # up to the last number
        return _numbers(close[1]) if close else None
    numbers = _numbers(below[2])
    return numbers if below[1] else _before(numbers)


def _spelled(package: str) -> str:
    return package.replace("-", "[-_.]")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in text.split(".") if each)


def _before(numbers: tuple[int, ...]) -> tuple[int, ...]:
    """Return a version right before another: of 5.10, 5.9 and all that follows it."""
    kept = list(numbers)
    while kept and kept[-1] == 0:
        kept.pop()
    if not kept:
        return (0,)
    return (*kept[:-1], kept[-1] - 1, 9999)
