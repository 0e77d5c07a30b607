// @vitest-environment happy-dom

import { cleanup, render, screen } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { startServer, type TestServer } from "../testing/server.ts";
import { useFeed } from "./useFeed.ts";

let server: TestServer;
const fetched: string[] = [];

beforeEach(async () => {
  server = await startServer();
  fetched.length = 0;
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    fetched.push(`${path} ${String(init.body)}`);
    return Response.json({ token: `token-${fetched.length}` });
  });
});

afterEach(async () => {
  cleanup();
  await server.close();
});

function Probe() {
  const { link } = useFeed(server.address, "acme", "ada");
  return <p>{link.kind}</p>;
}

test("opens one connection under StrictMode and closes it on unmount", async () => {
  const { unmount } = render(
    <StrictMode>
      <Probe />
    </StrictMode>,
  );

  await screen.findByText("live");
  expect(server.tokens).toEqual(["token-1"]);
  expect(fetched).toEqual([`/demo/token {"tenant":"acme","user":"ada"}`]);
  expect(server.upgrades()).toBe(1);

  unmount();
  await vi.waitFor(() => expect(server.openTransports()).toBe(0));
});
