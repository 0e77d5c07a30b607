/** A real Socket.IO server with connection state recovery, for tests: what Tidegate is to the page. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";

import type { Notification } from "../api.ts";

export interface TestServer {
  readonly address: string;
  /** Tokens of all CONNECTs so far, refused ones too, in order. */
  readonly tokens: readonly string[];
  /** WebSocket upgrades asked for so far. */
  readonly upgrades: () => number;
  /** Transports open now. */
  readonly openTransports: () => number;
  readonly emit: (event: string, payload: unknown) => void;
  /** Drop every transport without a packet, as a bad network does. */
  readonly cut: () => void;
  /** End every session with a DISCONNECT packet. */
  readonly end: () => void;
  readonly close: () => Promise<void>;
}

/** Listen on a free loopback port. The token `bad` is refused; `tidegate.refresh_token` takes any other. */
export async function startServer(): Promise<TestServer> {
  const http = createServer();
  const io = new Server(http, { transports: ["websocket"], connectionStateRecovery: {} });
  const notifications = io.of("/notifications");
  const tokens: string[] = [];
  let upgrades = 0;
  http.on("upgrade", () => {
    upgrades += 1;
  });

  notifications.use((socket, next) => {
    const token = String(socket.handshake.auth["token"]);
    tokens.push(token);
    const refusal = Object.assign(new Error("Unauthorized: the token is not valid"), {
      data: { code: "token_invalid", retry: false },
    });
    next(token === "bad" ? refusal : undefined);
  });
  notifications.on("connection", (socket) => {
    socket.on("tidegate.refresh_token", ({ token }, reply) => reply({ ok: token !== "bad" }));
  });
  await new Promise<void>((resolve) => {
    http.listen(0, "127.0.0.1", resolve);
  });
  const { port } = http.address() as AddressInfo;

  return {
    address: `http://127.0.0.1:${port}/notifications`,
    tokens,
    upgrades: () => upgrades,
    openTransports: () => io.engine.clientsCount,
    emit: (event, payload) => notifications.emit(event, payload),
    cut: () => {
      for (const socket of notifications.sockets.values()) socket.conn.close();
    },
    end: () => notifications.disconnectSockets(),
    close: () => io.close(),
  };
}

export function notification(id: string): Notification {
  return {
    id,
    message: `Message ${id}`,
    type: "info",
    audience: "tenant",
    at: "2026-11-24T10:00:00.000Z",
  };
}
