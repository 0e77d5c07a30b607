import { useCallback, useEffect, useRef, useState } from "react";

import type { Tenant, User } from "../api.ts";
import { runTour, type TourStep } from "./tour.ts";

export type TourState =
  | { readonly kind: "idle" }
  | { readonly kind: "running"; readonly step: TourStep }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly message: string };

export interface Tour {
  readonly state: TourState;
  readonly start: () => void;
  readonly stop: () => void;
}

/** The tour and where it stands. Leaving the page stops it. */
export function useTour(tenant: Tenant, user: User): Tour {
  const [state, setState] = useState<TourState>({ kind: "idle" });
  const running = useRef<AbortController>(null);

  const stop = useCallback(() => {
    running.current?.abort();
    setState({ kind: "idle" });
  }, []);

  const start = useCallback(() => {
    running.current?.abort();
    const controller = new AbortController();
    const { signal } = controller;
    running.current = controller;
    const settle = (next: TourState) => {
      if (!signal.aborted) setState(next);
    };
    runTour(tenant, user, (step) => settle({ kind: "running", step }), signal).then(
      () => settle({ kind: "done" }),
      (error: unknown) =>
        settle({ kind: "failed", message: error instanceof Error ? error.message : String(error) }),
    );
  }, [tenant, user]);

  useEffect(() => () => running.current?.abort(), []);

  return { state, start, stop };
}
