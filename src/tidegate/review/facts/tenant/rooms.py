"""Who joins which rooms, and what is sent to which."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tidegate.review.facts.emits import emits
from tidegate.review.model import Model
from tidegate.review.source import Call, Node, SourceFile

__all__ = ["Address", "Join", "addresses", "joins"]

_SOCKET = re.compile(r"(?:^|[._])(?:\w*sock(?:et)?|\w*client|conn(?:ection)?|ws)!?$", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Join:
    """A socket, or several, joins a room: ``join``, ``socketsJoin``, ``enter_room``, ``group_add``.

    Attributes:
        node: The call.
        room: What it joins, as in the code; an array if there are several.
        socket: Who joins, as written; empty if that is not one socket, or not said.
    """

    node: Node
    room: Node
    socket: str = ""


@dataclass(frozen=True, eq=False)
class Address:
    """Something is sent to a room: an emit, or ``group_send`` of Channels."""

    node: Node
    room: Node


def joins(model: Model) -> Iterator[Join]:
    """Yield where sockets join rooms; rooms that a library or an adapter joins are not known."""
    if "joins" not in model.found:
        model.found["joins"] = list(_joins(model))
    yield from model.found["joins"]


def _joins(model: Model) -> Iterator[Join]:
    sockets: dict[str, set[str]] = {}
    for gateway in model.gateways:
        for handler in gateway.handlers:
            sockets.setdefault(handler.function.file.name, set()).add(handler.socket)
    for file in model.files:
        own = sockets.get(file.name, set())
        for call in file.calls:
            found = _python(model, file, call) if file.is_python else _node(call, own)
            if found is not None:
                yield found


def addresses(model: Model) -> Iterator[Address]:
    """Yield each room that something is sent to; of an array, each element."""
    for emit in emits(model):
        for room in emit.rooms:
            for each in room.children if room.kind in ("array", "list") else [room]:
                yield Address(emit.call.node, each)
    for file in model.files:
        if file.is_python and "group_send" in file.text:
            for call in file.calls:
                if _layer_method(call) == "group_send" and call.args:
                    yield Address(call.node, call.args[0])


def _node(call: Call, sockets: set[str]) -> Join | None:
    if call.name == "socketsJoin" and call.args:
        return Join(call.node, call.args[0])
    receiver = call.receiver
    if call.name != "join" or receiver is None or len(call.args) not in (1, 2):
        return None
    text = receiver.text
    if text not in sockets and not _SOCKET.search(text):
        return None
    separator = call.args[0].string
    if separator is not None and not re.search(r"\w", separator):
        return None  # clients.join(', ')
    return Join(call.node, call.args[0], text)


def _python(model: Model, file: SourceFile, call: Call) -> Join | None:
    if call.name == "enter_room" and call.receiver is not None:
        room, socket = call.arg(1, "room"), call.arg(0, "sid")
        return Join(call.node, room, socket.text if socket is not None else "") if room else None
    if call.name == "join_room" and call.receiver is None:
        imported = model.project.imports(file).get("join_room")
        room = call.arg(0, "room")
        if imported is None or imported.module != "flask_socketio" or room is None:
            return None
        return Join(call.node, room, "request.sid")
    if _layer_method(call) == "group_add" and call.args:
        return Join(call.node, call.args[0], "self.channel_name")
    return None


def _layer_method(call: Call) -> str:
    """Return the method of a channel layer that is called, through ``async_to_sync`` or not."""
    if call.name:
        return call.name
    callee = call.callee
    if callee is None or callee.kind != "call":
        return ""
    wrapper = Call(callee)
    if wrapper.name != "async_to_sync" or not wrapper.args:
        return ""
    return wrapper.args[0].text.rpartition(".")[2]
