"""Ways through the callbacks of a consumer that does not await: ``then``, ``(error) => …``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.facts.broker.message_ways import SETTLED, helper_ways, is_work
from tidegate.review.facts.broker.settling import is_ack, is_nack
from tidegate.review.model import Consumer, Function, Model
from tidegate.review.model.node_sockets import function_of
from tidegate.review.source import FUNCTIONS, Call, Node

__all__ = ["open_callbacks"]

_ERROR = re.compile(r"_?(?:err|error|e|ex)\d?")
_HARMLESS = re.compile(r"(?:^|\.)(?:exit|toString|stringify|\w*Error)$")


def open_callbacks(model: Model, consumer: Consumer) -> Iterator[tuple[Node, str]]:
    """Yield where a message stays unsettled in a callback, or for want of one, and why."""
    if consumer.file.is_python:
        return
    for call in consumer.function.calls:
        if call.node.function != consumer.function.node:
            continue
        if call.name == "then" and call.args and _settles(model, call.args[0], consumer):
            yield from _chain(model, consumer, call)
        last = call.args[-1] if call.args else None
        if call.name != "then" and last is not None and last.kind in FUNCTIONS:
            yield from _callback(model, consumer, last)


def _chain(model: Model, consumer: Consumer, call: Call) -> Iterator[tuple[Node, str]]:
    """Look at what becomes of a promise that fails."""
    if len(call.args) > 1:
        return
    failed, top = None, call.node
    while (after := _next(top)) is not None:
        top = after.node
        if after.name == "finally" or len(after.args) > 1:
            return
        if after.name == "catch":
            failed = failed or after
    around = top.parent
    is_left = around is not None and (
        around.kind in ("expression_statement", "return_statement")
        or (around.kind in FUNCTIONS and around == consumer.function.node)
    )
    if not is_left or any(each.kind == "try_statement" for each in top.ancestors()):
        return
    if failed is None:
        return  # a rejection that nobody handles ends the process, and with it the channel
    given = failed.args[0] if failed.args else None
    function = function_of(model.project, given) if given is not None else None
    if given is None or not _only_logs(function, given):
        return
    yield (
        failed.node if function is None else function.node,
        ("What fails is caught here, and the message is never settled."),
    )


def _next(node: Node) -> Call | None:
    """Return the call that follows in a chain: of ``a.then()``, ``.catch()``."""
    member = node.parent
    if member is None or member.kind != "member_expression" or member.field("object") != node:
        return None
    call = member.parent
    is_call = call is not None and call.kind == "call_expression"
    return Call(call) if call is not None and is_call else None


def _only_logs(function: Function | None, given: Node) -> bool:
    if function is None:
        return bool(re.fullmatch(r"(?:console|(?:this\.)?logger)\.\w+", given.text))
    if function.body.find("throw_statement") or re.search(r"process\.exit", function.body.text):
        return False
    return all(not is_work(each) or _HARMLESS.search(each.path) for each in function.calls)


def _callback(model: Model, consumer: Consumer, node: Node) -> Iterator[tuple[Node, str]]:
    """Look at ``(error, result) => …``: the error's branch settles, too."""
    function = Function(node, "", owner=consumer.function.owner)
    names = [parameter.name for parameter in function.parameters]
    if not names or not _ERROR.fullmatch(names[0]) or not _settles(model, node, consumer):
        return
    for each in helper_ways(model, consumer, function):
        if each.is_explicit and not each.state.marks & SETTLED:
            if each.kind == "return" and not each.node.children:
                yield each.node, "The message is never settled on this way."
            elif each.kind == "raise":
                yield each.node, "This throws, and the message is never settled."


def _settles(model: Model, given: Node, consumer: Consumer) -> bool:
    function = function_of(model.project, given)
    if function is None or function.node.file is not consumer.file:
        return False
    return any(is_ack(call) or is_nack(call) for call in function.calls)
