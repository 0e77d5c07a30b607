// Made by `tidegate new` from nestjs/identity.ts; yours to change.
import type { DefaultEventsMap, Socket } from 'socket.io';

/** Who a verified token speaks for. */
export interface Identity {
  readonly tenantId: string;
  readonly userId: string;
  /** Unix seconds. */
  readonly expiresAt: number;
}

/** What the handshake left on a socket. */
export interface SocketData {
  identity: Identity;
}

export type RealtimeSocket = Socket<
  DefaultEventsMap,
  DefaultEventsMap,
  DefaultEventsMap,
  SocketData
>;

/** Whom an event is for: everybody of a tenant, or one user of it. */
export interface Audience {
  readonly tenantId: string;
  readonly userId?: string | undefined;
}

/** The room of everybody of a tenant. */
export function tenantRoom(tenantId: string): string {
  // Encoded, so that no tenant's name can read like a user's room of another tenant.
  return `tenant:${encodeURIComponent(tenantId)}`;
}

/** The room of one user inside a tenant. */
export function userRoom(tenantId: string, userId: string): string {
  return `${tenantRoom(tenantId)}:user:${encodeURIComponent(userId)}`;
}

/** The room of one resource inside a tenant, such as `conversation` and `7`. */
export function resourceRoom(
  tenantId: string,
  prefix: string,
  id: string,
): string {
  return `${tenantRoom(tenantId)}:${prefix}:${encodeURIComponent(id)}`;
}

/** The one room of an audience. Two rooms in one emit would be a union, not an intersection. */
export function roomOf({ tenantId, userId }: Audience): string {
  return userId === undefined
    ? tenantRoom(tenantId)
    : userRoom(tenantId, userId);
}
