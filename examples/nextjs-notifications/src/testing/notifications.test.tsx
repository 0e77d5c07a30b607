/** The generated hook, store and provider against the real gateway. */

import { act, cleanup, render, renderHook, screen, waitFor } from "@testing-library/react";
import { StrictMode } from "react";
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test, vi } from "vitest";

import type { NotificationCreated } from "../features/notifications/realtime/notifications.events";
import {
  NotificationsProvider,
  useNotifications,
  useNotificationsConnection,
} from "../features/notifications/realtime/notifications-provider";
import {
  type NotificationsSocketOptions,
  useNotificationsSocket,
} from "../features/notifications/realtime/use-notifications-socket";
import { startGateway, type TestGateway, token } from "./gateway";

let shared: TestGateway;
let tenants = 0;

beforeAll(async () => {
  shared = await startGateway();
});

afterEach(cleanup);
afterAll(() => shared.stop());

/** A gateway of the test's own, for those that break it or set it up otherwise. */
async function ownGateway(settings?: Record<string, string>): Promise<TestGateway> {
  const gateway = await startGateway(settings);
  onTestFinished(() => {
    cleanup();
    return gateway.stop();
  });
  return gateway;
}

function open(gateway: TestGateway, options: Partial<NotificationsSocketOptions> = {}) {
  tenants += 1;
  const tenant = `tenant-${tenants}`;
  const initialProps = { url: gateway.url, getToken: async () => token(tenant), ...options };
  const hook = renderHook((props: NotificationsSocketOptions) => useNotificationsSocket(props), {
    initialProps,
  });
  const history: string[] = [];
  hook.result.current.store.subscribe(({ status }) => {
    if (history.at(-1) !== status) history.push(status);
  });
  return {
    ...hook,
    tenant,
    /** Statuses so far, also those too short to be seen. */
    history,
    options: initialProps,
    socket: () => hook.result.current,
    ids: () => ids(hook.result.current.store.getState().received["notification.created"]),
    becomes: (status: string, timeout = 10_000) =>
      waitFor(() => expect(hook.result.current.status).toBe(status), { timeout, interval: 10 }),
  };
}

const ids = (notifications: readonly NotificationCreated[]) => notifications.map(({ id }) => id);
/** Only where nothing must happen: all else waits for what it expects. */
const pass = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const LONGEST_FIRST_DELAY_MS = 1_600;
const eventually = (check: () => unknown) => waitFor(check, { timeout: 10_000, interval: 20 });

test("receives its tenant's notifications and nobody else's", async () => {
  const here = open(shared);
  const there = open(shared);
  await Promise.all([here.becomes("connected"), there.becomes("connected")]);

  await shared.publish(there.tenant, "theirs");
  await shared.publish(here.tenant, "ours");

  await eventually(() => expect(here.ids()).toEqual(["ours"]));
  await eventually(() => expect(there.ids()).toEqual(["theirs"]));
});

test("passes events on to the latest listener", async () => {
  const heard: string[] = [];
  const page = open(shared);
  await page.becomes("connected");
  page.rerender({ ...page.options, on: { "notification.created": ({ id }) => heard.push(id) } });

  await shared.publish(page.tenant, "a");

  await eventually(() => expect(heard).toEqual(["a"]));
});

test("a command resolves with its ack", async () => {
  const page = open(shared);
  await page.becomes("connected");

  await expect(page.socket().commands.markRead({ notificationId: "1" })).resolves.toEqual({ ok: true });
});

test("a refused command rejects with the gateway's code and field", async () => {
  const page = open(shared);
  await page.becomes("connected");

  await expect(page.socket().commands.markRead({ notificationId: "" })).rejects.toMatchObject({
    name: "RealtimeError",
    code: "invalid_payload",
    field: "$.notificationId",
  });
});

test("a command without a connection rejects at once", async () => {
  const page = open(shared, { getToken: async () => null });
  await page.becomes("unauthorized");

  await expect(page.socket().commands.markRead({ notificationId: "1" })).rejects.toMatchObject({
    code: "not_connected",
  });
  page.unmount();
  await expect(page.socket().commands.markRead({ notificationId: "1" })).rejects.toMatchObject({
    code: "not_connected",
  });
});

test("a command that was sent into a lost connection rejects, and one given meanwhile is sent later", async () => {
  const gateway = await ownGateway();
  const page = open(gateway);
  await page.becomes("connected");

  const lost = page.socket().commands.markRead({ notificationId: "1" });
  gateway.cut();
  await expect(lost).rejects.toMatchObject({ code: "no_answer" });
  await page.becomes("reconnecting");

  await expect(page.socket().commands.markRead({ notificationId: "2" })).resolves.toEqual({ ok: true });
});

test("refreshes the token without a gap", async () => {
  const gateway = await ownGateway({ AUTH__LEEWAY: "0" });
  const getToken = vi.fn(async () => token("acme", { ttl: getToken.mock.calls.length > 1 ? 60 : 2 }));
  const page = open(gateway, { getToken });
  await page.becomes("connected");
  await eventually(() => expect(getToken).toHaveBeenCalledTimes(2));
  await pass(2_000); // the first token is over by now
  await gateway.publish("acme", "later");

  await eventually(() => expect(page.ids()).toEqual(["later"]));
  expect(page.history).toEqual(["connected"]);
  expect(await gateway.metric("connects_total")).toBe(1);
  expect(await gateway.metric('tokens_total{event="refreshed"}')).toBe(1);
});

test("comes back with a fresh token if the refresh failed and the session ended", async () => {
  const gateway = await ownGateway({ AUTH__LEEWAY: "0" });
  const getToken = vi
    .fn<() => Promise<string>>()
    .mockImplementationOnce(async () => token("acme", { ttl: 1 }))
    .mockRejectedValueOnce(new Error("the network is down"))
    .mockImplementation(async () => token("acme"));
  const page = open(gateway, { getToken });

  await eventually(() => expect(page.history).toEqual(["connected", "reconnecting", "connected"]));
  expect(getToken).toHaveBeenCalledTimes(3);
});

test("is unauthorized once the user has signed out", async () => {
  const gateway = await ownGateway();
  const getToken = vi
    .fn<() => Promise<string | null>>()
    .mockImplementationOnce(async () => token("acme", { ttl: 2 }))
    .mockResolvedValue(null);
  const page = open(gateway, { getToken });

  await eventually(() => expect(page.history).toEqual(["connected", "unauthorized"]));
  await pass(LONGEST_FIRST_DELAY_MS);
  expect(getToken).toHaveBeenCalledTimes(2);
  expect(await gateway.metric("connections")).toBe(0);
});

test("has a fresh token at each connect, and recovers what it missed", async () => {
  const gateway = await ownGateway();
  const getToken = vi.fn(async () => token("acme"));
  const refetch = vi.fn(async () => undefined);
  const page = open(gateway, { getToken, refetch });
  await page.becomes("connected");
  await gateway.publish("acme", "before");
  await eventually(() => expect(page.ids()).toEqual(["before"]));

  const unblock = gateway.block();
  gateway.cut();
  await page.becomes("reconnecting");
  await gateway.publish("acme", "missed-1");
  await gateway.publish("acme", "missed-2");
  unblock();

  await page.becomes("connected");
  await eventually(() => expect(page.ids()).toEqual(["missed-2", "missed-1", "before"]));
  expect(getToken).toHaveBeenCalledTimes(2);
  expect(refetch).toHaveBeenCalledTimes(1); // the first connect
});

test("after a gap asks for a refetch, and keeps what came in meanwhile", async () => {
  const gateway = await ownGateway();
  const fetched = [{ id: "missed", message: "Missed", type: "info" }];
  let finishFetch = () => {};
  const refetch = vi
    .fn<NonNullable<NotificationsSocketOptions["refetch"]>>()
    .mockResolvedValueOnce(undefined)
    .mockImplementation(async () => {
      await new Promise<void>((resolve) => {
        finishFetch = resolve;
      });
      return { "notification.created": fetched };
    });
  const page = open(gateway, { getToken: async () => token("acme"), refetch });
  await page.becomes("connected");
  await gateway.publish("acme", "deleted meanwhile");
  await eventually(() => expect(page.ids()).toHaveLength(1));

  await gateway.restart();

  await eventually(() => expect(refetch).toHaveBeenCalledTimes(2));
  await gateway.publish("acme", "during the fetch");
  await eventually(() => expect(page.ids()).toEqual(["during the fetch", "deleted meanwhile"]));
  act(() => finishFetch());
  await eventually(() => expect(page.ids()).toEqual(["during the fetch", "missed"]));
});

test("stops when it is not authorized, and tries again on request", async () => {
  const gateway = await ownGateway();
  const getToken = vi.fn<() => Promise<string>>().mockResolvedValue("not a token");
  const page = open(gateway, { getToken });

  await page.becomes("unauthorized");
  expect(page.socket().error).toMatchObject({ code: "token_invalid" });
  await pass(LONGEST_FIRST_DELAY_MS);
  expect(getToken).toHaveBeenCalledTimes(1);
  expect(await gateway.metric('refusals_total{code="token_invalid"}')).toBe(1);

  getToken.mockImplementation(async () => token("acme"));
  act(() => page.socket().reconnect());
  await page.becomes("connected");
  expect(page.socket().error).toBeNull();
});

test("asks once for a fresh token in place of an expired one", async () => {
  const gateway = await ownGateway();
  const expired = () => token("acme", { ttl: -60 });
  const getToken = vi.fn(async () => (getToken.mock.calls.length > 1 ? token("acme") : expired()));
  await open(gateway, { getToken }).becomes("connected");
  expect(getToken).toHaveBeenCalledTimes(2);

  const alwaysExpired = vi.fn(async () => expired());
  const page = open(gateway, { getToken: alwaysExpired });
  await page.becomes("unauthorized");
  expect(page.socket().error).toMatchObject({ code: "token_expired" });
  await pass(LONGEST_FIRST_DELAY_MS);
  expect(alwaysExpired).toHaveBeenCalledTimes(2);
});

test("waits its turn when the gateway is full", async () => {
  const gateway = await ownGateway({ LIMITS__USER_CONNECTIONS: "1" });
  const getToken = async () => token("acme");
  const first = open(gateway, { getToken });
  await first.becomes("connected");
  const second = open(gateway, { getToken });
  const refused = 'refusals_total{code="limit_reached"}';
  await vi.waitFor(async () => expect(await gateway.metric(refused)).toBe(1), { timeout: 5_000 });
  expect(second.socket().status).toBe("connecting");

  first.unmount();

  await second.becomes("connected");
});

test("is closed when the gateway ends the session", async () => {
  const page = open(shared);
  await page.becomes("connected");

  await shared.revoke(page.tenant);

  await page.becomes("closed");
});

test("tries again when no token can be had, and while there is no gateway", async () => {
  const gateway = await ownGateway();
  const getToken = vi
    .fn<() => Promise<string>>()
    .mockRejectedValueOnce(new Error("the network is down"))
    .mockImplementation(async () => token("acme"));
  const unblock = gateway.block();
  const page = open(gateway, { getToken });
  await pass(200);
  expect(page.socket().status).toBe("connecting");
  unblock();

  await page.becomes("connected");
  expect(getToken).toHaveBeenCalledTimes(2);
});

test("new callbacks don't reconnect, and the latest are used", async () => {
  const gateway = await ownGateway();
  const page = open(gateway);
  await page.becomes("connected");

  const getToken = vi.fn(async () => token(page.tenant));
  for (let render = 0; render < 5; render += 1) {
    page.rerender({ url: gateway.url, getToken: () => getToken(), refetch: async () => undefined });
  }
  await gateway.publish(page.tenant, "a");
  await eventually(() => expect(page.ids()).toEqual(["a"]));
  expect(await gateway.metric("connects_total")).toBe(1);
  expect(getToken).not.toHaveBeenCalled();

  gateway.cut();
  await eventually(() => expect(getToken).toHaveBeenCalledTimes(1));
});

test("opens one connection under StrictMode, and closes it on unmount", async () => {
  const gateway = await ownGateway();
  const getToken = vi.fn(async () => token("acme"));

  function Status() {
    const { status } = useNotificationsConnection();
    const created = useNotifications((state) => state.received["notification.created"]);
    return <p>{`${status} ${ids(created).join()}`}</p>;
  }
  const page = render(
    <StrictMode>
      <NotificationsProvider url={gateway.url} getToken={getToken}>
        <Status />
      </NotificationsProvider>
    </StrictMode>,
  );

  await screen.findByText("connected");
  await gateway.publish("acme", "a");
  await screen.findByText("connected a");
  expect(await gateway.metric("connects_total")).toBe(1);
  expect(await gateway.metric("connections")).toBe(1);
  expect(getToken).toHaveBeenCalledTimes(1);

  page.unmount();
  await vi.waitFor(async () => expect(await gateway.metric("connections")).toBe(0), { timeout: 5_000 });
});

test("says so when there is no provider", () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined); // React tells of it, too
  expect(() => renderHook(() => useNotificationsConnection())).toThrow("NotificationsProvider");
});
