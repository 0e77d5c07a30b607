"""Corrections: edits of the very code in a finding, and how a rule makes them.

A rule gives its finding ``fix=safe(…)`` if the corrected program does the same for all that was
right before, and nobody has to decide anything: ``tidegate review --fix`` writes it. Everything
else is ``fix=suggested(…)``: shown by ``--show-fix`` and ``tidegate explain``, written by a person.
A suggestion is code that could stand there: it uses the names that are in scope, and where a
decision is needed (the right origin, the name of a permission check) it says so in a comment.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tidegate.review.source import Node, SourceFile

__all__ = [
    "Edit",
    "Fix",
    "applied",
    "inserted_after",
    "inserted_before",
    "line_after",
    "line_before",
    "removed_decorator",
    "removed_line",
    "replaced",
    "safe",
    "statement",
    "suggested",
    "with_entry",
    "without_entry",
]

_BODIES = ("statement_block", "program", "module", "block", "class_body", "switch_case")


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement in a file: the characters from ``start`` up to ``end`` become ``text``."""

    file: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that belong together: all of them or none.

    Attributes:
        is_safe: ``--fix`` writes it; otherwise it is only shown.
    """

    edits: tuple[Edit, ...]
    is_safe: bool = False


def safe(*edits: Edit) -> Fix:
    """Return a fix that needs no person's decision."""
    return Fix(edits, is_safe=True)


def suggested(*edits: Edit) -> Fix:
    """Return a fix that is shown and never written."""
    return Fix(edits)


# Edits


def replaced(node: Node, text: str) -> Edit:
    """Put a text in a node's place."""
    return Edit(node.file.name, node.start, node.end, text)


def inserted_before(node: Node, text: str) -> Edit:
    """Put a text right before a node."""
    return Edit(node.file.name, node.start, node.start, text)


def inserted_after(node: Node, text: str) -> Edit:
    """Put a text right after a node."""
    return Edit(node.file.name, node.end, node.end, text)


def line_before(node: Node, text: str) -> Edit:
    """Put lines before the statement that a node is in, indented as it is."""
    around = statement(node)
    indent = _indent(around.file, around.start)
    lines = text.replace("\n", f"\n{indent}")
    return Edit(around.file.name, around.start, around.start, f"{lines}\n{indent}")


def line_after(node: Node, text: str) -> Edit:
    """Put lines after the statement that a node is in, indented as it is."""
    around = statement(node)
    indent = _indent(around.file, around.start)
    lines = text.replace("\n", f"\n{indent}")
    end = around.end
    if around.file.text[end : end + 1] == ";":
        end += 1
    return Edit(around.file.name, end, end, f"\n{indent}{lines}")


def removed_line(node: Node) -> Edit:
    """Take away the statement that a node is in, with its line if nothing else is on it."""
    around = statement(node)
    end = around.end
    if around.file.text[end : end + 1] == ";":
        end += 1
    return _removed(around.file, around.start, end)


def removed_decorator(node: Node) -> Edit:
    """Take away a decorator, with its line if nothing else is on it."""
    text, end = node.file.text, node.end
    if text[end : end + 1] == " ":
        end += 1
    return _removed(node.file, node.start, end)


def _removed(file: SourceFile, start: int, end: int) -> Edit:
    text = file.text
    line = text.rfind("\n", 0, start) + 1
    following = text.find("\n", end)
    following = len(text) if following < 0 else following + 1
    if not text[line:start].strip() and not text[end:following].strip():
        start, end = line, following
    return Edit(file.name, start, end, "")


def with_entry(node: Node, key: str, text: str) -> Edit:
    """Set an entry of an object literal, a dictionary, or a call's keyword arguments.

    Args:
        node: The literal, or a call's ``arguments`` node (Python).
        text: The value, as code.
    """
    if node.kind == "generator_expression":  # f(x for x in y): it is the arguments
        return replaced(node, f"({node.text}, {key}={text})")
    known = node.pairs().get(key)
    if known is not None and known.kind not in ("method_definition", "spread_element"):
        return replaced(known, text if known.text != key else f"{key}: {text}")
    quote = '"' if node.kind == "dictionary" else ""
    separator = "=" if node.kind == "argument_list" else ": "
    entry = f"{quote}{key}{quote}{separator}{text}"
    children = node.children
    if not children:
        opening, closing = node.text[0], node.text[-1]
        space = " " if opening == "{" and not node.file.is_python else ""
        return replaced(node, f"{opening}{space}{entry}{space}{closing}")
    last = children[-1]
    own_line = _line_of(node.file, last.start) != _line_of(node.file, node.start)
    gap = f"\n{_indent(node.file, last.start)}" if own_line else " "
    return inserted_after(last, f",{gap}{entry}")


def without_entry(node: Node, key: str) -> Edit:
    """Take an entry out of an object literal, a dictionary or keyword arguments."""
    value = node.pairs()[key]
    entry = value if value.parent == node else (value.parent or value)
    text, start, end = node.file.text, entry.start, entry.end
    tail = len(text[end:]) - len(text[end:].lstrip())
    if text[end + tail : end + tail + 1] == ",":
        end += tail + 1
        end += len(text[end:]) - len(text[end:].lstrip())
    else:
        head = text[:start].rstrip()
        start = len(head) - 1 if head.endswith(",") else start
    return Edit(node.file.name, start, end, "")


def statement(node: Node) -> Node:
    """Return the statement or class member that a node is in; the node itself if it is one."""
    current = node
    for around in node.ancestors():
        if around.kind in _BODIES:
            return current
        current = around
    return current


def applied(text: str, edits: Iterable[Edit]) -> str:
    """Return a file's text with edits made; of two that overlap, the first wins."""
    parts, position = [], 0
    for edit in sorted(dict.fromkeys(edits), key=lambda each: (each.start, each.end)):
        if edit.start < position:
            continue
        parts += [text[position : edit.start], edit.text]
        position = edit.end
    return "".join([*parts, text[position:]])


def _line_of(file: SourceFile, index: int) -> int:
    return file.text.count("\n", 0, index)


def _indent(file: SourceFile, index: int) -> str:
    line = file.text[file.text.rfind("\n", 0, index) + 1 : index]
    return line[: len(line) - len(line.lstrip())]
