"""Socket.IO on Node without Nest: servers, middlewares, connections."""

from __future__ import annotations

import re

from tidegate.review.model.constants import text_of
from tidegate.review.model.declarations import Function
from tidegate.review.model.nest import app_of
from tidegate.review.model.options import options_in
from tidegate.review.model.parts import (
    Gateway,
    Handler,
    Middleware,
    SocketServer,
)
from tidegate.review.model.project import Project
from tidegate.review.source import FUNCTIONS, Call, Node, SourceFile

__all__ = ["function_of", "gateways", "middlewares", "name_of", "servers"]


def servers(project: Project, file: SourceFile) -> list[SocketServer]:
    """Return the servers that a file makes."""
    found = []
    imports = project.imports(file)
    for call in file.calls:
        imported = imports.get(call.path.split(".")[0])
        is_inline = bool(re.match(r"require\(\s*['\"]socket\.io['\"]\s*\)", call.path))
        if not is_inline and (imported is None or imported.module != "socket.io"):
            continue
        is_server = call.name == "Server" or (
            imported is not None and imported.name in ("Server", "default")
        )
        is_call = not call.is_new and (
            is_inline or (imported is not None and imported.name in ("*", "default"))
        )
        if (
            not (call.is_new and is_server)
            and not (is_call and call.receiver is None)
            and not is_inline
        ):
            continue
        if call.name in ("of", "on", "listen", "use") or call.node.kind not in (
            "call_expression",
            "new_expression",
        ):
            continue
        options, holder = options_of(project, call)
        app = app_of(project, file)
        found.append(SocketServer("socket.io", call, name_of(call.node), options, app, holder))
    return found


def options_of(project: Project, call: Call) -> tuple[dict[str, Node] | None, Node | None]:
    """Return the options among a call's arguments, and the literal that holds them.

    They are empty if there are none, and None if nothing is known of them.
    """
    for arg in reversed(call.args[:2]):
        given = options_in(project, arg)
        if given.holder is not None:
            return given.as_pairs(), given.holder
    return ({} if len(call.args) < 2 else None), None


def middlewares(project: Project, file: SourceFile) -> list[Middleware]:
    """Return what ``use`` is given on something that looks like a server or a namespace."""
    found = []
    for call in file.calls:
        if call.name == "of" and len(call.args) == 1 and call.args[0].kind in FUNCTIONS:
            # A dynamic namespace: io.of((name, auth, next) => …) decides who may enter.
            decides = Function(call.args[0], "", owner=project.owner(call.node))
            found.append(Middleware(call, None, decides, app_of(project, file)))
        if call.name != "use" or len(call.args) != 1 or call.receiver is None:
            continue
        receiver = call.receiver.text
        function = function_of(project, call.args[0])
        is_socket = (
            function is not None
            and len(function.parameters) == 2
            and bool(
                re.search(
                    r"sock|client", function.parameters[0].name + function.parameters[0].type, re.I
                )
            )
        )
        looks = re.search(
            r"(?:^|\.)(?:_?(?:io|io\.engine|nsp|server|socket\w*|\w*[nN]amespace|ws\w*))!?$|\.of\(",
            receiver,
        )
        if not (is_socket or looks) or re.search(r"\bapp$|express|router", receiver):
            continue
        found.append(Middleware(call, _namespace(project, call), function, app_of(project, file)))
    return found


def gateways(project: Project, file: SourceFile) -> list[Gateway]:
    """Return what listens for connections: ``io.on('connection', …)``, also of a namespace."""
    found = []
    made = {server.name for server in servers(project, file)}
    for call in file.calls:
        if call.name not in ("on", "once") or len(call.args) < 2 or call.receiver is None:
            continue
        event = text_of(project, call.args[0])
        if event not in ("connection", "connect"):
            continue
        function = function_of(project, call.args[1])
        receiver = call.receiver.text
        if not _is_server(project, file, receiver, made, function, call, event):
            continue
        gateway = Gateway("socket.io", call.node, receiver, _namespace(project, call))
        gateway.call, gateway.app = call, app_of(project, file)
        gateway.servers = {receiver, *(name for name in made if name)} - {""}
        gateway.is_complete = function is not None
        if function is not None:
            socket = function.parameters[0].name if function.parameters else ""
            gateway.handlers.append(Handler("connect", "", function, socket))
            for each in project.reach(function):
                gateway.handlers += _messages(project, each, socket if each is function else "")
        found.append(gateway)
    return found


def _is_server(
    project: Project,
    file: SourceFile,
    receiver: str,
    made: set[str],
    function: Function | None,
    call: Call,
    event: str,
) -> bool:
    """Tell a Socket.IO server from a WebSocket server, a database, a client."""
    receiver = receiver.removesuffix(".sockets")
    if receiver in made or any(each.name == "of" for each in call.chain()):
        return True
    value = project.value(call.receiver)
    if value is not None and value.kind == "call_expression":
        namespace = Call(value)
        if namespace.name == "of" and namespace.args and _starts_namespace(namespace):
            return True
    if _is_typed(project, file, receiver):
        return True
    if project.imports_from(file, "ws", "socket.io-client", "mongoose", "net", "redis", "ioredis"):
        return False
    if function is None or not function.parameters or event != "connection":
        return False
    if project.owner(call.node) is not None and receiver.startswith("this.server"):
        return False
    first = re.escape(function.parameters[0].name)
    is_used = re.search(
        rf"\b{first}\.(?:on|emit|join|handshake|data|broadcast|id)\b", function.body.text
    )
    looks = re.search(r"(?:^|\.)(?:io|nsp|\w*[nN]amespace|socket(?:Server|IO|Io)|sio)$", receiver)
    return bool(looks and (is_used or "socket.io" in file.text))


def _starts_namespace(call: Call) -> bool:
    """Tell ``io.of('/chat')`` from the ``of`` of arrays and observables."""
    text = call.args[0].string
    is_path = text is not None and text.startswith("/")
    return (
        is_path
        or re.search(r"(?:^|\.)io$", call.receiver.text if call.receiver else "") is not None
    )


def _is_typed(project: Project, file: SourceFile, receiver: str) -> bool:
    """Tell whether a name is declared as a server: ``start(io: Server)``."""
    if not receiver.isidentifier():
        return False
    match = re.search(rf"\b{receiver}\??\s*:\s*(\w+)", file.text)
    imported = project.imports(file).get(match[1]) if match else None
    return (
        imported is not None
        and imported.module == "socket.io"
        and imported.name in ("Server", "Namespace", "default")
    )


def _messages(project: Project, function: Function, socket: str) -> list[Handler]:
    found = []
    names = {each.name for each in function.parameters if each.type.split("<")[0] == "Socket"}
    for call in function.calls:
        if call.name not in ("on", "once") or len(call.args) < 2 or call.receiver is None:
            continue
        receiver = call.receiver.text
        if receiver not in {socket, *names} and not re.search(r"sock|client", receiver, re.I):
            continue
        event = text_of(project, call.args[0])
        handler = function_of(project, call.args[1])
        if handler is None:
            continue
        kind = "disconnect" if event in ("disconnect", "disconnecting", "error") else "message"
        payload = tuple(
            p.name
            for p in handler.parameters
            if not re.search(r"^(?:cb|callback|ack|done)$", p.name)
        )
        found.append(
            Handler(
                "disconnect" if kind == "disconnect" else "message",
                event,
                handler,
                call.receiver.text,
                payload,
            )
        )
    return found


def _namespace(project: Project, call: Call) -> str | None:
    """Return the namespace of what a call is made on; None if it can't be told."""
    of = next((each for each in call.chain() if each.name == "of"), None)
    if of is None and call.receiver is not None:
        made = project.value(call.receiver)
        if made is not None and made.kind == "call_expression" and Call(made).name == "of":
            of = Call(made)
    if of is not None:
        text = of.args[0].string if of.args else None
        return None if text is None else "/" + text.strip("/")
    receiver = call.receiver.text if call.receiver else ""
    return "/" if re.search(r"(?:^|\.)(?:io|sio)$", receiver) else None


def function_of(project: Project, node: Node) -> Function | None:
    """Return the function that an argument is, names, or makes by a call."""
    while (
        node.kind in ("as_expression", "parenthesized_expression", "non_null_expression")
        and node.children
    ):
        node = node.children[0]
    if node.kind in FUNCTIONS:
        around = project.owner(node)
        return Function(node, "", owner=around)
    if node.kind == "identifier":
        found = project.resolve(node.file, node.text)
        return found if isinstance(found, Function) else None
    if node.kind == "member_expression":
        match = re.fullmatch(r"this\.(#?\w+)", node.text)
        owner = project.owner(node) if match else None
        return project.method(owner, match[1]) if match and owner else None
    if node.kind == "call_expression":
        call = Call(node)
        if call.name == "bind" and call.receiver is not None:
            return function_of(project, call.receiver)
        return project.target(call)
    return None


def name_of(node: Node) -> str:
    """Return what a value is assigned to, as written; empty if to nothing."""
    for around in node.ancestors():
        if around.kind == "variable_declarator":
            name = around.field("name")
            return name.text if name is not None else ""
        if around.kind in ("assignment_expression", "assignment"):
            left = around.field("left")
            return left.text if left is not None else ""
        if around.kind == "public_field_definition":
            name = around.field("name")
            return f"this.{name.text}" if name is not None else ""
        if around.kind not in (
            "await_expression",
            "as_expression",
            "parenthesized_expression",
            "non_null_expression",
        ):
            return ""
    return ""
