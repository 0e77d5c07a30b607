"""Addresses that a client's value decides on: in them, or to look a row or a socket up by."""

from __future__ import annotations

import re

from tidegate.review.facts.tenant.expressions import entries, inner, key_of, path_of
from tidegate.review.facts.tenant.following import Visit
from tidegate.review.facts.tenant.sent import Values
from tidegate.review.source import Call, Node

__all__ = ["chosen", "found_by"]

_PEOPLE = re.compile(
    r"(?i)user|sock|client|online|conn|peer|player|driver|active|receiver|recipient|rider|room|channel"
    r"|group|subscri|member"
)
_LOOKS_UP = re.compile(
    r"(?i)(?:get|find|lookup|fetch)_?\w*(?:user|sock|receiver|recipient|client|peer|sid|conn)\w*|get|find"
)
_FINDS = re.compile(
    r"(?:aget|a?first|get_object_or_404|find(?:_?(?:one|unique|first|by_?id|by_?pk))(?:_?\w*)?"
    r"|findBy(?:Id|Pk)\w*|find(?:One|Unique|First|ById|ByPk)\w*"
    r"|(?:get|find|fetch|load)_?\w*(?:room|chat|channel|group|conversation|thread|member|participant)\w*)"
)
"""What a row is looked up by; that there is one shows no right to it."""
_SAME_TEXT = ("toString", "String", "str", "toHexString")


def chosen(visit: Visit, node: Node, depth: int = 0) -> Values:
    """Return what of the client decides on an address: in it, or to look a socket up by."""
    flow = visit.flow
    node = inner(node)
    values = flow.sent(node)
    if values or depth > 5:
        return values
    if node.kind in ("array", "list", "template_string", "binary_expression"):
        return frozenset(v for child in node.children for v in chosen(visit, child, depth + 1))
    if node.kind in ("subscript", "subscript_expression"):
        holder, key = key_of(node)
        index = node.field("index") or node.field("subscript")
        if holder is not None and key is None and _PEOPLE.search(holder.text):
            return flow.sent(index)
        return chosen(visit, holder, depth + 1) if holder is not None else frozenset()
    if node.kind in ("member_expression", "attribute"):
        holder, _ = key_of(node)
        if path_of(node) in flow.names or holder is None or holder.text in ("this", "self"):
            return frozenset()
        return chosen(visit, holder, depth + 1)
    if node.kind in ("call_expression", "call"):
        call = Call(node)
        receiver = call.receiver.text if call.receiver is not None else ""
        if call.name in _SAME_TEXT:
            same = call.receiver or next(iter(call.args), None)
            return chosen(visit, same, depth + 1) if same is not None else frozenset()
        if _FINDS.fullmatch(call.name):
            return _asked_by(visit, call)
        if call.name == "get" and call.args and call.args[0].string is not None:
            inside = inner(call.receiver) if call.receiver is not None else None
            if inside is not None and inside.kind in ("call", "call_expression"):
                return chosen(visit, inside, depth + 1)  # users.get(name, {}).get("sid")
        if _LOOKS_UP.fullmatch(call.name) and (
            _PEOPLE.search(receiver) or (len(call.name) > 4 and len(call.args) == 1)
        ):
            if call.name == "find":
                return frozenset(
                    v
                    for each in call.node.find("binary_expression", "comparison_operator")
                    for side in each.children
                    for v in flow.sent(side)
                )
            return frozenset(v for arg in call.args[:1] for v in chosen(visit, arg, depth + 1))
        return frozenset()
    if node.kind == "identifier" and node.text in flow.related:
        return frozenset(
            v for each in flow.set_from.get(node.text, ()) for v in chosen(visit, each, depth + 1)
        )
    return frozenset()


def _asked_by(visit: Visit, call: Call) -> Values:
    """Return the client's values by which a row is looked up."""
    given = [*call.args, *call.keywords.values()]
    return frozenset(v for arg in given for each in entries(arg) for v in visit.flow.sent(each))


def found_by(visit: Visit, room: Node) -> Values:
    """Return what of the client a row was found by whose id is the room: ``room.id``."""
    node = inner(room)
    if node.kind in ("call_expression", "call") and Call(node).name in _SAME_TEXT:
        return found_by(visit, Call(node).receiver or node.children[0])
    if node.kind not in ("member_expression", "attribute"):
        return frozenset()
    holder, key = key_of(node)
    if holder is None or holder.kind != "identifier" or key not in ("id", "_id", "name", "slug"):
        return frozenset()
    return chosen(visit, holder) if holder.text in visit.flow.related else frozenset()
