"""Rooms that sockets are put into, and rooms, users and sockets that are written to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from tidegate.review.facts.emits import Emit, emits
from tidegate.review.facts.tenant.expressions import inner
from tidegate.review.facts.tenant.following import Visit
from tidegate.review.facts.tenant.looked_up import chosen, found_by
from tidegate.review.facts.tenant.sent import Values
from tidegate.review.model import Model
from tidegate.review.source import Call, Node

__all__ = ["Target", "emits_of", "is_meant_for_all", "joins", "named_targets"]

_SOCKET = re.compile(r"(?i)(?:.*[._])?\w*(?:sock(?:et)?|client|conn(?:ection)?)\w*|ws|s")
_HOLDERS = re.compile(
    r"(?i).*(?:rooms?|connections?|channels?|groups?|members?|clients?|sockets?|subscri\w+|users?)"
)
_MANAGED = re.compile(r"_?(?:\w+_)?(?:connect|join|subscribe|register|enter|add)(?:_\w+|[A-Z]\w*)?")
_SENDS = re.compile(r"_?(?:\w+_)?(?:broadcast|send|emit|publish|notify|push)(?:_\w+|[A-Z]\w*)?")
_model_emits: WeakKeyDictionary[Model, dict[Node, Emit]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Target:
    """A room or another address that the client names.

    Attributes:
        node: Where to report.
        room: The expression.
        values: What of the client is in it.
    """

    node: Node
    room: Node
    values: Values


def joins(visit: Visit) -> Iterator[Target]:
    """Yield where a function puts a socket into a room whose name the client gave."""
    for call in visit.calls:
        for room in _joined(visit, call):
            values = visit.flow.sent(room) or found_by(visit, room)
            if values:
                yield Target(call.node, room, values)


def named_targets(model: Model, visit: Visit) -> Iterator[Target]:
    """Yield where a function writes to a room, a user or a socket that the client names."""
    known = emits_of(model)
    for call in visit.calls:
        for room in _addressed(visit, call, known.get(call.node)):
            values = chosen(visit, room)
            if values:
                yield Target(call.node, room, values)


def emits_of(model: Model) -> dict[Node, Emit]:
    """Return the emits of a project, by their calls."""
    if model not in _model_emits:
        _model_emits[model] = {emit.call.node: emit for emit in emits(model)}
    return _model_emits[model]


def _joined(visit: Visit, call: Call) -> list[Node]:
    name, receiver = call.name, call.receiver
    on = (receiver.text if receiver is not None else "").replace("?", "").replace("!", "")
    if not call.file.is_python:
        if name == "socketsJoin":
            return call.args[:1]
        if name == "join" and call.args and _is_socket(visit, call, on):
            return call.args[:1]
        return _managed(visit, call) if visit.gateway.framework == "websocket" else []
    if name in ("enter_room", "async_enter_room"):
        room = call.arg(1, "room")
        return [room] if room is not None else []
    if name == "join_room" and receiver is None:
        imported = visit.flow.project.imports(call.file).get("join_room")
        room = call.arg(0, "room")
        is_flask = imported is not None and imported.module == "flask_socketio"
        return [room] if room is not None and is_flask else []
    if name == "join" and visit.gateway.framework == "tidegate":
        return call.args[:1]
    group = _channel_layer(call, "group_add")
    if group is not None:
        return [group]
    return _managed(visit, call) if visit.gateway.framework == "websocket" else []


def _is_socket(visit: Visit, call: Call, on: str) -> bool:
    """Tell a socket's ``join`` from an array's and a path's."""
    if call.args[0].string is not None:
        return False
    if on == visit.socket or re.search(r"\.(?:in|to|sockets\.get)\(", on):
        return True
    types = {each.name: each.type for each in visit.flow.function.parameters}
    if "Socket" in types.get(on, ""):
        return True
    return _SOCKET.fullmatch(on) is not None and "[" not in types.get(on, "")


def _channel_layer(call: Call, name: str) -> Node | None:
    """Return the group of ``channel_layer.group_add(group, …)``, also by ``async_to_sync``."""
    if call.name == name and call.args:
        return call.args[0]
    callee = call.callee
    if callee is None or callee.kind != "call" or not call.args:
        return None
    outer = Call(callee)
    if outer.name == "async_to_sync" and outer.args and outer.args[0].text.endswith(f".{name}"):
        return call.args[0]
    return None


def _managed(visit: Visit, call: Call) -> list[Node]:
    """Return the rooms that a connection manager is given together with the socket."""
    flow, socket = visit.flow, visit.socket
    if visit.came is not None and not _is_handed_on(visit):
        return []  # the manager itself; the handler is at fault
    given = [*call.args, *call.keywords.values()]
    sockets = {socket}
    for name, values in flow.set_from.items():
        if any(
            re.fullmatch(rf"(?:id|str|Client|Connection|User)\(.*\b{socket}\b.*\)", v.text)
            for v in values
        ):
            sockets.add(name)
    if not socket or not any(each.text in sockets for each in given):
        return []
    if call.name in ("append", "add", "push", "__setitem__"):
        # rooms[room].add(websocket), rooms.setdefault(room, set()).add(websocket)
        holder = inner(call.receiver) if call.receiver is not None else None
        if holder is not None and holder.kind == "identifier" and flow.set_from.get(holder.text):
            holder = inner(flow.set_from[holder.text][0])
        if holder is None or not _HOLDERS.match(holder.text):
            return []
        return list(_keys(holder))
    if not _MANAGED.fullmatch(call.name):
        return []
    return [each for each in given if each.text not in sockets]


def _is_handed_on(visit: Visit) -> bool:
    """Tell a function that serves a socket for its endpoint from a manager's method."""
    if visit.flow.function.owner is not None or visit.at is None or visit.came is None:
        return False
    return not _managed(visit.came, Call(visit.at))


def _keys(holder: Node) -> Iterator[Node]:
    """Yield the keys of ``rooms[room]``, ``rooms[room][user]``, ``rooms.setdefault(room, …)``."""
    if holder.kind in ("call", "call_expression"):
        yield from Call(holder).args[:1]
    while holder.kind in ("subscript", "subscript_expression"):
        index = holder.field("subscript") or holder.field("index")
        if index is not None:
            yield index
        inside = holder.field("value") or holder.field("object")
        if inside is None:
            return
        holder = inside


def _addressed(visit: Visit, call: Call, emit: Emit | None) -> list[Node]:
    if emit is not None:
        return list(emit.rooms) if emit.audience == "rooms" else []
    if not call.file.is_python:
        return _peer(visit, call)
    group = _channel_layer(call, "group_send") or _channel_layer(call, "channel_layer.send")
    if group is not None:
        return [group]
    if call.name == "send" and call.path.endswith("channel_layer.send"):
        return call.args[:1]
    if visit.gateway.framework == "tidegate" and call.name == "emit":
        return [arg for each in call.chain() if each.name in ("room", "user") for arg in each.args]
    if visit.gateway.framework != "websocket" or visit.came is not None:
        return []
    receiver = call.receiver
    if call.name in ("send_text", "send_json", "send_bytes") and receiver is not None:
        return [receiver] if receiver.text != visit.handler.socket else []
    if _SENDS.fullmatch(call.name) and (receiver is None or _is_manager(receiver.text)):
        given = [*call.args, *call.keywords.values()]
        return [each for each in given if _is_address(visit, each)]
    return []


def _peer(visit: Visit, call: Call) -> list[Node]:
    """Return the socket of somebody else that a message is sent on: ``users.get(to).send(m)``."""
    receiver = call.receiver
    if receiver is None and _SENDS.fullmatch(call.name):  # sendTo(users[to], message)
        return [each for each in call.args[:1] if not visit.flow.sent(each)]
    sends = ("emit",) if visit.gateway.framework != "websocket" else ("send",)
    if call.name not in sends or receiver is None or not call.args or receiver.text == visit.socket:
        return []
    kinds = ("identifier", "call_expression", "subscript_expression")
    return [receiver] if inner(receiver).kind in kinds else []


def _is_manager(text: str) -> bool:
    return (
        re.search(r"(?i)manager|hub|room|connections?|broadcast|chat|notif|socket|pubsub", text)
        is not None
    )


def _is_address(visit: Visit, node: Node) -> bool:
    """Tell a room or a user among a manager's arguments from the message."""
    values = visit.flow.sent(node) or chosen(visit, node)
    return (
        bool(values)
        and inner(node).kind in ("identifier", "subscript", "call", "attribute", "string")
        and all(
            re.search(
                r"room|channel|group|user|recipient|receiver|target|conversation|chat_id|^to$|peer|thread|client_id|member",
                each.label,
            )
            for each in values
        )
    )


_OPEN = re.compile(
    r"symbol|visitor|guest|anon|ticker|(?:^|_)pairs?(?:_|$)|market|(?:^|_)hash|(?:^|_)(?:tx|block|coin|locale|lang|language|instrument|topic)s?"
    r"(?:_|$)|code$|(?:^|_)pin$|invite|stock|currency|league"
)
_OF_GAMES = re.compile(r"match_id|game|lobby")
_GAMES = re.compile(
    r"(?i)\b(?:game|lobby|poker|quiz|players?|chess|tic-?tac-?toe)\b|gameId|gameState|\bplayer[A-Z]"
)
_STORED = re.compile(
    r"\b[A-Z]\w*\.(?:find\w*|create|update\w*|objects)\(|\bprisma\b|[rR]epositor(?:y|ies)\b|mongoose|sequelize"
    r"|\.objects\.|\bdb\.(?:query|execute|session)|sqlalchemy"
)


def is_meant_for_all(visit: Visit, target: Target) -> bool:
    """Tell rooms that are open to who knows their name: prices, games, secret codes."""
    if all(_OPEN.search(value.label) for value in target.values):
        return True
    text = visit.flow.function.file.text
    # A game of a party lives in memory: what is kept in a database belongs to somebody.
    if _STORED.search(text):
        return False
    is_of_game = all(_OF_GAMES.search(value.label) for value in target.values)
    return is_of_game or len(_GAMES.findall(text)) > 5
