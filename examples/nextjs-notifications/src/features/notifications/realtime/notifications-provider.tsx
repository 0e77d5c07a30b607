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

const NotificationsContext = createContext<NotificationsSocket | null>(null);

export interface NotificationsProviderProps extends NotificationsSocketOptions {
  readonly children: ReactNode;
}

export function NotificationsProvider({ children, ...options }: NotificationsProviderProps) {
  const socket = useNotificationsSocket(options);
  return <NotificationsContext.Provider value={socket}>{children}</NotificationsContext.Provider>;
}

/** The connection: its status, its commands. */
export function useNotificationsConnection(): NotificationsSocket {
  const socket = useContext(NotificationsContext);
  if (socket === null) throw new Error("There is no <NotificationsProvider> above this component.");
  return socket;
}

/** What the store holds: `useNotifications((state) => state.received["notification.created"])`. */
export function useNotifications<T>(select: (state: NotificationsState) => T): T {
  return useStore(useNotificationsConnection().store, select);
}
