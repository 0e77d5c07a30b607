"use client";

/**
 * One notifications connection for all components below.
 *
 * Made by `tidegate new` from nextjs/provider.tsx; yours to change.
 */

import { createContext, type ReactNode, useContext } from "react";
import { useStore } from "zustand";

import type { NotificationsState } from "./notifications.store";
import {
  type NotificationsSocket,
  type NotificationsSocketOptions,
  useNotificationsSocket,
} from "./use-notifications-socket";

const SocketContext = createContext<NotificationsSocket | null>(null);

export interface NotificationsProviderProps extends NotificationsSocketOptions {
  readonly children: ReactNode;
}

export function NotificationsProvider({ children, ...options }: NotificationsProviderProps) {
  const socket = useNotificationsSocket(options);
  return <SocketContext.Provider value={socket}>{children}</SocketContext.Provider>;
}

/** The connection: its status, its commands. */
export function useNotificationsConnection(): NotificationsSocket {
  const socket = useContext(SocketContext);
  if (socket === null) throw new Error("No <NotificationsProvider> above this component.");
  return socket;
}

/** Read the store: `(state) => state.received["notification.created"]`. */
export function useNotifications<T>(select: (state: NotificationsState) => T): T {
  return useStore(useNotificationsConnection().store, select);
}
