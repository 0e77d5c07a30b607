"""Where a function turns a client away, and whether that is for want of a credential."""

from __future__ import annotations

import re

from tidegate.review.model import Function
from tidegate.review.source import FUNCTIONS, Call, Node

__all__ = [
    "admits_everybody",
    "has_credentials",
    "is_of_message",
    "is_of_missing",
    "is_voluntary",
    "only_asks",
    "refusal_of",
]

_CREDENTIALS = re.compile(
    r"\b(?:\w*[tT]oken\w*|\w*[aA]uth\w*|\w*[sS]ession\w*|\w*[cC]ookies?\w*|\w*[jJ]wt\w*|api_?[kK]ey\w*"
    r"|\w*[sS]ecret\w*|\w*[pP]assword\w*)\b"
)
_HELD_USER = re.compile(r"(?:\.|\[['\"])(?:user|User)\b|\buser\s*\}[^;]{0,8}=")
"""``socket.user``, ``scope["user"]``: what ran before put it there; it isn't looked up here."""
_REFUSALS = ("disconnect", "close", "_onerror", "terminate", "disconnectSockets")
_CONDITIONS = ("if_statement", "catch_clause", "except_clause", "try_statement")
_ELSE = re.compile(
    r"session|cookie|[uU]ser|secret|key|passw|jwt|[=!]==?\s*(?!undefined|null|None|['\"]{2})"
    r"|\bin\b|verif|valid|startsWith|process\.env|environ\["
)
_ASIDE = re.compile(
    r"(?:^|\.)(?:next|fn|callback|cb|done|Error|\w*Exception|\w*Error|log|info|warn|warning|debug"
    r"|error|print|get|disconnect|close|emit|join|enter_room|String)$"
)
_ASKED_LATER = re.compile(r"\bif\s*\(\s*!\s*\(?\w+(?:\s+as\s+\w+\))?\??\.(?:data\??\.)?user")
_DB_SESSION = re.compile(
    r"(?:db_?|async_?)?[sS]ession(?:_?[lL]ocal|_?maker)?|AsyncSession|get_(?:db_|async_)?session"
)
_QUERIES = re.compile(r"\.(?:execute|query|scalars?|commit)\(|AsyncSession|sessionmaker")
_SECRET_ID = re.compile(r"code|pin\b|key|invite|share|secret|slug")
_SETUPS = ("afterInit", "onModuleInit", "onApplicationBootstrap", "constructor", "createIOServer")


def has_credentials(function: Function) -> bool:
    """Tell whether a function that refuses clients looks at a token, or at a user it was given."""
    body = function.body
    names = body.find("identifier", "property_identifier", "shorthand_property_identifier_pattern")
    if function.file.is_python and _QUERIES.search(function.file.text):
        names = [name for name in names if not _DB_SESSION.fullmatch(name.text)]
    return (
        any(_CREDENTIALS.fullmatch(name.text) and not _is_holder(name) for name in names)
        or _HELD_USER.search(body.text) is not None
        or any(
            _CREDENTIALS.search(text.text)
            for text in body.find("string")
            if " " not in text.text  # a key, not what a log or a docstring says
        )
    )


def only_asks(function: Function) -> bool:
    """Tell whether a token only has to be there: nothing takes it, compares it or keeps it."""
    body = function.body
    if _ELSE.search(body.text) or not re.search(r"handshake|\bauth\b", body.text):
        return False
    if any(call.args and not _ASIDE.search(call.path) for call in function.calls):
        return False
    if any(
        re.search(r"token", arg.text, re.I)
        for call in function.calls
        for arg in call.args
        if arg.kind not in ("string", "new_expression") and call.name != "get"
    ):
        return False
    for each in body.find("assignment_expression", "assignment"):
        left, right = each.field("left"), each.field("right")
        is_kept = left is not None and left.kind in ("member_expression", "attribute", "subscript")
        if is_kept and right is not None and re.search(r"token", right.text, re.IGNORECASE):
            return False
    return re.search(r"token", body.text, re.IGNORECASE) is not None


def is_voluntary(function: Function, place: Node) -> bool:
    """Tell whether a token is verified if there is one, and nothing else turns anybody away.

    Nest's connect handlers only: a middleware leaves it to the messages who may do what.
    """
    if function.name != "handleConnection":
        return False
    if function.owner is not None and _ASKED_LATER.search(function.owner.node.text):
        return False
    asked = place.enclosing("if_statement")
    condition = asked.field("condition") if asked is not None else None
    if asked is None or condition is None or asked.field("alternative") is not None:
        return False
    if not re.fullmatch(r"\(\s*[\w.?!]*[tT]oken\w*\s*\)", condition.text):
        return False
    refusals = [call.node for call in function.calls if call.name in _REFUSALS]
    refusals += function.body.find("throw_statement", "return_statement")
    return all(
        each.enclosing("catch_clause") or asked.start <= each.start < asked.end for each in refusals
    )


def admits_everybody(function: Function, place: Node) -> bool:
    """Tell a check whose outcome turns nobody away: each way of a middleware ends in ``next()``.

    Handlers that ask for the user later, ``if (!socket.user) return``, may do so instead.
    """
    if _ASKED_LATER.search(function.file.text) or refusal_of(function) is not None:
        return False
    if function.file.is_python:
        return _asks_only(function, place)
    names = [each.name for each in function.parameters]
    if len(names) != 2 or names[1] != "next":
        return False
    answers = [call for call in function.calls if call.path == "next"]
    return bool(answers) and not any(call.args for call in answers)


def _asks_only(function: Function, place: Node) -> bool:
    """Tell ``if current_user.is_authenticated:`` of Flask, with nothing for all others."""
    asked = place.enclosing("if_statement")
    condition = asked.field("condition") if asked is not None else None
    if asked is None or condition is None or "flask_login" not in function.file.text:
        return False
    is_in = condition.start <= place.start < condition.end
    return is_in and asked.field("alternative") is None and not condition.text.startswith("not")


def is_of_missing(function: Function, refusal: Node) -> bool:
    """Tell an endpoint that only says that a thing isn't there: ``if not board: close()``.

    An id is no secret, a code that a client was given may be one.
    """
    asked = refusal.enclosing("if_statement")
    condition = asked.field("condition") if asked is not None else None
    match = re.fullmatch(r"not (\w+)|(\w+) is None", condition.text) if condition else None
    if match is None or _SECRET_ID.search(" ".join(p.name for p in function.parameters)):
        return False
    name = match[1] or match[2]
    return any(
        re.fullmatch(rf"{name} = .*(?:scalar\w*|first|get|one_or_none)\(.*\)", each.text, re.DOTALL)
        for each in function.body.find("assignment")
    ) and not re.search(r"\b[uU]ser", function.body.text)


def _is_holder(name: Node) -> bool:
    """Tell ``handshake.auth``, in which a client may say anything, from a credential."""
    around = name.parent
    if name.text == "save_session":
        return True
    if name.text != "auth" or around is None:
        return False
    return bool(re.search(r"handshake\??\.auth$|^auth\.get$|^auth$", around.text)) or (
        around.kind in ("boolean_operator", "conditional_expression", "subscript", "attribute")
        or around.kind in ("parameters", "default_parameter", "typed_parameter")
    )


def refusal_of(function: Function) -> Node | None:
    """Return where a function turns a client away."""
    conditions = _CONDITIONS[:1] if function.file.is_python else _CONDITIONS
    for call in function.calls:
        if is_of_message(call.node, function):
            continue
        if call.receiver is None:
            if call.name == "disconnect" or _passes_error(call):
                return call.node
        elif call.name in _REFUSALS and call.node.enclosing(*conditions):
            return call.node
    is_setup = function.name in _SETUPS  # what it throws itself refuses no client
    for node in function.body.find("throw_statement", "raise_statement"):
        if is_setup and node.function == function.node:
            continue
        if not is_of_message(node, function):
            return node
    for node in function.body.find("return_statement"):
        if re.fullmatch(r"return\s+False", node.text):
            return node
    return None


def is_of_message(node: Node, function: Function) -> bool:
    """Tell whether a place runs for a message, in a listener that the function registers."""
    for around in node.ancestors():
        if around == function.node:
            return False
        if around.kind in FUNCTIONS:
            holder = around.parent.parent if around.parent is not None else None
            is_call = holder is not None and holder.kind == "call_expression"
            if is_call and Call(holder).name in ("on", "once", "addEventListener"):  # type: ignore[arg-type]
                return True
    return False


def _passes_error(call: Call) -> bool:
    """Tell ``next(new Error())`` from ``next()``."""
    if call.name not in ("next", "fn", "callback", "cb", "done") or not call.args:
        return False
    return call.args[0].kind in ("new_expression", "identifier", "as_expression", "string")
