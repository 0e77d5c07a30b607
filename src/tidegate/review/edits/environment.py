"""The check that a variable of the environment is set, which a correction that reads one needs."""

from __future__ import annotations

import re

from tidegate.review.edits.insertions import after_imports
from tidegate.review.fix import Edit
from tidegate.review.source import SourceFile

__all__ = ["checked"]


def checked(file: SourceFile, name: str) -> list[Edit]:
    """Return the edit that ends a Node program if a variable is not set; empty if one is there."""
    if re.search(rf"!\s*process\.env\.{re.escape(name)}\b", file.text):
        return []
    text = f"if (!process.env.{name}) {{\n  throw new Error('{name} is not set');\n}}"
    return [after_imports(file, text)]
