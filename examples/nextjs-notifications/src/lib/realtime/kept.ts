/**
 * Lists of what came in: newest first, bounded, each `id` once.
 *
 * Made by `tidegate new` from nextjs/kept.ts; yours to change. All domains share it.
 */

/** So many payloads of each event are kept; older ones are the app's to fetch when asked for. */
export const MAX_KEPT = 200;

/** Put a payload in front; one with an id that is held (a repeat, a change) takes its place. */
export function keep<T extends object>(held: readonly T[], payload: T): readonly T[] {
  const id = idOf(payload);
  if (id !== undefined && held.some((other) => idOf(other) === id)) {
    return held.map((other) => (idOf(other) === id ? payload : other));
  }
  return [payload, ...held].slice(0, MAX_KEPT);
}

/** Take what was fetched in place of what was held `before`; what came since stays in front. */
export function refill<T extends object>(
  held: readonly T[],
  before: readonly T[],
  fetched: readonly T[] | undefined,
): readonly T[] {
  if (fetched === undefined) return held;
  const meanwhile = held.filter((payload) => !before.includes(payload));
  const ids = new Set<unknown>(meanwhile.map(idOf).filter((id) => id !== undefined));
  return [...meanwhile, ...fetched.filter((payload) => !ids.has(idOf(payload)))].slice(0, MAX_KEPT);
}

function idOf(payload: object): unknown {
  return "id" in payload ? (payload.id ?? undefined) : undefined;
}
