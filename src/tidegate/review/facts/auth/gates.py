"""What runs before a gateway serves a client, and may turn it away."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.model import Function, Gateway, Model
from tidegate.review.model.declarations import Class
from tidegate.review.model.node_sockets import function_of
from tidegate.review.source import Call, Node

__all__ = ["Gate", "gates", "gates_before"]

Gate = Function | Node
"""A function of the project, or an expression for one that is not in it."""

_DECIDES = re.compile(
    r"auth|current|login|verif|valid|require|guard|access|secur|protect|allow|member|jwt|identity|permission|401|403|1008|user|token|cookie|"
    r"WebSocketException|UNAUTHORIZED|FORBIDDEN|POLICY",
    re.IGNORECASE,
)
_CREDENTIALS = re.compile(r"token|user|auth|jwt|session|cookie|payload|claims", re.IGNORECASE)
_FUNCTIONS_DECIDE = ("allowRequest", "verifyClient")


def gates(model: Model, gateway: Gateway) -> Iterator[Gate]:
    """Yield what runs before or while a client connects."""
    for handler in gateway.of_kind("connect", "init"):
        yield handler.function
    yield from gates_before(model, gateway)
    for other in model.gateways:
        if _is_sibling(gateway, other):
            yield from (handler.function for handler in other.of_kind("connect"))


def gates_before(model: Model, gateway: Gateway) -> Iterator[Gate]:
    """Yield what runs before the gateway's own connect handler does."""
    yield from (handler.function for handler in gateway.of_kind("init"))
    if gateway.file.is_python:
        yield from _python_gates(model, gateway)
        return
    for name in _FUNCTIONS_DECIDE:
        if name in gateway.options:
            given = gateway.options[name]
            yield function_of(model.project, given) or given
    if gateway.framework == "websocket":
        return
    yield from _middlewares(model, gateway)
    for adapter in model.adapters:
        if gateway.framework == "nest" and adapter.app == gateway.app:
            if adapter.owner is not None:
                for each in model.project.lineage(adapter.owner)[0]:
                    for name, method in each.methods.items():
                        if not re.search(r"^constructor$|redis|close|dispose", name, re.IGNORECASE):
                            yield method
            elif not re.search(r"(?:^|\.)(?:IoAdapter|WsAdapter)$", adapter.name):
                yield adapter.call.args[0]
    for server in model.servers:
        if server.app == gateway.app and server.options and "allowRequest" in server.options:
            given = server.options["allowRequest"]
            yield function_of(model.project, given) or given
    for other in model.gateways:
        if _is_sibling(gateway, other):
            yield from (handler.function for handler in other.of_kind("init"))


def _middlewares(model: Model, gateway: Gateway) -> Iterator[Gate]:
    for middleware in model.middlewares:
        is_same = middleware.app == gateway.app or not middleware.app or not gateway.app
        namespaces = {middleware.namespace, gateway.namespace}
        if is_same and (None in namespaces or len(namespaces) == 1):
            yield middleware.function or middleware.call.args[0]


def _is_sibling(gateway: Gateway, other: Gateway) -> bool:
    return (
        other is not gateway
        and other.framework == gateway.framework
        and other.app == gateway.app
        and other.namespace == gateway.namespace
        and gateway.namespace is not None
        and gateway.framework in ("nest", "socket.io", "python-socketio", "flask-socketio")
    )


# Python


def _python_gates(model: Model, gateway: Gateway) -> Iterator[Gate]:
    for handler in gateway.of_kind("connect"):
        yield from _dependencies(model, handler.function)
        yield from _decorators(model, handler.function)
    if gateway.framework == "websocket":
        yield from _route_dependencies(model, gateway)
        yield from _asgi_middlewares(model, gateway)
    if gateway.framework == "channels":
        yield from _channels_middlewares(model, gateway)


def _dependencies(model: Model, function: Function) -> Iterator[Gate]:
    """Yield what FastAPI runs for a function's parameters."""
    for parameter in function.parameters:
        for match in re.finditer(r"(?:Depends|Security)\(\s*([\w.]+)", parameter.node.text):
            yield from _named(model, parameter.node, match[1])
        is_named = re.search(r"[uU]ser|[aA]uth|[iI]dent|[pP]rincipal|[cC]laims", parameter.type)
        if is_named and not re.match(r"(?:str|int|UUID|Optional)\b", parameter.type):
            yield parameter.node  # Annotated[User, Depends(...)] under a name of its own


def _named(model: Model, node: Node, name: str) -> Iterator[Gate]:
    target = model.project.resolve(node.file, name)
    if isinstance(target, Class):
        yield from target.methods.values()  # class Authenticated: def __call__(…)
        return
    value = model.project.value(_identifier(node, name))
    if target is None and value is not None and value.kind == "call":
        owner = model.project.class_named(value.file, Call(value).path)
        if owner is not None:
            yield from owner.methods.values()
            return
    if isinstance(target, Function) and not _DECIDES.search(f"{name} {target.body.text}"):
        return  # a service, a database session: nothing that refuses anybody
    if target is None and not _DECIDES.search(node.text):
        return  # Depends(Provide["mongo"])
    yield target if isinstance(target, Function) else node


def _identifier(node: Node, name: str) -> Node | None:
    return next((each for each in node.find("identifier") if each.text == name), None)


def _decorators(model: Model, function: Function) -> Iterator[Gate]:
    """Yield decorators that wrap a handler: ``@requires("authenticated")``, ``@auth_required``."""
    for decorator in function.decorators:
        if decorator.name in ("websocket", "websocket_route", "on", "event", "route"):
            continue
        target = model.project.resolve(function.file, decorator.name)
        if isinstance(target, Function):
            yield target
        elif re.search(r"auth|login|requires?|token|permission", decorator.name, re.IGNORECASE):
            yield decorator.node


def _route_dependencies(model: Model, gateway: Gateway) -> Iterator[Gate]:
    """Yield dependencies of the route, of routers of its file, and of where these are included."""
    call = gateway.call
    if call is not None and "dependencies" in call.keywords:
        yield from _listed(model, call.keywords["dependencies"])
    for each in gateway.file.calls:
        if each.name in ("APIRouter", "FastAPI") and "dependencies" in each.keywords:
            yield from _listed(model, each.keywords["dependencies"])
    stem = gateway.file.name.rsplit("/", 1)[-1].removesuffix(".py")
    for file in model.files:
        if not file.is_python or "include_router" not in file.text:
            continue
        for each in file.calls:
            if each.name != "include_router" or "dependencies" not in each.keywords:
                continue
            router = each.args[0].text if each.args else ""
            imported = model.project.imports(file).get(router.split(".")[0])
            modules = f"{imported.module}.{imported.name}" if imported else ""
            if file is gateway.file or stem in modules.split("."):
                yield from _listed(model, each.keywords["dependencies"])


def _listed(model: Model, node: Node) -> Iterator[Gate]:
    for match in re.finditer(r"(?:Depends|Security)\(\s*([\w.]+)", node.text):
        yield from _named(model, node, match[1])


def _asgi_middlewares(model: Model, gateway: Gateway) -> Iterator[Gate]:
    """Yield middlewares that see WebSockets too; those of Starlette's HTTP base class don't."""
    for file in model.files:
        if not file.is_python or "add_middleware" not in file.text:
            continue
        if model.app_of(file) != gateway.app:
            continue
        for call in file.calls:
            if call.name != "add_middleware" or not call.args:
                continue
            owner = model.project.class_named(file, call.args[0].text)
            if owner is None:
                if re.search(r"auth", call.args[0].text, re.IGNORECASE):
                    yield call.args[0]
                continue
            lineage = model.project.lineage(owner)[0]
            if not any(base.endswith("HTTPMiddleware") for each in lineage for base in each.bases):
                yield from owner.methods.values()


def _channels_middlewares(model: Model, gateway: Gateway) -> Iterator[Gate]:
    """Yield middlewares of the routing that close the socket, or refuse it, themselves."""
    for file in model.files:
        if not file.is_python or "ProtocolTypeRouter" not in file.text:
            continue
        for call in file.calls:
            owner = model.project.class_named(file, call.path)
            function = model.project.target(call) if owner is None else None
            if owner is None and function is not None:
                classes = [
                    model.project.class_named(function.file, each.path) for each in function.calls
                ]
                owner = next((each for each in classes if each is not None), None)
            if owner is None:
                continue
            is_closing = re.search(
                r"websocket\.close|DenyConnection|raise |http\.response", owner.node.text
            )
            if is_closing or _ends_early(owner):
                yield from owner.methods.values()


def _ends_early(owner: Class) -> bool:
    """Tell whether a middleware returns without a token, and never calls what is inside of it."""
    method = owner.methods.get("__call__")
    if method is None:
        return False
    for node in method.body.find("return_statement"):
        if node.function != method.node or node.text.strip() not in ("return", "return None"):
            continue
        around = node.enclosing("if_statement", "except_clause")
        if around is None:
            continue
        condition = around.field("condition")
        if condition is None or _CREDENTIALS.search(condition.text):
            return True
    return False
