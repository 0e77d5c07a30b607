"""Whether a client is authenticated before a gateway serves it, and where that is shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tidegate.review.model import Function, Gateway, Model
from tidegate.review.rules._gates import Gate, gates, gates_before
from tidegate.review.source import Call, Node

__all__ = ["Evidence", "authentication", "authentication_before", "guards_of", "verifies"]

_VERIFIES = re.compile(
    r"(?:jwt_?)?(?:verify|authenticate|authorize|introspect|decode)(?:[A-Z_]\w*|Async|d)?"
    r"|(?:jwt|token|session|auth|verify|validate|check|require|ensure|assert)_?(?:Verify|verify|Token|token"
    r"|Session|session|Auth|auth|Jwt|jwt|Cookie|cookie|Credentials|credentials|ApiKey|api_key|Login|login)\w*"
    r"|(?:get|find|load|fetch|extract|resolve|lookup|parse|read)\w*(?:From|from|By|by)_?"
    r"(?:Token|token|Jwt|jwt|Cookie|cookie|Auth|auth|Session|session)\w*"
    r"|(?:get|find|load|fetch|extract|resolve|lookup|read)_?(?:\w*(?:[uU]ser|[iI]dentity|[aA]ccount|[cC]laims|[pP]rincipal"
    r"|[tT]oken|[aA]uth|[mM]ember|[cC]urrent)\w*)?(?:From|from|By|by)_?(?:Socket|Client|Handshake|handshake|Ws|ws|scope)\w*"
    r"|(?:get|load)_?\w*(?:Session|Identity|_identity|Principal|CurrentUser|current_user)\w*"
    r"|current_user|is_?authenticated|isAuthenticated|is_anonymous|AnonymousUser|getServerSession"
    r"|\w*(?:auth|Auth|jwt|Jwt|token|Token)\w*(?:Middleware|middleware|Guard|guard|Verifier|verifier)\w*"
    r"|canActivate|validateUser|validate_user|verifier|unsign|identify|login_required\w*|passport"
)
_DATABASE = re.compile(
    r"get_?(?:async_?|db_?|new_?)?session(?:_?local|_?maker)?|decode", re.IGNORECASE
)
_CREDENTIALS = re.compile(
    r"\b(?:\w*[tT]oken\w*|\w*[aA]uth\w*|\w*[sS]ession\w*|\w*[cC]ookies?\w*|\w*[jJ]wt\w*|api_?[kK]ey\w*"
    r"|\w*[sS]ecret\w*|\w*[pP]assword\w*|user)\b"
)
_REFUSALS = ("disconnect", "close", "_onerror", "terminate", "disconnectSockets")
_CONDITIONS = ("if_statement", "catch_clause", "except_clause", "try_statement")
_HARMLESS = re.compile(
    r"(?:^|\.)(?:log|debug|info|warn|warning|error|verbose|print|set|add|push|append|delete|remove"
    r"|join|emit|on|once|to|get|has|String|accept|send|send_json|send_text|enter_room|dir)$"
)
_OTHER_GUARDS = re.compile(r"thrott|rate|limit", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Evidence:
    """What was found; ``node`` is the place that shows it, if there is one."""

    verdict: Literal["yes", "no", "unknown"]
    node: Node | None = None


def guards_of(gateway: Gateway) -> list[Node]:
    """Return the decorators that bind guards to a gateway's class, without rate limits."""
    return [
        guard.node
        for guard in gateway.guards
        if not all(_OTHER_GUARDS.search(arg.text) for arg in guard.args) or not guard.args
    ]


def verifies(name: str) -> bool:
    """Tell whether a name says that who somebody is gets verified, or was."""
    bare = re.sub(
        r"^[_#]*(?:(?:ws|socket|websocket|do|try|async|sync|handle)_?(?=[A-Z_a-z]))?", "", name
    )
    return any(
        _VERIFIES.fullmatch(each) for each in (name.lstrip("_#"), bare, bare[:1].lower() + bare[1:])
    )


def authentication(model: Model, gateway: Gateway) -> Evidence:
    """Return whether somebody checks who connects, before the gateway's handlers run."""
    if gateway.framework == "tidegate":
        return Evidence("yes")
    evidence = _first(model, gates(model, gateway))
    if evidence.verdict == "yes":
        return evidence
    unknown = evidence.node if gateway.is_complete else evidence.node or gateway.node
    for handler in gateway.of_kind("message"):
        name = f"{handler.event or ''} {handler.function.name}"
        if re.search(r"auth|login|identify|token|handshake", name, re.IGNORECASE):
            unknown = unknown or handler.function.node
    return Evidence("no") if unknown is None else Evidence("unknown", unknown)


def authentication_before(model: Model, gateway: Gateway) -> Evidence:
    """Return whether a client was checked when the gateway's own connect handler begins."""
    if gateway.framework == "tidegate":
        return Evidence("yes")
    return _first(model, gates_before(model, gateway))


def _first(model: Model, found: Iterable[Gate]) -> Evidence:
    """Return what the first gate says that checks clients, or that can't be judged."""
    unknown: Evidence | None = None
    for gate in found:
        if isinstance(gate, Node):
            if any(verifies(name) for name in re.findall(r"\w+", gate.text)):
                return Evidence("yes", gate)
            unknown = unknown or Evidence("unknown", gate)
            continue
        if gate.node not in model.judged:
            model.judged[gate.node] = _in_reach(model, gate)
        evidence: Evidence = model.judged[gate.node]
        if evidence.verdict == "yes":
            return evidence
        if evidence.verdict == "unknown":
            unknown = unknown or evidence
    return unknown or Evidence("no")


def _in_reach(model: Model, gate: Function) -> Evidence:
    unknown: Evidence | None = None
    for function in model.project.reach(gate):
        evidence = _in_function(model, function)
        if evidence.verdict == "yes":
            return evidence
        if evidence.verdict == "unknown":
            unknown = unknown or evidence
    return unknown or Evidence("no")


def _in_function(model: Model, function: Function) -> Evidence:
    names = function.node.find(
        "identifier",
        "property_identifier",
        "shorthand_property_identifier",
        "private_property_identifier",
    )
    for name in names:
        if verifies(name.text) and not _is_other(name):
            return Evidence("yes", name)
    refusal = _refusal(function)
    if refusal is not None:
        has_credentials = any(_CREDENTIALS.fullmatch(name.text) for name in names) or any(
            _CREDENTIALS.search(text.text) for text in function.node.find("string")
        )
        return Evidence("yes" if has_credentials else "unknown", refusal)
    sockets = {parameter.name for parameter in function.parameters[:1]} | {"client", "socket"}
    for call in function.calls:
        if model.project.target(call, function) is not None or _HARMLESS.search(call.path):
            continue
        given = [arg.text for arg in call.args]
        if sockets & set(given) and not call.is_new:
            return Evidence("unknown", call.node)
        if re.search(r"auth|token|jwt|session", call.path, re.IGNORECASE):
            return Evidence("unknown", call.node)
    return Evidence("no")


def _is_other(name: Node) -> bool:
    """Tell ``bytes.decode()`` and ``get_session()`` of a database from what they look like."""
    if not _DATABASE.fullmatch(name.text):
        return False
    around = name.parent
    if name.text == "decode":
        path = around.text if around is not None else ""
        return re.search(r"jwt|jose|token", path, re.IGNORECASE) is None
    return name.file.is_python


def _refusal(function: Function) -> Node | None:
    """Return where a function turns a client away."""
    for call in function.calls:
        if call.receiver is None:
            if call.name == "disconnect" or _passes_error(call):
                return call.node
        elif call.name in _REFUSALS and call.node.enclosing(*_CONDITIONS):
            return call.node
    for node in function.body.find("throw_statement", "raise_statement"):
        return node
    for node in function.body.find("return_statement"):
        if re.fullmatch(r"return\s+False", node.text):
            return node
    return None


def _passes_error(call: Call) -> bool:
    """Tell ``next(new Error())`` from ``next()``."""
    if call.name not in ("next", "fn", "callback", "cb", "done") or not call.args:
        return False
    return call.args[0].kind in ("new_expression", "identifier", "as_expression", "string")
