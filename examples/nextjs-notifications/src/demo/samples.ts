import type { NotificationCreated } from "../features/notifications/realtime/notifications.events";

type Sample = Omit<NotificationCreated, "id">;

const SAMPLES: readonly [Sample, ...Sample[]] = [
  { type: "success", message: "Invoice 1042 was paid" },
  { type: "info", message: "Maya invited you to “Spring launch”" },
  { type: "warning", message: "Storage is 90% full" },
  { type: "info", message: "Your export is ready to download" },
  { type: "success", message: "Import finished: 4,120 rows" },
];

let next = 0;

export function nextSample(): Sample {
  next += 1;
  return SAMPLES[(next - 1) % SAMPLES.length] ?? SAMPLES[0];
}
