"""``ack-without-manual-mode``."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.facts.broker.settling import settling
from tidegate.review.fix import Fix, replaced, suggested, with_entry
from tidegate.review.model import Consumer, Model
from tidegate.review.registry import Example, Rule, rule

RULE = Rule(
    name="ack-without-manual-mode",
    topic="broker",
    severity="high",
    languages=("typescript", "python"),
    summary="A consumer acknowledges messages that the broker has settled already.",
    why=(
        "In automatic mode (the default of Nest: `noAck: true`) the broker forgets a message "
        "when it is sent. An ack for it is an unknown delivery tag: the broker closes the "
        "channel, and the consumer with it. Messages that were under way are lost."
    ),
    remedy="Consume in manual mode (`noAck: false`, `no_ack=False`, `auto_ack=False`).",
    examples=(
        Example(
            "typescript",
            bad="""\
import { Controller } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, Payload, RmqContext, Transport } from '@nestjs/microservices';

@Controller()
export class OrdersConsumer {
  @EventPattern('order.paid')
  async paid(@Payload() order: Order, @Ctx() context: RmqContext) {
    await this.orders.paid(order);
    context.getChannelRef().ack(context.getMessage());
  }
}

NestFactory.createMicroservice(AppModule, {
  transport: Transport.RMQ,
  options: { queue: 'orders' },
});
""",
            good="""\
import { Controller } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, Payload, RmqContext, Transport } from '@nestjs/microservices';

@Controller()
export class OrdersConsumer {
  @EventPattern('order.paid')
  async paid(@Payload() order: Order, @Ctx() context: RmqContext) {
    await this.orders.paid(order);
    context.getChannelRef().ack(context.getMessage());
  }
}

NestFactory.createMicroservice(AppModule, {
  transport: Transport.RMQ,
  options: { queue: 'orders', noAck: false },
});
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
    channel.basic_consume("orders", on_message_callback=paid, auto_ack=True)
""",
            good="""\
import pika


def paid(channel, method, properties, body):
    orders.paid(body)
    channel.basic_ack(delivery_tag=method.delivery_tag)


def start(channel: pika.channel.Channel) -> None:
    channel.basic_consume("orders", on_message_callback=paid, auto_ack=False)
""",
        ),
    ),
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look for acks by consumers that are in automatic mode."""
    for consumer in model.consumers:
        if consumer.framework in ("faststream", "golevelup") or consumer.is_manual:
            continue
        how = settling(model, consumer)
        for call in (*how.acks, *how.nacks):
            if consumer.is_manual is None:
                yield RULE.could_not_tell(
                    call.node, "The mode of acknowledgement is set elsewhere."
                )
            else:
                message = (
                    "The broker closes the channel at this: the consumer is in automatic mode."
                )
                yield RULE.fault(call.node, message, fix=_fix(model, consumer))


def _fix(model: Model, consumer: Consumer) -> Fix | None:
    """Set the manual mode where the consumer is registered, or where Nest is told."""
    if consumer.framework == "amqplib":
        flag = consumer.options.get("noAck")
        return suggested(replaced(flag, "false")) if flag is not None else None
    if consumer.framework in ("pika", "aio-pika"):
        for name in ("auto_ack", "no_ack"):
            if name in consumer.options:
                return suggested(replaced(consumer.options[name], "False"))
        return None
    own = [each for each in model.broker_options if each.app == consumer.app]
    for each in own or model.broker_options:
        entry = next((e for key, e in each.options.items() if key != "..."), None)
        holder = entry.parent.parent if entry is not None and entry.parent is not None else None
        if holder is not None and holder.kind == "object" and each.no_ack:
            return suggested(with_entry(holder, "noAck", "false"))
    return None
