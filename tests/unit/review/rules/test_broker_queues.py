"""Rules on queues and on who reads them: dead letters, sharing, durability, prefetch."""

from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied


@pytest.mark.parametrize(
    ("code", "is_transient"),
    [
        ("channel.queue_declare(queue='q')", True),
        ("channel.queue_declare('q', durable=False)", True),
        ("channel.queue_declare(queue='q', durable=True)", False),
        ("channel.queue_declare(queue='q', exclusive=True)", False),
        ("channel.queue_declare(queue='q', passive=True)", False),
        ("channel.queue_declare(queue='')", False),
        ("channel.queue_declare(queue='q', **options)", False),
        ("channel.queue_declare(queue='q', durable=is_durable())", False),
        ("channel.queue_declare(queue=f'reply.{uuid4()}', auto_delete=True)", False),
        ("# channel.queue_declare(queue='q')", False),
        ("await channel.declare_queue('q')", True),
        ("await channel.declare_queue('q', durable=True)", False),
        ("await channel.declare_queue(exclusive=True)", False),
    ],
)
def test_transient_queues_in_python(code: str, is_transient: bool) -> None:
    text = f"import pika\nimport aio_pika\n\nasync def start(channel):\n    {code}\n    pass\n"
    assert bool(found(text, "transient-shared-queue", "a.py")) == is_transient


@pytest.mark.parametrize(
    ("code", "is_transient"),
    [
        ("channel.assertQueue('q', { durable: false });", True),
        ("channel.assertQueue('q');", False),
        ("channel.assertQueue('q', { durable: false, exclusive: true });", False),
        ("channel.assertQueue(`node.${process.pid}`, { durable: false });", False),
        ("channel.assertQueue('q', options);", False),
        ("channel.assertExchange('e', 'topic', { durable: false });", False),
        ("createMicroservice(M, { transport: Transport.RMQ, options: { urls: [u], queue: 'q', "
         "queueOptions: { durable: false } } });", True),
    ],
)  # fmt: skip
def test_transient_queues_on_node(code: str, is_transient: bool) -> None:
    text = f"import amqp from 'amqplib';\n{code}\n"
    assert bool(found(text, "transient-shared-queue")) == is_transient


def test_a_queue_is_made_durable() -> None:
    code = "import pika\n\ndef start(channel):\n    channel.queue_declare(queue='q')\n"
    [told] = review_text(code, "transient-shared-queue", name="a.py")
    assert told.fix is not None
    mended = applied(code, told.fix.edits)
    assert "channel.queue_declare(queue='q', durable=True)" in mended
    assert not found(mended, "transient-shared-queue", "a.py")


REFUSING = """\
import amqp from 'amqplib';
const QUEUE = 'orders';
DECLARE
channel.consume(QUEUE, async (msg) => {
  try { await work(msg.content); channel.ack(msg); } catch (e) { REFUSE }
});
"""


@pytest.mark.parametrize(
    ("declared", "refused", "is_fault"),
    [
        ("channel.assertQueue(QUEUE);", "channel.nack(msg, false, false);", True),
        ("channel.assertQueue('orders', { durable: true });", "channel.reject(msg, false);", True),
        ("channel.assertQueue(QUEUE, { deadLetterExchange: 'd' });",
         "channel.nack(msg, false, false);", False),
        ("channel.assertQueue(QUEUE, { arguments: { 'x-dead-letter-exchange': 'd' } });",
         "channel.nack(msg, false, false);", False),
        ("channel.assertQueue(QUEUE, options());", "channel.nack(msg, false, false);", False),
        ("channel.checkQueue(QUEUE);", "channel.nack(msg, false, false);", False),
        ("// a policy sets the DLX\nchannel.assertQueue(QUEUE);",
         "channel.nack(msg, false, false);", False),
        ("channel.assertQueue(QUEUE);", "channel.nack(msg);", False),
        ("channel.assertQueue(QUEUE);",
         "channel.sendToQueue('failed', msg.content); channel.nack(msg, false, false);", False),
    ],
)  # fmt: skip
def test_dead_letters(declared: str, refused: str, is_fault: bool) -> None:
    code = REFUSING.replace("DECLARE", declared).replace("REFUSE", refused)
    assert bool(found(code, "no-dead-letter")) == is_fault


def test_the_queue_gets_a_dead_letter_exchange() -> None:
    code = REFUSING.replace("DECLARE", "channel.assertQueue('orders', { durable: true });")
    code = code.replace("REFUSE", "channel.nack(msg, false, false);")
    [told] = review_text(code, "no-dead-letter")
    assert told.fix is not None
    mended = applied(code, told.fix.edits)
    assert "{ durable: true, deadLetterExchange: 'orders.dead' }" in mended
    assert not found(mended, "no-dead-letter")


def test_the_queue_of_dead_letters_needs_none() -> None:
    code = """\
import aio_pika
async def handle(message):
    async with message.process():
        await work(message.body)
async def start(channel):
    queue = await channel.declare_queue("orders.dlq", durable=True)
    await queue.consume(handle)
"""
    assert not found(code, "no-dead-letter", "a.py")
    assert found(code.replace("orders.dlq", "orders"), "no-dead-letter", "a.py") == [3]


CONSUMER = """\
import { Injectable } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
DECORATOR
export class Orders {
  @EventPattern('x')
  x() {}
}
"""
MODULE = """\
import { Module } from '@nestjs/common';
import { Orders } from './orders';
@Module({ LISTS })
export class OrdersModule {}
"""


@pytest.mark.parametrize(
    ("decorator", "lists", "is_fault"),
    [
        ("@Injectable()", "providers: [Orders]", True),
        ("@WebSocketGateway()", "providers: [Orders]", True),
        ("@Controller()", "providers: [Orders]", True),
        ("@Controller()", "controllers: [Orders]", False),
        ("@Controller()", "providers: [Orders], controllers: [Orders]", False),
        ("@Injectable()", "controllers: [Orders]", False),
        ("@Injectable()", "controllers: listed()", False),
        ("@Controller()", "", False),
    ],
)
def test_only_controllers_are_read(decorator: str, lists: str, is_fault: bool) -> None:
    files = {
        "orders.ts": CONSUMER.replace("DECORATOR", decorator),
        "orders.module.ts": MODULE.replace("LISTS", lists),
    }
    assert bool(review_project(files, "consumer-not-a-controller").findings) == is_fault


def test_who_only_looks_like_a_consumer() -> None:
    injectable = CONSUMER.replace("DECORATOR", "@Injectable()")
    rule = "consumer-not-a-controller"
    assert found(injectable, rule) == [5]
    assert not found(injectable.replace("'@nestjs/microservices'", "'./decorators'"), rule)
    assert not found(injectable.replace("EventPattern", "OnEvent"), rule)
    base = injectable.replace("@Injectable()\nexport", "export abstract")
    derived = "import { Orders } from './a';\n@Controller()\nexport class B extends Orders {}\n" \
        "@Module({ controllers: [B] })\nexport class M {}\n"  # fmt: skip
    assert not review_project({"a.ts": base, "b.ts": derived}, rule).findings


def test_a_provider_becomes_a_controller() -> None:
    code = CONSUMER.replace("DECORATOR", "@Injectable()") + MODULE.replace(
        "LISTS", "imports: [], providers: [Orders, Other]"
    )
    [told] = review_text(code, "consumer-not-a-controller")
    assert told.fix is not None
    mended = applied(code, told.fix.edits)
    assert "import { Controller } from '@nestjs/common'" in mended
    assert "@Controller()\nexport class Orders" in mended
    assert "providers: [Other],\n  controllers: [Orders] })" in mended
    assert not found(mended, "consumer-not-a-controller")


SHARED = """\
import amqp from 'amqplib';
import { Server } from 'socket.io';
const io = new Server(3000);
SETUP
channel.assertQueue('news', OPTIONS);
channel.consume('news', (msg) => { io.to('a').emit('news', msg.content); channel.ack(msg); });
"""


@pytest.mark.parametrize(
    ("setup", "options", "is_fault"),
    [
        ("", "{ durable: true }", True),
        ("", "{ exclusive: true }", False),
        ("io.adapter(createAdapter(a, b));", "{ durable: true }", False),
    ],
)
def test_a_queue_that_nodes_share(setup: str, options: str, is_fault: bool) -> None:
    code = SHARED.replace("SETUP", setup).replace("OPTIONS", options)
    assert bool(found(code, "shared-queue-broadcast")) == is_fault
    quiet = code.replace("io.to('a').emit('news', msg.content);", "save(msg.content);")
    assert not found(quiet, "shared-queue-broadcast")


def test_a_limit_anywhere_in_the_application_is_enough() -> None:
    code = "import amqp from 'amqplib';\nchannel.consume('q', (m) => { channel.ack(m); });\n"
    files = {"a.ts": code, "b.ts": "import amqp from 'amqplib';\nexport const x = 1;\n"}
    assert [f.line for f in review_project(files, "no-prefetch").findings] == [2]
    files["b.ts"] = "import amqp from 'amqplib';\nchannel.prefetch(10);\n"
    assert not review_project(files, "no-prefetch").findings
    assert not found(code.replace("});", "}, { noAck: true });"), "no-prefetch")


def test_a_shared_function_sets_the_mode() -> None:
    files = {
        "apps/a/src/main.ts": """\
import { NestFactory } from '@nestjs/core';
import { RmqService } from '@app/common';
const app = await NestFactory.create(Main);
const service = app.get<RmqService>(RmqService);
app.connectMicroservice(service.getOptions('A'));
""",
        "tsconfig.json": '{"compilerOptions": {"paths": {"@app/common": ["libs/common/src"]}}}',
        "libs/common/src/index.ts": "export * from './rmq.service';\n",
        "libs/common/src/rmq.service.ts": """\
import { Transport } from '@nestjs/microservices';
export class RmqService {
  getOptions(queue: string, noAck = false) {
    return { transport: Transport.RMQ, options: { urls: [], queue, noAck } };
  }
}
""",
        "apps/a/src/a.controller.ts": """\
import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
@Controller()
export class A {
  @EventPattern('x')
  async x(@Payload() body: Body) { await run(body); }
}
""",
    }
    rule = "never-acknowledged"
    [told] = review_project(files, rule).findings
    assert told.file == "apps/a/src/a.controller.ts"
    main = files["apps/a/src/main.ts"]
    files["apps/a/src/main.ts"] = main.replace("getOptions('A')", "getOptions('A', true)")
    assert not review_project(files, rule).findings


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("channel.nack(m)", "channel.nack(m, false, false)"),
        ("channel.nack(m, false, true)", "channel.nack(m, false, false)"),
        ("channel.nack(m, true)", "channel.nack(m, true, false)"),
        ("channel.reject(m, true)", "channel.reject(m, false)"),
    ],
)
def test_a_loop_is_broken(code: str, expected: str) -> None:
    text = "import amqp from 'amqplib';\nchannel.consume('q', async (m) => {\n" \
        f"  try {{ await run(m); channel.ack(m); }} catch {{ {code}; }}\n}});\n"  # fmt: skip
    [told] = review_text(text, "requeue-loop")
    assert told.fix is not None
    mended = applied(text, told.fix.edits)
    assert f"catch {{ {expected}; }}" in mended
    assert not found(mended, "requeue-loop")


def test_the_mode_is_set_where_the_consumer_is_told() -> None:
    text = "import amqp from 'amqplib';\n" \
        "channel.consume('q', (m) => { channel.ack(m); }, { noAck: true });\n"  # fmt: skip
    [told] = review_text(text, "ack-without-manual-mode")
    assert told.fix is not None
    mended = applied(text, told.fix.edits)
    assert "{ noAck: false }" in mended
    assert not found(mended, "ack-without-manual-mode")


def test_who_never_acknowledges_is_shown_how() -> None:
    text = """\
import pika

def handle(ch, method, properties, body):
    work(body)

channel.basic_consume("q", on_message_callback=handle)
"""
    [told] = review_text(text, "never-acknowledged", name="a.py")
    assert told.fix is not None
    mended = applied(text, told.fix.edits)
    assert (
        mended
        == """\
import pika

def handle(ch, method, properties, body):
    try:
        work(body)
    except Exception:
        ch.basic_nack(method.delivery_tag, requeue=False)
        raise
    ch.basic_ack(method.delivery_tag)

channel.basic_consume("q", on_message_callback=handle)
"""
    )
    assert not found(mended, "never-acknowledged", "a.py")
