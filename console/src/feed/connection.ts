/** One feed's connection: the official client, and what it reports put into words the feed understands. */

import { io, type Socket } from "socket.io-client";

import { NOTIFICATION_TYPES, type Notification } from "../api.ts";
import type { FeedAction } from "./state.ts";

/**
 * How long the client waits after a cut, in milliseconds, each time the same. The default is 1 s and
 * random; here there must be time to publish something for the feed to miss.
 */
export const RETRY_DELAY_MS = 4_000;
const ACK_TIMEOUT_MS = 5_000;
/** What was missed comes right behind a recovery; an event without a time of its own is judged by that. */
const MISSED_WITHIN_MS = 500;

export interface FeedOptions {
  /** Where the gateway is, with the namespace: `/notifications`, or a whole address. */
  readonly address: string;
  readonly getToken: () => Promise<string>;
  readonly retryDelayMs?: number;
}

export interface FeedConnection {
  /** Connect again after the gateway refused or ended the session. */
  readonly reconnect: () => void;
  readonly close: () => void;
}

interface ServerEvents {
  "notification.created": (payload: unknown) => void;
  "tidegate.token_expiring": () => void;
}

interface ClientEvents {
  "tidegate.refresh_token": (request: { token: string }, ack: (reply: unknown) => void) => void;
}

/** What a refused CONNECT carries: `data` is the gateway's, absent when the transport failed. */
type ConnectError = Error & { readonly data?: { readonly code?: string } };

/** Open the connection and report to `report` until closed. */
export function openFeed(options: FeedOptions, report: (action: FeedAction) => void): FeedConnection {
  const { getToken, retryDelayMs = RETRY_DELAY_MS } = options;
  const retryAt = () => Date.now() + retryDelayMs;

  const socket: Socket<ServerEvents, ClientEvents> = io(options.address, {
    transports: ["websocket"],
    autoConnect: false,
    forceNew: true, // each feed is its own client, as if in its own browser
    reconnectionDelay: retryDelayMs,
    reconnectionDelayMax: retryDelayMs,
    randomizationFactor: 0,
    auth: (proceed) => {
      getToken().then(
        (token) => proceed({ token }),
        // No token, no CONNECT: drop the transport, and the client tries again later.
        () => socket.io.engine.close(),
      );
    },
  });

  let connectedAt = 0;
  socket.on("connect", () => {
    connectedAt = Date.now();
    report({
      type: "connected",
      sid: socket.id ?? "",
      recovered: socket.recovered,
      at: connectedAt,
    });
  });
  socket.on("connect_error", (error: ConnectError) => {
    if (socket.active) report({ type: "failed", retryAt: retryAt() });
    else report({ type: "refused", code: error.data?.code ?? "refused", message: error.message });
  });
  socket.on("disconnect", () => {
    if (socket.active) report({ type: "lost", at: Date.now(), retryAt: retryAt() });
    else report({ type: "ended", at: Date.now() });
  });
  socket.io.on("reconnect_attempt", () => report({ type: "attempting" }));

  socket.on("notification.created", (payload) => {
    const now = Date.now();
    const isMissed = socket.recovered && now < connectedAt + MISSED_WITHIN_MS;
    const event = readNotification(payload, isMissed ? connectedAt - 1 : now);
    if (event !== null) report({ type: "received", event });
  });
  socket.on("tidegate.token_expiring", async () => {
    if (await renewToken(socket, getToken)) report({ type: "renewed", at: Date.now() });
  });

  let closed = false;
  report({ type: "opened" });
  // StrictMode mounts, unmounts and mounts again in one go; by the next microtask it has made up its
  // mind, and the connection that nobody wants was never opened.
  queueMicrotask(() => {
    if (!closed) socket.connect();
  });

  return {
    reconnect: () => {
      report({ type: "attempting" });
      socket.connect();
    },
    close: () => {
      closed = true;
      socket.off();
      socket.io.off("reconnect_attempt");
      socket.disconnect();
    },
  };
}

/** Whether the gateway took the new token. If not, it will end the session, and the feed will say so. */
async function renewToken(
  socket: Socket<ServerEvents, ClientEvents>,
  getToken: () => Promise<string>,
): Promise<boolean> {
  try {
    const token = await getToken();
    const reply = await socket.timeout(ACK_TIMEOUT_MS).emitWithAck("tidegate.refresh_token", { token });
    return isRecord(reply) && reply["ok"] === true;
  } catch {
    return false;
  }
}

/** `tidegate publish` and curl need not say more than an id and a message. */
function readNotification(value: unknown, arrived: number): Notification | null {
  if (!isRecord(value) || typeof value["id"] !== "string" || typeof value["message"] !== "string") {
    return null;
  }
  const { id, message, at, audience } = value;
  return {
    id,
    message,
    type: NOTIFICATION_TYPES.find((type) => type === value["type"]) ?? "info",
    at: typeof at === "string" ? at : new Date(arrived).toISOString(),
    ...(audience === "tenant" || audience === "user" ? { audience } : {}),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
