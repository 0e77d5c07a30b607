"""``requeue-loop``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.fix import Edit, Fix, replaced, suggested, with_entry
from tidegate.review.model import Consumer, Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.rules._settling import in_catch, requeues, settling
from tidegate.review.source import Call

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

_LIMITS = re.compile(
    r"redelivered|x-death|x-delivery|deliveryCount|delivery_count|retr(?:y|ies)|attempt"
    r"|isRecoverable|[tT]ransient"
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at refusals where something failed."""
    for consumer in model.consumers:
        how = settling(model, consumer)
        for call in how.nacks:
            if not requeues(call) or not in_catch(call.node) or _is_limited(call):
                continue
            if _is_delayed(call):
                yield RULE.could_not_tell(call.node, "It comes back for ever, after a while.")
                continue
            message = "What fails here comes back at once, for ever."
            yield RULE.fault(call.node, message, fix=_without_requeue(call))
        for call in how.processes:
            flag = call.keywords.get("requeue")
            once = call.keywords.get("reject_on_redelivered")
            if flag is None or flag.text != "True" or (once is not None and once.text == "True"):
                continue
            yield RULE.fault(
                call.node,
                "A message whose handler raises comes back at once, for ever.",
                fix=suggested(replaced(flag, "False")),
            )
        if consumer.framework == "golevelup":
            yield from _library(consumer)


def _library(consumer: Consumer) -> Iterator[Finding]:
    """Look at ``return new Nack(true)``, golevelup's way to put a message back."""
    for call in consumer.function.calls:
        if not (call.name == "Nack" and call.is_new and call.args and call.args[0].text == "true"):
            continue
        if in_catch(call.node) and not _is_limited(call):
            message = "What fails here comes back at once, for ever."
            edit = replaced(call.args[0], "false")
            yield RULE.fault(call.node, message, fix=suggested(edit))


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


def _is_limited(call: Call) -> bool:
    """Tell whether something around it counts, or tells the first time from the second."""
    for around in call.node.ancestors():
        if around.kind in ("if_statement", "ternary_expression", "conditional_expression"):
            condition = around.field("condition")
            if condition is not None and _LIMITS.search(condition.text):
                return True
        if around.kind in ("method_definition", "function_definition", "function_declaration"):
            break
    function = call.node.function
    return function is not None and bool(re.search(r"x-death|redelivered", function.text))
