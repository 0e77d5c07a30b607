"""What becomes of a coroutine: whether anybody awaits it, keeps it or passes it on."""

from __future__ import annotations

from tidegate.review.source import Call, Node

__all__ = ["dropped"]

_PASSING = ("parenthesized_expression", "boolean_operator", "conditional_expression")
_RESULTS = ("get_session", "call", "receive_text", "receive_json", "receive_bytes", "receive")


def dropped(call: Call) -> bool:
    """Tell whether nobody awaits, keeps, returns or passes on what a call makes."""
    node = call.node
    for around in node.ancestors():
        if around.kind in _PASSING:
            node = around
            continue
        if around.kind == "list_comprehension":
            return around.parent is not None and around.parent.kind == "expression_statement"
        if around.kind == "expression_statement":
            return len(around.children) == 1
        if around.kind == "assignment":
            return _is_used_as_result(call, around)
        return around.kind in ("attribute", "subscript") and around.children[0] == node
    return False


def _is_used_as_result(call: Call, assignment: Node) -> bool:
    """Tell whether a name that got the coroutine is used as if it were the result."""
    left, around = assignment.field("left"), assignment.function
    if call.name not in _RESULTS or left is None or left.kind != "identifier" or around is None:
        return False
    if assignment.field("right") != call.node:
        return False
    uses = [
        each
        for each in around.find("identifier")
        if each.text == left.text and each.start > assignment.end
    ]
    if any(each.parent is not None and each.parent.kind == "await" for each in uses):
        return False
    return any(
        each.parent is not None
        and each.parent.kind in ("attribute", "subscript")
        and each.parent.children[0] == each
        for each in uses
    )
