import { useEffect, useState } from "react";

import { type DemoConfig, fetchConfig } from "./api.ts";

export type ConfigState =
  | { readonly kind: "loading" }
  | { readonly kind: "ready"; readonly config: DemoConfig }
  | { readonly kind: "failed"; readonly message: string };

/** Who is in the demo, asked once. */
export function useConfig(): ConfigState {
  const [state, setState] = useState<ConfigState>({ kind: "loading" });

  useEffect(() => {
    const controller = new AbortController();
    fetchConfig(controller.signal).then(
      (config) => setState({ kind: "ready", config }),
      (error: unknown) => {
        if (controller.signal.aborted) return;
        const message = error instanceof Error ? error.message : String(error);
        setState({ kind: "failed", message });
      },
    );
    return () => controller.abort();
  }, []);

  return state;
}
