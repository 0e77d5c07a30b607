# ruff: noqa: E501  # code under test reads best on one line
"""not-settled-on-some-path and failure-acknowledged: textbook forms, near misses, corrections."""

from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

OPEN = "not-settled-on-some-path"
HIDDEN = "failure-acknowledged"

NEST = """\
import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, Payload, RmqContext } from '@nestjs/microservices';
@Controller()
export class A {
  @EventPattern('x')
  async x(@Payload() body: Body, @Ctx() context: RmqContext) {
    const channel = context.getChannelRef();
    const message = context.getMessage();
    BODY
  }
}
"""
AMQP = """\
const amqp = require('amqplib');
channel.consume('q', async (msg) => {
  BODY
});
"""
AIO = """\
import json
import logging
import aio_pika

async def handle(message):
BODY

async def start(channel):
    queue = await channel.declare_queue("q", durable=True)
    await queue.consume(handle)
"""
PIKA = """\
import json
import logging
import pika

def handle(ch, method, properties, body):
BODY

def start(channel):
    channel.basic_consume(queue="q", on_message_callback=handle)
"""


def indented(body: str) -> str:
    return "\n".join(f"    {line}" for line in body.splitlines())


@pytest.mark.parametrize(
    ("body", "is_open"),
    [
        ("if (!body.id) return; channel.ack(message);", True),
        ("await this.work(body); channel.ack(message);", True),
        ("if (!body.id) { channel.nack(message, false, false); return; } channel.ack(message);",
         False),
        ("try { await this.work(body); channel.ack(message); } catch (e) { console.log(e); }", True),
        ("try { await this.work(body); channel.ack(message); } catch (e) { throw e; }", True),
        ("try { await this.work(body); } finally { channel.ack(message); }", False),
        ("try { await this.work(body); channel.ack(message); } "
         "catch (e) { channel.nack(message, false, false); throw e; }", False),
        ("channel.ack(message); await this.work(body); if (!body.id) return;", False),
        ("let ok = false; try { await this.work(body); ok = true; } catch {} "
         "if (ok) channel.ack(message); else channel.nack(message, false, false);", False),
        ("switch (body.kind) { case 'a': channel.ack(message); break; }", True),
        ("switch (body.kind) { case 'a': channel.ack(message); break; "
         "default: channel.nack(message, false, false); }", False),
        ("if (!channel) return; channel.ack(message);", False),
        ("this.work(body).then(() => channel.ack(message));", False),
        ("// if (!body.id) return;\n    channel.ack(message);", False),
    ],
)  # fmt: skip
def test_nest(body: str, is_open: bool) -> None:
    assert bool(found(NEST.replace("BODY", body), OPEN)) == is_open


def test_a_helper_settles_and_the_service_may_fail() -> None:
    files = {
        "src/main.ts": "import { Transport } from '@nestjs/microservices';\n"
        "app.connectMicroservice({ transport: Transport.RMQ, options: { noAck: false } });\n",
        "src/acks.ts": "export class Acks { ack(context) { "
        "context.getChannelRef().ack(context.getMessage()); } }\n",
        "src/safe.ts": "export class Safe { async work(b) { "
        "try { await run(b); } catch (e) { console.error(e); } } }\n",
        "src/a.ts": """\
import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, Payload, RmqContext } from '@nestjs/microservices';
import { Acks } from './acks';
import { Safe } from './safe';
@Controller()
export class A {
  constructor(private readonly acks: Acks, private readonly safe: Safe) {}
  @EventPattern('x')
  async x(@Payload() body: Body, @Ctx() context: RmqContext) {
    await this.safe.work(body);
    this.acks.ack(context);
  }
}
""",
    }
    assert not review_project(files, OPEN).findings
    files["src/safe.ts"] = "export class Safe { async work(b) { await run(b); } }\n"
    [told] = review_project(files, OPEN).findings
    assert (told.file, told.line) == ("src/a.ts", 10)
    files["src/filter.ts"] = """\
import { BaseRpcExceptionFilter, RmqContext } from '@nestjs/microservices';
@Catch()
export class AckFilter extends BaseRpcExceptionFilter {
  catch(e, host) { host.getArgByIndex(1).getChannelRef().nack(host.getArgByIndex(1), false, false); }
}
"""
    assert not review_project(files, OPEN).findings


def test_automatic_mode_leaves_nothing_open() -> None:
    files = {
        "a.ts": NEST.replace("BODY", "if (!body.id) return; await this.work(body);"),
        "main.ts": "NestFactory.createMicroservice(M, { transport: Transport.RMQ, options: {} });",
    }
    assert not review_project(files, OPEN, HIDDEN).findings


@pytest.mark.parametrize(
    ("body", "is_open"),
    [
        ("if (!msg) return; try { await work(msg.content); channel.ack(msg); } "
         "catch { channel.nack(msg, false, false); }", False),
        ("if (msg !== null) { try { await work(msg.content); } finally { channel.ack(msg); } }",
         False),
        ("const data = JSON.parse(msg.content); await work(data); channel.ack(msg);", True),
        ("if (!isKnown(msg.content)) return; channel.ack(msg);", True),
        ("await other.handle(msg, channel); if (x) return; channel.ack(msg);", False),
        ("if (msg.properties.correlationId === id) { channel.ack(msg); }", False),
        ("if (isClosing) return; channel.ack(msg);", False),
        ("if (isConsumeMessage(msg)) { channel.ack(msg); }", False),
    ],
)  # fmt: skip
def test_amqplib(body: str, is_open: bool) -> None:
    assert bool(found(AMQP.replace("BODY", body), OPEN)) == is_open


def test_a_method_that_handles_is_looked_into() -> None:
    code = """\
import amqp from 'amqplib';
export class Worker {
  async start() {
    await this.channel.consume('q', (msg) => this.handle(msg));
  }
  private async handle(msg) {
    if (!msg.content.length) {
      return;
    }
    this.channel.ack(msg);
  }
}
"""
    assert found(code, OPEN) == [8]


@pytest.mark.parametrize(
    ("body", "is_open"),
    [
        ("data = json.loads(message.body)\nawait work(data)\nawait message.ack()", True),
        ("if not message.headers.get('id'):\n    return\nawait message.ack()", True),
        ("async with message.process():\n    if not message.body:\n        return\n"
         "    await work(message.body)", False),
        ("try:\n    await work(message.body)\nexcept Exception:\n    logging.exception('x')\n"
         "    return\nawait message.ack()", True),
        ("try:\n    await work(message.body)\nexcept Exception:\n    await message.reject()\n"
         "else:\n    await message.ack()", False),
    ],
)  # fmt: skip
def test_aio_pika(body: str, is_open: bool) -> None:
    assert bool(found(AIO.replace("BODY", indented(body)), OPEN, "a.py")) == is_open


def test_loops_over_messages() -> None:
    code = """\
import aio_pika

async def run(channel):
    queue = await channel.declare_queue("q", durable=True)
    async with queue.iterator() as messages:
        async for message in messages:
            if not is_known(message.body):
                continue
            await message.ack()
"""
    assert found(code, OPEN, "a.py") == [8]
    settled = code.replace("                continue", "                await message.reject()\n"
                           "                continue")  # fmt: skip
    assert not found(settled, OPEN, "a.py")
    assert found(code.replace("if not is_known(message.body):\n                continue\n            "
                              "await message.ack()", "print(message.body)"),
                 "never-acknowledged", "a.py") == [6]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "is_open"),
    [
        ("if not body:\n    return\nch.basic_ack(method.delivery_tag)", True),
        ("order = json.loads(body)\nif not order:\n    raise ValueError\n"
         "ch.basic_ack(delivery_tag=method.delivery_tag)", True),
        # What pika's callback raises ends start_consuming, and mostly the program.
        ("work(json.loads(body))\nch.basic_ack(method.delivery_tag)", False),
        ("try:\n    work(body)\n    ch.basic_ack(method.delivery_tag)\nexcept Exception:\n"
         "    logging.exception('x')", True),
    ],
)  # fmt: skip
def test_pika(body: str, is_open: bool) -> None:
    assert bool(found(PIKA.replace("BODY", indented(body)), OPEN, "a.py")) == is_open


def test_a_body_that_ends_the_program_each_time() -> None:
    body = indented("work(json.loads(body))\nch.basic_ack(method.delivery_tag)")
    code = PIKA.replace("BODY", body)
    assert found(f"{code}\nchannel.start_consuming()\n", OPEN, "a.py")
    kept = f"{code}\nwhile True:\n    channel.start_consuming()\n"
    assert not found(kept, OPEN, "a.py")


def test_a_guard_that_refuses_a_message() -> None:
    code = NEST.replace("BODY", "work(body);\n    channel.ack(message);")
    guarded = code.replace("  async x", "  @UseGuards(JwtGuard)\n  async x")
    assert 6 in found(guarded, OPEN)
    acks = "\nclass JwtGuard { canActivate(c) { c.getChannelRef().ack(c.getMessage()); } }\n"
    assert 6 not in found(guarded + acks, OPEN)
    assert 6 not in found(code, OPEN)


def test_the_correction_of_an_early_return() -> None:
    code = NEST.replace("BODY", "if (!body.id) {\n      return;\n    }\n    channel.ack(message);")
    [told] = review_text(code, OPEN)
    assert told.fix is not None and not told.fix.is_safe
    mended = applied(code, told.fix.edits)
    assert "{\n      channel.nack(message, false, false);\n      return;\n    }" in mended
    assert not found(mended, OPEN)


def test_the_correction_of_what_may_fail() -> None:
    code = NEST.replace("BODY", "await this.work(body);\n    channel.ack(message);")
    [told] = review_text(code, OPEN)
    assert told.fix is not None
    mended = applied(code, told.fix.edits)
    assert (
        "    try {\n      await this.work(body);\n      channel.ack(message);\n"
        "    } catch (error) {\n      channel.nack(message, false, false);\n"
        "      throw error;\n    }\n"
    ) in mended
    assert not found(mended, OPEN)
    python = AIO.replace("BODY", indented("await work(message.body)\nawait message.ack()"))
    [told] = review_text(python, OPEN, name="a.py")
    assert told.fix is not None
    mended = applied(python, told.fix.edits)
    assert (
        "    except Exception:\n        await message.reject(requeue=False)\n        raise\n"
        in (mended)
    )
    assert not found(mended, OPEN, "a.py")


@pytest.mark.parametrize(
    ("body", "is_hidden"),
    [
        ("try { await this.work(body); } catch (e) { console.log(e); } channel.ack(message);", True),
        ("try { await this.work(body); channel.ack(message); } "
         "catch (e) { console.log(e); channel.ack(message); }", True),
        ("try { await this.work(body); } finally { channel.ack(message); }", True),
        ("try { await this.work(body); } catch (e) { await this.failed.save(e); } "
         "channel.ack(message);", False),
        ("try { await this.work(body); } catch (e) { channel.nack(message, false, false); return; } "
         "channel.ack(message);", False),
        ("try { await this.cache.clear(); } catch (e) { console.log(e); } await this.work(body); "
         "channel.ack(message);", False),
        ("await this.work(body); try { await this.mail(body); } catch (e) { console.log(e); } "
         "channel.ack(message);", False),
        ("try { await this.work(body); channel.ack(message); } catch (e) { "
         "if (e.isKnown) channel.ack(message); else channel.nack(message, false, false); }", False),
        ("try { await this.work(body); } catch (e) { /* never redeliver, on purpose */ } "
         "channel.ack(message);", False),
    ],
)  # fmt: skip
def test_hidden_failures(body: str, is_hidden: bool) -> None:
    assert bool(found(NEST.replace("BODY", body), HIDDEN)) == is_hidden


def test_a_reply_tells_the_failure() -> None:
    body = "try { await this.work(body); } catch (e) { console.log(e); return { error: 1 }; } " \
        "finally { channel.ack(message); }"  # fmt: skip
    code = NEST.replace("BODY", body)
    assert not found(code.replace("EventPattern", "MessagePattern"), HIDDEN)


LIBRARY = """\
import { Nack, RabbitSubscribe } from '@golevelup/nestjs-rabbitmq';
import { Orders } from './orders';
export class A {
  constructor(private readonly orders: Orders) {}
  @RabbitSubscribe({ exchange: 'e', routingKey: 'k', queue: 'q' })
  async x(body: Body) {
    BODY
  }
}
"""


@pytest.mark.parametrize(
    ("body", "is_hidden"),
    [
        ("try { await this.orders.paid(body); } catch (e) { console.log(e); }", True),
        ("try { await this.orders.paid(body); } catch (e) { return new Nack(); }", False),
        ("try { await this.orders.paid(body); } catch (e) { console.log(e); throw e; }", False),
        ("this.orders.paid(body);", True),
        ("await this.orders.paid(body);", False),
        ("return this.orders.paid(body);", False),
        ("this.orders.count(body);", False),
    ],
)
def test_the_library_acknowledges_what_returns(body: str, is_hidden: bool) -> None:
    files = {
        "a.ts": LIBRARY.replace("BODY", body),
        "orders.ts": "export class Orders { async paid(b) { await save(b); } count(b) { n++; } }",
    }
    assert bool(review_project(files, HIDDEN).findings) == is_hidden
    assert not review_project(files, OPEN, "never-acknowledged").findings


@pytest.mark.parametrize(
    ("body", "is_hidden"),
    [
        ("async with message.process():\n    try:\n        await work(message.body)\n"
         "    except Exception:\n        logging.exception('x')", True),
        ("async with message.process():\n    try:\n        await work(message.body)\n"
         "    except Exception:\n        logging.exception('x')\n        raise", False),
        ("async with message.process():\n    try:\n        await work(message.body)\n"
         "    except LookupError:\n        logging.warning('x')", False),
        ("try:\n    await work(message.body)\nexcept Exception:\n    pass\nawait message.ack()",
         True),
        ("try:\n    await work(message.body)\nexcept Exception:\n    await message.reject()\n"
         "    return\nawait message.ack()", False),
    ],
)  # fmt: skip
def test_hidden_failures_in_python(body: str, is_hidden: bool) -> None:
    assert bool(found(AIO.replace("BODY", indented(body)), HIDDEN, "a.py")) == is_hidden


def test_corrections_of_hidden_failures() -> None:
    body = "try {\n      await this.work(body);\n    } catch (e) {\n      console.log(e);\n    }\n" \
        "    channel.ack(message);"  # fmt: skip
    code = NEST.replace("BODY", body)
    [told] = review_text(code, HIDDEN)
    assert told.fix is not None
    mended = applied(code, told.fix.edits)
    assert "console.log(e);\n      channel.nack(message, false, false);\n      return;\n" in mended
    assert not found(mended, HIDDEN)
    python = AIO.replace("BODY", indented("async with message.process():\n    try:\n"
                                          "        await work(message.body)\n"
                                          "    except Exception:\n        pass"))  # fmt: skip
    [told] = review_text(python, HIDDEN, name="a.py")
    assert told.fix is not None
    mended = applied(python, told.fix.edits)
    assert "    except Exception:\n            raise\n" in mended
    assert not found(mended, HIDDEN, "a.py")


def test_work_that_is_returned_after_the_ack_leaves_nothing_open() -> None:
    body = """\
await this.handled(context, () => this.orders.paid(body));
  }
  private async handled(context: RmqContext, work: () => Promise<void>) {
    try {
      context.getChannelRef().ack(context.getMessage());
      return await work();
    } catch (error) {
      this.logger.error(error);
      throw error;
    }"""
    assert not found(NEST.replace("BODY", body), OPEN)
