"""Messages and records that hold a token, as the function that has them shows."""

from __future__ import annotations

import re
from collections.abc import Callable

from tidegate.review.source import Call, Node

__all__ = ["carries_token"]

_OBJECTS = re.compile(
    r"(?i)this|self|process|window|config\w*|settings|env|\w*(?:socket|client|service|store|storage|cookies|error|err)|ws|sock"
    r"|e|req|request|res|response|headers|localStorage|context|ctx"
)
_READS = ("member_expression", "attribute", "subscript", "subscript_expression", "call")


def carries_token(node: Node, is_token: Callable[[Node], bool]) -> bool:
    """Tell whether the function around a name reads a token out of it: ``body.access_token``."""
    function, name = node.function, node.text
    if function is None or node.kind not in ("identifier", "shorthand_property_identifier"):
        return False
    if _OBJECTS.fullmatch(name) or "oken" not in function.text:
        return False
    for each in function.find(*_READS):
        is_call = each.kind == "call"
        holder = Call(each).receiver if is_call else each.field("object") or each.field("value")
        if holder is not None and holder.text == name and not _is_set(each) and is_token(each):
            return True
    return _is_unpacked(function, name, is_token)


def _is_set(node: Node) -> bool:
    around = node.parent
    if around is None or "assignment" not in around.kind:
        return False
    return around.field("left") == node


def _is_unpacked(function: Node, name: str, is_token: Callable[[Node], bool]) -> bool:
    """Look at ``const { token } = body``."""
    for each in function.find("variable_declarator"):
        pattern, value = each.field("name"), each.field("value")
        if pattern is None or value is None or value.text != name:
            continue
        names = pattern.find("shorthand_property_identifier_pattern", "property_identifier")
        if any(is_token(key) for key in names):
            return True
    return False
