"""Callbacks of consumers, work that nobody waits for, and helpers that keep failures."""

from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

RULE = "failure-acknowledged"
SERVICE = """\
import * as amqp from 'amqplib';
export class Queues {
  async listen(queue: string, HANDLER: TYPE) {
    await this.channel.consume(queue, async (msg) => {
      try {
        WAITS
        this.channel.ack(msg);
      } catch (error) {
        this.channel.nack(msg, false, false);
      }
    });
  }
}
"""
CALLER = """\
import { Queues } from './queues';
export class Orders {
  constructor(private readonly queues: Queues) {}
  start() { this.queues.listen('orders', GIVEN); }
  async paid(order: Order) {
    BODY
  }
  noted(order: Order) { this.seen.push(order); }
}
"""
GUARDED = "try { await this.repo.save(order); } catch (error) { this.logger.error(error); }"


def through(given: str, waits: str, body: str = "await this.repo.save(order);") -> list[str]:
    service = SERVICE.replace("WAITS", waits).replace("TYPE", "(order: Order) => void")
    files = {
        "queues.ts": service.replace("HANDLER", "handler"),
        "orders.ts": CALLER.replace("GIVEN", given).replace("BODY", body),
    }
    findings = review_project(files, RULE).findings
    return [f"{finding.file}:{finding.line}" for finding in findings]


@pytest.mark.parametrize(
    "given",
    ["this.paid.bind(this)", "(order) => this.paid(order)", "async (order) => this.paid(order)"],
)
def test_a_callback_is_followed_to_who_gives_it(given: str) -> None:
    dropped = "handler(JSON.parse(msg.content.toString()));"
    assert through(given, dropped) == ["queues.ts:6"]
    assert not through(given, f"await {dropped}")


def test_a_callback_that_ends_at_once_needs_no_waiting() -> None:
    assert not through("this.noted.bind(this)", "handler(JSON.parse(msg.content.toString()));")


def test_a_callback_that_keeps_its_failures() -> None:
    waits = "await handler(JSON.parse(msg.content.toString()));"
    assert through("this.paid.bind(this)", waits, GUARDED) == ["orders.ts:6"]
    parked = GUARDED.replace("this.logger.error(error)", "await this.failed.create(order)")
    assert not through("this.paid.bind(this)", waits, parked)
    raised = GUARDED.replace("this.logger.error(error);", "this.logger.error(error); throw error;")
    assert not through("this.paid.bind(this)", waits, raised)


def test_a_handler_among_options() -> None:
    code = """\
import amqp from 'amqplib';
type Work = (body: Buffer) => Promise<void>;
export function subscribe({ queue, onMessage }: { queue: string; onMessage: Work }) {
  channel.consume(queue, async (msg) => {
    onMessage(msg.content);
    channel.ack(msg);
  });
}
"""
    assert not found(code, RULE)  # what Work is, is not followed
    code = code.replace("onMessage: Work", "onMessage: (b: Buffer) => Promise<void>")
    assert found(code, RULE) == [5]
    assert not found(code.replace("    onMessage(", "    await onMessage("), RULE)


JS = """\
const amqp = require('amqplib');
const post = (order) => axios.post('/orders', order);
async function handle(order) {
  await db.save(order);
}
channel.consume('orders', async (msg) => {
  WORK
  channel.ack(msg);
});
"""


@pytest.mark.parametrize(
    ("work", "lines"),
    [
        ("handle(JSON.parse(msg.content));", [7]),
        ("void handle(JSON.parse(msg.content));", [7]),
        ("handle(JSON.parse(msg.content)).catch((e) => console.error(e));", [7]),
        ("JSON.parse(msg.content).forEach(async (order) => { await db.save(order); });", [7]),
        ("post(JSON.parse(msg.content));", [7]),
        ("Order.create(JSON.parse(msg.content));", [7]),
        ("await handle(JSON.parse(msg.content));", []),
        ("await Promise.all(JSON.parse(msg.content).map(async (o) => db.save(o)));", []),
        ("JSON.parse(msg.content).forEach((order) => { seen.push(order); });", []),
        ("handle(JSON.parse(msg.content)).then(() => channel.ack(msg)); return;", []),
        ("// handle(JSON.parse(msg.content));", []),
    ],
)
def test_work_that_nobody_waits_for(work: str, lines: list[int]) -> None:
    assert found(JS.replace("WORK", work), RULE, "a.js") == lines


PYTHON = """\
import asyncio
import aio_pika
async def handle(body):
    await db.save(body)
async def on_message(message: aio_pika.IncomingMessage):
BODY
async def main(queue):
    await queue.consume(on_message)
"""


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("    asyncio.create_task(handle(message.body))\n    await message.ack()", [6]),
        (
            "    async with message.process():\n        asyncio.create_task(handle(message.body))",
            [7],
        ),
        ("    await handle(message.body)\n    await message.ack()", []),
        ("    await message.ack()\n    asyncio.create_task(handle(message.body))", []),
    ],
)
def test_tasks(body: str, lines: list[int]) -> None:
    assert found(PYTHON.replace("BODY", body), RULE, "a.py") == lines


def test_a_helper_of_the_same_file_does_all_the_work() -> None:
    code = """\
import pika
def work(body):
    try:
        db.save(body)
    except Exception as error:
        print(error)
def on_message(channel, method, properties, body):
    MORE
    work(body)
    channel.basic_ack(delivery_tag=method.delivery_tag)
channel.basic_consume(queue="orders", on_message_callback=on_message)
"""
    assert found(code.replace("    MORE\n", ""), RULE, "a.py") == [5]
    assert not found(code.replace("MORE", "store(body)"), RULE, "a.py")  # this is beside the work


def test_the_corrections() -> None:
    code = JS.replace("WORK", "void handle(JSON.parse(msg.content));")
    [finding] = review_text(code, RULE, name="a.js")
    assert finding.fix is not None
    good = applied(code, finding.fix.edits)
    assert good == code.replace("void handle", "await handle")
    assert not found(good, RULE, "a.js")
    task = PYTHON.replace(
        "BODY", "    asyncio.create_task(handle(message.body))\n    await message.ack()"
    )
    [finding] = review_text(task, RULE, name="a.py")
    assert finding.fix is not None
    good = applied(task, finding.fix.edits)
    assert (
        """\
    try:
        await handle(message.body)
        await message.ack()
    except Exception:
        await message.reject(requeue=False)
        raise
"""
        in good
    )
    assert not review_text(good, RULE, "not-settled-on-some-path", name="a.py")


@pytest.mark.parametrize(
    "body",
    [
        "    async with message.process():\n        asyncio.create_task(handle(message.body))",
        "    try:\n        asyncio.create_task(handle(message.body))\n        await message.ack()\n"
        "    except Exception:\n        await message.reject(requeue=False)",
    ],
)
def test_an_await_needs_no_refusal_where_one_is_there(body: str) -> None:
    code = PYTHON.replace("BODY", body)
    [finding] = review_text(code, RULE, name="a.py")
    assert finding.fix is not None
    good = applied(code, finding.fix.edits)
    assert good == code.replace(
        "asyncio.create_task(handle(message.body))", "await handle(message.body)"
    )
