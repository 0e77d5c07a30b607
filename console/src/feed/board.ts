/** All feeds of the page in one store, so that the tour can watch the feed that it cuts. */

import { create } from "zustand";

import { type FeedAction, type FeedState, initialState, reduce } from "./state.ts";

export type FeedKey = `${string}/${string}`;

interface Board {
  readonly feeds: Readonly<Record<FeedKey, FeedState>>;
  readonly dispatch: (key: FeedKey, action: FeedAction) => void;
}

export const useBoard = create<Board>()((set) => ({
  feeds: {},
  dispatch: (key, action) =>
    set(({ feeds }) => ({ feeds: { ...feeds, [key]: reduce(feeds[key] ?? initialState, action) } })),
}));

export const feedKey = (tenant: string, user: string): FeedKey => `${tenant}/${user}`;

export const feedOf = (board: Board, key: FeedKey): FeedState => board.feeds[key] ?? initialState;

/** Resolve once the feed looks as wanted; reject when `signal` is aborted. */
export function feedBecomes(
  key: FeedKey,
  isWanted: (feed: FeedState) => boolean,
  signal: AbortSignal,
): Promise<FeedState> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      unsubscribe();
      signal.removeEventListener("abort", abort);
    };
    const check = (board: Board) => {
      const feed = feedOf(board, key);
      if (!isWanted(feed)) return;
      stop();
      resolve(feed);
    };
    const abort = () => {
      stop();
      reject(signal.reason as Error);
    };
    const unsubscribe = useBoard.subscribe(check);
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    else check(useBoard.getState());
  });
}
