"""``not-settled-on-some-path``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Confidence, Finding
from tidegate.review.edits.broker import acknowledging, guarded, refusing, settled_before
from tidegate.review.edits.dead_letters import keeping
from tidegate.review.facts.broker.controllers import is_read
from tidegate.review.facts.broker.message_ways import SETTLED, outcomes
from tidegate.review.facts.broker.path_states import Exit
from tidegate.review.facts.broker.promise_ways import open_callbacks
from tidegate.review.facts.broker.settling import is_caught_around, settling
from tidegate.review.fix import Fix, suggested
from tidegate.review.model import Consumer, Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Node

RULE = Rule(
    name="not-settled-on-some-path",
    topic="broker",
    severity="high",
    languages=("typescript", "python"),
    summary="A consumer leaves a message unsettled when it returns early or fails.",
    why=(
        "The broker keeps a message until it is settled or the channel closes. Each one that is "
        "forgotten takes a place of the prefetch; when all are taken the consumer gets nothing "
        "more, without an error. After a restart all of them come again."
    ),
    remedy="Settle the message on every way out: acknowledge what is done, refuse what failed.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, Payload, RmqContext } from '@nestjs/microservices';
import { OrdersService } from './orders.service';

@Controller()
export class OrdersConsumer {
  constructor(private readonly orders: OrdersService) {}

  @EventPattern('order.paid')
  async paid(@Payload() order: { id?: string }, @Ctx() context: RmqContext) {
    const channel = context.getChannelRef();
    const message = context.getMessage();
    try {
      if (!order.id) {
        return;
      }
      await this.orders.paid(order.id);
      channel.ack(message);
    } catch (error) {
      channel.nack(message, false, false);
    }
  }
}
""",
            good="""\
import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, Payload, RmqContext } from '@nestjs/microservices';
import { OrdersService } from './orders.service';

@Controller()
export class OrdersConsumer {
  constructor(private readonly orders: OrdersService) {}

  @EventPattern('order.paid')
  async paid(@Payload() order: { id?: string }, @Ctx() context: RmqContext) {
    const channel = context.getChannelRef();
    const message = context.getMessage();
    try {
      if (!order.id) {
        channel.nack(message, false, false);
        return;
      }
      await this.orders.paid(order.id);
      channel.ack(message);
    } catch (error) {
      channel.nack(message, false, false);
    }
  }
}
""",
        ),
        Example(
            "python",
            bad="""\
import json

import aio_pika


async def paid(message: aio_pika.abc.AbstractIncomingMessage) -> None:
    order = json.loads(message.body)
    await orders.paid(order)
    await message.ack()


async def start(queue: aio_pika.abc.AbstractQueue) -> None:
    await queue.consume(paid)
""",
            good="""\
import json

import aio_pika


async def paid(message: aio_pika.abc.AbstractIncomingMessage) -> None:
    try:
        order = json.loads(message.body)
        await orders.paid(order)
    except Exception:
        await message.reject(requeue=False)
        raise
    await message.ack()


async def start(queue: aio_pika.abc.AbstractQueue) -> None:
    await queue.consume(paid)
""",
        ),
    ),
)


_PARSES = re.compile(r"(?:json|orjson|ujson)\.loads\(|JSON\.parse\(")
_KEEPS = ("try_statement", "while_statement")
"""What may start the consumer anew, or tell whoever runs it."""


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Follow each way through consumers that acknowledge by themselves."""
    for consumer in model.consumers:
        if consumer.framework == "golevelup" or consumer.is_manual is False:
            continue
        how = settling(model, consumer)
        if not how.is_settled or how.around or not is_read(model, consumer):
            continue
        yield from _open_ends(model, consumer)
        yield from _guarded(model, consumer)
        for node, message in open_callbacks(model, consumer):
            yield RULE.fault(node, message, confidence="likely")


def _open_ends(model: Model, consumer: Consumer) -> Iterator[Finding]:
    seen: set[Node] = set()
    ends = [each for each in outcomes(model, consumer) if not each.state.marks & SETTLED]
    explicit = [each for each in ends if each.is_explicit]
    if any("unknown" in each.state.marks for each in outcomes(model, consumer)) and not explicit:
        return
    for each in explicit or ends[:1]:
        node = _place(consumer, each)
        if node in seen:
            continue
        seen.add(node)
        if (
            not each.is_explicit
            and _ends_the_consumer(consumer)
            and not _is_poisoned(consumer, node)
        ):
            yield RULE.could_not_tell(
                node,
                "If this fails, the consumer ends; whether that closes the channel isn't seen.",
            )
            continue
        if each.kind == "raise" and is_caught_around(model, consumer):
            yield RULE.could_not_tell(
                node, "A filter or an interceptor may settle what fails here."
            )
            continue
        is_plain = each.is_explicit and consumer.is_manual
        confidence: Confidence = "certain" if is_plain else "likely"
        yield RULE.fault(
            node,
            _message(each),
            confidence=confidence,
            fix=keeping(model, consumer, _fix(consumer, each, node)),
        )


def _guarded(model: Model, consumer: Consumer) -> Iterator[Finding]:
    """Yield a guard of Nest's that refuses a message before the handler could settle it."""
    if consumer.framework != "nest" or is_caught_around(model, consumer):
        return
    for guard in consumer.function.decorated("UseGuards"):
        if all(_settles(model, arg) for arg in guard.args):
            continue
        message = "If this guard refuses, the handler never runs, and the message is never settled."
        yield RULE.fault(guard.node, message, confidence="likely")


def _settles(model: Model, guard: Node) -> bool:
    """Tell whether a guard settles the message that it refuses."""
    owner = model.project.class_named(guard.file, guard.text)
    return owner is not None and re.search(r"\.(?:n?ack|reject)\(", owner.node.text) is not None


def _is_poisoned(consumer: Consumer, failing: Node) -> bool:
    """Tell a body that can't be parsed: it ends the process each time that it is delivered."""
    if not _PARSES.match(failing.text) or failing.file is not consumer.file:
        return False
    starts = [call for call in consumer.file.calls if call.name in ("start_consuming", "consume")]
    return bool(starts) and not any(each.node.enclosing(*_KEEPS) for each in starts)


def _place(consumer: Consumer, end: Exit) -> Node:
    if end.kind != "end":
        return end.node
    return end.state.why or end.state.failure or consumer.node


def _message(end: Exit) -> str:
    if end.kind == "raise":
        what = "This throws, and" if end.is_explicit else "If this fails,"
        return f"{what} the message is never settled."
    if end.kind == "return" or (end.state.why and "statement" in end.state.why.kind):
        return "The message is never settled on this way."
    if end.state.failure is not None:
        return "What fails is caught here, and the message is never settled."
    return "The message is not settled on every way through this consumer."


def _ends_the_consumer(consumer: Consumer) -> bool:
    """Tell consumers that an exception ends, with their channel mostly: loops, pika, no async."""
    if consumer.framework == "amqplib":
        return not consumer.function.is_async
    return consumer.framework == "pika" or consumer.function.node.kind == "for_statement"


def _fix(consumer: Consumer, end: Exit, node: Node) -> Fix | None:
    if node.file is not consumer.function.file:
        return None
    refusal = refusing(consumer)
    if not end.is_explicit:
        edit = guarded(consumer, node, refusal) if refusal else None
        return suggested(edit) if edit is not None else None
    text = refusal or acknowledging(consumer)
    if not text or node.kind not in (
        "return_statement",
        "throw_statement",
        "raise_statement",
        "continue_statement",
    ):
        return None
    edit = settled_before(consumer, node, text)
    return suggested(edit) if edit is not None else None
