"""What a client sent, followed through a handler: payloads, query, headers, ``auth``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tidegate.review.model import Gateway, Handler
from tidegate.review.source import Node

__all__ = ["Sent", "sent_values"]

_PYTHON_ROOTS = re.compile(
    r"(?:\w+\.)?(?:query_params|path_params|headers|cookies)|environ|request\.args|request\.headers"
    r"|.*\.scope\[['\"](?:url_route|query_string|headers)['\"]\](?:\[['\"]kwargs['\"]\])?"
    r"|parse_qsl?\(.*\)|(?:await )?\w+\.receive_(?:json|text|bytes)\(\)|json\.loads\(.*\)",
    re.DOTALL,
)


@dataclass(frozen=True, eq=False)
class Sent:
    """A value that a client sent: where it is read, and the names that hold it afterwards."""

    node: Node
    names: frozenset[str]

    def is_in(self, node: Node) -> bool:
        """Tell whether an expression contains the value."""
        if any(each.text in self.names for each in node.identifiers()):
            return True
        if self.node.kind in ("identifier", "shorthand_property_identifier_pattern"):
            return False
        return any(each.text == self.node.text for each in node.find(self.node.kind))


def sent_values(
    gateway: Gateway, handler: Handler, wanted: Callable[[str], bool]
) -> Iterator[Sent]:
    """Yield what a handler reads from the client under a key that is wanted.

    Args:
        wanted: Tells by the last name of a value, such as ``tenantId``.
    """
    function = handler.function
    roots = _roots(gateway, handler)
    is_python = function.file.is_python
    for parameter in function.parameters:
        for name in _destructured(parameter.node, roots):
            if wanted(name.text):
                yield Sent(name, frozenset({name.text}))
        if parameter.name in roots and wanted(parameter.name):
            yield Sent(parameter.node, frozenset({parameter.name}))
        is_filled = (
            is_python
            and gateway.framework == "websocket"
            and not re.search(r"Depends|WebSocket", parameter.node.text)
        )
        if is_filled and wanted(parameter.name):
            yield Sent(parameter.node, frozenset({parameter.name}))
    roots |= _aliases(function.body, roots, is_python=is_python)
    for node in function.body.find(
        "member_expression", "subscript_expression", "subscript", "call"
    ):
        key, holder = _read(node)
        if holder is None or not wanted(key) or not _is_root(holder, roots, is_python=is_python):
            continue
        yield Sent(node, frozenset(_held_in(node)))
    for node in function.body.find("variable_declarator"):
        pattern, value = node.field("name"), node.field("value")
        if pattern is None or value is None or pattern.kind != "object_pattern":
            continue
        if _is_root(value, roots, is_python=is_python):
            for name in pattern.find("shorthand_property_identifier_pattern"):
                if wanted(name.text):
                    yield Sent(name, frozenset({name.text}))


def _roots(gateway: Gateway, handler: Handler) -> set[str]:
    """Return the expressions that hold what the client sent."""
    roots = set(handler.payload)
    socket = handler.socket
    if not handler.function.file.is_python and socket:
        roots |= {f"{socket}.handshake.{part}" for part in ("query", "headers", "auth")}
    if handler.kind == "connect" and gateway.framework in ("python-socketio", "flask-socketio"):
        names = [parameter.name for parameter in handler.function.parameters]
        roots |= set(names[1:]) if gateway.framework == "python-socketio" else set(names)
    return roots


def _destructured(parameter: Node, roots: set[str]) -> list[Node]:
    for child in (parameter, *parameter.children):
        if child.kind == "object_pattern" and child.text in roots:
            return child.find("shorthand_property_identifier_pattern")
    return []


def _aliases(body: Node, roots: set[str], *, is_python: bool) -> set[str]:
    """Return names that are set to a root: ``const query = socket.handshake.query``."""
    found: set[str] = set()
    for node in body.find("assignment" if is_python else "variable_declarator"):
        name, value = (
            node.field("name") or node.field("left"),
            node.field("value") or node.field("right"),
        )
        if name is not None and value is not None and name.kind == "identifier":
            text = re.sub(r"\s*(?:\|\||\?\?|\bor\b)\s*\{\}.*$", "", value.text)
            if text in roots | found or (is_python and _PYTHON_ROOTS.fullmatch(text)):
                found.add(name.text)
    return found


def _read(node: Node) -> tuple[str, Node | None]:
    """Return key and holder of ``holder.key``, ``holder["key"]`` or ``holder.get("key")``."""
    if node.kind == "member_expression":
        name = node.field("property")
        return (name.text if name is not None else ""), node.field("object")
    if node.kind == "subscript_expression":
        index = node.field("index")
        return (index.string or "" if index is not None else ""), node.field("object")
    if node.kind == "subscript":
        index = node.field("subscript")
        return (index.string or "" if index is not None else ""), node.field("value")
    function, arguments = node.field("function"), node.field("arguments")
    if function is None or arguments is None or not arguments.children:
        return "", None
    attribute = function.field("attribute")
    if attribute is None or attribute.text != "get":
        return "", None
    return arguments.children[0].string or "", function.field("object")


def _is_root(holder: Node, roots: set[str], *, is_python: bool) -> bool:
    text = holder.text.replace("?.", ".").replace("!", "")
    text = re.sub(r"^\((.*?)(?: as [\w<>\[\], .]+)?\)$", r"\1", text)
    text = re.sub(r" as [\w<>\[\], .]+$", "", text)
    text = re.sub(r"^\((\w+) or \{\}\)$", r"\1", text)
    return text in roots or (is_python and _PYTHON_ROOTS.fullmatch(text) is not None)


def _held_in(node: Node) -> Iterator[str]:
    """Yield the name that a value is assigned to."""
    for around in node.ancestors():
        if around.kind in ("variable_declarator", "assignment"):
            name = around.field("name") or around.field("left")
            if name is not None and name.kind == "identifier":
                yield name.text
            return
        if around.kind not in (
            *("as_expression", "binary_expression", "boolean_operator", "await_expression"),
            *("parenthesized_expression", "non_null_expression", "call_expression", "call"),
            *("arguments", "argument_list", "template_substitution"),
        ):
            return
