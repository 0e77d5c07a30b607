"""Calls that make a coroutine and do nothing until it is awaited; and what becomes of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tidegate.review.diagnostic import Confidence
from tidegate.review.facts.module.async_servers import (
    AsyncServers,
    has_base,
    is_async_namespace,
    type_of,
)
from tidegate.review.model import Function, Model
from tidegate.review.source import Call, Node, SourceFile

__all__ = ["Coroutine", "coroutines"]

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

_CONSUMER_BASE = re.compile(r"(?:^|\.)Async(?:Json)?(?:Websocket|Http)?Consumer$")

_FARTHEST = 12
"""How many functions that a coroutine runs are asked whether they send."""

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
    servers = AsyncServers(model)
    for file in model.files:
        if file.is_python:
            for call in file.calls:
                found = _coroutine(model, file, call, servers)
                if found is not None:
                    yield found


def _coroutine(
    model: Model, file: SourceFile, call: Call, servers: AsyncServers
) -> Coroutine | None:
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
        if is_target or re.search(r"\bClient\b", type_of(receiver)):
            return Coroutine(call, "tidegate")
    return _own(model, call)


def _of_self(model: Model, call: Call) -> Coroutine | None:
    owner = model.project.owner(call.node)
    if owner is None:
        return None
    if model.project.method(owner, call.name) is not None:
        return _own(model, call)
    if call.name in _CONSUMER and has_base(model, owner, _CONSUMER_BASE):
        return Coroutine(call, "consumer")
    if call.name in _SOCKETIO - {"sleep", "shutdown"} and is_async_namespace(model, call.node):
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
    reached = model.project.reach(function)[:_FARTHEST]
    if any(each.is_async and _sends(each) for each in reached if each.file.is_python):
        return Coroutine(call, "own")
    return None


def _sends(function: Function) -> bool:
    """Tell an async function that itself waits for something to be sent."""
    names = _STARLETTE | _SOCKETIO | _GROUPS
    awaited = [each for each in function.body.find("await") if each.function == function.node]
    return any(each.name in names for node in awaited for each in node.calls())


def _is_layer(model: Model, receiver: Node) -> bool:
    if re.search(r"(?:^|[._])layer$|channel_?layer|get_channel_layer\(\)$", receiver.text):
        return True
    made = model.project.value(receiver)
    return made is not None and "get_channel_layer" in made.text


def _is_websocket(model: Model, file: SourceFile, receiver: Node, name: str) -> bool:
    """Tell Starlette's WebSockets from those of clients and tests, which may be synchronous."""
    if not model.project.imports_from(file, "fastapi", "starlette"):
        return False
    type_ = type_of(receiver)
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
