/** The official client against a real server. */

import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";

import { notification, startServer, type TestServer } from "../testing/server.ts";
import { type FeedConnection, type FeedOptions, openFeed } from "./connection.ts";
import { type FeedState, initialState, reduce } from "./state.ts";

let server: TestServer;

beforeEach(async () => {
  server = await startServer();
});

afterEach(() => server.close());

interface OpenFeed {
  readonly connection: FeedConnection;
  readonly state: () => FeedState;
}

function open(options: Partial<FeedOptions> = {}): OpenFeed {
  let issued = 0;
  let state = initialState;
  const getToken = () => Promise.resolve(`token-${++issued}`);
  const connection = openFeed(
    { address: server.address, getToken, retryDelayMs: 50, ...options },
    (action) => {
      state = reduce(state, action);
    },
  );
  onTestFinished(connection.close);
  return { connection, state: () => state };
}

const expectLink = (feed: OpenFeed, link: object) =>
  vi.waitFor(() => expect(feed.state().link).toMatchObject(link), { interval: 5 });

test("shows what the gateway sends", async () => {
  const feed = open();
  await expectLink(feed, { kind: "live", arrival: "first" });

  server.emit("notification.created", notification("a"));

  await vi.waitFor(() =>
    expect(feed.state().entries).toMatchObject([{ event: notification("a"), caughtUp: false }]),
  );
});

test("catches up after a cut, with a fresh token", async () => {
  const feed = open();
  await expectLink(feed, { kind: "live" });
  server.emit("notification.created", notification("before"));
  await vi.waitFor(() => expect(feed.state().entries).toHaveLength(1));

  server.cut();
  await expectLink(feed, { kind: "waiting" });
  server.emit("notification.created", notification("missed-1"));
  server.emit("notification.created", notification("missed-2"));

  await expectLink(feed, { kind: "live", arrival: "recovered", caughtUp: 2 });
  expect(feed.state().entries).toMatchObject([
    { mark: "recovered", caughtUp: 2 },
    { event: { id: "missed-2" }, caughtUp: true },
    { event: { id: "missed-1" }, caughtUp: true },
    { mark: "cut" },
    { event: { id: "before" }, caughtUp: false },
  ]);
  expect(server.tokens[0]).toBe("token-1");
});

test("takes an event that says no more than its id and message, also one that was missed", async () => {
  const feed = open();
  await expectLink(feed, { kind: "live" });
  server.emit("notification.created", notification("before"));
  await vi.waitFor(() => expect(feed.state().entries).toHaveLength(1));

  server.cut();
  await expectLink(feed, { kind: "waiting" });
  server.emit("notification.created", { id: "1", message: "hi" });

  await expectLink(feed, { kind: "live", arrival: "recovered", caughtUp: 1 });
  expect(feed.state().entries).toMatchObject([
    { mark: "recovered" },
    { event: { id: "1", type: "info" }, caughtUp: true },
    { mark: "cut" },
    { event: { id: "before" } },
  ]);
});

test("asks for a token at every attempt, and connects again on request after a refusal", async () => {
  const answers = ["bad", "good"];
  const feed = open({ getToken: () => Promise.resolve(answers.shift() ?? "none left") });
  await expectLink(feed, {
    kind: "refused",
    code: "token_invalid",
    message: "Unauthorized: the token is not valid",
  });

  feed.connection.reconnect();

  await expectLink(feed, { kind: "live" });
  expect(server.tokens).toEqual(["bad", "good"]);
});

test("tries again by itself when no token could be had", async () => {
  const getToken = vi
    .fn<() => Promise<string>>()
    .mockRejectedValueOnce(new Error("unreachable"))
    .mockResolvedValue("good");
  const feed = open({ getToken });

  await expectLink(feed, { kind: "live" });
  expect(getToken).toHaveBeenCalledTimes(2);
  expect(server.tokens).toEqual(["good"]);
});

test("waits and tries again while there is no gateway", async () => {
  const feed = open({ address: "http://127.0.0.1:9/notifications" });

  await expectLink(feed, { kind: "waiting" });
});

test("says when the gateway ended the session", async () => {
  const feed = open();
  await expectLink(feed, { kind: "live" });

  server.end();

  await expectLink(feed, { kind: "ended" });
});

test("renews a token that is about to expire", async () => {
  const feed = open();
  await expectLink(feed, { kind: "live" });

  server.emit("tidegate.token_expiring", { expires_at: 1_800_000_000, expires_in: 30 });

  await vi.waitFor(() => expect(feed.state().entries).toMatchObject([{ mark: "renewed" }]));
});

test("leaves out what is no notification", async () => {
  const feed = open();
  await expectLink(feed, { kind: "live" });

  server.emit("notification.created", { id: 1, message: "the id is no string" });
  server.emit("notification.created", notification("a"));

  await vi.waitFor(() => expect(feed.state().entries).toMatchObject([{ event: { id: "a" } }]));
});

test("closes its transport for good", async () => {
  const feed = open();
  await expectLink(feed, { kind: "live" });

  feed.connection.close();

  await vi.waitFor(() => expect(server.openTransports()).toBe(0));
  expect(feed.state().link.kind).toBe("live"); // nobody is listening any more
});
