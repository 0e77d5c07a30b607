import { describe, expect, test } from "vitest";

import { notification } from "../testing/server.ts";
import { type FeedAction, type FeedState, initialState, MAX_ENTRIES, reduce } from "./state.ts";

const opened: FeedAction = { type: "opened" };
const attempting: FeedAction = { type: "attempting" };
const lost: FeedAction = { type: "lost", at: 2_000, retryAt: 6_000 };

const connected = (recovered: boolean): FeedAction => ({
  type: "connected",
  sid: "s1",
  recovered,
  at: 1_000,
});

const received = (id: string): FeedAction => ({ type: "received", event: notification(id) });

/** Published before the recovery, which is at 1,000 ms. */
const old = (id: string): FeedAction => ({
  type: "received",
  event: { ...notification(id), at: "1970-01-01T00:00:00.500Z" },
});

const after = (...actions: FeedAction[]): FeedState => actions.reduce(reduce, initialState);

/** Newest first, as the page shows them: `a` is an event, `a+` one that was caught up. */
const shown = ({ entries }: FeedState): string[] =>
  entries.map((entry) =>
    entry.kind === "event" ? `${entry.event.id}${entry.caughtUp ? "+" : ""}` : entry.mark,
  );

describe("a feed", () => {
  test("is connecting until the gateway lets it in", () => {
    expect(after(opened).link).toEqual({ kind: "connecting" });
    expect(after(opened, connected(false)).link).toMatchObject({
      kind: "live",
      sid: "s1",
      arrival: "first",
      caughtUp: 0,
    });
  });

  test("shows events newest first", () => {
    expect(shown(after(opened, connected(false), received("a"), received("b")))).toEqual(["b", "a"]);
  });

  test("marks what it missed during a cut, and counts it", () => {
    const state = after(
      opened,
      connected(false),
      received("a"),
      lost,
      attempting,
      received("b"),
      received("c"),
      connected(true),
      received("d"),
    );

    expect(shown(state)).toEqual(["d", "recovered", "c+", "b+", "cut", "a"]);
    expect(state.link).toMatchObject({ kind: "live", arrival: "recovered", caughtUp: 2 });
  });

  test("counts what is older than the recovery as caught up, though it comes after", () => {
    const back = after(opened, connected(false), lost, attempting, connected(true));
    const state = [old("b"), old("c"), received("d")].reduce(reduce, back);

    expect(shown(state)).toEqual(["d", "recovered", "c+", "b+", "cut"]);
    expect(state.link).toMatchObject({ arrival: "recovered", caughtUp: 2 });
    expect(state.entries[1]).toMatchObject({ mark: "recovered", caughtUp: 2 });
  });

  test("counts each cut from zero", () => {
    const cutAndBack = [lost, attempting, received("x"), connected(true)];
    const state = after(opened, connected(false), ...cutAndBack, ...cutAndBack);

    expect(state.link).toMatchObject({ arrival: "recovered", caughtUp: 1 });
  });

  test("says so when the gap could not be filled", () => {
    const state = after(opened, connected(false), lost, attempting, connected(false));

    expect(shown(state)).toEqual(["restarted", "cut"]);
    expect(state.link).toMatchObject({ kind: "live", arrival: "restarted" });
  });

  test("shows one cut however many attempts fail after it", () => {
    const failed: FeedAction = { type: "failed", retryAt: 9_000 };
    const state = after(opened, connected(false), lost, attempting, failed, attempting, lost);

    expect(shown(state)).toEqual(["cut"]);
    expect(after(opened, failed).link).toEqual({ kind: "waiting", retryAt: 9_000 });
  });

  test("keeps its entries when it is refused or ended", () => {
    const before = [opened, connected(false), received("a")];
    const refused = after(...before, { type: "refused", code: "token_expired", message: "No" });
    const ended = after(...before, { type: "ended", at: 3_000 });

    expect(refused.link).toEqual({ kind: "refused", code: "token_expired", message: "No" });
    expect(shown(refused)).toEqual(["a"]);
    expect(ended.link).toEqual({ kind: "ended" });
    expect(shown(ended)).toEqual(["ended", "a"]);
  });

  test("stays live when its token is renewed", () => {
    const state = after(opened, connected(false), { type: "renewed", at: 3_000 });

    expect(shown(state)).toEqual(["renewed"]);
    expect(state.link.kind).toBe("live");
  });

  test("keeps a bounded number of entries, each with a name of its own", () => {
    const many = Array.from({ length: MAX_ENTRIES + 5 }, (_, index) => received(String(index)));
    const { entries } = after(opened, connected(false), ...many);

    expect(entries).toHaveLength(MAX_ENTRIES);
    expect(entries[0]).toMatchObject({ event: { id: String(MAX_ENTRIES + 4) } });
    expect(new Set(entries.map(({ seq }) => seq)).size).toBe(MAX_ENTRIES);
  });
});
