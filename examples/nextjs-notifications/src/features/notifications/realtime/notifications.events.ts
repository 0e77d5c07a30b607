/**
 * The contract of `/notifications`: what the server sends, what the page may send.
 *
 * Made by `tidegate new` from nextjs/events.ts; yours to change.
 */

import type { Ack } from "../../../lib/realtime/realtime-socket";

export interface NotificationCreated {
  readonly id: string;
  readonly message: string;
  readonly type: string;
}

export interface NotificationMarkRead {
  readonly notificationId: string;
}

export interface NotificationsEvents {
  readonly "notification.created": NotificationCreated;
}

export interface NotificationsCommands {
  readonly "notification.markRead": {
    readonly payload: NotificationMarkRead;
    readonly ack: Ack;
  };
}
