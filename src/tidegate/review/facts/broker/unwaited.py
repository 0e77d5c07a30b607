"""Work of a consumer that nobody waits for, or whose failures a helper keeps to itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.facts.broker.given_functions import given_for
from tidegate.review.facts.broker.message_ways import helper_ways, is_work
from tidegate.review.facts.broker.settling import is_ack, is_nack, is_process
from tidegate.review.model import Consumer, Function, Model
from tidegate.review.source import FUNCTIONS, Call, Node

__all__ = ["LIBRARIES", "is_in_process", "not_awaited", "swallowed_by_helpers"]

_TASKS = re.compile(r"(?:^|\.)(?:create_task|ensure_future|run_coroutine_threadsafe)$")
_PROMISES = re.compile(
    r"^(?:axios|got|ky)(?:\.\w+)?$|^fetch$|\bprisma\.\w+\.\w+$|\bsendMail$"
    r"|^[A-Z]\w*\.(?:create|insertMany|updateOne|updateMany|findByIdAnd\w+|findOneAnd\w+|deleteOne"
    r"|deleteMany|bulkWrite)$|\w*[rR]epo(?:sitory)?\.(?:save|insert|update|delete|upsert|remove)$"
)
LIBRARIES = ("golevelup", "faststream")
"""Libraries that acknowledge by themselves when the function is done."""


# Nobody waits


def not_awaited(model: Model, consumer: Consumer) -> Iterator[tuple[Call, bool]]:
    """Yield calls whose end nobody waits for before the ack, and whether they surely may fail."""
    for statement in consumer.function.body.find("expression_statement"):
        call = _dropped(statement)
        if call is None or statement.function != _function_of(consumer):
            continue
        if any(is_ack(each) or is_nack(each) for each in statement.calls()):
            continue  # save(order).then(() => channel.ack(message))
        if not _is_acked_after(consumer, call):
            continue
        is_late = _ends_later(model, consumer, call)
        if is_late is not None:
            yield call, is_late


def _is_acked_after(consumer: Consumer, call: Call) -> bool:
    if consumer.framework in LIBRARIES or is_in_process(call.node):
        return True
    return any(is_ack(each) and each.node.start > call.node.end for each in consumer.function.calls)


def _dropped(statement: Node) -> Call | None:
    """Return the call that a statement makes and forgets: ``f(x);``, ``void f(x);``, a task."""
    node = statement.children[0] if statement.children else None
    while node is not None and node.kind == "unary_expression" and node.text.startswith("void"):
        node = node.children[0] if node.children else None
    if node is None or node.kind not in ("call_expression", "call"):
        return None
    call = Call(node)
    if node.file.is_python:
        first = call.args[0] if call.args else None
        is_task = first is not None and first.kind == "call" and _TASKS.search(call.path)
        return Call(first) if is_task and first is not None else None
    if call.name in ("then", "catch", "finally") and call.chain():
        return call.chain()[-1]
    return call


def _ends_later(model: Model, consumer: Consumer, call: Call) -> bool | None:
    """Tell whether what a call begins may fail after it returned; None if not."""
    if call.name == "forEach" and call.args and call.args[0].kind in FUNCTIONS:
        each = Function(call.args[0], "")
        return True if each.is_async and _may_reject(model, each) else None
    target = model.project.target(call, consumer.function)
    if target is not None:
        return True if _may_reject(model, target) and not _settles(target) else None
    if _makes_promise(call):
        return True
    given = given_for(model, call)
    if given is None:
        return None
    if any(_may_reject(model, each) and not _settles(each) for each in given.functions):
        return True
    is_promised = "Promise<" in given.type or "Awaitable" in given.type
    return False if is_promised and not given.functions else None


def _may_reject(model: Model, target: Function) -> bool:
    """Tell an async function that lets its errors out from one that handles them."""
    if target.body.kind == "call_expression":  # (order) => this.paid(order)
        passed_on = Call(target.body)
        inner = model.project.target(passed_on, target)
        if _makes_promise(passed_on) or (inner is not None and inner.is_async):
            return True
    kind = target.node.field("return_type")
    if not target.is_async and (kind is None or "Promise<" not in kind.text):
        return False
    body = target.body.children
    is_guarded = len(body) == 1 and body[0].kind == "try_statement"
    if is_guarded and not re.search(r"\b(?:throw|raise)\b", body[0].text):
        return False
    return any(is_work(call) for call in target.calls)


def _makes_promise(call: Call) -> bool:
    """Tell calls of well-known libraries that give a promise."""
    return not call.file.is_python and _PROMISES.search(call.path) is not None


def _settles(function: Function) -> bool:
    return any(is_ack(call) or is_nack(call) for call in function.calls)


def _function_of(consumer: Consumer) -> Node:
    node = consumer.function.node
    return node if node.kind in FUNCTIONS else (node.function or node)


def is_in_process(node: Node) -> bool:
    """Tell whether aio-pika settles the message after this: ``async with message.process()``."""
    return any(
        around.kind == "with_statement"
        and any(is_process(call) for head in around.children[:-1] for call in head.calls("process"))
        for around in node.ancestors()
    )


# A helper swallows


def swallowed_by_helpers(model: Model, consumer: Consumer) -> Iterator[Node]:
    """Yield where the function that does a consumer's work passes over its failures.

    It does all of the work if nothing else is done before the ack; a callback, or a function of
    the same file. What a service elsewhere makes of its failures is its own affair.
    """
    works = [
        call
        for call in consumer.function.calls
        if is_work(call) and call.node.function == _function_of(consumer)
        if not (is_ack(call) or is_nack(call) or is_process(call) or _is_parsing(call))
    ]
    if len(works) != 1 or not _is_statement(works[0]) or not _is_acked_after(consumer, works[0]):
        return
    call = works[0]
    target = model.project.target(call, consumer.function)
    given = given_for(model, call) if target is None else None
    targets = [target] if target is not None else list(given.functions) if given else []
    for each in targets:
        if target is not None and each.file is not consumer.file:
            continue
        for end in helper_ways(model, consumer, each):
            failure = end.state.failure
            if failure is None or end.kind == "raise" or failure.kind == "finally_clause":
                continue
            if end.kind == "return" and end.node.children:
                continue
            if not any(is_work(inner) for inner in failure.calls()):
                yield failure


def _is_statement(call: Call) -> bool:
    node = call.node.parent
    while node is not None and node.kind in ("await_expression", "await"):
        node = node.parent
    return node is not None and node.kind == "expression_statement"


def _is_parsing(call: Call) -> bool:
    return re.search(r"parse|loads|decode|deserial|plainTo", call.name, re.IGNORECASE) is not None
