"""What a branch tells: the facts in a condition, and what an assignment makes of them."""

from __future__ import annotations

import re

from tidegate.review.source import Node

__all__ = ["Fact", "assigned", "facts_of"]

Fact = tuple[str, bool]
"""A condition as written, and whether it holds."""

_FALSE = ("false", "False", "null", "None", "undefined", "0")
_TRUE = ("true", "True")


def facts_of(condition: Node, *, holds: bool) -> frozenset[Fact]:
    """Return what is known once a condition was found to hold, or not to hold."""
    node = _bare(condition)
    if node.kind in ("unary_expression", "not_operator") and node.text.startswith(("!", "not")):
        return facts_of(node.children[-1], holds=not holds) if node.children else frozenset()
    both = _joined(node)
    if both:
        operator, left, right = both
        # Both halves of an "and" that holds, and of an "or" that doesn't.
        if (operator in ("&&", "and")) == holds:
            return facts_of(left, holds=holds) | facts_of(right, holds=holds)
        return frozenset()
    if re.search(r"\bawait\b|\(", node.text):
        return frozenset()  # a call may answer differently the next time
    return frozenset({(re.sub(r"\s+", " ", node.text), holds)})


def assigned(node: Node) -> tuple[str, bool | None] | None:
    """Return the name that a node assigns, and its truth if a literal is assigned."""
    if node.kind in ("assignment_expression", "assignment", "augmented_assignment_expression"):
        left, right = node.field("left"), node.field("right")
    elif node.kind in ("augmented_assignment", "update_expression"):
        left, right = node.field("left") or node.field("argument"), None
    elif node.kind == "variable_declarator":
        left, right = node.field("name"), node.field("value")
    else:
        return None
    if left is None:
        return None
    text = right.text if right is not None else ""
    value = True if text in _TRUE else False if text in _FALSE else None
    return left.text, value if node.kind != "augmented_assignment_expression" else None


def _bare(node: Node) -> Node:
    while node.kind == "parenthesized_expression" and node.children:
        node = node.children[0]
    return node


def _joined(node: Node) -> tuple[str, Node, Node] | None:
    if node.kind not in ("binary_expression", "boolean_operator"):
        return None
    left, right = node.field("left"), node.field("right")
    if left is None or right is None:
        return None
    operator = node.file.text[left.end : right.start].strip()
    return (operator, left, right) if operator in ("&&", "||", "and", "or") else None
