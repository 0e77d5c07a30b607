"""Why a token may be decoded unverified: it is verified beside, or only its times are read."""

from __future__ import annotations

import re

from tidegate.review.facts.tokens import server_functions
from tidegate.review.model import Function, Model
from tidegate.review.source import Call

__all__ = ["callers_verify", "is_for_expired", "is_verified", "reads_only_times"]

_VERIFIES = re.compile(
    r"(?:jwt|token)?_?(?:\w*[vV]erif(?:y|ies)\w*|validate\w*|introspect\w*|is_?[vV]alid\w*|check\w*)"
    r"|(?:Untyped|Access|Refresh|Sliding)Token|get_validated_token|authenticate\w*"
)
_EXPIRED = re.compile(r"expired|refresh|logout|log_out|cleanup|clean_up|revoke", re.IGNORECASE)
_UNREAD = re.compile(r"exp|iat|nbf|header|kid|alg")


def reads_only_times(call: Call) -> bool:
    """Tell whether of the claims only the expiry is read, or what chooses the key."""
    return _python_reads_only_times(call) if call.file.is_python else _node_reads_only_times(call)


def is_verified(call: Call) -> bool:
    """Tell whether the function around verifies the same token by another call."""
    function, token = call.node.function, call.arg(0, "token")
    for other in Function(function, "").calls if function is not None else ():
        if other.node == call.node or not _VERIFIES.fullmatch(other.name):
            continue
        if "False" in other.node.text or other.node in call.node.ancestors():
            continue
        if token is None or any(token.text in arg.text for arg in other.args):
            return True
    return False


def callers_verify(model: Model, call: Call) -> bool:
    """Tell whether all that call the function around verify a token themselves."""
    around = call.node.function
    functions = server_functions(model)
    own = next((each for each in functions if each.node == around and each.name), None)
    if own is None:
        return False
    callers = [
        each.calls
        for each in functions
        if each is not own and any(inner.name == own.name for inner in each.calls)
    ]
    return bool(callers) and all(
        any(
            inner.name != own.name and re.search(r"[vV]erif|introspect", inner.name)
            for inner in calls
        )
        for calls in callers
    )


def is_for_expired(model: Model, call: Call) -> bool:
    """Tell whether it reads a token that was refused as expired, or that is to be renewed."""
    function = call.node.function
    name = function.field("name") if function is not None else None
    if name is not None and _EXPIRED.search(name.text):
        return True
    return is_verified(call) or callers_verify(model, call)


def _node_reads_only_times(call: Call) -> bool:
    """Tell whether only the expiry is read, or what chooses the key."""
    for around in call.node.ancestors():
        if around.kind == "member_expression":
            name = around.field("property")
            return name is not None and bool(_UNREAD.fullmatch(name.text))
        if around.kind == "variable_declarator":
            name, function = around.field("name"), call.node.function
            if name is None or function is None or name.kind != "identifier":
                return False
            uses = re.findall(rf"\b{re.escape(name.text)}\b(?:[?!]?\.(\w+))?", function.text)[1:]
            return any(uses) and all(not use or _UNREAD.fullmatch(use) for use in uses)
        if around.kind not in ("as_expression", "parenthesized_expression", "await_expression"):
            return False
    return False


def _python_reads_only_times(call: Call) -> bool:
    """Tell whether of the claims only the expiry is read: ``.get("exp")``, ``["exp"]``."""
    parent = call.node.parent
    if parent is None:
        return False
    if parent.kind in ("subscript", "attribute"):
        outer = parent if parent.kind == "subscript" else parent.parent or parent
        tail = outer.text[len(call.node.text) :]
        return bool(re.match(r"(?:\[|\.get\(\s*)['\"](?:exp|iat|kid|alg)['\"]", tail))
    function = call.node.function
    name = parent.field("left") if parent.kind == "assignment" else None
    if name is None or function is None:
        return False
    uses = re.findall(
        rf"\b{re.escape(name.text)}\b(?:\[|\.get\(\s*)?(?:['\"](\w+)['\"])?", function.text
    )[1:]
    return any(uses) and all(use in ("exp", "iat", "kid", "alg") for use in uses)
