"""What becomes of messages that failed, in the shapes that code in the wild has."""

from __future__ import annotations

import pytest
from tests.unit.review.helpers import found


@pytest.mark.parametrize(
    ("rule", "name", "text"),
    [
        pytest.param(
            "requeue-loop",
            "a.py",
            """\
import aio_pika

class Consumer:
    def __init__(self, queue, requeue: bool = True):
        self._requeue = requeue
        self._queue = queue

    async def start(self):
        await self._queue.consume(self._handle)

    async def _handle(self, message: aio_pika.IncomingMessage) -> None:
        async with message.process(requeue=self._requeue):
            await self.store(message.body)
""",
            id="default_attr",
        ),
        pytest.param(
            "requeue-loop",
            "a.py",
            """\
import aio_pika
REQUEUE = True

async def handle(message: aio_pika.IncomingMessage) -> None:
    async with message.process(requeue=REQUEUE):
        await store(message.body)

async def start(queue):
    await queue.consume(handle)
""",
            id="const",
        ),
        pytest.param(
            "requeue-loop",
            "a.py",
            """\
import pika, json

def callback(ch, method, properties, body):
    try:
        process(json.loads(body))
    except Exception:
        ch.basic_publish(exchange="", routing_key="jobs", body=body)
    ch.basic_ack(delivery_tag=method.delivery_tag)

connection = pika.BlockingConnection(pika.ConnectionParameters("localhost"))
channel = connection.channel()
channel.basic_consume(queue="jobs", on_message_callback=callback)
channel.start_consuming()
""",
            id="pika_republish",
        ),
        pytest.param(
            "requeue-loop",
            "a.js",
            """\
const amqp = require('amqplib');
const QUEUE = 'jobs';
async function start() {
  const conn = await amqp.connect(process.env.URL);
  const channel = await conn.createChannel();
  await channel.assertQueue(QUEUE, { durable: true });
  channel.consume(QUEUE, async (msg) => {
    try {
      await work(JSON.parse(msg.content.toString()));
      channel.ack(msg);
    } catch (err) {
      channel.sendToQueue(QUEUE, msg.content);
      channel.ack(msg);
    }
  });
}
""",
            id="amqplib_republish",
        ),
        pytest.param(
            "requeue-loop",
            "a.ts",
            """\
import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, Payload, RmqContext } from '@nestjs/microservices';

@Controller()
export class A {
  constructor(private readonly s: S) {}
  @EventPattern('x')
  async x(@Payload() data: any, @Ctx() context: RmqContext) {
    try {
      await this.s.work(data);
      this.ack(context);
    } catch (e) {
      this.nack(context);
    }
  }
  private ack(context: RmqContext) { context.getChannelRef().ack(context.getMessage()); }
  private nack(context: RmqContext) {
    context.getChannelRef().nack(context.getMessage(), false, true);
  }
}
""",
            id="nest_nack_helper",
        ),
        pytest.param(
            "requeue-loop",
            "a.js",
            """\
const amqp = require('amqplib');
module.exports = (channel) => {
  channel.consume('jobs', (msg) => {
    work(JSON.parse(msg.content.toString()))
      .then(() => channel.ack(msg), (e) => channel.nack(msg));
  });
};
""",
            id="then_second",
        ),
        pytest.param(
            "requeue-loop",
            "a.js",
            """\
const amqp = require('amqplib');
module.exports = (channel) => {
  channel.consume('jobs', async (msg) => {
    const ok = await work(JSON.parse(msg.content.toString()));
    if (ok) channel.ack(msg);
    else channel.nack(msg, false, true);
  });
};
""",
            id="result_false",
        ),
        pytest.param(
            "not-settled-on-some-path",
            "a.js",
            """\
const amqp = require('amqplib/callback_api');
amqp.connect('amqp://localhost', (err, conn) => {
  conn.createChannel((err, ch) => {
    ch.consume('jobs', (msg) => {
      work(msg.content.toString(), (err, res) => {
        if (err) { console.error(err); return; }
        ch.ack(msg);
      });
    }, { noAck: false });
  });
});
""",
            id="errcb",
        ),
        pytest.param(
            "requeue-loop",
            "a.ts",
            """\
import { Injectable } from '@nestjs/common';
import { RabbitSubscribe, MessageHandlerErrorBehavior } from '@golevelup/nestjs-rabbitmq';
@Injectable()
export class A {
  @RabbitSubscribe({
    queue: 'q',
    errorBehavior: MessageHandlerErrorBehavior.REQUEUE,
  })
  async handle(msg: any) {
    await this.s.work(msg);
  }
}
""",
            id="golevelup_errorBehavior",
        ),
        pytest.param(
            "requeue-loop",
            "a.py",
            """\
from faststream import FastStream, AckPolicy
from faststream.rabbit import RabbitBroker
broker = RabbitBroker("amqp://guest:guest@localhost:5672/")

@broker.subscriber("jobs", ack_policy=AckPolicy.NACK_ON_ERROR)
async def handle(body: dict):
    await work(body)
""",
            id="faststream_nack_on_error",
        ),
        pytest.param(
            "requeue-loop",
            "a.py",
            """\
from faststream.rabbit import RabbitBroker
broker = RabbitBroker("amqp://guest:guest@localhost:5672/")

@broker.subscriber("jobs", retry=True)
async def handle(body: dict):
    await work(body)
""",
            id="faststream_retry_true",
        ),
        pytest.param(
            "requeue-loop",
            "a.py",
            """\
import pika

class Worker:
    def run(self):
        self.channel.basic_consume(queue="jobs", on_message_callback=self.on_message)
        self.channel.start_consuming()

    def on_message(self, channel, method, props, body):
        try:
            self.handle(body)
        except Exception:
            self.fail(channel, method)
            return
        channel.basic_ack(method.delivery_tag)

    def fail(self, channel, method):
        channel.basic_nack(method.delivery_tag, requeue=True)
""",
            id="helper_class",
        ),
        pytest.param(
            "not-settled-on-some-path",
            "a.js",
            """\
const { getChannel } = require("../utils/rabbitmq")
const main = async () => {
  try {
  const channel = await getChannel();
  channel.consume('q', async (data) => {
    const message = JSON.parse(data.content.toString())
    try { await store(message);
     } catch (e) { console.error(e); }
    channel.ack(data)
  })
  } catch (e) {}
}
""",
            id="y3",
        ),
        pytest.param(
            "not-settled-on-some-path",
            "a.js",
            """\
const amqp = require('amqplib');
async function main(channel) {
  channel.consume('q', (msg) => {
    store(msg.content).then(() => channel.ack(msg)).catch((e) => console.error(e));
  });
}
""",
            id="then_catch_logs",
        ),
        pytest.param(
            "failure-acknowledged",
            "a.ts",
            """\
import { Injectable, Logger } from '@nestjs/common';
import { RabbitSubscribe } from '@golevelup/nestjs-rabbitmq';
@Injectable()
export class A {
  private readonly logger = new Logger('A');
  @RabbitSubscribe({ exchange: 'e', routingKey: 'k', queue: 'q' })
  async handle(msg: any) {
    try { await this.s.work(msg); } catch (e) { this.logger.error(e); }
  }
}
""",
            id="golevelup_swallow",
        ),
        pytest.param(
            "failure-acknowledged",
            "a.js",
            """\
const amqp = require('amqplib');
async function main(channel) {
  channel.consume('q', async (msg) => {
    channel.ack(msg);
    await store(JSON.parse(msg.content.toString()));
  });
}
""",
            id="ack_first",
        ),
        pytest.param(
            "failure-acknowledged",
            "a.py",
            """\
import aio_pika, json, logging
async def on_message(message: aio_pika.IncomingMessage):
    async with message.process():
        try:
            await save(json.loads(message.body))
        except Exception as e:
            logging.error("unhandled %s", e)
            # Never raise here: that would crash the consumer
async def main(queue):
    await queue.consume(on_message)
""",
            id="c1",
        ),
    ],
)
def test_is_found(rule: str, name: str, text: str) -> None:
    assert found(text, rule, name)


@pytest.mark.parametrize(
    ("rule", "name", "text"),
    [
        pytest.param(
            "requeue-loop",
            "a.py",
            """\
import aio_pika

class Consumer:
    def __init__(self, queue, requeue: bool = False):
        self._requeue = requeue
        self._queue = queue

    async def start(self):
        await self._queue.consume(self._handle)

    async def _handle(self, message: aio_pika.IncomingMessage) -> None:
        async with message.process(requeue=self._requeue):
            await self.store(message.body)
""",
            id="attr_false",
        ),
        pytest.param(
            "requeue-loop",
            "a.js",
            """\
const amqp = require('amqplib');
const QUEUE = 'jobs';
async function start() {
  const conn = await amqp.connect(process.env.URL);
  const channel = await conn.createChannel();
  await channel.assertQueue(QUEUE, { durable: true });
  channel.consume(QUEUE, async (msg) => {
    try {
      await work(JSON.parse(msg.content.toString()));
      channel.ack(msg);
    } catch (err) {
      const retries = (msg.properties.headers['x-retries'] || 0) + 1;
      if (retries < 5) {
        channel.sendToQueue(QUEUE, msg.content, { headers: { 'x-retries': retries } });
      }
      channel.ack(msg);
    }
  });
}
""",
            id="amqplib_republish_limited",
        ),
        pytest.param(
            "requeue-loop",
            "a.py",
            """\
from faststream.rabbit import RabbitBroker
broker = RabbitBroker("amqp://guest:guest@localhost:5672/")

@broker.subscriber("jobs", retry=3)
async def handle(body: dict):
    await work(body)
""",
            id="faststream_retry_3",
        ),
        pytest.param(
            "requeue-loop",
            "a.py",
            """\
import pika, time

def callback(ch, method, properties, body):
    try:
        process(body)
        ch.basic_ack(delivery_tag=method.delivery_tag)
    except Exception:
        if method.redelivered:
            ch.basic_nack(delivery_tag=method.delivery_tag, requeue=False)
        else:
            ch.basic_nack(delivery_tag=method.delivery_tag, requeue=True)

channel.basic_consume(queue="jobs", on_message_callback=callback)
""",
            id="pika_sleep_nack",
        ),
        pytest.param(
            "not-settled-on-some-path",
            "a.js",
            """\
const amqp = require('amqplib');
async function main(channel) {
  channel.consume('q', (msg) => {
    store(msg.content).then(() => channel.ack(msg));
  });
}
""",
            id="then_only",
        ),
        pytest.param(
            "not-settled-on-some-path",
            "a.js",
            """\
const amqp = require('amqplib');
async function main(channel) {
  channel.consume('q', (msg) => {
    Promise.resolve(store(msg.content))
      .then(() => channel.ack(msg)).catch(() => channel.nack(msg, false, false));
  });
}
""",
            id="promise_both",
        ),
        pytest.param(
            "not-settled-on-some-path",
            "a.js",
            """\
const amqp = require('amqplib');
async function main(channel) {
  channel.consume('q', function (msg) {
    console.log(msg.content.toString());
    setTimeout(function () { channel.ack(msg); }, 1000);
  }, { noAck: false });
}
""",
            id="timeout_ack",
        ),
        pytest.param(
            "not-settled-on-some-path",
            "a.js",
            """\
const amqp = require('amqplib');
const wrap = (channel, fn) => async (msg) => {
  try {
    await fn(JSON.parse(msg.content.toString()));
    channel.ack(msg);
  } catch (e) { channel.nack(msg, false, false); }
};
async function main(channel) {
  channel.consume('q', wrap(channel, async (body) => { if (!body.id) return; await store(body); }));
}
""",
            id="wrapper_settles",
        ),
        pytest.param(
            "failure-acknowledged",
            "a.py",
            """\
import aio_pika, json, logging
async def on_message(message: aio_pika.IncomingMessage):
    async with message.process():
        try:
            await save(json.loads(message.body))
        except Exception as e:
            # poison messages are dropped on purpose
            logging.error("unhandled %s", e)
async def main(queue):
    await queue.consume(on_message)
""",
            id="c2",
        ),
        pytest.param(
            "failure-acknowledged",
            "a.py",
            """\
import aio_pika, json
async def on_message(message: aio_pika.IncomingMessage):
    async with message.process():
        try:
            await store(json.loads(message.body))
        except Exception as e:
            await dlq.publish(aio_pika.Message(message.body), routing_key="dlq")
async def main(queue):
    await queue.consume(on_message)
""",
            id="dead_letter_publish",
        ),
        pytest.param(
            "failure-acknowledged",
            "a.js",
            """\
const amqp = require('amqplib');
async function main(channel) {
  channel.consume('q', async (msg) => {
    const job = JSON.parse(msg.content.toString());
    try { await store(job); }
    catch (e) { await db.jobs.update({ id: job.id }, { status: 'failed', error: e.message }); }
    channel.ack(msg);
  });
}
""",
            id="status_failed",
        ),
    ],
)
def test_is_silent(rule: str, name: str, text: str) -> None:
    assert not found(text, rule, name)
