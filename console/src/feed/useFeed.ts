import { useCallback, useEffect, useRef } from "react";

import { fetchToken } from "../api.ts";
import { feedKey, feedOf, useBoard } from "./board.ts";
import { type FeedConnection, openFeed } from "./connection.ts";
import type { FeedState } from "./state.ts";

export interface Feed extends FeedState {
  /** Connect again after the gateway refused or ended the session. */
  readonly reconnect: () => void;
}

/** One user's live feed: opens a connection of its own on mount and closes it on unmount. */
export function useFeed(address: string, tenant: string, user: string): Feed {
  const key = feedKey(tenant, user);
  const state = useBoard((board) => feedOf(board, key));
  const dispatch = useBoard((board) => board.dispatch);
  const connection = useRef<FeedConnection>(null);

  useEffect(() => {
    const getToken = () => fetchToken(tenant, user);
    const opened = openFeed({ address, getToken }, (action) => dispatch(key, action));
    connection.current = opened;
    return () => opened.close();
  }, [address, tenant, user, key, dispatch]);

  const reconnect = useCallback(() => connection.current?.reconnect(), []);
  return { ...state, reconnect };
}
