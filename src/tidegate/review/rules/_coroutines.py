"""Calls that make a coroutine and do nothing until it is awaited; and what becomes of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tidegate.review.diagnostic import Confidence
from tidegate.review.model import Model
from tidegate.review.model.declarations import Class, Function
from tidegate.review.source import FUNCTIONS, Call, Node, SourceFile

__all__ = ["Coroutine", "coroutines", "dropped"]

_SOCKETIO = frozenset(
    {
        *("emit", "send", "call", "disconnect", "close_room", "get_session", "save_session"),
        *("sleep", "shutdown", "enter_room", "leave_room"),
    }
)
_STARLETTE = frozenset(
    {
        *("send_text", "send_json", "send_bytes", "receive_text", "receive_json", "receive_bytes"),
        *("accept", "close", "send", "receive", "send_denial_response"),
    }
)
_CONSUMER = frozenset({"accept", "close", "send", "send_json", "base_send"})
_GROUPS = frozenset({"group_send", "group_add", "group_discard"})
_TIDEGATE = frozenset({"emit", "call", "disconnect"})

_ASYNC_SERVERS = ("AsyncServer", "SocketManager")
_ASYNC_MANAGERS = ("AsyncManager", "AsyncRedisManager", "AsyncAioPikaManager")
_OTHER = ("Server", "SocketIO", "Client", "AsyncClient", "SimpleClient", "AsyncSimpleClient")
_CONSUMER_BASE = re.compile(r"(?:^|\.)Async(?:Json)?(?:Websocket|Http)?Consumer$")

What = Literal["socketio", "starlette", "consumer", "layer", "tidegate", "own"]


@dataclass(frozen=True, eq=False)
class Coroutine:
    """A call that makes a coroutine.

    Attributes:
        what: Whose it is; ``own`` is an async function of the project that sends.
    """

    call: Call
    what: What
    confidence: Confidence = "certain"


def coroutines(model: Model) -> Iterator[Coroutine]:
    """Yield the calls of async servers, WebSockets and channel layers in a project."""
    servers = _Servers(model)
    for file in model.files:
        if file.is_python:
            for call in file.calls:
                found = _coroutine(model, file, call, servers)
                if found is not None:
                    yield found


class _Servers:
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
        type_ = _type_of(receiver) or _type_of_field(receiver)
        if type_:
            return "certain" if re.search(r"\bAsyncServer\b", type_) else None
        if text == "self.server" and _is_async_namespace(model, receiver):
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


def _coroutine(model: Model, file: SourceFile, call: Call, servers: _Servers) -> Coroutine | None:
    receiver, name = call.receiver, call.name
    if receiver is None:
        return _own(model, call)
    if name in _GROUPS:
        return Coroutine(call, "layer") if _is_layer(model, receiver) else None
    if name == "send" and re.search(r"channel_?layer$|get_channel_layer\(\)$", receiver.text):
        return Coroutine(call, "layer")
    if receiver.text in ("self", "super()"):
        return _of_self(model, call)
    if name in _STARLETTE:
        is_own = (call.node.function, receiver.text) in servers.websockets
        if is_own or _is_websocket(model, file, receiver, name):
            return Coroutine(call, "starlette")
    if name in _SOCKETIO:
        confidence = servers.confidence(model, file, receiver)
        if confidence is not None:
            return Coroutine(call, "socketio", confidence)
    if name in _TIDEGATE and model.project.imports_from(file, "tidegate"):
        is_target = name == "emit" and re.search(r"\.tenant\b", receiver.text)
        if is_target or re.search(r"\bClient\b", _type_of(receiver)):
            return Coroutine(call, "tidegate")
    return _own(model, call)


def _of_self(model: Model, call: Call) -> Coroutine | None:
    owner = model.project.owner(call.node)
    if owner is None:
        return None
    if model.project.method(owner, call.name) is not None:
        return _own(model, call)
    if call.name in _CONSUMER and _has_base(model, owner, _CONSUMER_BASE):
        return Coroutine(call, "consumer")
    if call.name in _SOCKETIO - {"sleep", "shutdown"} and _is_async_namespace(model, call.node):
        return Coroutine(call, "socketio")
    return None


def _own(model: Model, call: Call) -> Coroutine | None:
    """Return a call of an async function of the project that sends something to a socket."""
    function = model.project.target(call)
    if function is None or not function.file.is_python:
        return None
    is_wrapped = bool(function.decorated("database_sync_to_async", "sync_to_async"))
    if is_wrapped:
        return Coroutine(call, "own")
    if not function.is_async or function.decorators or not function.file.is_realtime:
        return None
    if function.body.find("yield"):
        return None
    awaited = [each for each in function.body.find("await") if each.function == function.node]
    sends = _STARLETTE | _SOCKETIO | _GROUPS
    if any(each.name in sends for node in awaited for each in node.calls()):
        return Coroutine(call, "own")
    return None


def _is_layer(model: Model, receiver: Node) -> bool:
    if re.search(r"(?:^|[._])layer$|channel_?layer|get_channel_layer\(\)$", receiver.text):
        return True
    made = model.project.value(receiver)
    return made is not None and "get_channel_layer" in made.text


def _is_websocket(model: Model, file: SourceFile, receiver: Node, name: str) -> bool:
    """Tell Starlette's WebSockets from those of clients and tests, which may be synchronous."""
    if not model.project.imports_from(file, "fastapi", "starlette"):
        return False
    type_ = _type_of(receiver)
    if type_:
        return bool(re.search(r"\bWebSocket\b", type_))
    if not name.startswith(("send_", "receive_")) or "TestClient" in file.text:
        return False
    if model.project.imports_from(file, "channels", "websocket", "httpx_ws"):
        return False
    if _is_bound_by_with(receiver):
        return False
    # send_json and the like are Starlette's own names; what else has them wraps sockets.
    return not re.search(
        r"(?:manager|service|hub|helper|notifier|broadcaster|session|self|\))$", receiver.text, re.I
    )


def _is_bound_by_with(receiver: Node) -> bool:
    around = receiver.function
    if around is None:
        return False
    bound = [each.children[-1].text for each in around.find("as_pattern") if each.children]
    return receiver.text in bound


def _type_of(receiver: Node) -> str:
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
            return _type_of(right)
    return ""


def _is_async_namespace(model: Model, node: Node) -> bool:
    owner = model.project.owner(node)
    return owner is not None and _has_base(model, owner, re.compile(r"(?:^|\.)AsyncNamespace$"))


def _has_base(model: Model, owner: Class, pattern: re.Pattern[str]) -> bool:
    lineage, _ = model.project.lineage(owner)
    return any(pattern.search(base.split("[")[0]) for each in lineage for base in each.bases)


# What becomes of it

_PASSING = ("parenthesized_expression", "boolean_operator", "conditional_expression")
_RESULTS = ("get_session", "call", "receive_text", "receive_json", "receive_bytes", "receive")


def dropped(call: Call) -> bool:
    """Tell whether nobody awaits, keeps, returns or passes on what a call makes."""
    node = call.node
    for around in node.ancestors():
        if around.kind in _PASSING:
            node = around
            continue
        if around.kind == "list_comprehension":
            return around.parent is not None and around.parent.kind == "expression_statement"
        if around.kind == "expression_statement":
            return len(around.children) == 1
        if around.kind == "assignment":
            return _is_used_as_result(call, around)
        return around.kind in ("attribute", "subscript") and around.children[0] == node
    return False


def _is_used_as_result(call: Call, assignment: Node) -> bool:
    """Tell whether a name that got the coroutine is used as if it were the result."""
    left, around = assignment.field("left"), assignment.function
    if call.name not in _RESULTS or left is None or left.kind != "identifier" or around is None:
        return False
    if assignment.field("right") != call.node:
        return False
    uses = [
        each
        for each in around.find("identifier")
        if each.text == left.text and each.start > assignment.end
    ]
    if any(each.parent is not None and each.parent.kind == "await" for each in uses):
        return False
    return any(
        each.parent is not None
        and each.parent.kind in ("attribute", "subscript")
        and each.parent.children[0] == each
        for each in uses
    )
