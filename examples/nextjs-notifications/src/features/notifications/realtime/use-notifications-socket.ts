"use client";

/**
 * The live connection to `/notifications`, for as long as the component is mounted.
 *
 * Made by `tidegate new` from nextjs/use-socket.ts; yours to change.
 */

import { useEffect, useMemo, useRef, useState } from "react";
import { useStore } from "zustand";

import {
  type Ack,
  openRealtimeSocket,
  RealtimeError,
  type RealtimeSocket,
  type RealtimeStatus,
} from "../../../lib/realtime/realtime-socket";
import type {
  NotificationMarkRead,
  NotificationsCommands,
  NotificationsEvents,
} from "./notifications.events";
import {
  createNotificationsStore,
  type NotificationsReceived,
  type NotificationsStore,
} from "./notifications.store";

export interface NotificationsSocketOptions {
  /** The gateway's address, `https://realtime.example.com`. A new address is a new connection. */
  readonly url: string;
  /**
   * Issue a token; null if nobody is signed in. Called at each connect and before a token ends, so
   * don't hand out the same one again. For another user, mount anew: `key={userId}`.
   */
  readonly getToken: () => Promise<string | null>;
  /**
   * Fetch what may have been missed: after the first connect, when the page's data may be older,
   * and after each gap. What it returns, newest first, takes the place of what the store held;
   * a failure is yours to handle.
   */
  readonly refetch?: () => Promise<Partial<NotificationsReceived> | void>;
  /** Called besides the store, for toasts and the like. */
  readonly on?: {
    readonly [Name in keyof NotificationsEvents]?: (payload: NotificationsEvents[Name]) => void;
  };
}

export interface NotificationsSocket {
  readonly status: RealtimeStatus;
  /** Why the gateway refused; null otherwise. */
  readonly error: RealtimeError | null;
  readonly store: NotificationsStore;
  /** Each resolves with the gateway's ack, or rejects with a `RealtimeError`. */
  readonly commands: {
    readonly markRead: (payload: NotificationMarkRead) => Promise<Ack>;
  };
  /** Try again after `unauthorized` or `closed`. */
  readonly reconnect: () => void;
}

type Connection = RealtimeSocket<NotificationsEvents, NotificationsCommands>;

export function useNotificationsSocket(options: NotificationsSocketOptions): NotificationsSocket {
  const { url } = options;
  const [store] = useState(createNotificationsStore);
  const connection = useRef<Connection | null>(null);
  // Callbacks are read when needed, so that new ones don't cost a new connection.
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });

  useEffect(() => {
    const socket = openRealtimeSocket<NotificationsEvents, NotificationsCommands>({
      url: new URL("/notifications", url).href,
      getToken: () => latest.current.getToken(),
      onStatus: (status, error) => store.setState({ status, error }),
      onGap: async () => {
        const before = store.getState().received;
        const fetched = await latest.current.refetch?.();
        if (fetched) store.getState().refill(fetched, before);
      },
    });
    socket.on("notification.created", (payload) => {
      store.getState().receive("notification.created", payload);
      latest.current.on?.["notification.created"]?.(payload);
    });
    connection.current = socket;
    return () => {
      connection.current = null;
      socket.close();
    };
  }, [url, store]);

  const actions = useMemo(() => {
    const opened = () => {
      if (connection.current !== null) return connection.current;
      throw new RealtimeError("not_connected", "There is no connection.");
    };
    return {
      commands: {
        markRead: async (payload: NotificationMarkRead) =>
          opened().send("notification.markRead", payload),
      },
      reconnect: () => connection.current?.reconnect(),
    };
  }, []);
  const status = useStore(store, (state) => state.status);
  const error = useStore(store, (state) => state.error);
  return useMemo(() => ({ status, error, store, ...actions }), [status, error, store, actions]);
}
