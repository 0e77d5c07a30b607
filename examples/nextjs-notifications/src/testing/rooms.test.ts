/** Resource rooms: the part of the shared connection that notifications don't use. */

import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";

import { openRealtimeSocket } from "../lib/realtime/realtime-socket";
import { startGateway, type TestGateway, token } from "./gateway";

let gateway: TestGateway;

beforeEach(async () => {
  gateway = await startGateway({}, "src.testing.rooms:gateway");
});

afterEach(() => gateway.stop());

async function connected() {
  const statuses: string[] = [];
  const heard: string[] = [];
  const socket = openRealtimeSocket<{ said: { text: string } }>({
    url: `${gateway.url}/topics`,
    getToken: async () => token("acme"),
    onStatus: (status) => statuses.push(status),
  });
  socket.on("said", ({ text }) => heard.push(text));
  onTestFinished(socket.close);
  await vi.waitFor(() => expect(statuses).toContain("connected"), { timeout: 5_000 });
  const say = (text: string) =>
    gateway.post({ tenant: "acme", namespace: "/topics", room: "topic:a", event: "said", data: { text } });
  return { socket, statuses, heard, say };
}

test("hears a room that it joined until it leaves, and is told when it may not", async () => {
  const { socket, heard, say } = await connected();

  await expect(socket.join("topic:secret")).rejects.toMatchObject({ code: "forbidden" });
  await socket.join("topic:a");
  await say("hello");
  await vi.waitFor(() => expect(heard).toEqual(["hello"]));

  await socket.leave("topic:a");
  await say("nobody hears");
  await socket.join("topic:a");
  await say("back");
  await vi.waitFor(() => expect(heard).toEqual(["hello", "back"]));
});

test("is in its rooms again after a gap", async () => {
  const { socket, statuses, heard, say } = await connected();
  await socket.join("topic:a");

  await gateway.restart();
  await vi.waitFor(() => expect(statuses).toEqual(["connecting", "connected", "reconnecting", "connected"]), {
    timeout: 10_000,
  });

  await vi.waitFor(async () => {
    await say("again");
    expect(heard).toContain("again");
  }, { timeout: 5_000, interval: 50 });
});
