import type { NotificationType } from "../api.ts";

interface Sample {
  readonly type: NotificationType;
  readonly message: string;
}

/** Messages for who has nothing to say yet. */
export const SAMPLES: readonly [Sample, ...Sample[]] = [
  { type: "success", message: "Invoice 1042 was paid" },
  { type: "info", message: "Three new comments on the spring plan" },
  { type: "warning", message: "Storage is 90% full" },
  { type: "success", message: "Backup finished in 41 s" },
  { type: "info", message: "Maintenance tonight at 22:00" },
  { type: "warning", message: "A payment needs your approval" },
];
