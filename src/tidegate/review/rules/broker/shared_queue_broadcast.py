"""``shared-queue-broadcast``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.facts.broker.controllers import is_read
from tidegate.review.facts.broker.queues import is_generated, queues_of
from tidegate.review.facts.emits import emits
from tidegate.review.model import Consumer, Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Node

RULE = Rule(
    name="shared-queue-broadcast",
    topic="broker",
    severity="medium",
    languages=("typescript", "python"),
    summary="Nodes that hold sockets share one queue, and each emits to its own sockets only.",
    why=(
        "A queue gives each message to one of its consumers. With two nodes of the gateway, every "
        "second event goes to the node that the user is not connected to, and is dropped there."
    ),
    remedy=(
        "Give each node an exclusive queue of its own, bound to one exchange; or a Socket.IO "
        "adapter that reaches all nodes."
    ),
    examples=(
        Example(
            "typescript",
            bad="""\
import amqp from 'amqplib';
import { Server } from 'socket.io';

const io = new Server(3000);

export async function start(channel: amqp.Channel) {
  await channel.assertQueue('notifications', { durable: true });
  await channel.consume('notifications', (message) => {
    const event = JSON.parse(message.content.toString());
    io.to(`user:${event.userId}`).emit('notification', event);
    channel.ack(message);
  });
}
""",
            good="""\
import amqp from 'amqplib';
import { Server } from 'socket.io';

const io = new Server(3000);

export async function start(channel: amqp.Channel) {
  await channel.assertExchange('notifications', 'fanout');
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindQueue(queue, 'notifications', '');
  await channel.consume(queue, (message) => {
    const event = JSON.parse(message.content.toString());
    io.to(`user:${event.userId}`).emit('notification', event);
    channel.ack(message);
  });
}
""",
        ),
        Example(
            "python",
            bad="""\
import json

import aio_pika
import socketio

sio = socketio.AsyncServer(async_mode="asgi")


async def notify(message: aio_pika.abc.AbstractIncomingMessage) -> None:
    async with message.process():
        event = json.loads(message.body)
        await sio.emit("notification", event, room=f"user:{event['user_id']}")


async def start(channel: aio_pika.abc.AbstractChannel) -> None:
    queue = await channel.declare_queue("notifications", durable=True)
    await queue.consume(notify)
""",
            good="""\
import json

import aio_pika
import socketio

manager = socketio.AsyncRedisManager("redis://localhost")
sio = socketio.AsyncServer(async_mode="asgi", client_manager=manager)


async def notify(message: aio_pika.abc.AbstractIncomingMessage) -> None:
    async with message.process():
        event = json.loads(message.body)
        await sio.emit("notification", event, room=f"user:{event['user_id']}")


async def start(channel: aio_pika.abc.AbstractChannel) -> None:
    queue = await channel.declare_queue("notifications", durable=True)
    await queue.consume(notify)
""",
        ),
    ),
)

_ACROSS_NODES = re.compile(
    r"createAdapter|createShardedAdapter|socket\.io-redis|@socket\.io/(?:redis|cluster|postgres"
    r"|mongo|\w+-adapter|\w+-emitter)|setupWorker|\w*(?:Redis|Kombu|AioPika|ZMQ|Kafka|PubSub)Manager\b"
    r"|client_manager\s*=|message_queue\s*=|group_send|RedisIoAdapter|\bp?subscribe\("
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look for consumers of a shared queue that reach an emit, in projects without an adapter."""
    if not model.consumers or any(_ACROSS_NODES.search(file.text) for file in model.files):
        return
    sent = {emit.call.node for emit in emits(model)}
    is_unknown = any(
        each.owner is None and each.name not in ("IoAdapter", "WsAdapter")
        for each in model.adapters
    )
    seen: set[Node] = set()
    for consumer in model.consumers:
        if not is_read(model, consumer) or not _reaches(model, consumer, sent):
            continue
        node = _shared(model, consumer)
        if node is None or node in seen:
            continue
        seen.add(node)
        if is_unknown:
            yield RULE.could_not_tell(node, "An adapter that is not here may reach all nodes.")
            continue
        yield RULE.fault(
            node,
            "All nodes share this queue: an event that goes to a node without the user is lost.",
            confidence="likely",
        )


def _reaches(model: Model, consumer: Consumer, sent: set[Node]) -> bool:
    """Tell whether a consumer emits to sockets, in it or in what it calls."""
    for function in model.project.reach(consumer.function):
        for call in function.calls:
            if call.node in sent:
                return True
            if call.file.is_python and call.name in ("send_text", "send_json", "send_bytes"):
                return model.project.imports_from(call.file, "fastapi", "starlette")
    return False


def _shared(model: Model, consumer: Consumer) -> Node | None:
    """Return where the name of a queue is given that all nodes have."""
    if consumer.framework == "nest":
        own = [each for each in model.broker_options if each.app == consumer.app]
        for each in own or [each for each in model.broker_options if not each.app]:
            name, settings = each.options.get("queue"), each.options.get("queueOptions")
            is_own = settings is not None and re.search(r"exclusive:\s*true", settings.text)
            if name is not None and not is_own and not is_generated(model, name):
                return name
        return None
    if consumer.framework == "golevelup":
        name, settings = consumer.options.get("queue"), consumer.options.get("queueOptions")
        if settings is not None and re.search(r"exclusive:\s*true", settings.text):
            return None
        return None if is_generated(model, name) else name
    queues = queues_of(model, consumer)
    if not queues:
        is_named = consumer.queue is not None and consumer.queue.string
        return consumer.node if is_named else None
    for queue in queues:
        if queue.is_exclusive is not False or is_generated(model, queue.name):
            return None
    return queues[0].node
