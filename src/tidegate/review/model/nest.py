"""Nest: gateways, adapters and modules."""

from __future__ import annotations

import os
import re

from tidegate.review.model.declarations import Class, Function
from tidegate.review.model.options import Options, options_in
from tidegate.review.model.parts import (
    Adapter,
    Gateway,
    Handler,
    Module,
)
from tidegate.review.model.project import Project
from tidegate.review.source import Call, Node, SourceFile

__all__ = ["adapters", "app_of", "gateways", "modules"]

_LIFECYCLE = {
    "handleConnection": "connect",
    "handleDisconnect": "disconnect",
    "afterInit": "init",
    "onModuleInit": "init",
    "onApplicationBootstrap": "init",
    "onGatewayInit": "init",
}


def app_of(project: Project, file: SourceFile) -> str:
    """Return the folder of the application a file belongs to; empty for the whole project."""
    folder = os.path.dirname(file.name)
    if folder not in project.apps:
        project.apps[folder] = _app_of(project, folder)
    return project.apps[folder]


def _app_of(project: Project, folder: str) -> str:
    match = re.match(
        r"((?:.*?/)?(?:apps|services|packages|libs|examples?|samples?)/[^/]+)/", f"{folder}/"
    )
    if match:
        return match[1]
    while folder.strip("/"):  # a name is absolute if the file is outside the root
        names = ("package.json", "pyproject.toml", "manage.py", "requirements.txt")
        if any((project.root / folder / name).exists() for name in names):
            return folder
        folder = os.path.dirname(folder)
    return ""


def gateways(project: Project, file: SourceFile) -> list[Gateway]:
    """Return the classes with ``@WebSocketGateway``."""
    found = []
    for owner in project.classes(file).values():
        decorators = owner.decorated("WebSocketGateway")
        found += [_gateway(project, owner, decorator.args) for decorator in decorators]
    return found


def _gateway(project: Project, owner: Class, args: list[Node]) -> Gateway:
    port, given = _port_and_options(project, args)
    options = given.as_pairs()
    lineage, is_complete = project.lineage(owner)
    node = owner.node.field("name") or owner.node
    gateway = Gateway("nest", node, owner.name, _namespace(project, options), options=options)
    gateway.owner, gateway.app = owner, app_of(project, owner.file)
    gateway.port, gateway.holder = port, given.holder
    gateway.is_complete = is_complete
    seen = set()
    for each in lineage:
        gateway.guards += each.decorated("UseGuards")
        gateway.servers |= {
            f"this.{name}"
            for name, decorators in each.field_decorators.items()
            if any(decorator.name == "WebSocketServer" for decorator in decorators)
        }
        for name, method in each.methods.items():
            if name not in seen:
                seen.add(name)
                gateway.handlers += _handlers(method)
    return gateway


def _port_and_options(project: Project, args: list[Node]) -> tuple[str, Options]:
    """Return what ``@WebSocketGateway(81, {…})`` is given; each may be missing."""
    if not args:
        return "", Options()
    first = project.value(args[0]) or args[0]
    if first.kind == "number" or len(args) > 1:
        given = options_in(project, args[1]) if len(args) > 1 else Options()
        return ("" if first.text == "0" else first.text), given
    return "", options_in(project, args[0])


def _namespace(project: Project, options: dict[str, Node]) -> str | None:
    if "namespace" not in options:
        return None if "..." in options else "/"
    value = project.value(options["namespace"])
    text = value.string if value is not None else None
    return None if text is None else "/" + text.strip("/")


def _handlers(method: Function) -> list[Handler]:
    kind = _LIFECYCLE.get(method.name)
    parameters = method.parameters
    if kind == "init":
        return [Handler("init", "", method)]
    if kind in ("connect", "disconnect"):
        socket = parameters[0].name if parameters else ""
        return [Handler("connect" if kind == "connect" else "disconnect", "", method, socket)]
    found = []
    for decorator in method.decorated("SubscribeMessage"):
        event = decorator.args[0].string if decorator.args else None
        found.append(Handler("message", event, method, *_roles(method)))
    return found


def _roles(method: Function) -> tuple[str, tuple[str, ...]]:
    """Return which parameter is the socket, and which hold the client's payload."""
    socket, payload = "", []
    is_decorated = any(parameter.decorators for parameter in method.parameters)
    for position, parameter in enumerate(method.parameters):
        names = {decorator.name for decorator in parameter.decorators}
        if "ConnectedSocket" in names or (not is_decorated and position == 0):
            socket = parameter.name
        elif "MessageBody" in names or (not is_decorated and position == 1):
            payload.append(parameter.name)
    return socket, tuple(payload)


def adapters(project: Project, file: SourceFile) -> list[Adapter]:
    """Return what ``app.useWebSocketAdapter`` is given."""
    found = []
    for call in file.calls:
        if call.name != "useWebSocketAdapter" or not call.args:
            continue
        value = project.value(call.args[0]) or call.args[0]
        while value.kind in ("as_expression", "await_expression") and value.children:
            value = value.children[0]
        name = Call(value).path if value.kind == "new_expression" else ""
        owner = project.class_named(value.file, name) if name else None
        found.append(Adapter(call, name, owner, app_of(project, file)))
    return found


def modules(project: Project, file: SourceFile) -> list[Module]:
    """Return the classes with ``@Module``."""
    found = []
    for owner in project.classes(file).values():
        for decorator in owner.decorated("Module"):
            module = Module(owner, {})
            for arg in decorator.args:
                for key, value in (arg.pairs() if arg.kind == "object" else {"...": arg}).items():
                    _fill(project, module, key, value)
            found.append(module)
    return found


def _fill(project: Project, module: Module, key: str, value: Node) -> None:
    resolved = project.value(value) or value
    if resolved.kind != "array":
        module.is_complete = False
        module.unknown.add(key)
        return
    names = module.lists.setdefault(key, [])
    for child in resolved.children:
        if child.kind == "spread_element":
            if child.children:
                _fill(project, module, key, child.children[0])
        elif child.kind == "identifier":
            made = project.value(child)
            is_made = made is not None and made.kind == "call_expression"
            names.append(Call(made).path.split(".")[0] if made and is_made else child.text)
        elif child.kind in ("call_expression", "await_expression"):
            call = Call(child if child.kind == "call_expression" else child.children[0])
            forward = [each.text for each in child.find("identifier")]
            names += forward if call.name == "forwardRef" else [call.path.split(".")[0]]
        elif child.kind == "object":
            entries = child.pairs()
            names += [
                entries[k].text for k in ("provide", "useClass", "useExisting") if k in entries
            ]
        else:
            module.is_complete = False
            module.unknown.add(key)
