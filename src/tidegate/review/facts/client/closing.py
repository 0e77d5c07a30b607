"""What closes a client socket: a cleanup, and what it calls."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.facts.client.sockets import SOCKET_LIKE
from tidegate.review.model import Function, Model
from tidegate.review.model.client_sockets import Opening
from tidegate.review.model.declarations import Class
from tidegate.review.model.react import Effect, own_nodes, states_of
from tidegate.review.model.socket_names import is_named, normal, root_of
from tidegate.review.source import FUNCTIONS, Call, Node

__all__ = [
    "closes",
    "is_close",
    "is_closed_by_provider",
    "is_shared",
    "own_names",
    "stale_states",
    "target_of",
    "unseen",
]

_CLOSE = re.compile(r"(?:disconnect|close|destroy|terminate)\w*", re.IGNORECASE)
_CLOSE_LIKE = re.compile(
    r"disconnect|clos|destroy|teardown|tear_down|cleanup|clean|dispos|unsub|stop|leave|release"
    r"|shutdown|terminate|kill|reset|detach|logout|unmount|end",
    re.IGNORECASE,
)


def closes(model: Model, cleanup: Node, names: frozenset[str], depth: int = 0) -> bool | None:
    """Tell whether a cleanup closes a socket; None if what it calls is not to be seen.

    Args:
        cleanup: A function, or what stands for one: ``return disconnect``.
    """
    if cleanup.kind in FUNCTIONS:
        return _any(_closing(model, call, names, depth) for call in cleanup.calls())
    if cleanup.kind in ("identifier", "member_expression"):
        return _named_closes(model, cleanup, names, depth)
    if cleanup.kind == "call_expression":  # return connect(), whose result is the cleanup
        target = target_of(model, Call(cleanup))
        if target is None or depth > 2:
            return None
        returned = [each.children[0] for each in target.find("return_statement") if each.children]
        if not returned:
            return False
        return _any(closes(model, each, names, depth + 1) for each in returned)
    return False if cleanup.kind in ("undefined", "null") else None


def is_close(call: Call) -> bool:
    """Tell a call that closes something."""
    return call.receiver is not None and bool(_CLOSE.fullmatch(call.name))


def _closing(model: Model, call: Call, names: frozenset[str], depth: int) -> bool | None:
    receiver = call.receiver
    if receiver is not None and is_named(receiver, names):
        return bool(_CLOSE.fullmatch(call.name))
    is_closing = receiver is not None and bool(_CLOSE.fullmatch(call.name))
    if receiver is not None and is_closing and SOCKET_LIKE.search(normal(receiver.text)):
        return None if _is_other(receiver, names) else True
    target = target_of(model, call) if depth < 3 else None
    if target is not None:
        return _any(_closing(model, each, names, depth + 1) for each in target.calls())
    given = any(is_named(arg, names) for arg in call.args)
    return None if given or _CLOSE_LIKE.search(call.name) else False


def _is_other(receiver: Node, names: frozenset[str]) -> bool:
    """Tell whether this may be another socket: its file knows ours by a plain name."""
    return bool(names) and root_of(normal(receiver.text)) not in {root_of(name) for name in names}


def _named_closes(model: Model, node: Node, names: frozenset[str], depth: int) -> bool | None:
    if node.kind == "member_expression":
        holder, name = node.field("object"), node.field("property")
        if holder is not None and name is not None and is_named(holder, names):
            return bool(_CLOSE.fullmatch(name.text))
        return None
    function = _function_named(model, node)
    if function is None or depth > 2:
        return None
    return _any(_closing(model, each, names, depth + 1) for each in function.calls())


def target_of(model: Model, call: Call) -> Node | None:
    """Return the function that a call runs, also one in ``useCallback`` or an object's method."""
    if call.receiver is None:
        callee = call.callee
        return _function_named(model, callee) if callee is not None else None
    found = model.project.target(call)
    return found.node if found is not None else None


def _function_named(model: Model, name: Node) -> Node | None:
    found = model.project.resolve(name.file, name.text)
    if isinstance(found, Function):
        return found.node
    if isinstance(found, Class) or name.kind != "identifier":
        return None
    for each in name.file.root.find("variable_declarator"):
        left, value = each.field("name"), each.field("value")
        if left is None or value is None or left.text != name.text:
            continue
        if value.kind == "call_expression" and Call(value).args:
            first = Call(value).args[0]
            return first if first.kind in FUNCTIONS else None
    return None


def _any(answers: Iterator[bool | None]) -> bool | None:
    """Return True if one is; else None if one can't be known."""
    result: bool | None = False
    for answer in answers:
        if answer:
            return True
        if answer is None:
            result = None
    return result


# Who owns the socket


def stale_states(opening: Opening) -> frozenset[str]:
    """Return the states that hold the socket: the effect that sets them doesn't see them set."""
    component = opening.component
    if component is None or opening.place != "effect":
        return frozenset()
    return frozenset(states_of(component).values()) & opening.names - own_names(opening)


def own_names(opening: Opening) -> frozenset[str]:
    """Return the names that the effect itself declares."""
    body = opening.effect.body if opening.effect is not None else None
    if body is None:
        return frozenset()
    return frozenset(
        name.text
        for node in own_nodes(body, "variable_declarator")
        if (name := node.field("name")) is not None
    )


def unseen(effect: Effect, states: frozenset[str]) -> frozenset[str]:
    """Return the states that an effect's cleanup sees as they were when it ran."""
    return states - effect.names if effect.is_known and effect.deps is not None else frozenset()


def is_shared(opening: Opening) -> bool:
    """Tell a socket that is kept outside of the component, and made once."""
    component = opening.component
    if component is None:
        return False
    roots = {root_of(name) for name in opening.names if not name.startswith(".")}
    inner = {
        each.text
        for node in component.find("variable_declarator")
        if (each := node.field("name")) is not None
    }
    inner |= {each.text for node in component.find("array_pattern") for each in node.children}
    outer = {root for root in roots if root not in inner and root != "this"}
    return bool(outer) and any(
        re.search(rf"if\s*\(\s*!?\s*{re.escape(name)}\b|{re.escape(name)}\s*\?\?=", component.text)
        for name in outer
    )


def is_closed_by_provider(opening: Opening) -> bool:
    """Tell a provider, which lives as long as the page, that closes the socket at sign-out."""
    component = opening.component
    if component is None or not re.search(r"\.Provider\b|createContext", component.file.text):
        return False
    body = opening.effect.body if opening.effect is not None else None
    return any(
        is_close(call)
        and call.receiver is not None
        and is_named(call.receiver, opening.names)
        and (body is None or not body.start <= call.node.start < body.end)
        for call in component.calls()
    )
