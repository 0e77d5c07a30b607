"""Where the file of an imported module may be: beside the file, by an alias, as a package."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tidegate.review.source import SourceFile

__all__ = ["aliases_in", "places"]

_ENDS = ("", ".ts", ".tsx", ".js", ".jsx", ".mjs", "/index.ts", "/index.tsx", "/index.js")
_Aliases = Callable[[], dict[str, dict[str, str]]]


def places(file: SourceFile, module: str, aliases: _Aliases) -> Iterator[str]:
    """Yield the names of files that an import may mean, likely ones first.

    Args:
        aliases: Returns what ``aliases_in`` found; asked only if an import is not relative.
    """
    if file.is_python:
        yield from _python_places(file, module)
    else:
        yield from _js_places(file, module, aliases)


def aliases_in(root: Path, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the aliases of each folder that has a ``tsconfig.json``: prefix to path."""
    folders = {parent for name in names for parent in _parents(name)}
    found: dict[str, dict[str, str]] = {}
    for folder in folders:
        for name in ("tsconfig.json", "tsconfig.base.json"):
            try:
                text = (root / folder / name).read_text("utf-8", "replace")[:100_000]
                found.setdefault(folder, {}).update(_paths_in(text))
            except (OSError, ValueError, RecursionError):
                continue
    return found


def _python_places(file: SourceFile, module: str) -> Iterator[str]:
    folder = os.path.dirname(file.name)
    dots = len(module) - len(module.lstrip("."))
    path = module[dots:].replace(".", "/")
    bases = [os.path.normpath(os.path.join(folder, *[".."] * (dots - 1)))] if dots else []
    if not dots:
        parts = folder.split("/") if folder else []
        bases = ["/".join(parts[:count]) for count in range(len(parts), -1, -1)]
        bases += [f"{base}/src".lstrip("/") for base in bases]
    for base in bases:
        full = os.path.normpath(os.path.join(base, path)).replace(os.sep, "/")
        yield from (f"{full}.py", f"{full}/__init__.py")


def _js_places(file: SourceFile, module: str, aliases: _Aliases) -> Iterator[str]:
    if module.startswith("."):
        stems = [os.path.normpath(os.path.join(os.path.dirname(file.name), module))]
    else:
        stems = [stem for stem in _aliased(file, module, aliases) if stem]
    for stem in stems:
        stem = stem.replace(os.sep, "/")
        yield from (stem + end for end in _ENDS)
        if stem.endswith((".js", ".mjs", ".jsx")):
            yield from (stem.rsplit(".", 1)[0] + end for end in (".ts", ".tsx", ".mts"))


def _aliased(file: SourceFile, module: str, aliases: _Aliases) -> Iterator[str]:
    """Yield where an import by an alias may lead: paths of tsconfig, ``src/…``, ``@/…``."""
    for folder in _parents(file.name):
        for prefix, target in aliases().get(folder, {}).items():
            if module.startswith(prefix):
                yield os.path.normpath(os.path.join(folder, target, module[len(prefix) :]))
    bare = re.sub(r"^(?:@|~)/", "", module)
    if bare != module or module.startswith(("src/", "app/", "libs/", "apps/")):
        for folder in _parents(file.name):
            yield os.path.normpath(os.path.join(folder, bare))
            yield os.path.normpath(os.path.join(folder, "src", bare))


def _paths_in(text: str) -> dict[str, str]:
    text = re.sub(
        r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', lambda m: m[1] or "", text, flags=re.DOTALL
    )
    options = json.loads(re.sub(r",(\s*[}\]])", r"\1", text)).get("compilerOptions") or {}
    base = options.get("baseUrl") or "."
    return {
        alias.rstrip("*"): f"{base}/{targets[0].rstrip('*')}"
        for alias, targets in (options.get("paths") or {}).items()
        if targets and isinstance(targets[0], str)
    }


def _parents(name: str) -> list[str]:
    parts = name.split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(len(parts), -1, -1)]
