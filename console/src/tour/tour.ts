/** The tour: the four things worth seeing, done by the page itself. */

import { cutConnection, type NotificationType, publish, type Tenant, type User } from "../api.ts";
import { feedBecomes, feedKey } from "../feed/board.ts";

export const TOUR_STEPS = ["publish", "cut", "miss", "recover"] as const;
export type TourStep = (typeof TOUR_STEPS)[number];

/** Time to look at what a step did before the next one starts, in milliseconds. */
const LOOK_MS = 1_600;
const BETWEEN_EVENTS_MS = 650;

const MISSED: readonly (readonly [NotificationType, string])[] = [
  ["info", "Import started: 4,120 rows"],
  ["warning", "Import: 3 rows need a look"],
  ["success", "Import finished"],
];

/**
 * Publish to a tenant, cut one user's connection, publish three events that this user misses, and
 * wait until they have arrived.
 *
 * Rejects with the signal's reason when aborted, and with an `ApiError` when the gateway refuses a call.
 */
export async function runTour(
  tenant: Tenant,
  user: User,
  onStep: (step: TourStep) => void,
  signal: AbortSignal,
): Promise<void> {
  const key = feedKey(tenant.id, user.id);
  const send = (type: NotificationType, message: string) =>
    publish({ tenant: tenant.id, type, message });

  onStep("publish");
  await feedBecomes(key, (feed) => feed.link.kind === "live", signal);
  await send("success", `Release 2.4 is live for everyone at ${tenant.name}`);
  await pause(LOOK_MS, signal);

  onStep("cut");
  const { link } = await feedBecomes(key, (feed) => feed.link.kind === "live", signal);
  if (link.kind === "live") await cutConnection(link.sid);
  await feedBecomes(key, (feed) => feed.link.kind !== "live", signal);
  await pause(BETWEEN_EVENTS_MS, signal);

  onStep("miss");
  for (const [type, message] of MISSED) {
    await send(type, message); // one after the other: their order is what the feed must show
    await pause(BETWEEN_EVENTS_MS, signal);
  }

  onStep("recover");
  await feedBecomes(key, (feed) => feed.link.kind === "live", signal);
  await pause(LOOK_MS, signal);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, ms);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
