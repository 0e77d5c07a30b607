"""Names of rooms as patterns: what is written, with ``*`` for what is only known when it runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.model import Model
from tidegate.review.model.constants import text_of
from tidegate.review.model.declarations import Function
from tidegate.review.source import FUNCTIONS, Call, Node

__all__ = ["ANYTHING", "could_meet", "patterns", "values_of"]

ANYTHING = "\0"
"""Stands in a pattern for any text."""

_MAX_DEPTH = 6
_WRAPPED = ("parenthesized_expression", "as_expression", "non_null_expression", "await_expression")


def patterns(model: Model, node: Node | None, depth: int = 0) -> frozenset[str] | None:
    """Return the names that an expression may have; None if nothing of them is known.

    Args:
        node: ``'lobby'``, `` `board:${id}` ``, a constant, a variable, or a call of a helper.
    """
    if node is None or depth > _MAX_DEPTH:
        return None
    kind = node.kind
    if kind in _WRAPPED:
        return patterns(model, node.children[0], depth + 1) if node.children else None
    if kind in ("string", "template_string", "concatenated_string"):
        return _written(model, node, depth)
    if kind in ("binary_expression", "binary_operator"):
        return _operation(model, node, depth)
    if kind in ("ternary_expression", "conditional_expression"):
        first, last = _branches(node)
        return _union([patterns(model, first, depth + 1), patterns(model, last, depth + 1)])
    if kind in ("identifier", "member_expression", "attribute"):
        text = text_of(model.project, node) if not node.file.is_python else None
        return frozenset({text}) if text is not None else _named(model, node, depth)
    if kind in ("call_expression", "call"):
        return _called(model, Call(node), depth)
    return None


def could_meet(one: str, other: str) -> bool:
    """Tell whether some text fits both patterns."""
    return _meet(_parts(one), _parts(other))


def _parts(pattern: str) -> tuple[str, ...]:
    return tuple(re.sub(f"{ANYTHING}+", ANYTHING, pattern))


def _meet(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Walk both at once; rows of a table, so that wildcards cost no more than their product."""
    row = [True]
    for letter in other:
        row.append(row[-1] and letter == ANYTHING)
    for mine in one:
        following = [row[0] and mine == ANYTHING]
        for place, letter in enumerate(other):
            if ANYTHING in (mine, letter):
                following.append(row[place] or row[place + 1] or following[place])
            else:
                following.append(row[place] and mine == letter)
        row = following
    return row[-1]


def _known(pattern: str) -> frozenset[str] | None:
    """Return a pattern, unless nothing but the id is left: that may be any room."""
    return frozenset({pattern}) if re.search(r"[^\W_]", pattern.replace(ANYTHING, "")) else None


def _union(found: list[frozenset[str] | None]) -> frozenset[str] | None:
    if not found or any(each is None for each in found):
        return None
    return frozenset().union(*(each for each in found if each is not None))


def _part(model: Model, node: Node | None, depth: int) -> str:
    """Return one part of a longer name: its one text if that is known."""
    found = patterns(model, node, depth + 1)
    return next(iter(found)) if found is not None and len(found) == 1 else ANYTHING


def _written(model: Model, node: Node, depth: int) -> frozenset[str] | None:
    if node.string is not None:
        return frozenset({node.string})
    text, parts, position = node.file.text, [], node.start
    for child in node.children:
        if child.kind in ("template_substitution", "interpolation"):
            parts += [text[position : child.start]]
            parts += [_part(model, child.children[0] if child.children else None, depth)]
            position = child.end
        elif child.kind == "string":
            return None
    parts += [text[position : node.end]]
    match = re.fullmatch(r"""[a-zA-Z]*('''|\"\"\"|['"`])(.*)\1""", "".join(parts), flags=re.DOTALL)
    return _known(match[2]) if match else None


def _operation(model: Model, node: Node, depth: int) -> frozenset[str] | None:
    left, right = node.field("left"), node.field("right")
    if left is None or right is None:
        return None
    operator = node.file.text[left.end : right.start].strip()
    if operator == "+":
        return _known(_part(model, left, depth) + _part(model, right, depth))
    if operator == "%" and left.string is not None:
        return _known(re.sub(r"%(?:\(\w+\))?[-+#0 ]*\d*(?:\.\d+)?[a-zA-Z]", ANYTHING, left.string))
    if operator in ("||", "??", "or"):
        return _union([patterns(model, left, depth + 1), patterns(model, right, depth + 1)])
    return None


def _branches(node: Node) -> tuple[Node | None, Node | None]:
    if node.kind == "ternary_expression":
        return node.field("consequence"), node.field("alternative")
    children = node.children
    return (children[0], children[-1]) if len(children) == 3 else (None, None)


def _called(model: Model, call: Call, depth: int) -> frozenset[str] | None:
    receiver = call.receiver
    if call.name == "format" and receiver is not None and receiver.string is not None:
        return _known(re.sub(r"\{[^{}]*\}", ANYTHING, receiver.string))
    if call.name in ("str", "String", "toString", "trim") and not call.is_new:
        inner = receiver if call.name in ("toString", "trim") else call.arg(0)
        return patterns(model, inner, depth + 1)
    function = model.project.target(call) or _entry(model, call)
    if function is None:
        return None
    body = function.body
    if function.node.kind == "arrow_function" and body.kind != "statement_block":
        return patterns(model, body, depth + 1)
    returned = [each for each in body.find("return_statement") if each.function == function.node]
    values = [each.children[0] if each.children else None for each in returned]
    return _union([patterns(model, value, depth + 1) for value in values])


def _entry(model: Model, call: Call) -> Function | None:
    """Return a function in an object: ``const rooms = { user: (id) => … }``."""
    receiver = call.receiver
    made = model.project.value(receiver) if receiver is not None else None
    while made is not None and made.kind == "as_expression" and made.children:
        made = made.children[0]
    if made is None or made.kind != "object":
        return None
    entry = made.pairs().get(call.name)
    return Function(entry, call.name) if entry is not None and entry.kind in FUNCTIONS else None


def _named(model: Model, node: Node, depth: int) -> frozenset[str] | None:
    if node.kind == "identifier":
        values = values_of(node)
        if values is None:
            value = model.project.value(node)
            return patterns(model, value, depth + 1) if value not in (None, node) else None
        return _union([patterns(model, value, depth + 1) for value in values])
    values = list(_of_field(model, node))
    return _union([patterns(model, value, depth + 1) for value in values])


def values_of(node: Node) -> list[Node | None] | None:
    """Return what a variable is set to in the functions around; None if it is set in none."""
    for around in node.ancestors():
        if around.kind not in FUNCTIONS:
            continue
        values = [value for name, value in _set_in(around) if name == node.text]
        if values:
            return values
        listed = around.field("parameters") or around.field("parameter")
        if listed is not None and re.search(rf"\b{re.escape(node.text)}\b", listed.text):
            return [None]
    return None


def _set_in(function: Node) -> Iterator[tuple[str, Node | None]]:
    kinds = ("variable_declarator", "assignment_expression", "assignment", "augmented_assignment")
    for each in function.find(*kinds, "augmented_assignment_expression", "named_expression"):
        left = each.field("name") or each.field("left")
        is_plain = not each.kind.startswith("augmented")
        if left is not None:
            value = each.field("value") or each.field("right")
            for name in [left] if left.kind == "identifier" else left.identifiers():
                yield name.text, value if left.kind == "identifier" and is_plain else None
    for each in function.find("for_in_statement", "for_statement", "for_in_clause", "as_pattern"):
        left = each.field("left") or each.field("alias")
        for name in left.identifiers() if left is not None else []:
            yield name.text, None


def _of_field(model: Model, node: Node) -> Iterator[Node | None]:
    """Yield what a field of the class is set to: ``self.group = f"chat_{id}"``."""
    owner = model.project.owner(node)
    match = re.fullmatch(r"(?:this|self)\.(#?\w+)", node.text)
    if owner is None or match is None:
        return
    for each in model.project.lineage(owner)[0]:
        for field in each.node.find("assignment_expression", "assignment"):
            left = field.field("left")
            if left is not None and left.text == node.text:
                yield field.field("right")
        for field in each.node.find("public_field_definition", "field_definition"):
            name = field.field("name") or field.field("property")
            if name is not None and name.text == match[1] and field.field("value") is not None:
                yield field.field("value")
