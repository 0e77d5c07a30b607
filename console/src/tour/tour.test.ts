import { beforeEach, expect, test, vi } from "vitest";

import { feedKey, useBoard } from "../feed/board.ts";
import { notification } from "../testing/server.ts";
import { runTour, type TourStep } from "./tour.ts";

const acme = { id: "acme", name: "Acme", users: [{ id: "ada", name: "Ada" }] };
const ada = { id: "ada", name: "Ada" };
const key = feedKey("acme", "ada");

const calls: string[] = [];
const { dispatch } = useBoard.getState();

/** The gateway as the page sees it: a cut loses the feed until three events were published. */
function answer(path: string, init: RequestInit): Response {
  calls.push(path);
  if (path === "/demo/cut") {
    expect(init.body).toBe('{"sid":"s1"}');
    dispatch(key, { type: "lost", at: 0, retryAt: 0 });
  }
  if (calls.length === 5) {
    dispatch(key, { type: "received", event: notification("missed") });
    dispatch(key, { type: "connected", sid: "s2", recovered: true, at: 0 });
  }
  return Response.json({}, { status: 202 });
}

beforeEach(() => {
  calls.length = 0;
  vi.useFakeTimers();
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => answer(path, init));
  dispatch(key, { type: "opened" });
  return () => vi.useRealTimers();
});

test("publishes, cuts, publishes three more and waits for the recovery", async () => {
  const steps: TourStep[] = [];
  const tour = runTour(acme, ada, (step) => steps.push(step), new AbortController().signal);

  dispatch(key, { type: "connected", sid: "s1", recovered: false, at: 0 });
  await vi.runAllTimersAsync();
  await tour;

  expect(steps).toEqual(["publish", "cut", "miss", "recover"]);
  expect(calls).toEqual([
    "/demo/publish",
    "/demo/cut",
    "/demo/publish",
    "/demo/publish",
    "/demo/publish",
  ]);
});

test("stops where it is when told to", async () => {
  const controller = new AbortController();
  const tour = runTour(acme, ada, () => {}, controller.signal);

  controller.abort(new Error("stopped"));

  await expect(tour).rejects.toThrow("stopped");
  expect(calls).toEqual([]);
});
