"""Texts that code gives names to: constants, entries of objects, members of enums."""

from __future__ import annotations

from tidegate.review.model.project import Project
from tidegate.review.source import Call, Node, SourceFile

__all__ = ["text_of"]


def text_of(project: Project, node: Node | None) -> str | None:
    """Return the text that an expression surely has: ``'connection'``, ``Events.CONNECTION``."""
    value = project.value(node)
    if value is None or value.string is not None:
        return value.string if value is not None else None
    holder, name = value.field("object"), value.field("property")
    if value.kind != "member_expression" or holder is None or name is None:
        return None
    if holder.kind != "identifier":
        return None
    made = _literal(project.value(holder))
    if made is not None:
        entry = _entry(project, made, name.text, 0)
        return entry.string if entry is not None else None
    home = project.home_of(value.file, holder.text)
    return _member(home[0], home[1], name.text) if home is not None else None


def _literal(node: Node | None) -> Node | None:
    """Return the object in ``{…}``, ``{…} as const`` or ``Object.freeze({…})``."""
    while node is not None and node.kind in ("as_expression", "call_expression"):
        if node.kind == "as_expression":
            node = node.children[0] if node.children else None
            continue
        call = Call(node)
        node = call.args[0] if call.path == "Object.freeze" and call.args else None
    return node if node is not None and node.kind == "object" else None


def _entry(project: Project, literal: Node, key: str, depth: int) -> Node | None:
    """Return an entry of a literal, or of one that is spread into it."""
    own = literal.pairs().get(key)
    if own is not None or depth > 3:
        return own
    for child in literal.children:
        if child.kind == "spread_element" and child.children:
            spread = _literal(project.value(child.children[0]))
            found = _entry(project, spread, key, depth + 1) if spread is not None else None
            if found is not None:
                return found
    return None


def _member(file: SourceFile, enum: str, name: str) -> str | None:
    if "enum" not in file.text:
        return None
    for node in file.root.find("enum_declaration"):
        named, body = node.field("name"), node.field("body")
        if named is None or body is None or named.text != enum:
            continue
        for child in body.children:
            key, value = child.field("name"), child.field("value")
            if key is not None and value is not None and key.text == name:
                return value.string
    return None
