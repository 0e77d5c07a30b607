// Made by `tidegate new` from nestjs/consumer.ts; yours to change.
import { Controller, Logger } from '@nestjs/common';
import { Ctx, EventPattern, Payload, RmqContext } from '@nestjs/microservices';
import type { Channel, ConsumeMessage } from 'amqplib';
import { audienceOf } from '../audience';
import type { Audience } from '../identity';
import { parsePayload } from '../payload';
import { REALTIME } from '../realtime-rmq.server';
import { NotificationCreated } from './notifications.events';
import { NotificationsGateway } from './notifications.gateway';

/** Brings events from RabbitMQ to the sockets of this node. */
@Controller()
export class NotificationsWsConsumer {
  private readonly logger = new Logger(NotificationsWsConsumer.name);

  constructor(private readonly gateway: NotificationsGateway) {}

  @EventPattern<string>('notification.created', ...REALTIME)
  onNotificationCreated(
    @Payload() body: unknown,
    @Ctx() context: RmqContext,
  ): void {
    this.deliver(body, context, (to) => {
      const payload = parsePayload(NotificationCreated, body);
      this.gateway.emitNotificationCreated(to, payload);
    });
  }

  /** Acknowledge what was delivered, dead-letter what never can be. */
  private deliver(
    body: unknown,
    context: RmqContext,
    emit: (to: Audience) => void,
  ): void {
    const channel = context.getChannelRef() as Channel;
    const message = context.getMessage() as ConsumeMessage;
    try {
      emit(audienceOf(message, body));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const pattern = context.getPattern();
      this.logger.warn({ message: 'dead-lettered', pattern, reason });
      channel.nack(message, false, false);
      return;
    }
    channel.ack(message);
  }
}
