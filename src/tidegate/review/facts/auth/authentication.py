"""Whether a client is authenticated before a gateway serves it, and where that is shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tidegate.review.facts.auth.gate_refusals import (
    admits_everybody,
    has_credentials,
    is_of_message,
    is_of_missing,
    is_voluntary,
    only_asks,
    refusal_of,
)
from tidegate.review.facts.auth.gates import Gate, gates, gates_before
from tidegate.review.facts.auth.names import is_deadline, is_other, verifies
from tidegate.review.model import Function, Gateway, Model
from tidegate.review.source import Node

__all__ = ["Evidence", "authentication", "authentication_before", "guards_of"]

_HARMLESS = re.compile(
    r"(?:^|\.)(?:log|debug|info|warn|warning|error|verbose|print|set|add|push|append|delete|remove"
    r"|join|emit|on|once|to|get|has|String|accept|discard|pop|toISOString|getTime|keys|values|entries|next|send|send_json|send_text|enter_room|dir|disconnect)$"
)
_CHECKS = re.compile(r"check|auth|valid|verif|guard|allow|permi|user|token|require", re.IGNORECASE)
_NAMES_USER = re.compile(
    r"(?:query|auth|query_params|args|searchParams)\b[\w.?()'\"\[\]]{0,12}?\b(?:user_?[iI]d|userId|username)\b"
    r"|\{[^{}]*\b(?:user_?[iI]d|userId|username)\b[^{}]*\}\s*=\s*[\w.?]*handshake\??\.(?:query|auth)\b"
)
_QUERY = re.compile(
    r"QUERY_STRING|query_string|query_params|handshake\??\.query|searchParams|req\.url"
)
_USER_KEY = re.compile(r"['\"](?:user_?id|userId|username|uid)['\"]")
_LIKE_SOCKET = re.compile(r"sock|client|conn|req|scope|environ|sid\b|\bws", re.IGNORECASE)
_SECRETS = re.compile(r"token|jwt|passw|secret|cookie|credential|api_?key|signature", re.IGNORECASE)
_MOST = 60
_OTHER_GUARDS = re.compile(r"thrott|rate|limit", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Evidence:
    """What was found; ``node`` is the place that shows it, if there is one.

    Attributes:
        is_refusal: Clients are turned away there, and not for their credentials.
    """

    verdict: Literal["yes", "no", "unknown"]
    node: Node | None = None
    is_refusal: bool = False

    @property
    def is_proof(self) -> bool:
        """Tell whether nothing else needs to be looked at."""
        return self.verdict == "yes" and not self.is_refusal


def guards_of(gateway: Gateway) -> list[Node]:
    """Return the decorators that bind guards to a gateway's class, without rate limits."""
    return [
        guard.node
        for guard in gateway.guards
        if not all(_OTHER_GUARDS.search(arg.text) for arg in guard.args) or not guard.args
    ]


def authentication(model: Model, gateway: Gateway) -> Evidence:
    """Return whether somebody checks who connects, before the gateway's handlers run."""
    if gateway.framework == "tidegate":
        return Evidence("yes")
    evidence = _first(model, gates(model, gateway))
    if evidence.is_refusal and (_names_its_user(gateway) or _is_by_name(evidence)):
        return Evidence("no")
    if evidence.verdict == "yes":
        return evidence
    unknown = evidence.node if gateway.is_complete else evidence.node or gateway.node
    for handler in gateway.of_kind("message"):
        name = f"{handler.event or ''} {handler.function.name}"
        is_login = re.search(r"auth|login|identify|token|handshake", name, re.IGNORECASE)
        if is_login and _may_verify(model, handler.function):
            unknown = unknown or handler.function.node
    return Evidence("no") if unknown is None else Evidence("unknown", unknown)


def _may_verify(model: Model, function: Function) -> bool:
    """Tell a message that brings a credential from one that only says who its sender is."""
    own = function.node.field("name")
    for each in model.project.reach(function)[:_MOST]:
        if _SECRETS.search(each.body.text):
            return True
        names = (name for name in _names(each) if name != own)
        if any(verifies(name.text) and not is_other(name) for name in names):
            return True
        if each is function and any(
            model.project.target(call, each) is None and _CHECKS.search(call.name)
            for call in each.calls
        ):
            return True
    return not function.parameters


def _is_by_name(evidence: Evidence) -> bool:
    """Tell whether a middleware refuses for want of a user's name, which it believes."""
    function = evidence.node.function if evidence.node is not None else None
    return function is not None and bool(_NAMES_USER.search(function.text))


def _names_its_user(gateway: Gateway) -> bool:
    """Tell whether a client says itself which user it is; that a room exists proves nothing."""
    for handler in gateway.of_kind("connect"):
        function = handler.function
        text = function.body.text
        if _NAMES_USER.search(text) or (_QUERY.search(text) and _USER_KEY.search(text)):
            return True
        is_endpoint = gateway.framework == "websocket" and function.file.is_python
        if is_endpoint and any(
            re.fullmatch(r"user_?id|userId|username", parameter.name)
            and "Depends" not in parameter.node.text
            for parameter in function.parameters
        ):
            return True
    return False


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
        if evidence.is_proof:
            return evidence
        unknown = _better(unknown, evidence)
    return unknown or Evidence("no")


def _better(known: Evidence | None, found: Evidence) -> Evidence | None:
    """Return what says more of two: a refusal for want of a user, or what can't be judged."""
    if found.verdict == "no" or (known is not None and known.verdict == "yes"):
        return known
    return found if known is None or found.verdict == "yes" else known


def _in_reach(model: Model, gate: Function) -> Evidence:
    unknown: Evidence | None = None
    reached = _connecting(model, gate)
    for function in reached:
        if is_deadline(function.name):
            continue
        evidence = _in_function(model, function, is_gate=function is gate)
        if evidence.is_proof:
            return evidence
        unknown = _better(unknown, evidence)
    if unknown is not None:
        return unknown
    seen = {function.node for function in reached}
    for function in model.project.reach(gate):
        for name in _names(function):
            is_later = function.node not in seen or is_of_message(name, function)
            if is_later and verifies(name.text) and not is_other(name):
                return Evidence("unknown", name)  # a message may bring the token
    return Evidence("no")


def _connecting(model: Model, gate: Function) -> list[Function]:
    """Return a function and what it calls while a client connects, not for its messages."""
    reached, seen = [gate], {gate.node}
    for function in reached:
        for call in function.calls:
            target = model.project.target(call, function)
            if target is None or target.node in seen or len(seen) > _MOST:
                continue
            if not is_of_message(call.node, function):
                seen.add(target.node)
                reached.append(target)
    return reached


def _names(function: Function) -> list[Node]:
    return function.node.find(
        "identifier",
        "property_identifier",
        "shorthand_property_identifier",
        "private_property_identifier",
    )


def _in_function(model: Model, function: Function, *, is_gate: bool) -> Evidence:
    names = _names(function)
    for name in names:
        if verifies(name.text) and not is_other(name) and not is_of_message(name, function):
            if is_gate and (is_voluntary(function, name) or admits_everybody(function, name)):
                return Evidence("no")  # who brings no token isn't asked for one
            return Evidence("yes", name)
    refusal = refusal_of(function)
    is_ours = is_gate or refusal is None or "raise" not in refusal.kind
    if refusal is not None and (is_ours or _CHECKS.search(function.name)):
        by_credentials = has_credentials(function)
        if by_credentials and is_gate and only_asks(function):
            return Evidence("no")
        if is_gate and not by_credentials and is_of_missing(function, refusal):
            return Evidence("no")
        is_user = by_credentials or re.search(r"\b[uU]ser\b", function.body.text) is not None
        return Evidence("yes" if is_user else "unknown", refusal, not by_credentials)
    sockets = {"client", "socket"} | {
        each.name
        for each in function.parameters[:1]
        if is_gate or _LIKE_SOCKET.search(f"{each.name} {each.type}")
    }
    for call in function.calls:
        if _HARMLESS.search(call.path) or model.project.target(call, function) is not None:
            continue
        given = [arg.text for arg in call.args]
        if sockets & set(given) and not call.is_new:
            return Evidence("unknown", call.node)
        # In Python a session is nearly always a database's.
        words = r"auth|token|jwt" if function.file.is_python else r"auth|token|jwt|session"
        if re.search(words, call.path, re.IGNORECASE):
            return Evidence("unknown", call.node)
    return Evidence("no")
