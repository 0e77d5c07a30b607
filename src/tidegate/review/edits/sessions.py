"""The correction of a session that is held: opened in the receive loop, once for each message."""

from __future__ import annotations

import re

from tidegate.review.edits.imports import import_edit
from tidegate.review.facts.module.sessions import Dependency, reads
from tidegate.review.fix import Edit, Fix, applied, replaced, suggested
from tidegate.review.model import Model
from tidegate.review.model.declarations import Function
from tidegate.review.source import Node, SourceFile

__all__ = ["reopened", "reopened_inside"]


def reopened(model: Model, endpoint: Function, dependency: Dependency) -> Fix | None:
    """Return the fix that takes a parameter away and opens its session where it is used."""
    function, parameter = dependency.function, dependency.parameter
    if function is None or function.parameters or not function.body.find("yield"):
        return None
    target = _target(parameter.node)
    if target is None:
        return None
    is_async = function.is_async
    manager = "asynccontextmanager" if is_async else "contextmanager"
    opening = f"{'async ' if is_async else ''}with {manager}({target})() as {parameter.name}:"
    wraps = _wraps(endpoint.body, parameter.name, opening)
    if wraps is None:
        return None
    edits = [_without(parameter.node), *wraps]
    edits += import_edit(endpoint.file, f"from contextlib import {manager}")
    return suggested(*edits)


def reopened_inside(function: Function, block: Node) -> Fix | None:
    """Return the fix that moves a ``with`` from around a loop to where its session is used."""
    body = block.field("body")
    match = re.match(r"(?:async\s+)?with\b[^\n]*\bas\s+(\w+)\s*:", block.text)
    if body is None or match is None or _has_long_text(body):
        return None
    wraps = _wraps(body, match[1], match[0])
    if wraps is None:
        return None
    text = block.file.text
    start, first = (text.rfind("\n", 0, node.start) + 1 for node in (block, body))
    unit = len(text[first : body.start]) - len(text[start : block.start])
    if first <= block.start or unit <= 0 or not _keeps_margin(block, body):
        return None
    moved = [Edit("", edit.start - first, edit.end - first, edit.text) for edit in wraps]
    lines = applied(text[first : body.end], moved).split("\n")
    dedented = "\n".join(line[unit:] if line.strip() else line for line in lines)
    return suggested(replaced(block, dedented[len(text[start : block.start]) :]))


def _keeps_margin(block: Node, body: Node) -> bool:
    """Tell whether every line of a body is indented, so that it can be moved to the left."""
    starts = _line_starts(block.file, body)
    indent = block.file.text[starts[0] : body.start]
    lines = [block.file.line(block.file.text.count("\n", 0, start) + 1) for start in starts]
    return all(line.startswith(indent) or not line.strip() for line in lines)


def _wraps(body: Node, name: str, opening: str) -> list[Edit] | None:
    """Return edits that put the statements that use a session into blocks of their own.

    What a statement with the session assigns may be loaded later: its users come along.
    """
    edits: list[Edit] = []
    run: list[Node] = []
    names = {name}
    for each in body.children:
        if not reads(each):
            if _uses(each, names):
                run.append(each)
                names |= _assigned(each)
            continue
        edits += _wrapped(body, run, opening)
        run, names = [], {name}
        if not _uses(each, names):
            continue
        blocks = _blocks(each)
        if not blocks or _uses_outside(each, blocks, names):
            return None
        for block in blocks:
            found = _wraps(block, name, opening)
            if found is None:
                return None
            edits += found
    return edits + _wrapped(body, run, opening)


def _assigned(node: Node) -> set[str]:
    lefts = [each.field("left") for each in node.find("assignment", "for_statement")]
    return {name.text for left in lefts if left is not None for name in left.identifiers()}


def _uses_outside(node: Node, blocks: list[Node], names: set[str]) -> bool:
    """Tell whether a statement uses a session where no block can be put: in a condition."""
    return any(
        each.text in names and not any(block.start <= each.start < block.end for block in blocks)
        for each in node.identifiers()
    )


def _blocks(node: Node) -> list[Node]:
    found = [child for child in node.children if child.kind == "block"]
    for clause in node.children:
        if _is_clause(clause):
            found += [child for child in clause.children if child.kind == "block"]
    return found


def _is_clause(node: Node) -> bool:
    return node.kind.endswith("_clause")


def _between(body: Node, run: list[Node]) -> list[Node]:
    return [each for each in body.children if run[0].start <= each.start <= run[-1].start]


def _wrapped(body: Node, run: list[Node], opening: str) -> list[Edit]:
    if not run:
        return []
    file = body.file
    statements = _between(body, run)
    first = file.text.rfind("\n", 0, statements[0].start) + 1
    indent = file.text[first : statements[0].start]
    edits = [Edit(file.name, first, first, f"{indent}{opening}\n    ")]
    for each in statements:
        edits += [
            Edit(file.name, position, position, "    ")
            for position in _line_starts(file, each)
            if position > first and file.text[position : position + 1] not in ("\n", "")
        ]
    return edits


def _line_starts(file: SourceFile, node: Node) -> list[int]:
    """Return where the lines of a node start, that of its first character among them."""
    starts = [file.text.rfind("\n", 0, node.start) + 1]
    while True:
        following = file.text.find("\n", starts[-1]) + 1
        if not 0 < following < node.end:
            return starts
        starts.append(following)


def _uses(node: Node, names: set[str]) -> bool:
    return any(each.text in names for each in node.identifiers())


def _has_long_text(node: Node) -> bool:
    return any("\n" in each.text for each in node.find("string"))


def _target(parameter: Node) -> str | None:
    for call in parameter.calls("Depends"):
        given = call.arg(0, "dependency")
        return given.text if given is not None else None
    return None


def _without(parameter: Node) -> Edit:
    """Take a parameter away, with its comma and its line."""
    text, start, end = parameter.file.text, parameter.start, parameter.end
    head = text[:start].rstrip()
    if head.endswith(","):
        return Edit(parameter.file.name, len(head) - 1, end, "")
    tail = re.match(r"\s*,\s*", text[end:])
    return Edit(parameter.file.name, start, end + len(tail[0]) if tail else end, "")
