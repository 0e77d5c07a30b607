/**
 * What one feed shows, as a pure function of what its connection reported.
 *
 * Tidegate answers CONNECT first and sends what was missed right after it (the official server does
 * it the other way round). So an event is caught up if it came while the feed was not live, or if it
 * is older than the connection that recovered it; page and demo share this machine's clock.
 */

import type { Notification } from "../api.ts";

export const MAX_ENTRIES = 60;

/** How the present connection began: with nothing before it, with all that was missed, or with a gap. */
export type Arrival = "first" | "recovered" | "restarted";

export type Link =
  | { readonly kind: "connecting" }
  | {
      readonly kind: "live";
      readonly sid: string;
      readonly arrival: Arrival;
      readonly caughtUp: number;
      /** When it became live (Unix milliseconds). */
      readonly since: number;
    }
  /** The transport is gone; the client tries again at `retryAt` (Unix milliseconds). */
  | { readonly kind: "waiting"; readonly retryAt: number }
  /** The gateway said no. The client stays away until told otherwise. */
  | { readonly kind: "refused"; readonly code: string; readonly message: string }
  /** The gateway ended the session, for example because the token ran out. */
  | { readonly kind: "ended" };

export type Mark = "cut" | "recovered" | "restarted" | "renewed" | "ended";

export type Entry =
  | {
      readonly kind: "event";
      readonly seq: number;
      readonly event: Notification;
      readonly caughtUp: boolean;
    }
  | {
      readonly kind: "mark";
      readonly seq: number;
      readonly mark: Mark;
      readonly at: number;
      readonly caughtUp: number;
    };

export interface FeedState {
  readonly link: Link;
  /** Newest first, at most `MAX_ENTRIES`. */
  readonly entries: readonly Entry[];
  /** Counts entries up for as long as the feed lives, and names each one. */
  readonly seq: number;
  readonly wasLive: boolean;
  /** Events received since the link was lost. */
  readonly caughtUp: number;
}

export type FeedAction =
  | { readonly type: "opened" }
  | { readonly type: "attempting" }
  | {
      readonly type: "connected";
      readonly sid: string;
      readonly recovered: boolean;
      readonly at: number;
    }
  | { readonly type: "received"; readonly event: Notification }
  | { readonly type: "lost"; readonly at: number; readonly retryAt: number }
  | { readonly type: "failed"; readonly retryAt: number }
  | { readonly type: "refused"; readonly code: string; readonly message: string }
  | { readonly type: "ended"; readonly at: number }
  | { readonly type: "renewed"; readonly at: number };

export const initialState: FeedState = {
  link: { kind: "connecting" },
  entries: [],
  seq: 0,
  wasLive: false,
  caughtUp: 0,
};

export function reduce(state: FeedState, action: FeedAction): FeedState {
  switch (action.type) {
    case "opened":
      return initialState;
    case "attempting":
      return { ...state, link: { kind: "connecting" } };
    case "connected":
      return connected(state, action);
    case "received":
      return received(state, action.event);
    case "lost":
      return {
        // A link that fails again before it was live adds no second "cut" to the list.
        ...(state.link.kind === "live" ? marked(state, "cut", action.at) : state),
        link: { kind: "waiting", retryAt: action.retryAt },
        caughtUp: 0,
      };
    case "failed":
      return { ...state, link: { kind: "waiting", retryAt: action.retryAt } };
    case "refused":
      return { ...state, link: { kind: "refused", code: action.code, message: action.message } };
    case "ended":
      return { ...marked(state, "ended", action.at), link: { kind: "ended" }, caughtUp: 0 };
    case "renewed":
      return marked(state, "renewed", action.at);
  }
}

function connected(
  state: FeedState,
  { sid, recovered, at }: Extract<FeedAction, { type: "connected" }>,
): FeedState {
  const arrival = !state.wasLive ? "first" : recovered ? "recovered" : "restarted";
  return {
    ...(arrival === "first" ? state : marked(state, arrival, at)),
    link: { kind: "live", sid, arrival, caughtUp: state.caughtUp, since: at },
    wasLive: true,
    caughtUp: 0,
  };
}

function received(state: FeedState, event: Notification): FeedState {
  const { link, seq } = state;
  if (link.kind !== "live") {
    const caughtUp = state.wasLive;
    return {
      ...added(state, { kind: "event", seq, event, caughtUp }),
      caughtUp: state.caughtUp + (caughtUp ? 1 : 0),
    };
  }
  const isOlder = Date.parse(event.at) < link.since;
  if (link.arrival === "recovered" && isOlder) return caughtUpAfterConnect(state, link, event);
  return added(state, { kind: "event", seq, event, caughtUp: false });
}

/** Put the event below the mark of the recovery it belongs to, and count it there and on the link. */
function caughtUpAfterConnect(
  state: FeedState,
  link: Extract<Link, { kind: "live" }>,
  event: Notification,
): FeedState {
  const late: Entry = { kind: "event", seq: state.seq, event, caughtUp: true };
  const index = state.entries.findIndex(isRecovery);
  const entries = state.entries.flatMap((entry, at) =>
    at === index && isRecovery(entry) ? [{ ...entry, caughtUp: entry.caughtUp + 1 }, late] : [entry],
  );
  return {
    ...state,
    link: { ...link, caughtUp: link.caughtUp + 1 },
    entries: (index < 0 ? [late, ...entries] : entries).slice(0, MAX_ENTRIES),
    seq: state.seq + 1,
  };
}

function isRecovery(entry: Entry): entry is Extract<Entry, { kind: "mark" }> {
  return entry.kind === "mark" && entry.mark === "recovered";
}

function marked(state: FeedState, mark: Mark, at: number): FeedState {
  return added(state, { kind: "mark", seq: state.seq, mark, at, caughtUp: state.caughtUp });
}

function added(state: FeedState, entry: Entry): FeedState {
  return {
    ...state,
    entries: [entry, ...state.entries].slice(0, MAX_ENTRIES),
    seq: state.seq + 1,
  };
}
