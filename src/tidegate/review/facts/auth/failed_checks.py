"""Where code finds out that a client has no valid token: ``if (!user) …``, ``catch …``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tidegate.review.facts.auth.names import verifies
from tidegate.review.model import Function, Model
from tidegate.review.source import FUNCTIONS, Call, Node

__all__ = [
    "FailedCheck",
    "failed_checks",
    "has_credentials",
    "is_verifying",
    "rest_of",
    "subject_of",
]

_CREDENTIAL = re.compile(
    r"\w*(?:token|jwt|cookies?|credentials?|api_?key|secret|password|ticket)s?"
    r"|auth|authorization|auth_?header|auth_?data|bearer|session|session_?(?:id|key|data)",
    re.IGNORECASE,
)
_IDENTITY = re.compile(
    r"(?:is_?)?(?:auth(?:ed|enticated|orized|entication|_?user|_?result|_?info)?|valid\w*"
    r"|verified|verif\w*|(?:current_?|auth_?|db_?|ws_?|token_?|jwt_?|found_?|existing_?|req_?)?user"
    r"|user_?(?:id|data|info|name)?|payload|decoded\w*|claims"
    r"|identity|principal|account(?:_?id)?|member|sub|uid|is_?allowed)",
    re.IGNORECASE,
)
_SCOPE_USER = re.compile(r"\bscope(?:\[|\.get\()\s*['\"]user['\"]")
_OTHER_ERRORS = re.compile(
    r"Disconnect|Timeout|JSONDecode|Cancelled|KeyboardInterrupt|ConnectionClosed|SystemExit"
    r"|\b(?:TypeError|AttributeError|OSError|IntegrityError|RuntimeError)$"
)
_EXTRACTS = re.compile(
    r"(?:\w*_)?(?:get|extract|parse|read|find)_?\w*(?:[tT]okens?|[jJ]wt|[cC]ookies?|[hH]eaders?)"
    r"(?:_?[fF]rom\w*)?"
)
_EMPTY = ("undefined", "null", "None", "''", '""', "``", "false", "False")
_NEGATIONS = ("unary_expression", "not_operator")
_WRAPPERS = ("parenthesized_expression", "await_expression", "await", "as_expression")
_WRAPPED = ("non_null_expression", *_WRAPPERS)
_LOGIC = ("binary_expression", "boolean_operator")
_BLOCKS = ("statement_block", "block", "program", "module")


@dataclass(frozen=True, eq=False)
class FailedCheck:
    """What runs when a check failed.

    Attributes:
        node: What to point at: the condition, the ``catch``.
        body: The block or the statement that runs then.
        kind: ``missing`` if a condition says so, ``error`` if an exception or a callback does.
        around: The statement that it is a part of; what follows this runs as well.
    """

    node: Node
    body: Node
    kind: Literal["missing", "error"]
    around: Node


def failed_checks(model: Model, function: Function) -> list[FailedCheck]:
    """Return the places in a function, in order, where a client turns out not to be valid."""
    is_sure = has_credentials(model, function)
    found = [
        *_conditions(function, is_sure=is_sure),
        *_catches(function),
        *_rejections(function),
    ]
    return [
        check
        for check in sorted(found, key=lambda each: each.node.start)
        if _is_of_connecting(check.node, function)
    ]


def has_credentials(model: Model, function: Function) -> bool:
    """Tell whether a function looks at a token, or has one verified."""
    known = model.judged.get(("credentials", function.node))
    if known is None:
        known = _SCOPE_USER.search(function.body.text) is not None or any(
            _CREDENTIAL.fullmatch(name) or verifies(name)
            for each in model.project.reach(function)[:12]
            for name in set(re.findall(r"\w+", _without_comments(each)))
        )
        model.judged["credentials", function.node] = known
    return bool(known)


def rest_of(node: Node) -> Iterator[Node]:
    """Yield the statements that run after a statement, up to the end of its function."""
    current = node
    for around in node.ancestors():
        if around.kind in FUNCTIONS:
            return
        if around.kind in _BLOCKS:
            yield from (each for each in around.children if each.start >= current.end)
        if around.kind not in ("else_clause", "elif_clause", "catch_clause", "except_clause"):
            current = around
        else:
            current = around.parent or around


# Conditions


def _conditions(function: Function, *, is_sure: bool) -> Iterator[FailedCheck]:
    for node in function.body.find("if_statement", "elif_clause"):
        condition, body = node.field("condition"), node.field("consequence")
        if condition is None or body is None:
            continue
        around = node
        while around.parent is not None and around.parent.kind == "else_clause":
            around = around.parent.parent or around
        subject = subject_of(condition)
        if subject and _is_ours(subject, is_sure=is_sure):
            yield FailedCheck(condition, body, "missing", around)
            continue
        otherwise = node.field("alternative")
        subject = _present(condition)
        if otherwise is None or not subject or otherwise.kind == "elif_clause":
            continue
        block = otherwise.children[0] if otherwise.children else None
        is_plain = block is not None and block.kind not in ("if_statement",)
        if block is not None and is_plain and _is_ours(subject, is_sure=is_sure):
            yield FailedCheck(otherwise, block, "missing", around)


def subject_of(condition: Node) -> str:
    """Return the name of what is missing or wrong if a condition is true; empty if of none."""
    node = _bare(condition)
    if node.kind in _NEGATIONS:
        inner = _bare(node.children[-1]) if node.children else node
        is_not = node.kind == "not_operator" or node.text.startswith("!")
        if is_not and inner.kind == "call" and Call(inner).name == "isinstance":
            return _name_of(Call(inner).args[0]) if Call(inner).args else ""
        return _name_of(inner) if is_not else ""
    if node.kind == "call" and Call(node).name == "isinstance" and "Anonymous" in node.text:
        return "user"
    if re.search(r"(?:^|\.)(?:is_anonymous|isAnonymous)$", node.text):
        return "user"
    left, operator, right = _operands(node)
    if left is None or right is None:
        return ""
    if operator in ("||", "or"):
        return subject_of(left) or subject_of(right)
    if operator in ("&&", "and"):
        return subject_of(left) and subject_of(right)
    if operator in ("===", "==", "is"):
        is_empty = right.text in _EMPTY or "Anonymous" in right.text
        return _name_of(left) if is_empty else ""
    if operator in ("!==", "!=", "is not") and right.text not in _EMPTY:
        if left.text.startswith("typeof"):
            return _name_of(left.children[-1]) if left.children else ""
        name = _name_of(left)
        return name if _CREDENTIAL.fullmatch(name) and not _is_type(right) else ""
    return ""


def _is_type(node: Node) -> bool:
    return node.string is not None and node.string in ("string", "object", "Bearer", "bearer")


def _present(condition: Node) -> str:
    """Return the name of what is there and right if a condition is true."""
    node = _bare(condition)
    if node.kind in ("identifier", "member_expression", "attribute", "call_expression", "call"):
        return _name_of(node)
    left, operator, right = _operands(node)
    if left is None or right is None:
        return ""
    if operator in ("!==", "!=", "is not") and right.text in _EMPTY:
        return _name_of(left)
    if operator in ("===", "==") and _CREDENTIAL.fullmatch(_name_of(left)):
        return _name_of(left)
    return ""


def _operands(node: Node) -> tuple[Node | None, str, Node | None]:
    if node.kind == "comparison_operator":
        children = node.children
        left, right = (children[0], children[-1]) if len(children) == 2 else (None, None)
    elif node.kind in _LOGIC:
        left, right = node.field("left"), node.field("right")
    else:
        return None, "", None
    if left is None or right is None:
        return None, "", None
    return left, node.file.text[left.end : right.start].strip("() \n"), right


def _bare(node: Node) -> Node:
    while node.kind in _WRAPPED and node.children:
        node = node.children[0]
    return node


def _name_of(node: Node) -> str:
    """Return the last name of an expression: ``token`` of ``client.handshake.auth?.token``."""
    node = _bare(node)
    if node.kind in ("call_expression", "call"):
        call = Call(node)
        if call.name in ("get", "trim", "strip", "startsWith", "startswith", "has", "includes"):
            named = call.args[0].string if call.name == "get" and call.args else None
            return named or (_name_of(call.receiver) if call.receiver is not None else "")
        return call.name
    if node.kind in ("subscript_expression", "subscript"):
        index = node.field("index") or node.field("subscript")
        return (index.string or "") if index is not None else ""
    match = re.search(r"(\w+)$", node.text)
    return match[1] if match else ""


def _is_ours(name: str, *, is_sure: bool) -> bool:
    if _CREDENTIAL.fullmatch(name):
        return True
    return is_sure and bool(_IDENTITY.fullmatch(name.lstrip("_")) or verifies(name))


# Errors


def _catches(function: Function) -> Iterator[FailedCheck]:
    for node in function.body.find("try_statement"):
        tried = node.field("body") or node.children[0]
        if not any(is_verifying(call) for call in tried.calls()):
            continue
        for child in node.children:
            if child.kind not in ("catch_clause", "except_clause") or not child.children:
                continue
            body = child.field("body") or child.children[-1]
            caught = child.text.split("\n", 1)[0].split(" as ")[0].rstrip(":")
            if child.kind == "except_clause" and _OTHER_ERRORS.search(caught):
                continue
            yield FailedCheck(child, body, "error", node)


def _rejections(function: Function) -> Iterator[FailedCheck]:
    """Yield ``.catch(…)`` of a verification, and ``if (error)`` in its callback."""
    for call in function.calls:
        if call.name == "catch" and call.args and call.args[0].kind in FUNCTIONS:
            if any(is_verifying(each) for each in call.chain()):
                body = call.args[0].field("body") or call.args[0]
                yield FailedCheck(call.args[0], body, "error", body)
        elif is_verifying(call) and call.args and call.args[-1].kind in FUNCTIONS:
            callback = Function(call.args[-1], "")
            first = callback.parameters[0].name if callback.parameters else ""
            for found in callback.body.find("if_statement"):
                condition, then = found.field("condition"), found.field("consequence")
                if condition is not None and then is not None and _bare(condition).text == first:
                    yield FailedCheck(condition, then, "error", found)


def is_verifying(call: Call) -> bool:
    """Tell whether a call verifies who somebody is; taking a token out of a request does not."""
    if _EXTRACTS.fullmatch(call.name.lstrip("_")):
        return False
    if call.name in ("decode", "parse") and not re.search(r"jwt|jose", call.path, re.IGNORECASE):
        return False
    if verifies(call.name):
        return True
    return bool(re.fullmatch(r"(?:validate|check|resolve)\w*", call.name)) and any(
        _CREDENTIAL.fullmatch(_name_of(arg)) for arg in call.args
    )


# Where


def _is_of_connecting(node: Node, function: Function) -> bool:
    """Tell whether a place runs while the client connects, not when it sends something."""
    for around in node.ancestors():
        if around == function.node:
            return True
        if around.kind not in FUNCTIONS:
            continue
        parent: Node | None = around.parent
        while parent is not None and parent.kind in ("arguments", "parenthesized_expression"):
            parent = parent.parent
        if parent is None or parent.kind != "call_expression":
            return False
        call = Call(parent)
        is_called = call.callee is not None and around.start < call.callee.end
        if not (is_called or call.name in ("then", "catch") or is_verifying(call)):
            return False
    return False


def _without_comments(function: Function) -> str:
    text = function.node.text
    for comment in function.node.find("comment"):
        text = text.replace(comment.text, "")
    return text
