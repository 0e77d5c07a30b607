"""Options as code builds them: literals, spreads, constants and functions of other files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tidegate.review.model.declarations import Function
from tidegate.review.model.project import Project
from tidegate.review.source import FUNCTIONS, Call, Node

__all__ = ["Options", "bare", "options_in", "returned"]

_MAX_DEPTH = 5
_CASTS = (
    *("as_expression", "satisfies_expression", "parenthesized_expression"),
    *("non_null_expression", "await_expression", "type_assertion"),
)


@dataclass(eq=False)
class Options:
    """What an expression sets.

    Attributes:
        entries: By name, the last that is set.
        unknown: What is spread in or given from elsewhere; empty if all is known.
        defaults: Names that an unknown part after them may set anew.
        holder: A literal to which an entry can be added, if there is one.
    """

    entries: dict[str, Node] = field(default_factory=dict)
    unknown: list[Node] = field(default_factory=list)
    defaults: set[str] = field(default_factory=set)
    holder: Node | None = None

    @property
    def is_complete(self) -> bool:
        """Tell whether all options are known."""
        return not self.unknown

    def as_pairs(self) -> dict[str, Node]:
        """Return the entries, with ``...`` among them if some are unknown."""
        return {**self.entries, **({"...": self.unknown[0]} if self.unknown else {})}


def bare(node: Node) -> Node:
    """Return an expression without casts, parentheses and ``await``."""
    while node.kind in _CASTS and node.children:
        node = node.children[-1] if node.kind == "type_assertion" else node.children[0]
    return node


def options_in(project: Project, node: Node, names: frozenset[str] = frozenset()) -> Options:
    """Return what an expression sets.

    Args:
        names: Parameters, which are not looked up: what they hold is unknown.
    """
    found = Options()
    _take(project, bare(node), names, found, 0)
    return found


def _take(project: Project, node: Node, names: frozenset[str], into: Options, depth: int) -> None:
    """Add what an expression sets to what was set before it."""
    node = bare(node)
    if depth > _MAX_DEPTH or node.text in names:
        _unknown(into, node)
    elif node.kind in ("object", "dictionary"):
        _take_literal(project, node, names, into, depth)
    elif node.kind == "call_expression" and Call(node).path == "Object.assign":
        for arg in Call(node).args:
            _take(project, arg, names, into, depth + 1)
    elif node.kind == "call" and Call(node).path == "dict" and not Call(node).args:
        into.entries.update(Call(node).keywords)
    elif node.kind in ("call_expression", "call"):
        inner = _made_by(project, node)
        if inner is None:
            _unknown(into, node)
        else:
            _take(project, inner, names, into, depth + 1)
    elif node.kind == "binary_expression" and re.search(r"(?:\?\?|\|\|)\s*\{\s*\}$", node.text):
        _take(project, node.children[0], names, into, depth + 1)
    else:
        value = _named(project, node)
        if value is None:
            _unknown(into, node)
        else:
            _take(project, value, names, into, depth + 1)


def _take_literal(
    project: Project, node: Node, names: frozenset[str], into: Options, depth: int
) -> None:
    if depth == 0 or into.holder is None:
        into.holder = node
    for child in node.children:
        if child.kind in ("spread_element", "dictionary_splat"):
            if child.children:
                _take(project, child.children[0], names, into, depth + 1)
            continue
        entries = _entry(child)
        into.entries.update(entries)
        into.defaults -= set(entries)


def _entry(child: Node) -> dict[str, Node]:
    """Return one entry of a literal by its name; nothing if it has none."""
    if child.kind == "pair":
        key, value = child.field("key"), child.field("value")
        if key is None or value is None or key.kind == "computed_property_name":
            return {}
        return {key.string or key.text.strip("'\""): value}
    if child.kind == "method_definition":
        name = child.field("name")
        return {name.text: child} if name is not None else {}
    if child.kind == "shorthand_property_identifier":
        return {child.text: child}
    return {}


def _unknown(into: Options, node: Node) -> None:
    into.unknown.append(node)
    into.defaults |= set(into.entries)


def _named(project: Project, node: Node) -> Node | None:
    """Return what a name, or a static member of a class, was set to."""
    if node.kind in ("identifier", "shorthand_property_identifier"):
        value = project.value(node)
        return None if value is None or value == node else value
    if node.kind != "member_expression":
        return None
    holder, name = node.field("object"), node.field("property")
    if holder is None or name is None:
        return None
    if holder.kind == "this":
        owner = project.owner(node)
    else:
        owner = project.class_named(node.file, holder.text)
        if owner is None:
            value = project.value(holder)
            return value.pairs().get(name.text) if value and value.kind == "object" else None
    body = owner.node.field("body") if owner is not None else None
    for child in body.children if body is not None else []:
        if child.kind in ("public_field_definition", "field_definition"):
            own = child.field("name") or child.field("property")
            if own is not None and own.text == name.text:
                return child.field("value")
    return None


def _made_by(project: Project, node: Node) -> Node | None:
    """Return what a function of the project returns, if it has one ``return``."""
    call = Call(node)
    found: object = project.target(call)
    if found is None and call.receiver is None:
        found = project.resolve(node.file, call.name)
    return returned(found) if isinstance(found, Function) else None


def returned(function: Function) -> Node | None:
    """Return the only thing that a function returns; None if there are several or none."""
    body = function.node.field("body")
    if body is None:
        return None
    body = bare(body)
    if body.kind not in ("statement_block", "block"):
        return body
    own = [each for each in body.find("return_statement") if each.function == function.node]
    if len(own) != 1 or not own[0].children:
        return None
    value = bare(own[0].children[0])
    if value.kind == "identifier":
        return _local(body, value.text) or value
    return value if value.kind not in FUNCTIONS else None


def _local(body: Node, name: str) -> Node | None:
    """Return what a function's own variable is set to."""
    for each in body.find("variable_declarator"):
        left = each.field("name")
        if left is not None and left.text == name:
            return each.field("value")
    return None
