"""Whether a client is authenticated before a gateway serves it, and where that is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tidegate.review.model import Function, Gateway, Model
from tidegate.review.model.node_sockets import function_of
from tidegate.review.source import Call, Node

__all__ = ["Evidence", "authentication", "guards_of"]

_VERIFIES = re.compile(
    r"(?:jwt_?)?(?:verify|authenticate|authorize|introspect|decode)(?:[A-Z_]\w*|Async|d)?"
    r"|(?:jwt|token|session|auth|verify|validate|check|require|ensure|assert)_?(?:Verify|verify|Token|token"
    r"|Session|session|Auth|auth|Jwt|jwt|Cookie|cookie|Credentials|credentials|ApiKey|api_key|Login|login)\w*"
    r"|(?:get|find|load|fetch|extract|resolve|lookup|parse|read)\w*(?:From|from|By|by)_?"
    r"(?:Token|token|Socket|socket|Client|Handshake|Jwt|jwt|Cookie|cookie|Auth|auth|Session|session|ws|Ws|scope)\w*"
    r"|(?:get|load)_?\w*(?:Session|_session|Identity|_identity|Principal|CurrentUser|current_user)\w*"
    r"|current_user|is_?authenticated|isAuthenticated|is_anonymous|AnonymousUser|getServerSession"
    r"|\w*(?:auth|Auth|jwt|Jwt|token|Token)\w*(?:Middleware|middleware|Guard|guard|Verifier|verifier)\w*"
    r"|canActivate|validateUser|validate_user|verifier|unsign|identify|login_required\w*|passport"
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


def authentication(model: Model, gateway: Gateway) -> Evidence:
    """Return whether somebody checks who connects, before the gateway's handlers run."""
    if gateway.framework == "tidegate":
        return Evidence("yes")
    unknown: Node | None = None if gateway.is_complete else gateway.node
    for gate in _gates(model, gateway):
        if isinstance(gate, Node):
            if any(_VERIFIES.fullmatch(name) for name in re.findall(r"\w+", gate.text)):
                return Evidence("yes", gate)
            unknown = unknown or gate
            continue
        if gate.node not in model.judged:
            model.judged[gate.node] = _in_reach(model, gate)
        evidence: Evidence = model.judged[gate.node]
        if evidence.verdict == "yes":
            return evidence
        if evidence.verdict == "unknown":
            unknown = unknown or evidence.node
    for handler in gateway.of_kind("message"):
        name = f"{handler.event or ''} {handler.function.name}"
        if re.search(r"auth|login|identify|token|handshake", name, re.IGNORECASE):
            unknown = unknown or handler.function.node
    return Evidence("no") if unknown is None else Evidence("unknown", unknown)


def _gates(model: Model, gateway: Gateway) -> Iterator[Function | Node]:
    """Yield what runs before or while a client connects: functions, or expressions for them."""
    for handler in gateway.of_kind("connect", "init"):
        yield handler.function
        yield from _dependencies(model, handler.function)
    if gateway.call is not None and gateway.file.is_python:
        yield from _dependencies_of(model, gateway)
    if gateway.framework in ("python-socketio", "flask-socketio", "websocket", "channels"):
        for other in model.gateways:
            if _is_sibling(gateway, other):
                yield from (handler.function for handler in other.of_kind("connect"))
        return
    for middleware in model.middlewares:
        is_same = middleware.app == gateway.app or not middleware.app or not gateway.app
        namespaces = {middleware.namespace, gateway.namespace}
        if is_same and (None in namespaces or len(namespaces) == 1):
            yield middleware.function or middleware.call.args[0]
    for adapter in model.adapters:
        if gateway.framework == "nest" and adapter.app == gateway.app:
            if adapter.owner is not None:
                for each in model.project.lineage(adapter.owner)[0]:
                    yield from each.methods.values()
            elif not re.search(r"(?:^|\.)(?:IoAdapter|WsAdapter)$", adapter.name):
                yield adapter.call.args[0]
    for server in model.servers:
        if server.app == gateway.app and server.options and "allowRequest" in server.options:
            given = server.options["allowRequest"]
            yield function_of(model.project, given) or given
    if "allowRequest" in gateway.options:
        given = gateway.options["allowRequest"]
        yield function_of(model.project, given) or given
    for other in model.gateways:
        if _is_sibling(gateway, other):
            yield from (handler.function for handler in other.of_kind("connect", "init"))


def _is_sibling(gateway: Gateway, other: Gateway) -> bool:
    return (
        other is not gateway
        and other.framework == gateway.framework
        and other.app == gateway.app
        and other.namespace == gateway.namespace
        and gateway.namespace is not None
        and gateway.framework in ("nest", "socket.io", "python-socketio", "flask-socketio")
    )


def _dependencies(model: Model, function: Function) -> Iterator[Function | Node]:
    """Yield what FastAPI runs for a function's parameters."""
    if not function.file.is_python:
        return
    for parameter in function.parameters:
        for match in re.finditer(r"(?:Depends|Security)\(\s*([\w.]+)", parameter.node.text):
            target = model.project.resolve(function.file, match[1])
            yield target if isinstance(target, Function) else parameter.node
        if re.search(r"[uU]ser|[aA]uth|[iI]dentity|[pP]rincipal|[cC]laims", parameter.type):
            yield parameter.node  # Annotated[User, Depends(...)] under a name of its own


def _dependencies_of(model: Model, gateway: Gateway) -> Iterator[Node]:
    """Yield dependencies of the route, and of routers of the file."""
    call = gateway.call
    if call is not None and "dependencies" in call.keywords:
        yield call.keywords["dependencies"]
    for each in gateway.file.calls:
        if each.name in ("APIRouter", "FastAPI") and "dependencies" in each.keywords:
            yield each.keywords["dependencies"]


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
        if _VERIFIES.fullmatch(name.text.lstrip("_#")):
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
