"""Near misses of never-acknowledged, ack-without-manual-mode and requeue-loop."""

from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

CONSUMER = """\
import { Ctx, EventPattern, Payload, RmqContext } from '@nestjs/microservices';
import { AckService } from './ack.service';
export class A {
  constructor(private readonly acks: AckService) {}
  @EventPattern('x')
  async x(@Payload() body: unknown, @Ctx() context: RmqContext) { BODY }
}
"""
SERVICE = """\
export class AckService {
  done(context) { context.getChannelRef().ack(context.getMessage()); }
}
"""
MAIN = """\
import { Transport } from '@nestjs/microservices';
export const options = { transport: Transport.RMQ, options: { queue: 'q', MODE } };
"""


def judged(body: str, mode: str, rule: str) -> list[str]:
    files = {
        "src/a.ts": CONSUMER.replace("BODY", body),
        "src/ack.service.ts": SERVICE,
        "src/main.ts": MAIN.replace("MODE", mode),
    }
    return [each.file for each in review_project(files, rule).findings]


def test_the_ack_is_in_a_service() -> None:
    assert not judged("this.acks.done(context);", "noAck: false", "never-acknowledged")
    assert judged("this.acks.other(context.x);", "noAck: false", "never-acknowledged") == [
        "src/a.ts"
    ]
    assert judged("this.acks.done(context);", "", "ack-without-manual-mode") == [
        "src/ack.service.ts"
    ]


def test_automatic_mode_needs_no_ack() -> None:
    assert not judged("run(body);", "", "never-acknowledged")
    assert not judged("run(body);", "noAck: true", "never-acknowledged")


@pytest.mark.parametrize("mode", ["...rest", "noAck: isManual()"])
def test_a_mode_that_is_computed_is_no_fault(mode: str) -> None:
    assert not judged("run(body);", mode, "never-acknowledged")
    assert not judged("this.acks.done(context);", mode, "ack-without-manual-mode")


def test_a_message_that_goes_elsewhere_is_no_fault() -> None:
    assert not judged("await handle(context);", "noAck: false", "never-acknowledged")


def test_kafka_looks_the_same() -> None:
    files = {
        "a.ts": CONSUMER.replace("RmqContext", "KafkaContext").replace("BODY", "run(body);"),
        "main.ts": MAIN.replace("RMQ", "KAFKA").replace("MODE", "noAck: false"),
    }
    assert not review_project(files, "broker").findings


def test_options_of_a_client_are_not_those_of_a_consumer() -> None:
    client = MAIN.replace("export const options =", "ClientsModule.register([").replace(
        "};", "}]);"
    )
    files = {
        "a.ts": CONSUMER.replace("BODY", "this.acks.done(context);"),
        "ack.service.ts": SERVICE,
        "m.ts": client.replace("MODE", ""),
    }
    assert not review_project(files, "ack-without-manual-mode").findings


AMQP = """\
import amqp from 'amqplib';
channel.consume('q', async (m) => {
  try { await run(m.content); channel.ack(m); } catch (error) { BODY }
});
"""


@pytest.mark.parametrize(
    ("body", "is_loop"),
    [
        ("channel.nack(m);", True),
        ("channel.nack(m, false, true);", True),
        ("channel.reject(m, true);", True),
        ("channel.nack(m, false, false);", False),
        ("channel.nack(m, false, !m.fields.redelivered);", False),
        ("if (!m.fields.redelivered) channel.nack(m); else channel.reject(m, false);", False),
        ("if (attempts < 3) channel.nack(m, false, true);", False),
        ("return Promise.reject(error);", False),
    ],
)
def test_loops(body: str, is_loop: bool) -> None:
    assert bool(found(AMQP.replace("BODY", body), "requeue-loop")) == is_loop


def test_python_near_misses() -> None:
    code = """\
import aio_pika
async def f(message):
    BODY
async def start(queue):
    await queue.consume(f)
"""
    rule = "never-acknowledged"
    assert found(code.replace("BODY", "run(message.body)"), rule, "a.py") == [5]
    assert not found(code.replace("BODY", "await message.ack()"), rule, "a.py")
    assert not found(code.replace("BODY", "await handle(message)"), rule, "a.py")
    assert not found(code.replace("consume(f)", "consume(f, no_ack=True)"), rule, "a.py")
    [told] = review_text(
        code.replace("BODY", "await handle(message)"), rule, name="a.py", could_not_tell=True
    )
    assert told.verdict == "could-not-tell"
    body = "async with message.process(requeue=True, reject_on_redelivered=True): pass"
    assert not found(code.replace("BODY", body), "requeue-loop", "a.py")
