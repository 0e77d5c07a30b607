// Made by `tidegate new` from nestjs/gateway.ts; yours to change.
import { Logger, UseFilters, UseGuards } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
  type OnGatewayConnection,
} from '@nestjs/websockets';
import { WsAuthGuard } from '../guards/ws-auth.guard';
import {
  resourceRoom,
  roomOf,
  tenantRoom,
  userRoom,
  type Audience,
  type Identity,
  type RealtimeSocket,
} from '../identity';
import { PayloadPipe } from '../payload';
import { RoomPipe, type RoomAnswer, type RoomRequest } from '../room-request';
import { WsErrorFilter } from '../ws-error.filter';
import {
  ActivityFeedMarkEverythingAsRead,
  ActivityFeedMute,
  type ActivityFeedItemAdded,
  type ActivityFeedCleared,
  type ActivityFeedsNamespace,
} from './activity-feeds.events';

/**
 * The sockets of `/activity-feeds`. They are authenticated before they get
 * here, in `RealtimeIoAdapter`, which also sets the transport's options.
 */
@WebSocketGateway({ namespace: '/activity-feeds' })
@UseGuards(WsAuthGuard)
@UseFilters(WsErrorFilter)
export class ActivityFeedsGateway implements OnGatewayConnection {
  private readonly logger = new Logger(ActivityFeedsGateway.name);

  // Missing until the app listens; nobody is connected until then.
  @WebSocketServer()
  private readonly server?: ActivityFeedsNamespace;

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

  /** Emit `activityFeed.itemAdded` to its `feed` inside a tenant, or to one user. */
  emitActivityFeedItemAdded(
    audience: Audience,
    payload: ActivityFeedItemAdded,
  ): void {
    const { tenantId, userId } = audience;
    const id = String(payload.feedId);
    const room =
      userId === undefined
        ? resourceRoom(tenantId, 'feed', id)
        : userRoom(tenantId, userId);
    this.server?.to(room).emit('activityFeed.itemAdded', payload);
  }

  /** Emit `activityFeed.cleared` to everybody of a tenant, or to one user of it. */
  emitActivityFeedCleared(
    audience: Audience,
    payload: ActivityFeedCleared,
  ): void {
    this.server?.to(roomOf(audience)).emit('activityFeed.cleared', payload);
  }

  @SubscribeMessage('activityFeed.markEverythingAsRead')
  onActivityFeedMarkEverythingAsRead(
    @ConnectedSocket() client: RealtimeSocket,
    @MessageBody(new PayloadPipe(ActivityFeedMarkEverythingAsRead))
    command: ActivityFeedMarkEverythingAsRead,
  ): { ok: true } {
    const { tenantId, userId } = client.data.identity;
    // TODO: call your service (and make this method async), such as
    // await this.activityFeeds.markEverythingAsRead({ tenantId, userId }, command);
    this.logger.debug({
      message: 'activityFeed.markEverythingAsRead',
      tenantId,
      userId,
      fields: Object.keys(command),
    });
    return { ok: true };
  }

  @SubscribeMessage('activityFeed.mute')
  onActivityFeedMute(
    @ConnectedSocket() client: RealtimeSocket,
    @MessageBody(new PayloadPipe(ActivityFeedMute))
    command: ActivityFeedMute,
  ): { ok: true } {
    const { tenantId, userId } = client.data.identity;
    // TODO: call your service (and make this method async), such as
    // await this.activityFeeds.mute({ tenantId, userId }, command);
    this.logger.debug({
      message: 'activityFeed.mute',
      tenantId,
      userId,
      fields: Object.keys(command),
    });
    return { ok: true };
  }

  @SubscribeMessage('tidegate.join')
  async join(
    @ConnectedSocket() client: RealtimeSocket,
    @MessageBody(RoomPipe) request: RoomRequest,
  ): Promise<RoomAnswer> {
    const { identity } = client.data;
    if (!(await this.mayJoin(identity, request))) {
      throw new WsException({
        code: 'forbidden',
        message: "this room can't be joined",
      });
    }
    const { prefix, id } = request;
    await client.join(resourceRoom(identity.tenantId, prefix, id));
    return { ok: true, room: `${prefix}:${id}` };
  }

  @SubscribeMessage('tidegate.leave')
  async leave(
    @ConnectedSocket() client: RealtimeSocket,
    @MessageBody(RoomPipe) { prefix, id }: RoomRequest,
  ): Promise<RoomAnswer> {
    const { tenantId } = client.data.identity;
    await client.leave(resourceRoom(tenantId, prefix, id));
    return { ok: true, room: `${prefix}:${id}` };
  }

  /** Whether a user may join a room: nobody may until you say who. */
  private mayJoin(
    { tenantId, userId }: Identity,
    { prefix, id }: RoomRequest,
  ): boolean | Promise<boolean> {
    this.logger.debug({ message: 'join', tenantId, userId, prefix, id });
    switch (prefix) {
      case 'feed':
        // TODO: ask your service whether the user may see this feed.
        return false;
      default:
        return false;
    }
  }
}
