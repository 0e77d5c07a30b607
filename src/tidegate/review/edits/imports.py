"""The edit that adds an import a correction needs."""

from __future__ import annotations

from tidegate.review.fix import Edit
from tidegate.review.source import SourceFile

__all__ = ["import_edit"]


def import_edit(file: SourceFile, line: str) -> list[Edit]:
    """Return an edit that adds an import statement to a file, or nothing if it is there.

    Args:
        line: ``from asgiref.sync import async_to_sync``; it goes before the file's first import,
            but after those of ``__future__``.
    """
    if line in file.text:
        return []
    kinds = ("import_statement", "import_from_statement")
    for node in file.root.children:
        if node.kind in kinds:
            return [Edit(file.name, node.start, node.start, f"{line}\n")]
    first = next(
        (node for node in file.root.children if node.kind != "future_import_statement"), None
    )
    start = first.start if first is not None else 0
    return [Edit(file.name, start, start, f"{line}\n")]
