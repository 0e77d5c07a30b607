"""Where the code shows that an item holds: each returns a node, or None if nothing shows it."""

from __future__ import annotations

import re
from collections.abc import Callable

from tidegate.review.checklist.scope import Scope
from tidegate.review.discover import read
from tidegate.review.facts.auth.authentication import authentication
from tidegate.review.facts.broker.settling import requeues, settling
from tidegate.review.facts.emits import emits
from tidegate.review.source import Call, Node

__all__ = ["BUILT_IN", "Proof"]

Proof = Callable[[Scope], Node | None]

_ALGORITHMS = ("algorithms", "issuer", "audience")
_JOINS = ("join", "enter_room", "join_room", "socketsJoin", "group_add")
_VERIFY = ("verify", "verifyAsync", "jwtVerify", "decode", "verify_token", "verifyToken")
_LONGEST = 120
_CONDITIONS = (
    *("if_statement", "elif_clause", "else_clause", "conditional_expression", "ternary_expression"),
    *("catch_clause", "except_clause", "binary_expression", "boolean_operator", "match_statement"),
)
_IDENTITY = re.compile(
    r"\.data(?:\.(?:\w*user\w*|identity|auth\w*|claims|session|principal|account\w*|\w*tenant\w*))?$"
    r"|\.user\w*$|\.identity$",
    re.IGNORECASE,
)
_SETTING = re.compile(
    r"(?:process\.env\b|(?:os\.)?(?:environ|getenv)\b|(?:\w+\.)*\w*(?:[cC]onfig|[sS]ettings|env)\w*\b)"
    r"[.?!\w(<>\['\"]*?(?:SECRET|_KEY|PASSWORD|JWKS|[sS]ecret|[jJ]wt\w*[kK]ey|[pP]ublicKey)\w*['\"\])]*$"
)
_CLUSTER = re.compile(r"RedisIoAdapter|createAdapter|client_manager|RedisManager|setupPrimary")


def authenticates(scope: Scope) -> Node | None:
    """The place that checks who connects."""
    evidence = authentication(scope.model, scope.gateway)
    return evidence.node if evidence.verdict == "yes" else None


def refuses(scope: Scope) -> Node | None:
    """The place that turns a client away while it connects."""
    for function in scope.gates:
        for call in function.calls:
            is_end = call.name in ("disconnect", "close") and call.receiver is not None
            if is_end and _is_conditional(call.node, function.node):
                return call.node
            if call.name in ("next", "done", "callback") and call.args:
                return call.node
        for node in function.body.find("throw_statement", "raise_statement"):
            return node
        for node in function.body.find("return_statement") if function.file.is_python else ():
            if node.text == "return False":
                return node
    return None


def _is_conditional(node: Node, function: Node) -> bool:
    """Tell what ends some connections from what ends each of them, when it is over."""
    for around in node.ancestors():
        if around == function:
            return False
        if around.kind in _CONDITIONS:
            return True
        if around.kind == "call_expression" and Call(around).name in ("catch", "then"):
            return True
    return False


def checks_in_time(scope: Scope) -> Node | None:
    """A middleware, or a connect handler that awaits nothing."""
    for middleware in scope.model.middlewares:
        namespaces = (None, scope.gateway.namespace)
        if middleware.app == scope.gateway.app and middleware.namespace in namespaces:
            return middleware.call.node
    for handler in scope.gateway.of_kind("connect"):
        if not handler.function.is_async or scope.gateway.file.is_python:
            return handler.function.node.field("name") or handler.function.node
    return None


def takes_token_from_auth(scope: Scope) -> Node | None:
    """The place that reads the CONNECT packet's auth payload, or an Authorization header."""
    for function in scope.gates:
        for node in function.node.find("member_expression", "attribute", "subscript"):
            if re.search(r"handshake\??\.auth\b|headers\??\.authorization", node.text):
                return node
        if function.file.is_python and re.search(r"\bauth\b", function.body.text):
            for parameter in function.parameters:
                if parameter.name == "auth":
                    return parameter.node
    return None


def verifies(scope: Scope) -> Node | None:
    """A verification that pins algorithms, issuer or audience."""
    for call in scope.calls(*_VERIFY):
        if any(name in call.node.text for name in _ALGORITHMS):
            return call.node
    return None


def keeps_identity(scope: Scope) -> Node | None:
    """The place that puts what was verified on the socket."""
    for function in scope.gates:
        for node in function.node.find("assignment_expression"):
            left = node.field("left")
            if left is not None and _IDENTITY.search(left.text):
                return node
        for call in function.calls:
            if call.name in ("save_session", "session"):
                return call.node
    return None


def joins(scope: Scope) -> Node | None:
    """The place where a socket joins a room."""
    for call in scope.calls(*_JOINS):
        is_socket = call.name != "join" or re.search(r"sock|client|conn", call.path, re.IGNORECASE)
        if call.args and is_socket:
            return call.node
    return None


def addresses_rooms(scope: Scope) -> Node | None:
    """An emit to a room."""
    for emit in emits(scope.model):
        file = emit.call.file
        is_own = scope.model.app_of(file) == scope.gateway.app and not scope.is_of_another(
            file.name
        )
        if emit.audience == "rooms" and is_own:
            return emit.call.node
    return None


def lists_origins(scope: Scope) -> Node | None:
    """The option that names the origins."""
    for options in scope.options:
        cors = scope.model.project.value(options.get("cors"))
        origin = cors.pairs().get("origin") if cors is not None and cors.kind == "object" else None
        found = origin or options.get("cors_allowed_origins") or options.get("allowRequest")
        if found is not None:
            return found
    return next((call.node for call in scope.calls("AllowedHostsOriginValidator")), None)


def is_websocket_only(scope: Scope) -> Node | None:
    """The ``transports`` option with WebSocket and nothing else."""
    value = scope.option("transports")
    return value if value is not None and "polling" not in value.text else None


def bounds_payloads(scope: Scope) -> Node | None:
    """The option that bounds what a client may send at once."""
    return scope.option("maxHttpBufferSize", "max_http_buffer_size", "maxPayload")


def works_on_many_nodes(scope: Scope) -> Node | None:
    """The adapter, or the client manager, that joins several nodes."""
    for adapter in scope.model.adapters:
        is_cluster = re.search(r"redis|cluster|mongo|postgres|amqp", adapter.name, re.IGNORECASE)
        if adapter.app == scope.gateway.app and is_cluster:
            return adapter.call.node
    managed = scope.option("client_manager", "adapter")
    if managed is not None:
        return managed
    for call in scope.calls("createAdapter", "adapter", "RedisManager", "AsyncRedisManager"):
        if _CLUSTER.search(call.node.text):
            return call.node
    return None


def settles(scope: Scope) -> Node | None:
    """A consumer's acknowledgement."""
    for consumer in scope.consumers:
        found = settling(scope.model, consumer)
        for call in (*found.processes, *found.acks):
            return call.node
    return None


def dead_letters(scope: Scope) -> Node | None:
    """The dead letter exchange, or a nack without requeue."""
    for file in scope.model.files:
        if scope.model.app_of(file) == scope.gateway.app and "dead" in file.text.lower():
            for node in file.root.find("pair", "keyword_argument"):
                if re.match(r"['\"]?(?:x-dead-letter-exchange|deadLetterExchange)\b", node.text):
                    return node
    for consumer in scope.consumers:
        for call in settling(scope.model, consumer).nacks:
            if requeues(call) is False:
                return call.node
    return None


def bounds_prefetch(scope: Scope) -> Node | None:
    """The place that bounds how many messages wait unacknowledged."""
    for call in scope.calls("prefetch", "set_qos", "basic_qos"):
        return call.node
    for options in scope.model.broker_options:
        if options.app == scope.gateway.app and "prefetchCount" in options.options:
            return options.options["prefetchCount"]
    return None


def is_registered(scope: Scope) -> Node | None:
    """The module that provides the gateway (Nest), or the server or app that it is on."""
    gateway = scope.gateway
    if gateway.framework == "nest":
        for module in scope.model.modules:
            if gateway.owner is not None and gateway.owner.name in module.lists.get(
                "providers", ()
            ):
                return module.owner.node.field("name") or module.owner.node
        return None
    if gateway.framework in ("socket.io", "python-socketio", "flask-socketio"):
        own = (each for each in scope.model.servers if each.app == gateway.app)
        return next((each.call.node for each in own), None)
    if gateway.framework == "channels":
        return next((call.node for call in scope.calls("as_asgi")), None)
    around = gateway.node.enclosing("decorated_definition")
    if around is not None and re.match(r"@\w*router\w*\.", around.text):
        return _including(scope)
    return gateway.node


def _including(scope: Scope) -> Node | None:
    """Return where an app takes routers in, which may be in a file without realtime code."""
    project = scope.model.project
    for name in sorted(each for each in project.names if each.endswith(".py")):
        data = read(project.root / name, name, [])
        file = project.file(name) if data is not None and b"include_router(" in data else None
        for call in file.calls if file is not None else ():
            if call.name == "include_router" and scope.model.app_of(call.file) == scope.gateway.app:
                return call.node
    return None


def reads_secrets(scope: Scope) -> Node | None:
    """The place that reads a secret from the environment, or from the configuration."""
    for file in scope.model.files:
        if scope.model.app_of(file) != scope.gateway.app or scope.is_of_another(file.name):
            continue
        kinds = ("member_expression", "call_expression", "subscript", "attribute", "call")
        for node in file.root.find(*kinds):
            if len(node.text) < _LONGEST and _SETTING.match(node.text):
                return node
    return None


def awaits(scope: Scope) -> Node | None:
    """A call that is waited for, in the code of a gateway (Python)."""
    for function in scope.functions if scope.gateway.file.is_python else ():
        for node in function.body.find("await"):
            return node
    return None


def logs(scope: Scope) -> Node | None:
    """The logger that is used."""
    for call in scope.calls("Logger", "getLogger", "get_logger", "PinoLogger"):
        return call.node
    return None


BUILT_IN: tuple[Proof, ...] = (
    authenticates,
    refuses,
    checks_in_time,
    takes_token_from_auth,
    verifies,
    keeps_identity,
    lists_origins,
    is_websocket_only,
    bounds_payloads,
    reads_secrets,
)
"""What Tidegate does for every namespace, so that no code of an app shows it."""
