"""What the scaffolder would change, or has changed: a tree, and diffs."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import PurePosixPath

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from tidegate.scaffold.writer import Change, Status

__all__ = ["show_diff", "show_tree"]

_WORDS: dict[Status, tuple[str, str]] = {  # before and after writing
    "create": ("new", "created"),
    "edit": ("edit", "edited"),
    "conflict": ("in the way", "overwritten"),
    "unchanged": ("unchanged", "unchanged"),
}
_STYLES: dict[Status, str] = {
    "create": "green",
    "edit": "yellow",
    "conflict": "red",
    "unchanged": "dim",
}
_LINE_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def show_tree(changes: Sequence[Change], *, is_done: bool) -> None:
    """Print the files as a tree, each with what becomes of it."""
    top = PurePosixPath()
    tree = Tree(".")
    branches: dict[PurePosixPath, Tree] = {top: tree}
    for change in changes:
        path = change.file.path
        for folder in reversed(path.parents):
            if folder not in branches:
                branches[folder] = branches[folder.parent].add(Text(f"{folder.name}/"))
        word = _WORDS[change.status][is_done]
        line = Text.assemble(path.name, "  ", (word, _STYLES[change.status]))
        branches[path.parent].add(line)
    Console(soft_wrap=True).print(tree)


def show_diff(change: Change) -> None:
    """Print how one file changes, as a unified diff; nothing if it does not."""
    if change.status == "unchanged":
        return
    path = str(change.file.path)
    lines = difflib.unified_diff(
        (change.before or "").splitlines(),
        change.file.content.splitlines(),
        "/dev/null" if change.before is None else f"a/{path}",
        f"b/{path}",
        lineterm="",
    )
    console = Console(soft_wrap=True, highlight=False)
    for line in lines:
        console.print(Text(line, style=_LINE_STYLES.get(line[:1], "")))
