// Made by `tidegate new` from nestjs/events.ts; yours to change.
import { IsString } from 'class-validator';
import type { DefaultEventsMap, Namespace } from 'socket.io';
import type { SocketData } from '../identity';

/** `notification.created`, from the server to clients. */
export class NotificationCreated {
  @IsString()
  readonly id!: string;

  @IsString()
  readonly message!: string;

  @IsString()
  readonly type!: string;
}

/** `notification.markRead`, from a client to the server. */
export class NotificationMarkRead {
  @IsString()
  readonly notificationId!: string;
}

/** What clients hear. */
export interface NotificationsServerEvents {
  'notification.created': (payload: NotificationCreated) => void;
}

/** The domain's namespace; only its own events can be emitted. */
export type NotificationsNamespace = Namespace<
  DefaultEventsMap,
  NotificationsServerEvents,
  DefaultEventsMap,
  SocketData
>;
