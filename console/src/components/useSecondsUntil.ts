import { useEffect, useState } from "react";

/** Whole seconds left until `deadline` (Unix milliseconds), never below zero, kept up to date. */
export function useSecondsUntil(deadline: number): number {
  const [now, setNow] = useState(() => Date.now());

  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 200);
    return () => clearInterval(timer);
  }, []);

  return Math.max(0, Math.ceil((deadline - now) / 1_000));
}
