"""Tidegate's own applications: their namespaces, as gateways that know each client."""

from __future__ import annotations

from tidegate.review.model.declarations import Decorator, Function
from tidegate.review.model.nest import app_of
from tidegate.review.model.node_sockets import name_of
from tidegate.review.model.parts import Gateway, Handler
from tidegate.review.model.project import Project
from tidegate.review.source import Call, SourceFile

__all__ = ["gateways"]


def gateways(project: Project, file: SourceFile) -> list[Gateway]:
    """Return the namespaces that a file makes, and those that it adds handlers to."""
    if not project.imports_from(file, "tidegate"):
        return _from_elsewhere(project, file)
    found: dict[str, Gateway] = {}
    for call in file.calls:
        if call.name == "Namespace" and _is_ours(project, call):
            name = name_of(call.node)
            found[name] = _gateway(project, file, call, name)
    return _with_handlers(project, file, found)


def _from_elsewhere(project: Project, file: SourceFile) -> list[Gateway]:
    """Return gateways for handlers that are added to a namespace of another file."""
    if "@" not in file.text:
        return []
    return _with_handlers(project, file, {})


def _with_handlers(project: Project, file: SourceFile, found: dict[str, Gateway]) -> list[Gateway]:
    for function in project.functions(file).values():
        for decorator in function.decorated("on", "on_connect", "on_disconnect", "room"):
            name = _receiver(decorator)
            if name not in found:
                made = _made(project, file, decorator)
                if made is None:
                    continue
                found[name] = _gateway(project, file, made, name)
            found[name].handlers += _handlers(decorator, function)
    return list(found.values())


def _gateway(project: Project, file: SourceFile, call: Call, name: str) -> Gateway:
    given = call.arg(0, "name")
    namespace = "/" if given is None else given.string
    gateway = Gateway("tidegate", call.node, name, namespace, call=call, servers={"gateway"})
    gateway.app = app_of(project, file)
    return gateway


def _handlers(decorator: Decorator, function: Function) -> list[Handler]:
    names = [parameter.name for parameter in function.parameters]
    socket, payload = (names[0] if names else ""), tuple(names[1:])
    if decorator.name == "on":
        event = decorator.args[0].string if decorator.args else None
        return [Handler("message", event, function, socket, payload)]
    if decorator.name == "room":
        return []  # it decides who may join; what it gets is what it is asked about
    return [
        Handler("connect" if decorator.name == "on_connect" else "disconnect", "", function, socket)
    ]


def _made(project: Project, file: SourceFile, decorator: Decorator) -> Call | None:
    """Return the call that made the namespace a decorator belongs to."""
    inner = decorator.node.children[0] if decorator.node.children else None
    if inner is None:
        return None
    holder = Call(inner).receiver if inner.kind == "call" else inner.field("object")
    value = project.value(holder)
    if value is None or value.kind != "call":
        return None
    call = Call(value)
    return call if call.name == "Namespace" and _is_ours(project, call) else None


def _is_ours(project: Project, call: Call) -> bool:
    imported = project.imports(call.file).get(call.path.split(".")[0])
    return imported is not None and imported.module.split(".")[0] == "tidegate"


def _receiver(decorator: Decorator) -> str:
    inner = decorator.node.children[0].text if decorator.node.children else ""
    return inner.split("(")[0].rpartition(".")[0]
