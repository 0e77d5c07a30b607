"""What decides whether a place in a function runs: the conditions around it and before it."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.review.facts.tenant.expressions import inner
from tidegate.review.facts.tenant.flow import Flow
from tidegate.review.source import FUNCTIONS, Node

__all__ = ["atoms", "branches", "conditions", "dominates", "refusals_in"]

_EXITS = (
    "return_statement",
    "throw_statement",
    "raise_statement",
    "continue_statement",
    "break_statement",
)
_IFS = (
    "if_statement",
    "ternary_expression",
    "conditional_expression",
    "elif_clause",
    "while_statement",
    "switch_statement",
)
_CONJUNCTIONS = ("binary_expression", "boolean_operator")


def conditions(flow: Flow, place: Node) -> Iterator[tuple[Node, bool]]:
    """Yield the conditions that the place depends on, and what they were found to be."""
    body = flow.function.body
    start = place.start
    child = place
    for around in place.ancestors():
        if around.kind in _IFS:
            condition = around.field("condition") or around.field("value")
            if around.kind == "conditional_expression" and len(around.children) > 1:
                condition = around.children[1]
            if condition is not None and child != condition:
                alternative = around.field("alternative")
                is_other = child.kind in ("else_clause",) or (
                    alternative is not None and child == alternative
                )
                if child.kind != "elif_clause":
                    yield condition, not is_other
                else:
                    yield condition, False
        elif (
            around.kind in _CONJUNCTIONS
            and len(around.children) == 2
            and child == around.children[1]
        ):
            operator = around.raw.field("operator")
            if operator is not None and operator.text() in ("&&", "and"):
                yield around.children[0], True
        if around == body:
            break
        child = around
    for each in body.find("if_statement", "while_statement"):
        if each.end > start or flow.is_skipped(each):
            continue
        condition = each.field("condition")
        consequence = each.field("consequence") or each.field("body")
        if condition is None or consequence is None or not dominates(each, place):
            continue
        if _leaves(consequence, each):
            yield condition, False
        alternative = each.field("alternative")
        if (
            alternative is not None
            and alternative.kind == "else_clause"
            and _leaves(alternative, each)
        ):
            yield condition, True
        for clause in each.children:
            if clause.kind == "elif_clause" and _leaves(clause, each):
                inner_condition = clause.field("condition")
                if inner_condition is not None:
                    yield inner_condition, False


def branches(flow: Flow, place: Node) -> Iterator[list[tuple[Node, Node, bool]]]:
    """Yield the ways through each ``if`` with an ``else`` that is passed before the place."""
    for each in flow.function.body.find("if_statement"):
        if each.end > place.start or flow.is_skipped(each) or not dominates(each, place):
            continue
        condition, consequence = each.field("condition"), each.field("consequence")
        other = each.field("alternative")
        if condition is None or consequence is None or other is None:
            continue
        if other.kind == "else_clause":
            yield [(condition, consequence, True), (condition, other, False)]


def refusals_in(branch: Node) -> Iterator[Node]:
    """Yield the conditions that are false wherever a branch is left by its end."""
    for each in branch.find("if_statement"):
        condition = each.field("condition")
        consequence = each.field("consequence")
        if condition is None or consequence is None or not dominates(each, branch):
            continue
        if _leaves(consequence, each):
            yield condition


def _leaves(branch: Node, around: Node) -> bool:
    """Tell whether a branch ends its function, or the turn of a loop."""
    own = around.function
    if any(each.function == own for each in branch.find(*_EXITS)):
        return True
    return any(call.name in ("next", "exit", "abort", "reject") for call in branch.calls())


def dominates(node: Node, place: Node) -> bool:
    """Tell whether a node runs before the place whatever happens: no branch is around it."""
    start, end = place.start, place.end
    for around in node.ancestors():
        if around.start <= start and end <= around.end:
            return True
        if around.kind in (
            "if_statement",
            "else_clause",
            "elif_clause",
            "switch_case",
            "catch_clause",
            "except_clause",
        ):
            return False
        if around.kind in FUNCTIONS and not _runs_inside(around):
            return False
    return True


def _runs_inside(function: Node) -> bool:
    parent = function.parent
    return (
        parent is not None
        and parent.kind == "arguments"
        and "some" in (parent.parent or parent).text[:80]
    )


def atoms(condition: Node, *, holds: bool) -> Iterator[tuple[Node, bool]]:
    """Yield the parts of a condition that ``and`` and ``or`` join, with ``not`` taken away."""
    node = inner(condition)
    if node.kind in ("unary_expression", "not_operator") and node.text.startswith(("!", "not")):
        if node.children:
            yield from atoms(node.children[-1], holds=not holds)
        return
    operator = node.raw.field("operator")
    if (
        node.kind in _CONJUNCTIONS
        and operator is not None
        and operator.text() in ("&&", "||", "and", "or", "??")
    ):
        for child in node.children:
            yield from atoms(child, holds=holds)
        return
    if node.kind == "named_expression" and node.children:
        yield from atoms(node.children[-1], holds=holds)
        return
    yield node, holds
