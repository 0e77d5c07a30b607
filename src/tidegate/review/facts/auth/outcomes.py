"""What becomes of a client that failed a check: refused, let in, or it can't be told."""

from __future__ import annotations

import re
from typing import Literal

from tidegate.review.facts.auth.failed_checks import FailedCheck, rest_of
from tidegate.review.model import Function, Model
from tidegate.review.source import Call, Node

__all__ = ["Outcome", "is_refusal", "is_welcome", "outcome_of"]

Outcome = Literal["refused", "stays", "goes on", "throws", "unknown"]
"""``stays``: the code ends there; ``goes on``: what follows runs as if the check had passed."""

_REFUSALS = frozenset(
    {
        "disconnect",
        "close",
        "terminate",
        "destroy",
        "disconnectSockets",
        "_onerror",
        "abort",
        "deny",
    }
)
_CALLBACKS = ("next", "fn", "callback", "cb", "done", "reject")
_TELLING = re.compile(
    r"refus|reject|deny|denied|disconnect|close|kick|terminat|destroy|abort|drop|forbid|unauthor"
    r"|handle\w*(?:error|failure|exception|unauth)|fail|logout|expel|boot|remove\w*client"
    r"|invalid\w*(?:token|session)",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"(?:^|\.)(?:log|debug|info|warn|warning|error|exception|verbose|print|critical|trace|emit|send"
    r"|send_json|send_text|send_bytes|write|dumps|stringify|now|toISOString|get|String|format|join"
    r"|isoformat|captureException|record|inc|increment|add|push|set|delete|discard|str|repr|fatal"
    r"|_error|JSON|Error|WsException|isinstance|type|getattr|len)$"
)
_GUESTS = re.compile(
    r"guest|anonym|visitor|spectator|viewer|read_?only|public|observer|demo|dev_?mode|bypass"
    r"|NODE_ENV|DEBUG|optional",
    re.IGNORECASE,
)
_MEANT = re.compile(
    r"allow|permit|continue|without (?:auth|token|user)|unauthenticated|optional|don'?t disconnect"
    r"|do not (?:disconnect|reject|close)|not disconnect|later|first message|will be|still|pass",
    re.IGNORECASE,
)
_ENDS = ("return_statement", "throw_statement", "raise_statement", "continue_statement")
_ENDING = (*_ENDS, "break_statement")


def outcome_of(model: Model, check: FailedCheck, function: Function) -> Outcome:
    """Return what happens to the client after a failed check."""
    seen = _in(model, check.body, function)
    if seen is not None:
        return seen
    last = _last(check.body)
    if last is not None and last.kind in _ENDING:
        return "stays" if last.kind == "return_statement" else "unknown"
    rest = list(rest_of(check.around))
    if any(
        is_refusal(call) or _TELLING.search(call.name) for node in rest for call in node.calls()
    ):
        return "unknown"
    if any(node.find("throw_statement", "raise_statement") for node in rest):
        return "unknown"
    return "goes on" if rest else "stays"


def _in(model: Model, body: Node, function: Function) -> Outcome | None:
    """Return the outcome if the branch itself decides it."""
    if body.find("throw_statement", "raise_statement"):
        return "throws"
    if any(re.fullmatch(r"return\s+False", each.text) for each in body.find("return_statement")):
        return "refused"
    is_unknown = False
    for call in body.calls():
        if is_refusal(call):
            return "refused"
        if call.receiver is None and call.name in _CALLBACKS:
            continue  # next() without an error
        target = model.project.target(call, function)
        if target is not None:
            inner = [each for one in model.project.reach(target)[:8] for each in one.calls]
            if any(map(is_refusal, inner)) or target.body.find(
                "throw_statement", "raise_statement"
            ):
                return "refused"
        elif _TELLING.search(call.name) or not _HARMLESS.search(call.path):
            is_unknown = is_unknown or not call.is_new
    return "unknown" if is_unknown else None


def is_refusal(call: Call) -> bool:
    """Tell whether a call turns a client away: ``disconnect()``, ``next(error)``."""
    if call.receiver is None and call.name in _CALLBACKS:
        return bool(call.args) and call.args[0].kind not in ("null", "undefined")
    if call.name == "end" and not call.args and call.receiver is not None:
        return True
    return call.name in _REFUSALS


def is_welcome(check: FailedCheck) -> bool:
    """Tell whether the code means to let such clients in, as guests or until they log in."""
    file = check.node.file
    first, last = check.node.line - 2, check.body.raw.range().end.line + 1
    around = "\n".join(file.line(number) for number in range(max(first, 1), last + 1))
    comments = "\n".join(
        comment.text
        for comment in file.comments
        if first <= comment.line <= last + 1 and comment.text in around
    )
    if _GUESTS.search(check.body.text) or _MEANT.search(comments):
        return True
    return any(
        "." in (left.text if left is not None else "") or not _is_error(each)
        for each in check.body.find("assignment_expression", "assignment")
        for left in [each.field("left")]
    )


def _is_error(assignment: Node) -> bool:
    """Tell ``message = str(error)`` from ``user = None``."""
    left = assignment.field("left")
    return (
        left is not None and re.search(r"err|msg|message|reason|code", left.text, re.I) is not None
    )


def _last(body: Node) -> Node | None:
    if body.kind in _ENDING:
        return body
    return body.children[-1] if body.children else None
