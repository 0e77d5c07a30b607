"""Small questions about expressions, the same for TypeScript and Python."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.source import Node

__all__ = ["WRAPPERS", "inner", "key_of", "names_in", "path_of", "words_of"]

WRAPPERS = (
    *("as_expression", "parenthesized_expression", "non_null_expression", "await_expression"),
    *("satisfies_expression", "await", "type_assertion", "spread_element", "list_splat"),
)
_MEMBERS = ("member_expression", "attribute", "subscript_expression", "subscript")
_NAMES = ("identifier", "shorthand_property_identifier", "this")


def inner(node: Node) -> Node:
    """Return an expression without ``await``, casts and parentheses around it."""
    while node.kind in WRAPPERS and node.children:
        node = node.children[-1 if node.kind == "type_assertion" else 0]
    return node


def key_of(node: Node) -> tuple[Node | None, str | None]:
    """Return holder and key of ``a.b``, ``a["b"]``; the key is None if it is computed."""
    holder = node.field("object") or node.field("value")
    name = node.field("property") or node.field("attribute")
    if name is not None:
        return holder, name.text
    index = node.field("index") or node.field("subscript")
    return holder, index.string if index is not None else None


def path_of(node: Node) -> str | None:
    """Return ``a.b.c`` for ``a?.b!["c"]``; None if it is not made of names."""
    node = inner(node)
    if node.kind in _NAMES or (node.kind == "self"):
        return node.text
    if node.kind not in _MEMBERS:
        return None
    holder, key = key_of(node)
    above = path_of(holder) if holder is not None else None
    return f"{above}.{key}" if above is not None and key is not None else None


def names_in(node: Node, *, called: bool = False) -> Iterator[str]:
    """Yield the names and dotted paths that an expression reads, without keys.

    Args:
        called: Yield what functions are called on, too: the ``users`` of ``users.get(id)``.
    """
    for each in node.find(*_NAMES, *_MEMBERS):
        if not called and each != node and _is_called(each, node):
            continue
        if each.kind in _MEMBERS:
            path = path_of(each)
            if path is not None:
                yield path
        elif not _is_key(each):
            yield each.text


def _is_called(node: Node, top: Node) -> bool:
    """Tell the names in ``users.get`` of ``users.get(id)``, if the call is in ``top``."""
    for around in node.ancestors():
        if around.end > top.end:
            return False
        if around.kind in ("call_expression", "call", "new_expression"):
            called = around.field("function") or around.field("constructor")
            return called is not None and called.start <= node.start and node.end <= called.end
        if around.kind not in (*_MEMBERS, "non_null_expression"):
            return False
    return False


def _is_key(node: Node) -> bool:
    """Tell the ``b`` of ``a.b`` and of ``f(b=1)`` from a name that is read."""
    if not node.file.is_python:
        return False
    around = node.parent
    if around is None or around.kind not in ("attribute", "keyword_argument"):
        return False
    key = around.field("attribute") or around.field("name")
    return key == node


def words_of(name: str) -> str:
    """Return a name in lower case, ``_`` between its words: ``x-tenantId`` as ``x_tenant_id``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[\W_]+", "_", spaced).lower().strip("_")


def entries(node: Node) -> Iterator[Node]:
    """Yield an expression, or the entries of a literal, also of one inside."""
    node = inner(node)
    if node.kind in ("object", "dictionary"):
        for key, value in node.pairs().items():
            if key != "...":
                yield from entries(value)
    elif node.kind in ("array", "list"):
        for value in node.children:
            yield from entries(value)
    else:
        yield node
