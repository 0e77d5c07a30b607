"""Stored trees: what a target makes of an answer, file by file.

``TIDEGATE_UPDATE_GOLDEN=1`` writes them anew; look at the difference before you commit it.
"""

from __future__ import annotations

import os
from pathlib import Path

from tidegate.scaffold import Plan

FOLDER = Path(__file__).parents[1] / "golden"


def assert_matches_golden(plan: Plan, name: str) -> None:
    """Compare a plan with the tree that is stored under this name."""
    folder = FOLDER / name
    planned = {str(file.path): file.content for file in plan.files}
    if os.environ.get("TIDEGATE_UPDATE_GOLDEN"):
        _store(planned, folder)
    stored = {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert sorted(planned) == sorted(stored)
    for path, content in planned.items():
        assert content == stored[path], path


def _store(planned: dict[str, str], folder: Path) -> None:
    for old in folder.rglob("*"):
        if old.is_file() and str(old.relative_to(folder)) not in planned:
            old.unlink()
    for path, content in planned.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
