import { expect, test } from "vitest";

import { createNotificationsStore } from "../features/notifications/realtime/notifications.store";
import { MAX_KEPT } from "../lib/realtime/kept";

const created = (id: string, message = `Message ${id}`) => ({ id, message, type: "info" });

function storeWith(...ids: string[]) {
  const store = createNotificationsStore();
  for (const id of ids) store.getState().receive("notification.created", created(id));
  return store;
}

const held = (store: ReturnType<typeof storeWith>) =>
  store.getState().received["notification.created"];
const ids = (store: ReturnType<typeof storeWith>) => held(store).map(({ id }) => id);

test("holds the newest first", () => {
  expect(ids(storeWith("a", "b", "c"))).toEqual(["c", "b", "a"]);
});

test("drops duplicates by id; what is newer under the same id takes the old one's place", () => {
  const store = storeWith("a", "b", "a");
  expect(ids(store)).toEqual(["b", "a"]);

  store.getState().receive("notification.created", created("a", "changed"));
  expect(held(store)).toEqual([created("b"), created("a", "changed")]);
});

test("is bounded", () => {
  const store = storeWith(...Array.from({ length: MAX_KEPT + 5 }, (_, n) => String(n)));
  expect(held(store)).toHaveLength(MAX_KEPT);
  expect(held(store)[0]).toEqual(created(String(MAX_KEPT + 4)));
});

test("a refetch replaces what was held before it, and no more", () => {
  const store = storeWith("a", "b");
  const before = store.getState().received;
  store.getState().receive("notification.created", created("d"));

  store.getState().refill({ "notification.created": ["d", "c", "b"].map((id) => created(id)) }, before);

  expect(ids(store)).toEqual(["d", "c", "b"]);
});

test("a refetch that brings nothing for an event leaves it", () => {
  const store = storeWith("a");
  store.getState().refill({}, store.getState().received);
  expect(ids(store)).toEqual(["a"]);
});
