"""Line breaks as Prettier makes them at its default width, where a name decides what fits."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["WIDTH", "fitted", "import_line", "items"]

WIDTH = 80


def fitted(flat: str, broken: str) -> str:
    """Return a statement on one line if it fits, else as it is broken.

    Args:
        flat: With its indentation.
        broken: The same on several lines.
    """
    return flat if len(flat) <= WIDTH else broken


def import_line(names: Sequence[str], module: str) -> str:
    """Return ``import { A, B } from 'module';``."""
    flat = f"import {{ {', '.join(names)} }} from '{module}';"
    listed = "".join(f"  {name},\n" for name in names)
    return flat if len(names) == 1 else fitted(flat, f"import {{\n{listed}}} from '{module}';")


def items(values: Sequence[str], brackets: str, indent: int, room: int) -> str:
    """Return a list or an object, its items below each other if they don't fit.

    Args:
        values: Its items.
        brackets: ``[]`` or ``{}``.
        indent: Blanks before the line it begins on.
        room: Characters before and after it on that line, without the indentation.
    """
    blank = " " if brackets == "{}" and values else ""
    flat = f"{brackets[0]}{blank}{', '.join(values)}{blank}{brackets[1]}"
    if indent + room + len(flat) <= WIDTH and "\n" not in flat:
        return flat
    lines = "".join(f"{' ' * (indent + 2)}{value},\n" for value in values)
    return f"{brackets[0]}\n{lines}{' ' * indent}{brackets[1]}"
