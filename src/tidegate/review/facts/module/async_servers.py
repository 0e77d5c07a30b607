"""Which names of a Python project are async Socket.IO servers and namespaces."""

from __future__ import annotations

import re

from tidegate.review.diagnostic import Confidence
from tidegate.review.model import Model
from tidegate.review.model.declarations import Class, Function
from tidegate.review.source import FUNCTIONS, Call, Node, SourceFile

__all__ = ["AsyncServers", "has_base", "is_async_namespace", "type_of"]

_ASYNC_SERVERS = ("AsyncServer", "SocketManager")
_ASYNC_MANAGERS = ("AsyncManager", "AsyncRedisManager", "AsyncAioPikaManager")
_OTHER = ("Server", "SocketIO", "Client", "AsyncClient", "SimpleClient", "AsyncSimpleClient")


class AsyncServers:
    """What a project calls its Socket.IO servers: async ones, and what else has their methods."""

    def __init__(self, model: Model) -> None:
        self.of_file: dict[str, dict[str, bool]] = {}
        self.awaited: dict[str, set[str]] = {}
        self.websockets = {
            (handler.function.node, handler.socket)
            for gateway in model.gateways
            if gateway.framework == "websocket" and gateway.file.is_python
            for handler in gateway.handlers
        }
        self.names: set[str] = set()
        self.others: set[str] = set()
        for server in model.servers:
            is_async = server.call.name in _ASYNC_SERVERS
            if server.call.file.is_python and server.name:
                self.of_file.setdefault(server.call.file.name, {})[server.name] = is_async
                last = server.name.rsplit(".", 1)[-1]
                (self.names if is_async else self.others).add(last)

    def confidence(self, model: Model, file: SourceFile, receiver: Node) -> Confidence | None:
        """Tell how sure it is that something is an async server; None if it is none."""
        text = receiver.text
        known = self.of_file.get(file.name, {}).get(text)
        if known is not None:
            return "certain" if known else None
        made = model.project.value(receiver)
        if made is not None and made.kind == "call":
            is_async = Call(made).name in (*_ASYNC_SERVERS, *_ASYNC_MANAGERS)
            return "certain" if is_async else None
        type_ = type_of(receiver) or _type_of_field(receiver)
        if type_:
            return "certain" if re.search(r"\bAsyncServer\b", type_) else None
        if text == "self.server" and is_async_namespace(model, receiver):
            return "certain"
        if text in self._awaited(file):
            return "certain"
        last = text.rsplit(".", 1)[-1]
        if last == "sio" and any(call.name == "SocketManager" for call in file.calls):
            return "likely"  # fastapi-socketio puts its server at app.sio
        if not re.fullmatch(r"(?:\w+\.)*\w+", text) or last in self.others:
            return None
        if any(call.name in _OTHER for call in file.calls):
            return None
        return "likely" if last in self.names else None

    def _awaited(self, file: SourceFile) -> set[str]:
        """Return what has a Socket.IO server's methods awaited elsewhere in a file."""
        if file.name not in self.awaited:
            texts = self.awaited[file.name] = set()
            for node in file.root.find("await"):
                inner = node.children[0] if node.children else node
                if inner.kind == "call" and Call(inner).name in ("emit", "enter_room"):
                    receiver = Call(inner).receiver
                    texts.add(receiver.text if receiver is not None else "")
        return self.awaited[file.name]


def type_of(receiver: Node) -> str:
    """Return the type that a parameter or variable is annotated with, as written, or nothing."""
    if receiver.kind != "identifier":
        return ""
    for around in receiver.ancestors():
        if around.kind not in FUNCTIONS:
            continue
        for parameter in Function(around, "").parameters:
            if parameter.name == receiver.text:
                return parameter.type
    return ""


def _type_of_field(receiver: Node) -> str:
    """Return the type of the parameter that a field was set to: ``self.sio = sio``."""
    if receiver.kind != "attribute" or not receiver.text.startswith("self."):
        return ""
    owner = receiver.enclosing("class_definition")
    for each in owner.find("assignment") if owner is not None else []:
        left, right = each.field("left"), each.field("right")
        if left is not None and right is not None and left.text == receiver.text:
            return type_of(right)
    return ""


def is_async_namespace(model: Model, node: Node) -> bool:
    """Tell whether a node is in a class of handlers of python-socketio's async server."""
    owner = model.project.owner(node)
    return owner is not None and has_base(model, owner, re.compile(r"(?:^|\.)AsyncNamespace$"))


def has_base(model: Model, owner: Class, pattern: re.Pattern[str]) -> bool:
    """Tell whether a class, or one that it extends, names a base that fits."""
    lineage, _ = model.project.lineage(owner)
    return any(pattern.search(base.split("[")[0]) for each in lineage for base in each.bases)
