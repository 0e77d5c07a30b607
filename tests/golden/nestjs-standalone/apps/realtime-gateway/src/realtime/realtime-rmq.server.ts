// Made by `tidegate new` from nestjs/realtime-rmq.server.ts; yours to change.
import {
  ServerRMQ,
  type Deserializer,
  type IncomingEvent,
} from '@nestjs/microservices';
import type { Channel, ConsumeMessage } from 'amqplib';
import type { RealtimeConfig } from './realtime.config';

const TRANSPORT = Symbol('realtime');

/**
 * Second and third argument of `@EventPattern` in realtime consumers. They keep
 * the app's other queues apart: those get none of these patterns, and this
 * transport none of theirs.
 */
export const REALTIME = [TRANSPORT, { realtime: true }] as const;

/**
 * Hears what services publish, on every node.
 *
 * Each node has a queue of its own, exclusive and gone with it, bound to one
 * topic exchange: every node sees every event and emits it to its own sockets.
 * A queue shared by the nodes would give each event to one of them only, and a
 * Socket.IO adapter would need one more server (Redis) for the same.
 *
 * What is published while a node has no queue does not reach it. So when it has
 * lost RabbitMQ and is back, `onGap` lets its clients reconnect: they fetch again.
 *
 * What can't be delivered goes to the queue `<exchange>.dead-letters`, once
 * from each node.
 */
export class RealtimeRmqServer extends ServerRMQ {
  override readonly transportId = TRANSPORT;
  private readonly deadLetters: string;
  private hasConsumed = false;

  constructor(
    config: RealtimeConfig,
    private readonly onGap: () => void,
  ) {
    const deadLetters = `${config.exchange}.dead-letters`;
    super({
      urls: [config.rabbitmqUrl],
      exchange: config.exchange,
      exchangeType: 'topic',
      wildcards: true,
      // Named by the broker: a node that comes back must not meet its old queue.
      queue: '',
      queueOptions: {
        durable: false,
        exclusive: true,
        autoDelete: true,
        deadLetterExchange: deadLetters,
      },
      noAck: false,
      prefetchCount: config.prefetch,
      socketOptions: { reconnectTimeInSeconds: 1 },
      deserializer: new EventDeserializer(),
    });
    this.deadLetters = deadLetters;
  }

  /** Declare the dead letters before the queue that points to them. */
  override async setupChannel(
    channel: Channel,
    callback: () => void,
  ): Promise<void> {
    await channel.assertExchange(this.deadLetters, 'fanout', { durable: true });
    await channel.assertQueue(this.deadLetters, { durable: true });
    await channel.bindQueue(this.deadLetters, this.deadLetters, '');
    await super.setupChannel(channel, callback);
    if (this.hasConsumed) this.onGap();
    this.hasConsumed = true;
  }

  /** Let the deserializer know the routing key, beside the properties. */
  override async handleMessage(
    message: Partial<ConsumeMessage> | null,
    channel: Channel,
  ): Promise<void> {
    const routingKey = message?.fields?.routingKey;
    if (!message || routingKey === undefined) return;
    const properties = { ...message.properties, routingKey };
    await super.handleMessage({ ...message, properties }, channel);
  }

  override addHandler(
    ...[pattern, handler, isEvent, extras]: Parameters<ServerRMQ['addHandler']>
  ): void {
    if (extras?.['realtime'] !== true) return;
    super.addHandler(pattern, handler, isEvent, extras);
  }
}

/**
 * Reads Nest's `{ pattern, data }`, and the bare payload under its routing key.
 * What has no pattern that somebody handles is dead-lettered. An `id` is left
 * out: it would make the event a request that wants an answer.
 */
class EventDeserializer implements Deserializer<unknown, IncomingEvent> {
  deserialize(
    value: unknown,
    options: { readonly routingKey?: string } = {},
  ): IncomingEvent {
    if (isEnvelope(value)) return { pattern: value.pattern, data: value.data };
    return { pattern: options.routingKey ?? '', data: value };
  }
}

function isEnvelope(
  value: unknown,
): value is { readonly pattern: string; readonly data: unknown } {
  const isObject = typeof value === 'object' && value !== null;
  if (!isObject || !('pattern' in value) || !('data' in value)) return false;
  return typeof value.pattern === 'string';
}
