"""``never-acknowledged``."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.broker import settled_at_the_end
from tidegate.review.edits.dead_letters import keeping
from tidegate.review.facts.broker.controllers import is_read
from tidegate.review.facts.broker.settling import settling
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule, rule

RULE = Rule(
    name="never-acknowledged",
    topic="broker",
    severity="high",
    languages=("typescript", "python"),
    summary="A consumer with manual acknowledgement never acknowledges.",
    why=(
        "The broker holds each message until it is settled. Once the prefetch is used up the "
        "consumer gets no more; without one, memory fills; and after a restart every message "
        "comes again."
    ),
    remedy="Acknowledge what is done, and refuse without requeue what failed.",
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
  }
}

NestFactory.createMicroservice(AppModule, {
  transport: Transport.RMQ,
  options: { queue: 'orders', noAck: false },
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
    const channel = context.getChannelRef();
    try {
      await this.orders.paid(order);
    } catch (error) {
      channel.nack(context.getMessage(), false, false);
      return;
    }
    channel.ack(context.getMessage());
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
import aio_pika


async def paid(message: aio_pika.abc.AbstractIncomingMessage) -> None:
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


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Follow what consumers with manual acknowledgement call."""
    for consumer in model.consumers:
        if consumer.is_manual is False or not is_read(model, consumer):
            continue
        how = settling(model, consumer)
        if how.is_settled:
            continue
        name = consumer.function.name or consumer.pattern or "consumer"
        if consumer.is_manual is None or how.escapes:
            if consumer.is_manual:
                yield RULE.could_not_tell(
                    consumer.node, "The message goes to code that is not here."
                )
            continue
        message = f"`{name}` must acknowledge its messages, and never does."
        yield RULE.fault(
            consumer.node, message, fix=keeping(model, consumer, settled_at_the_end(consumer))
        )
