"""``no-prefetch``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.facts.broker.controllers import is_read
from tidegate.review.fix import Fix, line_before, suggested
from tidegate.review.model import Consumer, Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Call

RULE = Rule(
    name="no-prefetch",
    topic="broker",
    severity="low",
    languages=("typescript", "python"),
    summary="A consumer takes as many messages as the queue has.",
    why=(
        "Without a prefetch the broker sends the whole queue to the first consumer: its memory "
        "fills, other nodes get nothing to do, and when it falls all of it comes again."
    ),
    remedy="Set a prefetch: as many messages as one node may work on at a time.",
    examples=(
        Example(
            "typescript",
            bad="""\
import type { Channel } from 'amqplib';

export async function start(channel: Channel) {
  await channel.consume('orders', async (message) => {
    await paid(message.content);
    channel.ack(message);
  });
}
""",
            good="""\
import type { Channel } from 'amqplib';

export async function start(channel: Channel) {
  await channel.prefetch(20);
  await channel.consume('orders', async (message) => {
    await paid(message.content);
    channel.ack(message);
  });
}
""",
        ),
        Example(
            "python",
            bad="""\
import pika


def paid(channel, method, properties, body):
    orders.paid(body)
    channel.basic_ack(delivery_tag=method.delivery_tag)


def start(channel: pika.channel.Channel) -> None:
    channel.basic_consume("orders", on_message_callback=paid)
""",
            good="""\
import pika


def paid(channel, method, properties, body):
    orders.paid(body)
    channel.basic_ack(delivery_tag=method.delivery_tag)


def start(channel: pika.channel.Channel) -> None:
    channel.basic_qos(prefetch_count=20)
    channel.basic_consume("orders", on_message_callback=paid)
""",
        ),
    ),
)

_PREFETCH = re.compile(r"prefetch|basic_qos|set_qos", re.IGNORECASE)
_SETTINGS = {
    "amqplib": "{0}.prefetch(20);",
    "aio-pika": "await {0}.set_qos(prefetch_count=20)",
    "pika": "{0}.basic_qos(prefetch_count=20)",
}


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look for a limit anywhere in the application; report once for each file that consumes."""
    seen: set[str] = set()
    for consumer in model.consumers:
        if not consumer.is_manual or consumer.framework in ("golevelup", "faststream"):
            continue
        place = consumer.app if consumer.framework == "nest" else consumer.file.name
        if place in seen or not is_read(model, consumer):
            continue
        seen.add(place)
        if _is_limited(model, consumer):
            continue
        node = consumer.node
        if consumer.framework == "nest":
            own = [each for each in model.broker_options if each.app == consumer.app]
            node = own[0].call.node if own else node
        yield RULE.fault(
            node,
            "The broker sends this consumer all that the queue has.",
            confidence="likely",
            fix=_fix(consumer),
        )


def _is_limited(model: Model, consumer: Consumer) -> bool:
    return any(
        _PREFETCH.search(file.text)
        for file in model.files
        if file.is_python == consumer.file.is_python
        and (not consumer.app or model.app_of(file) in (consumer.app, ""))
    )


def _fix(consumer: Consumer) -> Fix | None:
    text = _SETTINGS.get(consumer.framework, "")
    if consumer.node.kind not in ("call", "call_expression") or not text:
        return None
    receiver = Call(consumer.node).receiver
    if receiver is None or consumer.framework == "aio-pika":
        return None
    awaited = "await " if consumer.framework == "amqplib" and _is_awaited(consumer) else ""
    return suggested(line_before(consumer.node, awaited + text.format(receiver.text)))


def _is_awaited(consumer: Consumer) -> bool:
    parent = consumer.node.parent
    return parent is not None and parent.kind == "await_expression"
