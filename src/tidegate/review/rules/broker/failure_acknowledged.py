"""``failure-acknowledged``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.awaiting import awaited
from tidegate.review.edits.broker import refusing
from tidegate.review.edits.dead_letters import keeping
from tidegate.review.facts.broker.controllers import is_read
from tidegate.review.facts.broker.message_ways import SETTLED, is_work, outcomes
from tidegate.review.facts.broker.path_states import Exit
from tidegate.review.facts.broker.settling import is_ack, settling
from tidegate.review.facts.broker.unwaited import not_awaited, swallowed_by_helpers
from tidegate.review.fix import Fix, line_after, replaced, suggested
from tidegate.review.model import Consumer, Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import FUNCTIONS, Call, Node

RULE = Rule(
    name="failure-acknowledged",
    topic="broker",
    severity="medium",
    languages=("typescript", "python"),
    summary="A consumer acknowledges a message whose work has failed, or is not done yet.",
    why=(
        "An ack says that the work is done, and the broker forgets the message. If the error was "
        "only logged, or the promise was not waited for, nobody ever does that work: the order "
        "is lost, without a trace in a dead-letter queue."
    ),
    remedy="Refuse without requeue what failed, so that it is dead-lettered; await before the ack.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { Controller, Logger } from '@nestjs/common';
import { Ctx, EventPattern, Payload, RmqContext } from '@nestjs/microservices';
import { OrdersService } from './orders.service';

@Controller()
export class OrdersConsumer {
  private readonly logger = new Logger(OrdersConsumer.name);

  constructor(private readonly orders: OrdersService) {}

  @EventPattern('order.paid')
  async paid(@Payload() order: { id: string }, @Ctx() context: RmqContext) {
    try {
      await this.orders.paid(order.id);
    } catch (error) {
      this.logger.error(error);
    }
    context.getChannelRef().ack(context.getMessage());
  }
}
""",
            good="""\
import { Controller, Logger } from '@nestjs/common';
import { Ctx, EventPattern, Payload, RmqContext } from '@nestjs/microservices';
import { OrdersService } from './orders.service';

@Controller()
export class OrdersConsumer {
  private readonly logger = new Logger(OrdersConsumer.name);

  constructor(private readonly orders: OrdersService) {}

  @EventPattern('order.paid')
  async paid(@Payload() order: { id: string }, @Ctx() context: RmqContext) {
    try {
      await this.orders.paid(order.id);
    } catch (error) {
      this.logger.error(error);
      context.getChannelRef().nack(context.getMessage(), false, false);
      return;
    }
    context.getChannelRef().ack(context.getMessage());
  }
}
""",
        ),
        Example(
            "python",
            bad="""\
import logging

import aio_pika


async def paid(message: aio_pika.abc.AbstractIncomingMessage) -> None:
    async with message.process():
        try:
            await orders.paid(message.body)
        except Exception:
            logging.exception("order failed")


async def start(queue: aio_pika.abc.AbstractQueue) -> None:
    await queue.consume(paid)
""",
            good="""\
import logging

import aio_pika


async def paid(message: aio_pika.abc.AbstractIncomingMessage) -> None:
    async with message.process():
        try:
            await orders.paid(message.body)
        except Exception:
            logging.exception("order failed")
            raise


async def start(queue: aio_pika.abc.AbstractQueue) -> None:
    await queue.consume(paid)
""",
        ),
    ),
)

_ON_PURPOSE = re.compile(
    r"(?://|#|/\*)[^\n]*(?:avoid|prevent|don'?t|do not|not (?:re)?(?:queue|deliver)|never|poison"
    r"|discard|drop|skip|best.effort|intentional|on purpose|ignor|infinite|loop|anyway"
    r"|even (?:if|on)|malformed|no (?:need|point|retry))",
    re.IGNORECASE,
)
_KEEPS_RUNNING = re.compile(
    r"(?:crash|kill|stop|end|exit|break|die|tak(?:e|ing) down)\w*(?: \w+){0,2} "
    r"(?:consumer|worker|loop|process|task|service|app)",
    re.IGNORECASE,
)
_TIDY = re.compile(
    r"(?:JSON|json|orjson)\.(?:parse|loads)$|(?:^|\.)(?:parse|loads|validate|plainToInstance|from)$"
    r"|model_validate"
)
_BROAD = re.compile(r"except\s*(?::|\(?[^:]*\b(?:Exception|BaseException)\b)")


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at the ways that lead through a catch to an ack, and at work that nobody waits for."""
    for consumer in model.consumers:
        if not _is_acknowledging(model, consumer):
            continue
        seen: set[Node] = set()
        for end in outcomes(model, consumer):
            node = _hidden(consumer, end)
            if node is None or node in seen or _is_aside(consumer, node):
                continue
            seen.add(node)
            if _is_on_purpose(node):
                yield RULE.could_not_tell(node, "A comment says that this is meant.")
                continue
            message = "What fails is only noted here, and then acknowledged: the message is lost."
            if node.kind not in ("catch_clause", "except_clause"):
                message = "This acknowledges the message when the work has failed, too."
            yield RULE.fault(
                node,
                message,
                confidence="likely",
                fix=keeping(model, consumer, _fix(consumer, node)),
            )
        early = _too_early(consumer)
        if early is not None:
            message = "This acknowledges before the work is done: what fails then is lost."
            yield RULE.fault(early, message, confidence="likely")
        for call, is_sure in not_awaited(model, consumer):
            yield RULE.fault(
                call.node,
                f"Nobody waits for `{call.name}`: the message is acknowledged before it is done.",
                confidence="certain" if is_sure else "likely",
                fix=awaited(model, consumer, call),
            )
        for node in swallowed_by_helpers(model, consumer):
            if node in seen or _is_aside(consumer, node) or _is_on_purpose(node):
                continue
            seen.add(node)
            message = "What fails is only noted here, and its caller acknowledges the message."
            yield RULE.fault(
                node, message, confidence="likely", fix=keeping(model, consumer, _let_out(node))
            )


def _is_on_purpose(node: Node) -> bool:
    """Tell whether a comment gives the message up; one that keeps the consumer going doesn't."""
    return any(
        _ON_PURPOSE.search(comment.text) and not _KEEPS_RUNNING.search(comment.text)
        for comment in node.find("comment")
    )


def _is_acknowledging(model: Model, consumer: Consumer) -> bool:
    """Tell whether it, or its library for it, acknowledges when it is done."""
    if consumer.framework == "golevelup":
        return True
    if consumer.framework == "faststream":
        policy = consumer.options.get("ack_policy")
        return policy is None or policy.text.endswith("ON_ERROR")
    if consumer.is_manual is False or not is_read(model, consumer):
        return False
    return settling(model, consumer).is_settled


def _too_early(consumer: Consumer) -> Node | None:
    """Return the ack that comes before all work, which is waited for only then."""
    if consumer.replies or consumer.framework in ("golevelup", "faststream"):
        return None
    calls = [call for call in consumer.function.calls if not _is_tidy(call)]
    acks = [call for call in calls if is_ack(call)]
    if len(acks) != 1 or _ON_PURPOSE.search(consumer.function.node.text):
        return None
    ack = acks[0].node
    if ack.function != consumer.function.node or ack.enclosing("if_statement", "finally_clause"):
        return None
    work = [call for call in calls if is_work(call) and not is_ack(call)]
    if any(call.node.start < ack.start for call in work):
        return None
    return ack if any(_is_awaited(call) for call in work) else None


def _is_tidy(call: Call) -> bool:
    """Tell what belongs to the message itself: parsing it, getting its channel."""
    return bool(_TIDY.search(call.path)) or call.is_new


def _is_awaited(call: Call) -> bool:
    parent = call.node.parent
    return parent is not None and parent.kind in ("await", "await_expression")


def _hidden(consumer: Consumer, end: Exit) -> Node | None:
    """Return where a failure was hidden on a way that ends with an ack."""
    if end.state.swallowed is not None:
        return end.state.swallowed
    if consumer.framework not in ("golevelup", "faststream") or end.kind == "raise":
        return None
    failure = end.state.failure
    if failure is None or end.state.marks & SETTLED or failure.kind == "finally_clause":
        return None
    is_reply = end.kind == "return" and bool(end.node.children)
    return None if is_reply else failure


def _is_aside(consumer: Consumer, node: Node) -> bool:
    """Tell a failure beside the work, or of a kind that was chosen, from the work's own."""
    if node.kind not in ("catch_clause", "except_clause"):
        return False
    if node.file.is_python and not _BROAD.match(node.text):
        return True
    if node.find("assignment", "assignment_expression"):
        return True  # what failed is told by a value
    if consumer.replies and re.search(r"\b(?:return|throw|raise|result|response)\b", node.text):
        return True  # the caller is told
    around = node.parent
    body = around.field("body") if around is not None else None
    if around is None or body is None or not any(is_work(call) for call in body.calls()):
        # Without a call it may fail all the same, as 1 / 0 or a missing key does.
        return around is None or (
            body is not None and bool(body.calls()) and not node.file.is_python
        )
    for each in around.ancestors():
        if each.kind in ("for_statement", "for_in_statement", "while_statement"):
            return each != consumer.function.node
        if each.kind in FUNCTIONS:
            break
    holder = around.parent
    earlier = [c for c in holder.children if c.start < around.start] if holder is not None else []
    return any(_is_waited_for(each) for each in earlier)


def _is_waited_for(statement: Node) -> bool:
    for call in statement.calls():
        parent = call.node.parent
        if (
            parent is not None
            and parent.kind in ("await", "await_expression")
            and is_work(call)
            and not is_ack(call)
        ):
            return True
    return False


def _let_out(node: Node) -> Fix | None:
    """Raise again what was caught, so that the caller refuses the message."""
    body = node.field("body") or next((c for c in node.children if c.kind == "block"), None)
    text = "raise" if node.file.is_python else f"throw {_name(node)};"
    if body is None or not body.children or text == "throw ;":
        return None
    return suggested(line_after(body.children[-1], text))


def _fix(consumer: Consumer, node: Node) -> Fix | None:
    """Let the failure out where something refuses for it; refuse it by hand elsewhere."""
    if node.kind not in ("catch_clause", "except_clause") or node.file is not consumer.file:
        return None
    body = node.field("body") or next((c for c in node.children if c.kind == "block"), None)
    if body is None or not body.children:
        return None
    last = body.children[-1]
    acks = [c for c in body.calls() if is_ack(c)]
    has_process = re.search(r"with \w+(?:\.\w+)*\.process\(", consumer.function.node.text)
    raising = "raise" if node.file.is_python else "throw " + _name(node) + ";"
    refusal = refusing(consumer)
    if consumer.framework in ("golevelup", "faststream") or has_process:
        if acks or raising == "throw ;":
            return None
        text = raising
    elif acks and refusal:
        statement = refusal.removeprefix("await ").rstrip(";")
        return suggested(replaced(acks[0].node, statement))
    elif refusal and consumer.function.node.kind != "for_statement":
        text = f"{refusal}\nreturn" + ("" if node.file.is_python else ";")
    elif refusal:
        text = f"{refusal}\ncontinue"
    else:
        return None
    if last.kind == "pass_statement":
        indent = " " * (last.raw.range().start.column)
        return suggested(replaced(last, text.replace("\n", f"\n{indent}")))
    return suggested(line_after(last, text))


def _name(node: Node) -> str:
    parameter = node.field("parameter")
    return parameter.text if parameter is not None else ""
