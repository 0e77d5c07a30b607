// Made by `tidegate new` from nestjs/consumer.ts; yours to change.
import { Controller, Logger } from '@nestjs/common';
import { Ctx, EventPattern, Payload, RmqContext } from '@nestjs/microservices';
import type { Channel, ConsumeMessage } from 'amqplib';
import { audienceOf } from '../audience';
import type { Audience } from '../identity';
import { parsePayload } from '../payload';
import { REALTIME } from '../realtime-rmq.server';
import {
  ActivityFeedItemAdded,
  ActivityFeedCleared,
} from './activity-feeds.events';
import { ActivityFeedsGateway } from './activity-feeds.gateway';

/** Brings events from RabbitMQ to the sockets of this node. */
@Controller()
export class ActivityFeedsWsConsumer {
  private readonly logger = new Logger(ActivityFeedsWsConsumer.name);

  constructor(private readonly gateway: ActivityFeedsGateway) {}

  @EventPattern<string>('activityFeed.itemAdded', ...REALTIME)
  onActivityFeedItemAdded(
    @Payload() body: unknown,
    @Ctx() context: RmqContext,
  ): void {
    this.deliver(body, context, (to) => {
      const payload = parsePayload(ActivityFeedItemAdded, body);
      this.gateway.emitActivityFeedItemAdded(to, payload);
    });
  }

  @EventPattern<string>('activityFeed.cleared', ...REALTIME)
  onActivityFeedCleared(
    @Payload() body: unknown,
    @Ctx() context: RmqContext,
  ): void {
    this.deliver(body, context, (to) => {
      const payload = parsePayload(ActivityFeedCleared, body);
      this.gateway.emitActivityFeedCleared(to, payload);
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
