"""The functions that run while a client connects, and what their frameworks make of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tidegate.review.facts.auth.authentication import authentication_before
from tidegate.review.model import Function, Gateway, Handler, Model
from tidegate.review.source import Call, Node

__all__ = ["Scene", "accepts", "scenes"]


@dataclass(frozen=True, eq=False)
class Scene:
    """A function in which a client may be refused.

    Attributes:
        kind: ``next`` for a middleware that decides by ``next()``, ``connect`` otherwise.
        socket: Its name for the socket, or the sid.
        calls_next: Its name for ``next``.
        is_first: The framework's own hook, not a helper that it calls.
    """

    kind: Literal["connect", "next"]
    function: Function
    gateway: Gateway | None
    socket: str
    calls_next: str = ""
    is_first: bool = True

    @property
    def framework(self) -> str:
        """Return the framework; that of a middleware is Socket.IO."""
        return self.gateway.framework if self.gateway else "socket.io"


def scenes(model: Model) -> Iterator[Scene]:
    """Yield what may refuse clients in a project, once each."""
    seen: set[Node] = set()
    for gateway in model.gateways:
        for handler in gateway.of_kind("connect"):
            if handler.function.node in seen or gateway.framework == "tidegate":
                continue
            seen.add(handler.function.node)
            if authentication_before(model, gateway).verdict != "no":
                continue
            for scene in _with_helpers(model, gateway, handler):
                if scene.is_first or scene.function.node not in seen:
                    seen.add(scene.function.node)
                    yield scene
    for middleware in model.middlewares:
        function = middleware.function
        if function is None or function.node in seen:
            continue
        seen.add(function.node)
        inner = _returned(function) or function
        names = [parameter.name for parameter in inner.parameters]
        if len(names) == 2:
            yield Scene("next", inner, None, names[0], names[1])


def _with_helpers(model: Model, gateway: Gateway, handler: Handler) -> Iterator[Scene]:
    """Yield a connect handler, and helpers that get the socket and whose result nobody uses."""
    waiting = [Scene("connect", handler.function, gateway, handler.socket)]
    for scene in waiting:
        yield scene
        if len(waiting) > 6:
            continue
        for call in scene.function.calls:
            position = _position(call, scene.socket)
            target = model.project.target(call, scene.function)
            if position is None or target is None or not _is_statement(call):
                continue
            names = [parameter.name for parameter in target.parameters]
            if position < len(names) and target.node != scene.function.node:
                waiting.append(Scene("connect", target, gateway, names[position], is_first=False))


def _position(call: Call, socket: str) -> int | None:
    return next((i for i, arg in enumerate(call.args) if socket and arg.text == socket), None)


def _is_statement(call: Call) -> bool:
    """Tell whether nobody looks at what a call gives back."""
    node = call.node.parent
    while node is not None and node.kind in ("await_expression", "await", "unary_expression"):
        node = node.parent
    return node is not None and node.kind in ("expression_statement", "return_statement")


def _returned(function: Function) -> Function | None:
    """Return the middleware that a function makes: ``(service) => (socket, next) => …``."""
    if len(function.parameters) == 2 and function.parameters[1].name in ("next", "fn", "callback"):
        return None
    kinds = ("arrow_function", "function_expression")
    for node in function.body.find(*kinds):
        made = Function(node, "", owner=function.owner)
        if len(made.parameters) == 2 and "next" in made.parameters[1].name.lower():
            return made
    return None


def accepts(model: Model, function: Function) -> list[Call]:
    """Return the calls by which a function accepts a WebSocket, its own or a manager's."""
    found = []
    for call in function.calls:
        if call.name == "accept":
            found.append(call)
            continue
        target = model.project.target(call, function)
        if target is not None and any(
            each.name == "accept" for one in model.project.reach(target)[:4] for each in one.calls
        ):
            found.append(call)
    return found
