"""``transient-shared-queue``."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.facts.broker.queues import is_generated
from tidegate.review.fix import Edit, replaced, suggested, with_entry
from tidegate.review.model import Model, Queue
from tidegate.review.registry import Example, Rule, rule

RULE = Rule(
    name="transient-shared-queue",
    topic="broker",
    severity="medium",
    languages=("typescript", "python"),
    summary="A queue with a fixed name is neither durable nor exclusive.",
    why=(
        "Such a queue is gone after a restart of the broker, with all its messages. RabbitMQ 4.3 "
        "refuses to declare it at all. In pika and aio-pika this is the default; and who declares "
        "the same queue durable gets an error that closes the channel."
    ),
    remedy="Declare it durable, in all programs that declare it; or exclusive, if one node has it.",
    examples=(
        Example(
            "typescript",
            bad="""\
import amqp from 'amqplib';

export async function start(connection: amqp.Connection) {
  const channel = await connection.createChannel();
  await channel.assertQueue('orders', { durable: false });
  await channel.consume('orders', paid);
}
""",
            good="""\
import amqp from 'amqplib';

export async function start(connection: amqp.Connection) {
  const channel = await connection.createChannel();
  await channel.assertQueue('orders', { durable: true });
  await channel.consume('orders', paid);
}
""",
        ),
        Example(
            "python",
            bad="""\
import pika


def start(channel: pika.channel.Channel) -> None:
    channel.queue_declare(queue="orders")
    channel.basic_consume(queue="orders", on_message_callback=paid)
""",
            good="""\
import pika


def start(channel: pika.channel.Channel) -> None:
    channel.queue_declare(queue="orders", durable=True)
    channel.basic_consume(queue="orders", on_message_callback=paid)
""",
        ),
    ),
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at each queue that is declared with a name that nodes share."""
    for queue in model.queues:
        if queue.is_durable is not False or queue.is_exclusive is not False:
            continue
        if queue.name is None or is_generated(model, queue.name):
            continue
        node = queue.durable if queue.durable is not None else queue.node
        node = node if node.file is queue.node.file else queue.node
        edit = _edit(queue)
        yield RULE.fault(
            node,
            f"The queue {queue.name.text} is lost when the broker restarts, and refused by "
            "RabbitMQ 4.3.",
            fix=suggested(edit) if edit is not None else None,
        )


def _edit(queue: Queue) -> Edit | None:
    value = "True" if queue.node.file.is_python else "true"
    if queue.durable is not None:
        return replaced(queue.durable, value)
    if queue.settings is not None and queue.settings.kind == "argument_list":
        return with_entry(queue.settings, "durable", value)
    return None
