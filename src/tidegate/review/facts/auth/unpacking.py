"""Names that come out of an object: ``const { query } = socket.handshake``."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.review.source import FUNCTIONS, Node

__all__ = ["parts_of", "unpacked"]


def unpacked(name: Node) -> str:
    """Return what a name was taken out of, as code: ``socket.handshake.query``; else nothing."""
    if name.kind != "identifier":
        return ""
    for around in name.ancestors():
        if around.kind not in FUNCTIONS:
            continue
        for node in around.find("variable_declarator"):
            pattern, value = node.field("name"), node.field("value")
            if pattern is None or value is None or pattern.kind != "object_pattern":
                continue
            for child in pattern.children:
                key, target = child.field("key") or child, child.field("value") or child
                if target.text == name.text and "{" not in child.text:
                    return f"{value.text}.{key.text}"
    return ""


def parts_of(pattern: Node, value: Node) -> Iterator[tuple[Node, str]]:
    """Yield the patterns inside a pattern, each with what it unpacks: ``{ query: { id } }``."""
    for child in pattern.children:
        key, target = child.field("key"), child.field("value")
        if key is not None and target is not None and target.kind == "object_pattern":
            yield target, f"{value.text}.{key.text}"
