/**
 * What the notifications socket received, and how it is doing.
 *
 * Made by `tidegate new` from nextjs/store.ts; yours to change.
 */

import { createStore, type StoreApi } from "zustand";

import { keep, refill } from "../../../lib/realtime/kept";
import type { RealtimeError, RealtimeStatus } from "../../../lib/realtime/realtime-socket";
import type { NotificationsEvents } from "./notifications.events";

/** Payloads by event, newest first. */
export type NotificationsReceived = {
  readonly [Name in keyof NotificationsEvents]: readonly NotificationsEvents[Name][];
};

export interface NotificationsState {
  readonly status: RealtimeStatus;
  /** Why the gateway refused; null otherwise. */
  readonly error: RealtimeError | null;
  readonly received: NotificationsReceived;
  readonly receive: <Name extends keyof NotificationsEvents>(
    event: Name,
    payload: NotificationsEvents[Name],
  ) => void;
  /** Take what was fetched in place of what was held `before` fetching. */
  readonly refill: (fetched: Partial<NotificationsReceived>, before: NotificationsReceived) => void;
}

export type NotificationsStore = StoreApi<NotificationsState>;

/** One store for each connection, so that two users' notifications never mix. */
export function createNotificationsStore(): NotificationsStore {
  return createStore<NotificationsState>()((set) => ({
    status: "connecting",
    error: null,
    received: {
      "notification.created": [],
    },
    receive: (event, payload) =>
      set(({ received }) => ({
        received: { ...received, [event]: keep(received[event], payload) },
      })),
    refill: (fetched, before) =>
      set(({ received }) => ({
        received: {
          "notification.created": refill(
            received["notification.created"],
            before["notification.created"],
            fetched["notification.created"],
          ),
        },
      })),
  }));
}
