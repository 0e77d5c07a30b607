"""Whether a handler of messages asks who the client is, before it does anything."""

from __future__ import annotations

import re

from tidegate.review.facts.auth.names import verifies
from tidegate.review.model import Function, Gateway, Handler, Model
from tidegate.review.source import Call

__all__ = ["works_for_anybody"]

_KNOWN = (
    r"(?:(?:data|request|req|handshake|conn|state|context)[?!]?(?:\.|\[['\"]|\)\.))*"
    r"(?:\w*[uU]ser\w*|auth\w*|identity|tenant\w*|account\w*|session\w*|member\w*|principal|claims"
    r"|rooms|role\w*|decoded|payload|token|isAuth\w*|sub|email|profile)"
)
_WHOLE = r"(?:=\s*(?:await\s+)?|\(\s*){names}[?!]?\.data\b(?![?!]?[.\[])"
_ROLES = ("ConnectedSocket", "MessageBody", "Ack")
_LIMITS = re.compile(r"thrott|rate|limit", re.IGNORECASE)
_SMALL_TALK = re.compile(r"^(?:ping|pong|heartbeat|echo|health|time|hello|test)", re.IGNORECASE)
_EFFECTS = ("join", "to", "in", "emit", "broadcast", "publish", "send", "socketsJoin")
_LOGS = re.compile(r"(?:^|\.)_?(?:log\w*|console|metrics?|tracer)\b", re.IGNORECASE)


def works_for_anybody(
    model: Model, gateway: Gateway, handler: Handler, identities: frozenset[str]
) -> bool:
    """Tell whether a handler surely does something for a client that nobody knows yet.

    Args:
        identities: Names of variables that hold who the client is, around the handler.
    """
    function = handler.function
    if _SMALL_TALK.search(handler.event or "") or _is_guarded(gateway, function):
        return False
    reached = model.project.reach(function)
    sockets = {handler.socket, "client", "socket", "ws", "sock"} - {""}
    for each in reached[:20]:
        text = each.node.text
        given = {p.name for p in each.parameters if re.search(r"[sS]ocket|[cC]lient", p.type)}
        names = "|".join(re.escape(name) for name in sockets | given)
        if re.search(_WHOLE.replace("{names}", f"(?:{names})"), text):
            return False  # const { user } = client.data
        if re.search(rf"\b(?:{names})\b(?:\s+as\s+\w+\))?[?!]?\.{_KNOWN}\b", text):
            return False
        if re.search(
            rf"\.(?:get|has)\(\s*(?:{names})(?:\.id)?\s*\)|\[\s*(?:{names})\.id\s*\]", text
        ):
            return False
        words = set(re.findall(r"\w+", text))
        if identities & words or any(verifies(word) for word in words):
            return False
    if any(_is_unseen(model, call, function, sockets) for call in function.calls):
        return False
    return any(
        _has_effect(call)
        for each in reached[:20]
        for call in each.calls
        if model.project.target(call, each) is None  # else what it does there counts
    )


def _is_guarded(gateway: Gateway, function: Function) -> bool:
    """Tell whether a guard, or a parameter of one's own, asks who the client is."""
    guards = [*gateway.guards, *function.decorated("UseGuards")]
    if any(not all(_LIMITS.search(arg.text) for arg in guard.args) for guard in guards):
        return True
    own = {each.name for each in function.decorators} - {"UseGuards", "SubscribeMessage"}
    if any(re.search(r"auth|role|permi|guard", name, re.IGNORECASE) for name in own):
        return True
    return any(
        decorator.name not in _ROLES
        for parameter in function.parameters
        for decorator in parameter.decorators
    )


def _is_unseen(model: Model, call: Call, function: Function, sockets: set[str]) -> bool:
    """Tell whether the socket is given to code that is not here."""
    if not any(arg.text in sockets for arg in call.args):
        return False
    return not call.is_new and model.project.target(call, function) is None


def _has_effect(call: Call) -> bool:
    if _LOGS.search(call.path):
        return False
    if call.name in _EFFECTS:
        # What goes back to the sender alone tells nobody else anything.
        is_own = call.receiver is not None and re.fullmatch(r"client|socket|ws", call.receiver.text)
        return call.name in ("join", "to", "in") or not is_own
    return bool(
        re.match(r"(?:await\s+)?this\.\w*(?:[sS]ervice|[rR]epo\w*|[mM]odel|prisma|db)\b", call.path)
    )
