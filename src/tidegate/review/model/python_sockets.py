"""Python: python-socketio, Flask-SocketIO, FastAPI and Starlette WebSockets, Channels."""

from __future__ import annotations

import re

from tidegate.review.model.declarations import Class, Function
from tidegate.review.model.nest import app_of
from tidegate.review.model.node_sockets import name_of
from tidegate.review.model.parts import Framework, Gateway, Handler, SocketServer
from tidegate.review.model.project import Project
from tidegate.review.source import Call, SourceFile

__all__ = ["gateways", "servers"]

_CHANNELS = re.compile(r"(?:^|\.)(?:Async)?(?:Json)?Websocket(?:Json)?Consumer$")
_SERVERS: dict[str, Framework] = {
    "AsyncServer": "python-socketio",
    "Server": "python-socketio",
    "SocketIO": "flask-socketio",
    "SocketManager": "python-socketio",
}


def servers(project: Project, file: SourceFile) -> list[SocketServer]:
    """Return the Socket.IO servers that a file makes."""
    found = []
    imports = project.imports(file)
    for call in file.calls:
        if call.name not in _SERVERS:
            continue
        imported = imports.get(call.path.split(".")[0])
        if imported is None or imported.module not in (
            "socketio",
            "flask_socketio",
            "fastapi_socketio",
        ):
            continue
        options = call.keywords
        found.append(
            SocketServer(
                _SERVERS[call.name], call, name_of(call.node), options, app_of(project, file)
            )
        )
    return found


def gateways(project: Project, file: SourceFile) -> list[Gateway]:
    """Return what clients connect to."""
    found = _endpoints(project, file)
    for owner in project.classes(file).values():
        gateway = _class_gateway(project, owner)
        if gateway is not None:
            found.append(gateway)
    return found + _socketio(project, file)


def _class_gateway(project: Project, owner: Class) -> Gateway | None:
    lineage, is_complete = project.lineage(owner)
    bases = {base.split("[")[0] for each in lineage for base in each.bases}
    framework: Framework
    if any(_CHANNELS.search(base) for base in bases):
        framework = "channels"
    elif any(base.endswith("WebSocketEndpoint") for base in bases):
        framework = "websocket"
    elif any(re.search(r"(?:^|\.)(?:Async)?Namespace$", base) for base in bases):
        is_ours = project.imports_from(owner.file, "socketio", "flask_socketio")
        if not is_ours:
            return None
        framework = "python-socketio"
    else:
        return None
    inherited = {base for each in project.classes(owner.file).values() for base in each.bases}
    if owner.name in inherited:
        return None  # a base of others here; those are looked at
    gateway = Gateway(framework, owner.node.field("name") or owner.node, owner.name, None)
    gateway.owner, gateway.app, gateway.is_complete = (
        owner,
        app_of(project, owner.file),
        is_complete,
    )
    gateway.servers = {"self"}
    seen = set()
    for each in lineage:
        for name, method in each.methods.items():
            if name not in seen:
                seen.add(name)
                handler = _class_handler(framework, name, method)
                if handler is not None:
                    gateway.handlers.append(handler)
    return gateway


def _class_handler(framework: Framework, name: str, method: Function) -> Handler | None:
    names = [parameter.name for parameter in method.parameters]
    first = names[0] if names else ""
    if name in ("connect", "on_connect", "websocket_connect"):
        return Handler("connect", "", method, first)
    if name in ("disconnect", "on_disconnect", "websocket_disconnect"):
        return Handler("disconnect", "", method, first)
    if framework == "channels":
        if name in ("receive", "receive_json", "websocket_receive"):
            return Handler("message", None, method, "self", tuple(names))
        return None
    if name == "on_receive":
        return Handler("message", None, method, first, tuple(names[1:]))
    if name.startswith("on_"):
        return Handler("message", name[3:], method, first, tuple(names[1:]))
    return None


def _endpoints(project: Project, file: SourceFile) -> list[Gateway]:
    found = []
    functions = project.functions(file)
    routed = {}
    for function in functions.values():
        for decorator in function.decorated("websocket", "websocket_route"):
            routed[function.name] = decorator.call
    for call in file.calls:
        if call.name in ("WebSocketRoute", "add_api_websocket_route", "add_websocket_route"):
            endpoint = call.arg(1, "endpoint")
            if endpoint is not None and endpoint.text in functions:
                routed[endpoint.text] = call
    for name, route in routed.items():
        function = functions[name]
        socket = next((p.name for p in function.parameters if "WebSocket" in p.type), "")
        if not socket and not re.search(r"fastapi|starlette", file.text):
            continue
        path = route.arg(0, "path") if route else None
        gateway = Gateway(
            "websocket",
            function.node.field("name") or function.node,
            name,
            path.string if path else None,
        )
        gateway.call, gateway.app, gateway.servers = route, app_of(project, file), {"manager"}
        gateway.handlers.append(Handler("connect", "", function, socket))
        found.append(gateway)
    return found


def _socketio(project: Project, file: SourceFile) -> list[Gateway]:
    """Return one gateway for each namespace that functions of the file handle."""
    by_namespace: dict[str | None, Gateway] = {}
    for call, function, event in _registrations(project, file):
        namespace = "/"
        given = call.keywords.get("namespace") if call else None
        if given is not None:
            value = project.value(given)
            namespace = value.string if value is not None else None  # type: ignore[assignment]
        node = function.node.field("name") or function.node
        if namespace not in by_namespace:
            gateway = Gateway("python-socketio", node, namespace or "", namespace)
            gateway.app = app_of(project, file)
            by_namespace[namespace] = gateway
        gateway = by_namespace[namespace]
        names = [parameter.name for parameter in function.parameters]
        socket, payload = (names[0] if names else ""), tuple(names[1:])
        if "flask" in file.text and "flask_socketio" in file.text:
            gateway.framework, socket, payload = "flask-socketio", "", tuple(names)
        if event == "connect":
            gateway.node = node
            gateway.handlers.append(Handler("connect", "", function, socket))
        elif event == "disconnect":
            gateway.handlers.append(Handler("disconnect", "", function, socket))
        else:
            gateway.handlers.append(Handler("message", event, function, socket, payload))
        gateway.servers.add(_receiver(function, call))
    return list(by_namespace.values())


def _registrations(
    project: Project, file: SourceFile
) -> list[tuple[Call | None, Function, str | None]]:
    """Return each function that hears an event: by decorator, or given to ``sio.on``."""
    found: list[tuple[Call | None, Function, str | None]] = []
    functions = project.functions(file)
    for function in functions.values():
        for decorator in function.decorated("event", "on"):
            inner = decorator.node.children[0].text if decorator.node.children else ""
            receiver = inner.split("(")[0].rpartition(".")[0]
            if not _is_socketio(project, file, receiver):
                continue
            event: str | None = function.name
            if decorator.name == "on":
                event = decorator.args[0].string if decorator.args else None
            found.append((decorator.call, function, event))
    for call in file.calls:
        if (
            call.name == "on"
            and len(call.args) + len(call.keywords) > 1
            and call.receiver is not None
        ):
            given = call.arg(1, "handler")
            if given is None or not _is_socketio(project, file, call.receiver.text):
                continue
            target = project.resolve(file, given.text)
            if isinstance(target, Function):
                found.append((call, target, call.args[0].string))
    return found


def _is_socketio(project: Project, file: SourceFile, receiver: str) -> bool:
    """Tell a Socket.IO server from a client and from other things that have events."""
    if not receiver:
        return False
    for server in servers(project, file):
        if server.name == receiver:
            return True
    for call in file.calls:
        if (
            call.name in ("Client", "AsyncClient", "SimpleClient")
            and name_of(call.node) == receiver
        ):
            return False
    return bool(re.search(r"(?:^|\.)(?:sio|socketio|socket_io|io|socket_manager|sm)$", receiver))


def _receiver(function: Function, call: Call | None) -> str:
    if call is not None and call.receiver is not None:
        return call.receiver.text
    for decorator in function.decorators:
        if decorator.name == "event" and decorator.node.children:
            return decorator.node.children[0].text.rpartition(".")[0]
    return "sio"
