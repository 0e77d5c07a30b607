"""Calls that log, and what of their arguments gets into the log."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.source import Call, Node

__all__ = ["READS", "is_logging", "logged"]

_RECEIVERS = re.compile(
    r"(?:^|[._])(?:console|log|logs|logger|logging|winston|pino|loguru)$|[a-z]Log(?:ger)?$|^Logger$|LOG(?:GER)?$"
)
_METHODS = frozenset(
    {
        *("log", "debug", "info", "warn", "warning", "error", "trace", "verbose", "silly", "fatal"),
        *("dir", "table", "exception", "critical", "success", "notice", "http"),
    }
)
_SHOWING = re.compile(
    r"(?:JSON\.stringify|String|(?:util\.)?inspect|str|repr|(?:json|orjson)\.dumps|pformat|dict"
    r"|.*\.(?:toString|trim|format|decode|strip|items|copy|model_dump|join))",
    re.DOTALL,
)

READS = frozenset({"get", "getlist", "getItem", "header", "pop"})
"""Names of methods that return what is under a key."""


def is_logging(call: Call) -> bool:
    """Tell whether a call writes to a log or to the console."""
    receiver = call.receiver
    if receiver is None:
        return call.file.is_python and call.name in ("print", "pprint")
    return call.name in _METHODS and bool(_RECEIVERS.search(receiver.text))


def logged(call: Call) -> Iterator[Node]:
    """Yield the values that a logging call writes out: names, members, calls that return them.

    What is only asked (``!!token``, ``token.length``, ``token ? 'yes' : 'no'``) is not among them.
    """
    for arg in [*call.args, *call.keywords.values()]:
        yield from _shown(arg)


def _shown(node: Node) -> Iterator[Node]:
    kind = node.kind
    if kind in ("binary_expression", "boolean_operator", "binary_operator"):
        yield from _operands(node)
    elif kind in ("ternary_expression", "conditional_expression"):
        yield from _branches(node)
    elif kind in ("call_expression", "call"):
        yield from _result(Call(node))
    elif kind in ("pair", "keyword_argument"):
        value = node.field("value")
        yield from _shown(value) if value is not None else ()
    elif kind == "string" and node.children:
        for each in node.children:
            if each.kind == "interpolation":
                yield from _shown(each)
    elif kind == "interpolation":
        yield from _shown(node.children[0]) if node.children else ()
    elif kind in (
        *("template_string", "template_substitution", "object", "array", "dictionary", "list"),
        *("tuple", "parenthesized_expression", "as_expression", "non_null_expression"),
        *("await_expression", "await", "spread_element", "concatenated_string", "list_splat"),
    ):
        children = node.children[:1] if kind == "as_expression" else node.children
        for child in children:
            yield from _shown(child)
    elif kind in (
        *("identifier", "shorthand_property_identifier", "member_expression", "attribute"),
        *("subscript_expression", "subscript"),
    ):
        yield node


def _operands(node: Node) -> Iterator[Node]:
    left, right = node.field("left"), node.field("right")
    operator = node.field("operator")
    sign = operator.text if operator is not None else ""
    if left is None or right is None or sign not in ("+", "||", "??", "&&", "or", "and", "%"):
        return
    if sign not in ("&&", "and"):
        yield from _shown(left)
    yield from _shown(right)


def _branches(node: Node) -> Iterator[Node]:
    if node.kind == "ternary_expression":
        branches = [node.field("consequence"), node.field("alternative")]
    else:
        branches = [node.children[0], node.children[-1]]
    for branch in branches:
        if branch is not None:
            yield from _shown(branch)


def _result(call: Call) -> Iterator[Node]:
    if call.name in READS and call.args and call.args[0].string:
        yield call.node
        return
    if not _SHOWING.fullmatch(call.path):
        return
    if call.receiver is not None and not re.match(r"(?:JSON|util|json|orjson)\b", call.path):
        yield from _shown(call.receiver)
    for arg in [*call.args, *call.keywords.values()]:
        yield from _shown(arg)
