"""``requeue-loop``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Confidence, Finding
from tidegate.review.edits.dead_letters import keeping
from tidegate.review.facts.broker.requeueing import (
    by_helpers,
    is_failing,
    is_limited,
    published_again,
    setting,
)
from tidegate.review.facts.broker.settling import in_catch, requeues, settling
from tidegate.review.fix import Edit, Fix, replaced, suggested, with_entry
from tidegate.review.model import Consumer, Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Call, Node

RULE = Rule(
    name="requeue-loop",
    topic="broker",
    severity="high",
    languages=("typescript", "python"),
    summary="A message that failed goes back to its queue, without an end.",
    why=(
        "What failed once mostly fails again: a broken payload, a missing row. It comes back "
        "at once, ahead of the others, thousands of times a second, and nothing behind it is "
        "served."
    ),
    remedy="Refuse it without requeue, to dead-letter it; retry with a delay and a limit.",
    examples=(
        Example(
            "typescript",
            bad="""\
import type { Channel } from 'amqplib';

export async function start(channel: Channel) {
  await channel.consume('orders', async (message) => {
    try {
      await paid(JSON.parse(message.content.toString()));
      channel.ack(message);
    } catch {
      channel.nack(message);
    }
  });
}
""",
            good="""\
import type { Channel } from 'amqplib';

export async function start(channel: Channel) {
  await channel.consume('orders', async (message) => {
    try {
      await paid(JSON.parse(message.content.toString()));
      channel.ack(message);
    } catch {
      channel.nack(message, false, false);
    }
  });
}
""",
        ),
        Example(
            "python",
            bad="""\
import aio_pika


async def paid(message: aio_pika.abc.AbstractIncomingMessage) -> None:
    async with message.process(requeue=True):
        await orders.paid(message.body)


async def start(queue: aio_pika.abc.AbstractQueue) -> None:
    await queue.consume(paid)
""",
            good="""\
import aio_pika


async def paid(message: aio_pika.abc.AbstractIncomingMessage) -> None:
    async with message.process():
        await orders.paid(message.body)


async def start(queue: aio_pika.abc.AbstractQueue) -> None:
    await queue.consume(paid)
""",
        ),
    ),
)

_AT_ONCE = "What fails here comes back at once, for ever."
_RAISES = "A message whose handler raises comes back at once, for ever."


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at refusals where something failed."""
    seen: set[Node] = set()
    for consumer in model.consumers:
        how = settling(model, consumer)
        own = [call for call in how.nacks if requeues(call) and is_failing(call.node)]
        for call in (*own, *by_helpers(model, consumer)):
            if call.node in seen:
                continue
            seen.add(call.node)
            if is_limited(call):
                continue
            if _is_delayed(call):
                yield RULE.could_not_tell(call.node, "It comes back for ever, after a while.")
                continue
            yield RULE.fault(
                call.node, _AT_ONCE, fix=keeping(model, consumer, _without_requeue(call))
            )
        for call in published_again(model, consumer):
            if _is_delayed(call):
                yield RULE.could_not_tell(call.node, "It comes back for ever, after a while.")
                continue
            yield RULE.fault(call.node, "What fails here is published again, for ever.")
        for call in how.processes:
            yield from _process(model, consumer, call)
        if consumer.framework in ("golevelup", "faststream"):
            yield from _by_option(model, consumer)
        if consumer.framework == "golevelup":
            yield from _library(model, consumer)


def _process(model: Model, consumer: Consumer, call: Call) -> Iterator[Finding]:
    """Look at ``message.process(requeue=True)``."""
    flag = call.keywords.get("requeue")
    once = call.keywords.get("reject_on_redelivered")
    if flag is None or flag.text == "False" or (once is not None and once.text != "False"):
        return
    is_set = setting(model, flag)
    if is_set:
        fix = keeping(model, consumer, suggested(replaced(flag, "False")))
        sure: Confidence = "certain" if flag.text == "True" else "likely"
        yield RULE.fault(call.node, _RAISES, confidence=sure, fix=fix)
    elif is_set is None:
        yield RULE.could_not_tell(call.node, "Whether a failed message is requeued is a setting.")


def _by_option(model: Model, consumer: Consumer) -> Iterator[Finding]:
    """Look at options that tell a library to put back what a handler throws."""
    for key, value in consumer.options.items():
        is_python = consumer.framework == "faststream"
        if is_python and key == "ack_policy" and value.text.endswith("NACK_ON_ERROR"):
            edit = replaced(value, value.text.replace("NACK_ON_ERROR", "REJECT_ON_ERROR"))
        elif is_python and key == "retry" and value.text == "True":
            edit = replaced(value, "False")
        elif key == "errorBehavior" and value.text.endswith("ErrorBehavior.REQUEUE"):
            edit = replaced(value, value.text.removesuffix("REQUEUE") + "NACK")
        else:
            continue
        yield RULE.fault(value, _RAISES, fix=keeping(model, consumer, suggested(edit)))


def _library(model: Model, consumer: Consumer) -> Iterator[Finding]:
    """Look at ``return new Nack(true)``, golevelup's way to put a message back."""
    for call in consumer.function.calls:
        if not (call.name == "Nack" and call.is_new and call.args and call.args[0].text == "true"):
            continue
        if in_catch(call.node) and not is_limited(call):
            edit = replaced(call.args[0], "false")
            yield RULE.fault(call.node, _AT_ONCE, fix=keeping(model, consumer, suggested(edit)))


def _is_delayed(call: Call) -> bool:
    """Tell whether it waits before it gives the message back."""
    for around in call.node.ancestors():
        if around.kind in ("call_expression", "call") and Call(around).name in (
            "setTimeout",
            "call_later",
        ):
            return True
        if around.kind in ("catch_clause", "except_clause"):
            return bool(re.search(r"\b(?:sleep|delay|setTimeout|backoff)\b", around.text))
    return False


def _without_requeue(call: Call) -> Fix | None:
    """Return the edit that refuses the same message for good."""
    arguments = call.node.field("arguments")
    if arguments is None:
        return None
    if call.file.is_python:
        place = {"basic_nack": 2, "basic_reject": 1, "nack": 1, "reject": 0}.get(call.name, 9)
        if len(call.args) > place:
            return suggested(replaced(call.args[place], "False"))
        return suggested(with_entry(arguments, "requeue", "False"))
    missing = {"nack": ["false", "false"], "reject": ["false"]}.get(call.name, [])
    given = call.args[1:]
    if not call.args or not missing:
        return None
    texts = [each.text for each in given[: len(missing) - 1]]
    texts += missing[len(texts) : -1]
    end = call.args[-1].end
    text = "".join(f", {each}" for each in [*texts, "false"])
    return suggested(Edit(call.file.name, call.args[0].end, end, text))
