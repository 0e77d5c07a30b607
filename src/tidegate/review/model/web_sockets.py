"""Plain WebSocket servers on Node: those of the package ``ws``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.model.declarations import Function
from tidegate.review.model.nest import app_of
from tidegate.review.model.node_sockets import function_of, name_of
from tidegate.review.model.parts import Gateway, Handler
from tidegate.review.model.project import Project
from tidegate.review.source import Call, Node, SourceFile

__all__ = ["gateways", "is_server"]

_MODULES = ("ws", "isomorphic-ws")
_NAMES = re.compile(r"(?:^|\.)_?(?:wss|wsServer|wssServer|webSocketServer|websocketServer)$")
_SOCKET = re.compile(r"(?:^|\.)_?(?:ws|socket|client|conn|connection|webSocket|websocket|peer)$")


def is_server(project: Project, call: Call) -> bool:
    """Tell whether a call makes a WebSocket server: ``new WebSocketServer({ port })``."""
    if not call.is_new or call.name not in ("Server", "WebSocketServer"):
        head = project.imports(call.file).get(call.path)
        return call.is_new and head is not None and _is_import(head.module, head.name)
    imported = project.imports(call.file).get(call.path.split(".")[0])
    return imported is not None and imported.module in _MODULES


def _is_import(module: str, name: str) -> bool:
    return module in _MODULES and name in ("Server", "WebSocketServer")


def gateways(project: Project, file: SourceFile) -> list[Gateway]:
    """Return what listens for connections: ``wss.on('connection', …)``."""
    found = []
    for call in file.calls:
        if call.name not in ("on", "once", "addListener") or len(call.args) < 2:
            continue
        if call.args[0].string != "connection" or call.receiver is None:
            continue
        made = _made(project, file, call.receiver)
        if made is None and not _looks(project, file, call.receiver):
            continue
        found.append(_gateway(project, file, call, made))
    return found


def _made(project: Project, file: SourceFile, receiver: Node) -> Call | None:
    """Return the call that made the server, in this file or where it is imported from."""
    for call in file.calls:
        if call.is_new and name_of(call.node) == receiver.text and is_server(project, call):
            return call
    value = project.value(receiver)
    if value is None or value.kind != "new_expression":
        return None
    return Call(value) if is_server(project, Call(value)) else None


def _looks(project: Project, file: SourceFile, receiver: Node) -> bool:
    is_named = _NAMES.search(receiver.text.rstrip("!")) is not None
    return is_named and project.imports_from(file, *_MODULES)


def _gateway(project: Project, file: SourceFile, call: Call, made: Call | None) -> Gateway:
    receiver = call.receiver.text if call.receiver else ""
    gateway = Gateway("websocket", call.node, receiver, None, call=call, servers={receiver})
    gateway.app = app_of(project, file)
    function = function_of(project, call.args[1])
    options = _options(project, made)
    gateway.options = options or {}
    gateway.is_complete = function is not None and options is not None and "..." not in options
    path = gateway.options.get("path")
    gateway.namespace = path.string if path is not None else None
    if function is not None:
        socket = function.parameters[0].name if function.parameters else ""
        gateway.handlers.append(Handler("connect", "", function, socket))
        for each in project.reach(function):
            gateway.handlers += _messages(project, each)
    upgrades = list(_upgrades(project, gateway))
    gateway.handlers += upgrades
    if "noServer" in gateway.options and not upgrades:
        gateway.is_complete = False
    return gateway


def _options(project: Project, made: Call | None) -> dict[str, Node] | None:
    """Return the options that the server is made with; None if they can't be seen."""
    if made is None:
        return None
    value = project.value(made.args[0]) if made.args else None
    if value is None:
        return {}
    return value.pairs() if value.kind == "object" else None


def _messages(project: Project, function: Function) -> Iterator[Handler]:
    for call in function.calls:
        if call.name not in ("on", "once", "addEventListener") or len(call.args) < 2:
            continue
        if call.receiver is None or not _SOCKET.search(call.receiver.text.rstrip("!")):
            continue
        event = call.args[0].string
        handler = function_of(project, call.args[1])
        if handler is None or event not in ("message", "close", "error"):
            continue
        names = tuple(parameter.name for parameter in handler.parameters[:1])
        if event == "message":
            yield Handler("message", event, handler, call.receiver.text, names)
        else:
            yield Handler("disconnect", event, handler, call.receiver.text)


def _upgrades(project: Project, gateway: Gateway) -> Iterator[Handler]:
    """Yield what decides on the upgrade before there is a socket: ``server.on('upgrade', …)``."""
    for file in project.realtime_files:
        if file.is_python or "upgrade" not in file.text:
            continue
        if file is not gateway.file and app_of(project, file) != gateway.app:
            continue
        for call in file.calls:
            if call.name not in ("on", "once") or len(call.args) < 2:
                continue
            if call.args[0].string == "upgrade":
                function = function_of(project, call.args[1])
                if function is not None:
                    yield Handler("init", "upgrade", function)
                else:
                    gateway.is_complete = False
