"""A client's values, followed from each handler into all that it calls."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from tidegate.review.facts.tenant.flow import Flow
from tidegate.review.facts.tenant.sent import Names, Sent, Values
from tidegate.review.facts.tokens import guard_classes
from tidegate.review.model import Function, Gateway, Handler, Middleware, Model, Parameter
from tidegate.review.model.node_sockets import function_of
from tidegate.review.source import FUNCTIONS, Call, Node

__all__ = ["Visit", "visits"]

_MAX_DEPTH = 5
_MAX_VISITS = 40
_OURS = re.compile(
    r"_?(?:io|socket|client|server|nsp|ws|websocket|next|fn|cb|callback|ack|done|sid|req|res)"
)
_WRITTEN = re.compile(
    r"handshake\.(?:auth|query|headers)"
    r"(?:(?:\.|\[['\"])([\w-]+)(?:['\"]\])?\s*=[^=]|\s*=\s*(\{[^}]*\}))"
)
_GETS_CLIENT = re.compile(r"(\w+)(?:\s*:[^=]+)?\s*=[^=\n;]*\.getClient\b")
_SIMPLE = re.compile(
    r"(?:typing\.)?(?:Optional\[|Annotated\[)?(?:str|int|float|uuid\.UUID|UUID|UUID4|PositiveInt|bytes)\b.*"
)
_known: WeakKeyDictionary[Model, list[Visit]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Visit:
    """One function, as a handler comes to it.

    Attributes:
        socket: What the socket, or its sid, is called here; empty if it is not here.
        came: The function that called it; None for the handler itself.
        at: The call there.
    """

    gateway: Gateway
    handler: Handler
    flow: Flow
    socket: str = ""
    came: Visit | None = None
    at: Node | None = None

    @property
    def calls(self) -> Iterator[Call]:
        """Yield the calls in it, without those of inner handlers."""
        return (call for call in self.flow.function.calls if not self.flow.is_skipped(call.node))

    def chain(self, node: Node) -> Iterator[tuple[Visit, Node]]:
        """Yield a node's function and those that called it, each with the place in it."""
        visit: Visit | None = self
        place: Node | None = node
        while visit is not None and place is not None:
            yield visit, place
            place, visit = visit.at, visit.came


def visits(model: Model) -> list[Visit]:
    """Return all functions that a client's values come to."""
    if model not in _known:
        _known[model] = list(_all(model))
    return _known[model]


def _all(model: Model) -> Iterator[Visit]:
    written = frozenset(
        name
        for file in model.files
        if "handshake" in file.text
        for match in _WRITTEN.finditer(file.text)
        for name in ([match[1]] if match[1] else re.findall(r"(\w+)\s*[:,}]", match[2]))
    )
    done: set[Node] = set()
    for gateway in model.gateways:
        flows: list[Flow] = []
        inner = tuple(each.function.node for each in gateway.of_kind("message", "disconnect"))
        connects = gateway.of_kind("connect")
        registered = [each for connect in connects for each in _registered(model, connect, inner)]
        inner += tuple(each.function.node for each in registered)
        handlers = [*connects, *gateway.of_kind("message"), *registered]
        for handler in handlers:
            if handler.function.node in done and gateway.framework != "nest":
                continue
            done.add(handler.function.node)
            skipped = tuple(node for node in inner if node != handler.function.node)
            flow = _started(model, gateway, handler, flows, skipped, written)
            found = list(_onwards(model, Visit(gateway, handler, flow, handler.socket), skipped))
            if handler.kind == "connect":
                flows += [visit.flow for visit in found]
            yield from found
        for method, socket in _before_handlers(model, gateway):
            if method.node not in done:
                done.add(method.node)
                handler = Handler("connect", "", method, socket)
                flow = Flow(model.project, method, {}, written=written)
                yield from _onwards(model, Visit(gateway, handler, flow, socket), ())
    for middleware in model.middlewares:
        if middleware.function is not None and middleware.function.node not in done:
            done.add(middleware.function.node)
            yield from _onwards(model, _of_middleware(model, middleware, written), ())


def _registered(model: Model, connect: Handler, known: tuple[Node, ...]) -> Iterator[Handler]:
    """Yield handlers that Nest's ``handleConnection`` registers by ``socket.on``.

    It may do so itself, or in a method that gets the socket.
    """
    if connect.function.file.is_python or not connect.socket:
        return
    yield from _registered_in(model, connect.function, connect.socket, known)
    for call in connect.function.calls:
        target = model.project.target(call, connect.function)
        if target is None or target.node == connect.function.node:
            continue
        for parameter, argument in zip(target.parameters, call.args, strict=False):
            if argument.text == connect.socket:
                yield from _registered_in(model, target, parameter.name, known)


def _registered_in(
    model: Model, function: Function, socket: str, known: tuple[Node, ...]
) -> Iterator[Handler]:
    for call in function.calls:
        is_on = call.name in ("on", "once") and len(call.args) > 1 and call.receiver is not None
        if not is_on or call.receiver is None or call.receiver.text != socket:
            continue
        handler = function_of(model.project, call.args[1])
        event = call.args[0].string
        if handler is None or handler.node in known or event in ("disconnect", "error", "close"):
            continue
        names = tuple(parameter.name for parameter in handler.parameters)
        yield Handler("message", event, handler, socket, names)


def _before_handlers(model: Model, gateway: Gateway) -> Iterator[tuple[Function, str]]:
    """Yield what Nest runs before handlers, guards and interceptors, with the socket's name."""
    if gateway.framework != "nest":
        return
    owners = [owner for owner, _ in guard_classes(model, gateway)]
    bound = gateway.owner.decorated("UseInterceptors") if gateway.owner is not None else []
    for handler in gateway.handlers:
        bound += handler.function.decorated("UseInterceptors")
    for decorator in bound:
        for arg in decorator.args:
            owner = model.project.class_named(arg.file, arg.text)
            if owner is not None:
                owners.append(owner)
    for owner in owners:
        method = owner.methods.get("canActivate") or owner.methods.get("intercept")
        match = _GETS_CLIENT.search(method.body.text) if method is not None else None
        if method is not None and match is not None:
            yield method, match[1]


def _of_middleware(model: Model, middleware: Middleware, written: frozenset[str]) -> Visit:
    """Return a visit to a middleware, which runs as a client connects."""
    function = middleware.function or Function(middleware.call.node, "")
    socket = function.parameters[0].name if function.parameters else ""
    handler = Handler("connect", "", function, socket)
    gateway = Gateway("socket.io", middleware.call.node, "", middleware.namespace)
    return Visit(gateway, handler, Flow(model.project, function, {}, written=written), socket)


def _started(
    model: Model,
    gateway: Gateway,
    handler: Handler,
    outer: list[Flow],
    skipped: tuple[Node, ...],
    written: frozenset[str],
) -> Flow:
    function = _unwrapped(handler.function)
    names: Names = {}
    for flow in outer:
        names |= _inherited(flow, function)
    flow = Flow(model.project, function, names, skipped, written)
    for parameter in function.parameters:
        names.pop(parameter.name, None)
    for parameter, values in _given(gateway, handler, function):
        pattern = parameter.node.field("pattern") or parameter.node
        if pattern.kind in ("object_pattern", "array_pattern"):
            flow.bind(pattern, frozenset(Sent(s.node, (), s.source) for s in values), names)
        else:
            names[parameter.name] = values
    return Flow(model.project, function, names, skipped, written)


def _inherited(flow: Flow, function: Function) -> Names:
    """Return what a handler sees of the function around it, or of its object."""
    if any(each == flow.function.node for each in function.node.ancestors()):
        own = {
            target.text
            for kind in ("variable_declarator", "assignment")
            for node in function.body.find(kind)
            if (target := node.field("name") or node.field("left")) is not None
        }
        return {name: values for name, values in flow.names.items() if name not in own}
    if function.owner is not None and function.owner is flow.function.owner:
        return {name: v for name, v in flow.names.items() if name.startswith(("self.", "this."))}
    return {}


def _unwrapped(function: Function) -> Function:
    """Return the handler that ``(io, socket) => (payload) => …`` makes."""
    body = function.body
    if body.kind in FUNCTIONS:
        return Function(body, function.name, owner=function.owner)
    if body.kind == "statement_block":
        for child in body.children[-1:]:
            if (
                child.kind == "return_statement"
                and child.children
                and child.children[0].kind in FUNCTIONS
            ):
                return Function(child.children[0], function.name, owner=function.owner)
    return function


def _given(
    gateway: Gateway, handler: Handler, function: Function
) -> Iterator[tuple[Parameter, Values]]:
    """Yield the parameters that hold what the client sent."""
    is_flask = "flask_socketio" in function.file.text  # no sid comes first there
    for position, parameter in enumerate(function.parameters):
        if _OURS.fullmatch(parameter.name):
            continue
        path: tuple[str, ...] = (parameter.name,)
        if gateway.framework == "websocket" and handler.kind == "connect":
            if _is_of_route(gateway, parameter):
                yield parameter, frozenset({Sent(parameter.node, path, "connection")})
            continue
        is_payload = parameter.name in handler.payload or (
            handler.kind == "message" and (is_flask or function is not handler.function)
        )
        for decorator in parameter.decorators:
            if decorator.name == "MessageBody" and decorator.args and decorator.args[0].string:
                path = (decorator.args[0].string,)
        if is_payload:
            if parameter.name in ("data", "payload", "body", "message", "content", "text_data"):
                path = ()
            yield parameter, frozenset({Sent(parameter.node, path)})
        elif handler.kind == "connect" and (
            (gateway.framework == "python-socketio" and position > 0)
            or gateway.framework == "flask-socketio"
        ):
            yield parameter, frozenset({Sent(parameter.node, (), "connection")})


def _is_of_route(gateway: Gateway, parameter: Parameter) -> bool:
    """Tell a path or query parameter of FastAPI from what is injected."""
    text = parameter.node.text
    if re.search(
        r"Depends|Security|WebSocket|State\b|Annotated\[\w+, *(?!Query|Path|Header)", text
    ):
        return False
    if gateway.namespace and f"{{{parameter.name}" in gateway.namespace:
        return True
    if re.search(r"\b(?:Query|Path|Header|Cookie)\(", text):
        return True
    return bool(_SIMPLE.fullmatch(parameter.type))


def _onwards(model: Model, first: Visit, skipped: tuple[Node, ...]) -> Iterator[Visit]:
    waiting = [(first, 0)]
    seen = {(first.flow.function.node, frozenset(first.flow.names))}
    count = 0
    while waiting:
        visit, depth = waiting.pop(0)
        yield visit
        count += 1
        if depth >= _MAX_DEPTH or count > _MAX_VISITS:
            continue
        for call in visit.calls:
            target = model.project.target(call, visit.flow.function)
            if target is None or target.node in skipped:
                continue
            names = visit.flow.given_to(target, call)
            names = {name: values for name, values in names.items() if values}
            socket = _handed_on(visit, call, target)
            key = (target.node, frozenset(names))
            if not (names or socket) or key in seen:
                continue
            seen.add(key)
            flow = Flow(model.project, target, names, skipped, visit.flow.written)
            onwards = Visit(visit.gateway, visit.handler, flow, socket, visit, call.node)
            waiting.append((onwards, depth + 1))


def _handed_on(visit: Visit, call: Call, target: Function) -> str:
    """Return what the socket is called in a function that gets it."""
    if visit.socket == "self":
        return "self"
    for parameter, argument in zip(target.parameters, call.args, strict=False):
        if visit.socket and argument.text == visit.socket:
            return parameter.name
    return ""
