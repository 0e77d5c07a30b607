"""Where the tokens of a gateway's clients are verified: when they connect, and for messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tidegate.review.facts.auth.gates import gates
from tidegate.review.facts.tokens import Verification, guard_classes, verification
from tidegate.review.model import Function, Gateway, Handler, Model
from tidegate.review.source import Node

__all__ = ["Check", "connect_checks", "message_checks"]

_LOOPS = ("while_statement", "for_statement", "for_in_statement", "do_statement")


@dataclass(frozen=True, eq=False)
class Check:
    """A verification, and how the gateway comes to it.

    Attributes:
        place: What to point at: the verification if it is near, else the call that leads to it.
        function: What runs for the client: a handler, a middleware, a guard's method.
        handler: The handler, if no guard does it.
        is_timed: It is repeated on purpose: by a timer, or for each packet.
    """

    verification: Verification
    place: Node
    function: Function
    handler: Handler | None = None
    is_timed: bool = False


def connect_checks(model: Model, gateway: Gateway) -> list[Check]:
    """Return where tokens are verified before clients are served."""
    later = _later(gateway)
    found = []
    for gate in gates(model, gateway):
        if isinstance(gate, Function):
            found += [
                each
                for each in _checks(model, gate)
                if not any(_is_in(each.verification.call.node, inner) for inner in later)
                and not _repetition(each.verification.call.node)
            ]
    return found


def message_checks(model: Model, gateway: Gateway) -> Iterator[Check]:
    """Yield where tokens are verified for messages: by guards, and by handlers."""
    for owner, place in guard_classes(model, gateway):
        for method in owner.methods.values():
            for each in _checks(model, method):
                yield Check(each.verification, place, method)
    for handler in gateway.of_kind("message"):
        for each in _checks(model, handler.function):
            yield Check(each.verification, each.place, handler.function, handler)
    connect = next(iter(gateway.of_kind("connect")), None)
    for gate in gates(model, gateway) if connect is not None else ():
        for each in _checks(model, gate) if isinstance(gate, Function) else ():
            repeated = _repetition(each.verification.call.node)
            if repeated:
                is_timed = repeated == "timer"
                yield Check(each.verification, each.place, each.function, connect, is_timed)


def _checks(model: Model, function: Function) -> Iterator[Check]:
    reached = model.project.reach(function)
    for each in reached:
        for call in each.calls:
            found = verification(model, call)
            if found is not None:
                is_near = each.file == function.file
                place = call.node if is_near else _asked(model, reached, each)
                name = function.node.field("name") or function.node
                yield Check(found, place or name, function)


def _asked(model: Model, reached: list[Function], verifying: Function) -> Node | None:
    """Return the nearest call of what verifies in another file: what a reader would take out."""
    for each in reached:
        for call in each.calls:
            if call.name != verifying.name:
                continue
            target = model.project.target(call, each)
            if target is not None and target.node == verifying.node:
                return call.node
    return None


def _later(gateway: Gateway) -> list[Node]:
    """Return the functions inside a connect handler that run for messages."""
    return [handler.function.node for handler in gateway.of_kind("message", "disconnect")]


def _is_in(node: Node, outer: Node) -> bool:
    return node.file == outer.file and outer.start <= node.start and node.end <= outer.end


def _repetition(node: Node) -> Literal["loop", "timer", ""]:
    """Tell whether it runs again and again: in a loop, by a timer, for each packet."""
    for around in node.ancestors():
        if around.kind in _LOOPS:
            return "loop"
        if around.kind == "call_expression":
            callee = around.field("function")
            text = callee.text if callee is not None else ""
            if text in ("setInterval", "setTimeout") or re.fullmatch(
                r"(?:socket|client)\.use", text
            ):
                return "timer"
    return ""
