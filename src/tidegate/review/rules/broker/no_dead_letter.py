"""``no-dead-letter``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.dead_letters import dead_lettering, is_last, may_dead_letter
from tidegate.review.facts.broker.controllers import is_read
from tidegate.review.facts.broker.message_ways import outcomes
from tidegate.review.facts.broker.queues import queues_of
from tidegate.review.facts.broker.settling import in_catch, requeues, settling
from tidegate.review.fix import suggested
from tidegate.review.model import Consumer, Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Call, Node

RULE = Rule(
    name="no-dead-letter",
    topic="broker",
    severity="medium",
    languages=("typescript", "python"),
    summary="A message is refused, and its queue has no dead-letter exchange.",
    why=(
        "A nack or a reject without requeue hands a message to the queue's dead-letter exchange. "
        "If the queue has none, the broker discards it: nobody can see what failed, nor try "
        "again when the fault is mended."
    ),
    remedy="Declare the queue with a dead-letter exchange (or set one by a policy).",
    examples=(
        Example(
            "typescript",
            bad="""\
import type { Channel } from 'amqplib';

export async function start(channel: Channel) {
  await channel.prefetch(20);
  await channel.assertQueue('orders', { durable: true });
  await channel.consume('orders', async (message) => {
    try {
      await paid(message.content);
      channel.ack(message);
    } catch {
      channel.nack(message, false, false);
    }
  });
}
""",
            good="""\
import type { Channel } from 'amqplib';

export async function start(channel: Channel) {
  await channel.prefetch(20);
  await channel.assertQueue('orders', { durable: true, deadLetterExchange: 'orders.dead' });
  await channel.consume('orders', async (message) => {
    try {
      await paid(message.content);
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
    async with message.process(requeue=False):
        await orders.paid(message.body)


async def start(channel: aio_pika.abc.AbstractChannel) -> None:
    await channel.set_qos(prefetch_count=20)
    queue = await channel.declare_queue("orders", durable=True)
    await queue.consume(paid)
""",
            good="""\
import aio_pika


async def paid(message: aio_pika.abc.AbstractIncomingMessage) -> None:
    async with message.process(requeue=False):
        await orders.paid(message.body)


async def start(channel: aio_pika.abc.AbstractChannel) -> None:
    await channel.set_qos(prefetch_count=20)
    queue = await channel.declare_queue(
        "orders", durable=True, arguments={"x-dead-letter-exchange": "orders.dead"}
    )
    await queue.consume(paid)
""",
        ),
    ),
)

_KEPT = re.compile(
    r"(?:sendToQueue|publish|basic_publish|emit|send|save|insert|create|add)\w*\($", re.IGNORECASE
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at the queue of each consumer that refuses for good."""
    seen: set[Node] = set()
    for consumer in model.consumers:
        if consumer.is_manual is False and consumer.framework != "golevelup":
            continue
        if consumer.framework == "faststream" or not is_read(model, consumer):
            continue
        node = _refused(model, consumer)
        if node is None or node in seen:
            continue
        seen.add(node)
        queues = queues_of(model, consumer)
        if any(queue.has_dead_letter or is_last(queue) for queue in queues):
            continue
        if not queues or _is_meant(node) or may_dead_letter(model, consumer, queues):
            yield RULE.could_not_tell(node, "It isn't seen whether the queue dead-letters.")
            continue
        name = queues[0].name.text if queues[0].name is not None else "the queue"
        edit = dead_lettering(queues[0])
        yield RULE.fault(
            node,
            f"What is refused here is discarded: {name} is declared without a dead-letter "
            "exchange.",
            fix=suggested(edit) if edit is not None else None,
        )


def _is_meant(node: Node) -> bool:
    """Tell whether a comment beside it says that the message is to be thrown away."""
    near = f"{node.file.line(node.line - 1)}\n{node.file.line(node.line)}"
    return bool(re.search(r"(?://|#).*(?:discard|drop|throw away|lose|skip)", near, re.IGNORECASE))


def _refused(model: Model, consumer: Consumer) -> Node | None:
    """Return where a consumer refuses without requeue: where something failed, if there."""
    how = settling(model, consumer)
    calls = [call for call in how.nacks if requeues(call) is False]
    if consumer.framework == "golevelup":
        calls = [
            call
            for call in consumer.function.calls
            if call.name == "Nack"
            and call.is_new
            and not (call.args and call.args[0].text == "true")
        ]
    calls = [call for call in calls if not _is_kept(call)]
    calls.sort(key=lambda call: not in_catch(call.node))
    if calls:
        return calls[0].node
    if not how.processes or how.processes[0].keywords.get("requeue", consumer.node).text == "True":
        return None
    is_refused = any("refused by process" in end.state.marks for end in outcomes(model, consumer))
    return how.processes[0].node if is_refused else None


def _is_kept(call: Call) -> bool:
    """Tell whether the message is kept by other means right before it is refused."""
    block = call.node.enclosing("statement_block", "block")
    if block is None:
        return False
    return any(
        each.node.start < call.node.start and _KEPT.search(f"{each.name}(") and not each.is_new
        for each in block.calls()
    )
