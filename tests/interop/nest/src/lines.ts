// JSON lines: one in, one out; the process ends when its input does.
import { createInterface } from "node:readline";

export const say = (line: Record<string, unknown>): void => {
  process.stdout.write(JSON.stringify(line) + "\n");
};

export const onLines = (handle: (line: string) => void, close: () => Promise<void>): void => {
  createInterface({ input: process.stdin })
    .on("line", handle)
    .on("close", () => void close().finally(() => process.exit(0)));
};
