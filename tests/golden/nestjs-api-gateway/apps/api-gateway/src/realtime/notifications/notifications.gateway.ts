// Made by `tidegate new` from nestjs/gateway.ts; yours to change.
import { Logger, UseFilters, UseGuards } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  type OnGatewayConnection,
} from '@nestjs/websockets';
import { WsAuthGuard } from '../guards/ws-auth.guard';
import {
  roomOf,
  tenantRoom,
  userRoom,
  type Audience,
  type RealtimeSocket,
} from '../identity';
import { PayloadPipe } from '../payload';
import { WsErrorFilter } from '../ws-error.filter';
import {
  NotificationMarkRead,
  type NotificationCreated,
  type NotificationsNamespace,
} from './notifications.events';

/**
 * The sockets of `/notifications`. They are authenticated before they get
 * here, in `RealtimeIoAdapter`, which also sets the transport's options.
 */
@WebSocketGateway({ namespace: '/notifications' })
@UseGuards(WsAuthGuard)
@UseFilters(WsErrorFilter)
export class NotificationsGateway implements OnGatewayConnection {
  private readonly logger = new Logger(NotificationsGateway.name);

  // Missing until the app listens; nobody is connected until then.
  @WebSocketServer()
  private readonly server?: NotificationsNamespace;

  // Not async: Nest would not wait for it before the client's first event.
  handleConnection(client: RealtimeSocket): void {
    const { tenantId, userId } = client.data.identity;
    void client.join([tenantRoom(tenantId), userRoom(tenantId, userId)]);
    this.logger.debug({
      message: 'connected',
      sid: client.id,
      tenantId,
      userId,
    });
  }

  /** Emit `notification.created` to everybody of a tenant, or to one user of it. */
  emitNotificationCreated(
    audience: Audience,
    payload: NotificationCreated,
  ): void {
    this.server?.to(roomOf(audience)).emit('notification.created', payload);
  }

  @SubscribeMessage('notification.markRead')
  onNotificationMarkRead(
    @ConnectedSocket() client: RealtimeSocket,
    @MessageBody(new PayloadPipe(NotificationMarkRead))
    command: NotificationMarkRead,
  ): { ok: true } {
    const { tenantId, userId } = client.data.identity;
    // TODO: call your service (and make this method async), such as
    // await this.notifications.markRead({ tenantId, userId }, command);
    this.logger.debug({
      message: 'notification.markRead',
      tenantId,
      userId,
      fields: Object.keys(command),
    });
    return { ok: true };
  }
}
