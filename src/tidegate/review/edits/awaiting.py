"""The ``await`` that a consumer's work lacks, as a correction."""

from __future__ import annotations

import re

from tidegate.review.edits.broker import guarded, refusing
from tidegate.review.edits.dead_letters import keeping
from tidegate.review.facts.broker.message_ways import SETTLED, is_work, outcomes
from tidegate.review.facts.broker.settling import is_caught_around
from tidegate.review.facts.broker.unwaited import LIBRARIES, is_in_process
from tidegate.review.fix import Edit, Fix, replaced, suggested
from tidegate.review.model import Consumer, Model
from tidegate.review.source import Call

__all__ = ["awaited"]


def awaited(model: Model, consumer: Consumer, call: Call) -> Fix | None:
    """Return the call with an ``await`` before it.

    What fails there fails in the consumer from now on: if nothing refuses the message then, the
    correction does.
    """
    if not consumer.function.is_async or call.name == "forEach":
        return None
    edit = _await(call)
    if edit is None:
        return None
    if _is_settled(model, consumer, call):
        return suggested(edit)
    refusal = refusing(consumer)
    around = guarded(consumer, call.node, refusal, edit) if refusal else None
    return keeping(model, consumer, suggested(around)) if around is not None else None


def _await(call: Call) -> Edit | None:
    """Return the edit of the statement; None if what its ``catch`` does has to stay."""
    statement = call.node
    for around in call.node.ancestors():
        if around.kind == "expression_statement":
            statement = around.children[0]
            break
    if call.file.is_python:
        return replaced(statement, f"await {call.node.text}")
    last = statement
    while last.kind == "unary_expression" and last.children:  # void save(order)
        last = last.children[0]
    chain = Call(last)
    if chain.name == "catch" and chain.receiver is not None:
        if any(is_work(each) for arg in chain.args for each in arg.calls()):
            return None
        last = chain.receiver  # a failure that is only noted there would be acknowledged
    if re.search(r"\.catch\(", last.text):
        return None
    return replaced(statement, f"await {last.text}")


def _is_settled(model: Model, consumer: Consumer, call: Call) -> bool:
    """Tell whether something settles what fails, or another rule says already that nothing does."""
    if consumer.framework in LIBRARIES or is_in_process(call.node):
        return True
    if consumer.function.node.kind == "for_statement" or is_caught_around(model, consumer):
        return True
    if call.node.enclosing("try_statement") is not None:
        return True
    return any(
        end.kind == "raise" and not end.is_explicit and not end.state.marks & SETTLED
        for end in outcomes(model, consumer)
    )
