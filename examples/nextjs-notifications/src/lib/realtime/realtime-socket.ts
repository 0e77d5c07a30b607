/**
 * One client's link to the gateway, kept alive: fresh tokens, reconnects, and an end to them.
 *
 * Made by `tidegate new` from nextjs/realtime-socket.ts; yours to change. All domains share it.
 */

import { io } from "socket.io-client";

/**
 * - `connecting`: not let in yet
 * - `connected`
 * - `reconnecting`: lost, and trying again until it is back
 * - `unauthorized`: refused; trying again is up to the user (sign in, then `reconnect`)
 * - `closed`: ended by this page or by the gateway
 */
export type RealtimeStatus =
  | "connecting"
  | "connected"
  | "reconnecting"
  | "unauthorized"
  | "closed";

/** What the gateway answers to a command that succeeded. */
export interface Ack {
  readonly ok: true;
}

/** What a command of a domain's contract takes and is answered. */
export interface CommandShape {
  readonly payload: object;
  readonly ack: object;
}

/**
 * A refusal by the gateway, whose `code` and `field` it carries, or one of these:
 * `not_connected` (nothing was sent), `no_answer` (it may have been carried out, or not).
 */
export class RealtimeError extends Error {
  readonly code: string;
  readonly field: string | undefined;

  constructor(code: string, message: string, field?: string) {
    super(message);
    this.name = "RealtimeError";
    this.code = code;
    this.field = field;
  }
}

export interface RealtimeSocketOptions {
  /** The gateway's address with the namespace, `https://realtime.example.com/chats`. */
  readonly url: string;
  /** Issue a token that is valid from now on; null if nobody is signed in. */
  readonly getToken: () => Promise<string | null>;
  readonly onStatus: (status: RealtimeStatus, error: RealtimeError | null) => void;
  /** Called when connected without what was sent before: at first, and after a gap. */
  readonly onGap?: () => void;
}

/** `Events` are payloads by name, `Commands` shapes by name; a domain may have none of either. */
export interface RealtimeSocket<
  Events = Record<never, object>,
  Commands extends Record<keyof Commands, CommandShape> = Record<never, CommandShape>,
> {
  readonly on: <Name extends keyof Events & string>(
    event: Name,
    listener: (payload: Events[Name]) => void,
  ) => void;
  /** Send a command, at once or when connected again; rejects with a `RealtimeError`. */
  readonly send: <Name extends keyof Commands & string>(
    command: Name,
    payload: Commands[Name]["payload"],
  ) => Promise<Commands[Name]["ack"]>;
  /** Enter a resource room, and again after each gap; rejects with a `RealtimeError`. */
  readonly join: (room: string) => Promise<void>;
  readonly leave: (room: string) => Promise<void>;
  /** Try again after `unauthorized` or `closed`. */
  readonly reconnect: () => void;
  readonly close: () => void;
}

const ACK_TIMEOUT_MS = 10_000;
const MIN_DELAY_MS = 1_000;
const MAX_DELAY_MS = 30_000;
/** Delays vary by half, so that the clients of a restarted gateway don't return as one. */
const JITTER = 0.5;

export function openRealtimeSocket<
  Events = Record<never, object>,
  Commands extends Record<keyof Commands, CommandShape> = Record<never, CommandShape>,
>({ url, getToken, onStatus, onGap }: RealtimeSocketOptions): RealtimeSocket<Events, Commands> {
  const rooms = new Set<string>();
  let isClosed = false;
  let wasConnected = false;
  let triedFreshToken = false;
  let tokenIsEnding = false;
  let refusals = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;

  const socket = io(url, {
    transports: ["websocket"],
    autoConnect: false,
    forceNew: true, // a connection belongs to one user; another's must never be shared
    reconnectionAttempts: Infinity,
    reconnectionDelay: MIN_DELAY_MS,
    reconnectionDelayMax: MAX_DELAY_MS,
    randomizationFactor: JITTER,
    auth: (proceed) => {
      const { engine } = socket.io;
      getToken().then(
        (token) => {
          if (isClosed || engine !== socket.io.engine) return; // too late: lost meanwhile
          if (token === null) stop("unauthorized", nobodySignedIn());
          else proceed({ token });
        },
        () => engine.close(), // no token could be had: lost, and tried again
      );
    },
  });

  // Connecting

  socket.on("connect", () => {
    wasConnected = true;
    triedFreshToken = false;
    tokenIsEnding = false;
    refusals = 0;
    report("connected");
    if (socket.recovered) return;
    for (const room of rooms) join(room).catch(() => undefined); // refused by now: left
    onGap?.();
  });

  socket.on("disconnect", (reason) => {
    if (reason === "io client disconnect") return; // `stop` tells why
    if (socket.active) report("reconnecting");
    else if (tokenIsEnding) connectWithFreshToken();
    else report("closed");
  });

  socket.on("connect_error", (error: Error & { readonly data?: Refusal }) => {
    if (socket.active) return; // the transport failed, and is tried again by itself
    const { code = "refused", retry: mayRetry } = error.data ?? {};
    if (mayRetry) connectLater();
    else if (code === "token_expired" && !triedFreshToken) connectWithFreshToken();
    else {
      const status = mayRetry === false ? "unauthorized" : "closed";
      stop(status, new RealtimeError(code, error.message));
    }
  });

  function connectWithFreshToken(): void {
    triedFreshToken = true;
    tokenIsEnding = false;
    connect();
  }

  /** A refusal ends the client's own attempts, also if the gateway is only too busy. */
  function connectLater(): void {
    const delay = Math.min(MAX_DELAY_MS, MIN_DELAY_MS * 2 ** refusals);
    refusals += 1;
    retry = setTimeout(() => socket.connect(), delay * (1 - JITTER + 2 * JITTER * Math.random()));
  }

  function connect(): void {
    report(wasConnected ? "reconnecting" : "connecting");
    socket.connect();
  }

  function stop(status: RealtimeStatus, error: RealtimeError): void {
    socket.disconnect();
    report(status, error);
  }

  function report(status: RealtimeStatus, error: RealtimeError | null = null): void {
    if (!isClosed) onStatus(status, error);
  }

  // The token ends while the connection stands

  socket.on("tidegate.token_expiring", async () => {
    tokenIsEnding = true;
    try {
      const token = await getToken();
      if (token === null) return stop("unauthorized", nobodySignedIn());
      await request("tidegate.refresh_token", { token });
      tokenIsEnding = false;
    } catch {
      // The gateway disconnects when the token ends, and the next connect has a fresh one.
    }
  });

  // Commands

  async function request(event: string, payload: object): Promise<unknown> {
    if (!socket.active) throw new RealtimeError("not_connected", "There is no connection.");
    const reply: unknown = await socket
      .timeout(ACK_TIMEOUT_MS)
      .emitWithAck(event, payload)
      .catch(() => {
        throw new RealtimeError("no_answer", "The connection was lost before an answer came.");
      });
    const refusal = refusalIn(reply);
    if (refusal) throw refusal;
    return reply;
  }

  async function join(room: string): Promise<void> {
    rooms.add(room);
    try {
      await request("tidegate.join", { room });
    } catch (error) {
      rooms.delete(room);
      throw error;
    }
  }

  async function leave(room: string): Promise<void> {
    if (rooms.delete(room) && socket.active) await request("tidegate.leave", { room });
  }

  onStatus("connecting", null);
  // StrictMode mounts, unmounts and mounts again in one go: by the next microtask it is known which
  // connection is wanted, and the other one is never opened.
  queueMicrotask(() => {
    if (!isClosed) socket.connect();
  });

  return {
    on: (event, listener) => {
      socket.on(event as string, listener);
    },
    send: async (command, payload) => (await request(command, payload)) as Ack,
    join,
    leave,
    reconnect: () => {
      if (isClosed || socket.active) return;
      clearTimeout(retry);
      triedFreshToken = false;
      connect();
    },
    close: () => {
      report("closed");
      isClosed = true;
      clearTimeout(retry);
      socket.off();
      socket.disconnect();
    },
  };
}

/** What a refused CONNECT carries; absent when it is not the gateway's. */
interface Refusal {
  readonly code: string;
  readonly retry: boolean;
}

function nobodySignedIn(): RealtimeError {
  return new RealtimeError("token_missing", "Nobody is signed in.");
}

function refusalIn(reply: unknown): RealtimeError | null {
  if (typeof reply !== "object" || reply === null || !("error" in reply)) return null;
  const { code, message, field } = reply.error as { code: string; message: string; field?: string };
  return new RealtimeError(code, message, field);
}
