"""Emits, whom they address, and on what: shared by the rules on tenants."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tidegate.review.diagnostic import Confidence
from tidegate.review.model import Model
from tidegate.review.source import Call, Node, SourceFile

__all__ = ["Emit", "emits"]

_TO_ROOMS = ("to", "in", "within")
_PASS = re.compile(r"\.(?:volatile|local|binary|compress|sockets|timeout)\b")
_CLIENT_LIBRARIES = ("socket.io-client", "ws", "mitt", "eventemitter3", "events", "node:events")


@dataclass(frozen=True, eq=False)
class Emit:
    """One emit from the server.

    Attributes:
        audience: ``everyone`` of the namespace, ``others`` (everyone but the sender), ``rooms``,
            or ``self``: the sender's socket only.
        rooms: What it is addressed to, as in the code.
        excluded: Who does not get it: arguments of ``except``, ``skip_sid``.
        confidence: ``likely`` if only the name says that it is a server.
    """

    call: Call
    audience: Literal["everyone", "others", "rooms", "self"]
    rooms: tuple[Node, ...]
    confidence: Confidence
    excluded: tuple[Node, ...] = ()


def emits(model: Model) -> Iterator[Emit]:
    """Yield the emits of a project's servers, without those of clients and event emitters."""
    if "emits" not in model.found:
        model.found["emits"] = list(_emits(model))
    yield from model.found["emits"]


def _emits(model: Model) -> Iterator[Emit]:
    names = _server_names(model)
    gateways = {gateway.owner.name: gateway.servers for gateway in model.gateways if gateway.owner}
    for file in model.files:
        for call in file.calls:
            if call.name not in ("emit", "send") or (call.receiver is None and not file.is_python):
                continue
            found = (
                _python(model, file, call, names)
                if file.is_python
                else _node(model, file, call, names, gateways)
            )
            if found is not None:
                yield found


def _node(
    model: Model,
    file: SourceFile,
    call: Call,
    names: dict[str, set[str]],
    gateways: dict[str, set[str]],
) -> Emit | None:
    if call.name != "emit" or not call.args:
        return None
    chain = call.chain()
    rooms = tuple(arg for each in chain if each.name in _TO_ROOMS for arg in each.args)
    excluded = tuple(arg for each in chain if each.name == "except" for arg in each.args)
    text = _PASS.sub("", _root_of(call, chain).text.replace("!", "").replace("?.", "."))
    if text.endswith(".broadcast"):
        socket = text.removesuffix(".broadcast")
        if not re.search(r"sock|client|conn|this", socket, re.IGNORECASE):
            return None
        return Emit(call, "rooms" if rooms else "others", rooms, "certain", excluded)
    confidence = _server(model, file, call, text, names, gateways)
    if confidence is not None:
        return Emit(call, "rooms" if rooms else "everyone", rooms, confidence, excluded)
    if rooms:
        return Emit(call, "rooms", rooms, "likely", excluded)
    if excluded and re.search(r"(?:sock(?:et)?|client|conn)$", text, re.IGNORECASE):
        return Emit(call, "others", (), "certain", excluded)  # socket.except(room).emit
    return None


def _root_of(call: Call, chain: list[Call]) -> Node:
    """Return the object that the chain is made on, ``of(namespace)`` taken away."""
    first = chain[-1] if chain else call
    if chain and first.name not in (*_TO_ROOMS, "of", "except", "volatile", "timeout", "compress"):
        return first.node  # getIO().emit
    return first.receiver or first.node


def _server(
    model: Model,
    file: SourceFile,
    call: Call,
    text: str,
    names: dict[str, set[str]],
    gateways: dict[str, set[str]],
) -> Confidence | None:
    if text in names.get(file.name, ()):
        return "certain"
    owner = model.project.owner(call.node)
    if text.startswith("this."):
        lineage = model.project.lineage(owner)[0] if owner is not None else []
        head, _, rest = text.removeprefix("this.").partition(".")
        for each in lineage:
            if text in gateways.get(each.name, ()):
                return "certain"
            type_ = each.fields.get(head, "").split("<")[0]
            if rest and f"this.{rest}" in gateways.get(type_, ()):
                return "certain"
            if not rest and type_ in ("SocketIOServer", "SocketServer", "SocketIoServer"):
                return "certain"
            if not rest and _is_socketio(model, each.file, type_):
                return "certain"
        is_bare = head in ("io", "_io", "#io") and not rest  # this.io = io, in JavaScript
        return "likely" if is_bare and "socket.io-client" not in file.text else None
    if model.project.imports_from(file, *_CLIENT_LIBRARIES):
        return None
    if re.fullmatch(
        r"(?:\w+\.)*io|(?:get|use)_?(?:IO|Io|SocketIO|SocketServer)\(\)|.*\.get\(['\"]io['\"]\)",
        text,
    ):
        made = model.project.value(call.origin)
        is_client = made is not None and "client" in made.text[:60].lower()
        return None if is_client else "likely"
    return None


def _is_socketio(model: Model, file: SourceFile, name: str) -> bool:
    imported = model.project.imports(file).get(name.split(".")[0])
    if imported is None or imported.module != "socket.io":
        return False
    known = ("Server", "Namespace")
    return imported.name in known or name.split(".")[-1] in known


def _server_names(model: Model) -> dict[str, set[str]]:
    """Return the servers and namespaces that each file names."""
    names: dict[str, set[str]] = {}
    for server in model.servers:
        if server.name:
            names.setdefault(server.call.file.name, set()).add(server.name)
    for gateway in model.gateways:
        if gateway.framework == "socket.io":
            names.setdefault(gateway.file.name, set()).update(gateway.servers)
    return names


def _python(model: Model, file: SourceFile, call: Call, names: dict[str, set[str]]) -> Emit | None:
    keywords = call.keywords
    if "..." in keywords or any(arg.kind == "list_splat" for arg in call.args):
        return None
    receiver = call.receiver
    address = keywords.get("to") or keywords.get("room")
    if receiver is None:
        imported = model.project.imports(file).get(call.name)
        if imported is None or imported.module != "flask_socketio":
            return None
        flag = keywords.get("broadcast")
        if address is not None:
            return Emit(call, "rooms", (address,), "certain")
        return Emit(
            call, "everyone" if flag is not None and flag.text == "True" else "self", (), "certain"
        )
    confidence = _python_server(model, file, call, receiver, names)
    if confidence is None:
        return None
    skipped = keywords.get("skip_sid")
    excluded = () if skipped is None or skipped.text in ("None", "[]") else (skipped,)
    place = 2 if call.name == "emit" else 1
    if address is None and len(call.args) > place:
        address = call.args[place]
    if address is not None and address.text != "None":
        return Emit(call, "rooms", (address,), confidence, excluded)
    return Emit(call, "others" if excluded else "everyone", (), confidence, excluded)


def _python_server(
    model: Model, file: SourceFile, call: Call, receiver: Node, names: dict[str, set[str]]
) -> Confidence | None:
    text = receiver.text
    if text in names.get(file.name, ()):
        return "certain"
    if text == "self":
        owner = model.project.owner(call.node)
        is_namespace = any(
            gateway.framework == "python-socketio" and gateway.owner is owner and owner is not None
            for gateway in model.gateways
        )
        return "certain" if is_namespace else None
    made = model.project.value(receiver)
    if made is not None and made.kind == "call":
        return (
            "certain"
            if Call(made).name in ("AsyncServer", "Server", "SocketIO", "SocketManager")
            else None
        )
    if re.fullmatch(r"(?:\w+\.)*(?:sio|socketio|socket_io|socketio_server)", text):
        makes_client = any(
            each.name in ("Client", "AsyncClient", "SimpleClient") for each in file.calls
        )
        return None if makes_client else "likely"
    return None
