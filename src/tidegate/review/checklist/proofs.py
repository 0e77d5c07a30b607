"""Where the code shows that an item holds: each returns a node, or None if nothing shows it."""

from __future__ import annotations

import re
from collections.abc import Callable

from tidegate.review.checklist.scope import Scope
from tidegate.review.facts.auth.authentication import authentication
from tidegate.review.facts.broker.settling import requeues, settling
from tidegate.review.facts.emits import emits
from tidegate.review.source import Node

__all__ = ["BUILT_IN", "Proof"]

Proof = Callable[[Scope], Node | None]

_ALGORITHMS = ("algorithms", "issuer", "audience")
_JOINS = ("join", "enter_room", "join_room", "socketsJoin", "group_add")
_VERIFY = ("verify", "verifyAsync", "jwtVerify", "decode", "verify_token", "verifyToken")
_CLUSTER = re.compile(r"RedisIoAdapter|createAdapter|client_manager|RedisManager|setupPrimary")


def authenticates(scope: Scope) -> Node | None:
    """The place that checks who connects."""
    evidence = authentication(scope.model, scope.gateway)
    return evidence.node if evidence.verdict == "yes" else None


def refuses(scope: Scope) -> Node | None:
    """The place that turns a client away while it connects."""
    for function in scope.gates:
        for call in function.calls:
            if call.name in ("disconnect", "close") and call.receiver is not None:
                return call.node
            if call.name in ("next", "done", "callback") and call.args:
                return call.node
        for node in function.body.find("throw_statement", "raise_statement"):
            return node
    return None


def checks_in_time(scope: Scope) -> Node | None:
    """A middleware, or a connect handler that awaits nothing."""
    for middleware in scope.model.middlewares:
        if middleware.app == scope.gateway.app:
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
        if function.file.is_python and any(each.name == "auth" for each in function.parameters):
            return next(each.node for each in function.parameters if each.name == "auth")
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
            if left is not None and re.search(r"\.data\b|\.user\w*$|\.identity$", left.text):
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
        if emit.audience == "rooms" and scope.model.app_of(emit.call.file) == scope.gateway.app:
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
    """The module that provides the gateway (Nest), or the place that makes the server."""
    owner = scope.gateway.owner
    for module in scope.model.modules:
        if owner is not None and owner.name in module.lists.get("providers", ()):
            return module.owner.node.field("name") or module.owner.node
    if scope.gateway.framework != "nest":
        return scope.gateway.node
    return None


def logs(scope: Scope) -> Node | None:
    """The logger that is used."""
    for call in scope.calls("Logger", "getLogger", "get_logger", "PinoLogger"):
        return call.node
    return None


def gives_fresh_token(scope: Scope) -> Node | None:
    """A client's ``auth`` that is a function."""
    for client in scope.clients:
        auth = scope.model.project.value((client.options or {}).get("auth"))
        if auth is not None and auth.kind in (
            *("arrow_function", "function_expression", "function_declaration"),
            "method_definition",
        ):
            return auth
    return None


def hears_of_refusal(scope: Scope) -> Node | None:
    """A client's listener for ``connect_error``."""
    files = {client.call.file.name: client.call.file for client in scope.clients}
    for file in files.values():
        for call in file.calls:
            if call.name == "on" and call.args and call.args[0].string == "connect_error":
                return call.node
    return None


def is_closed(scope: Scope) -> Node | None:
    """The place that closes a client's socket."""
    files = {client.call.file.name: client.call.file for client in scope.clients}
    for file in files.values():
        for call in file.calls:
            if call.name in ("disconnect", "close") and call.receiver is not None:
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
)
"""What Tidegate does for every namespace, so that no code of an app shows it."""
