import { expect, test, vi } from "vitest";

import { publish } from "./api.ts";

const publication = { tenant: "acme", message: "", type: "info" } as const;

test("a refusal names its code and the field to mend", async () => {
  const error = { code: "invalid", message: "A message has 1 to 280 characters.", field: "message" };
  vi.stubGlobal("fetch", async () => Response.json({ error }, { status: 422 }));

  await expect(publish(publication)).rejects.toMatchObject(error);
});

test("an answer that is not the gateway's is a refusal all the same", async () => {
  vi.stubGlobal("fetch", async () => new Response("Bad gateway", { status: 502 }));

  await expect(publish(publication)).rejects.toMatchObject({ code: "http_502", field: null });
});

test("no answer is told apart from a refusal", async () => {
  vi.stubGlobal("fetch", async () => {
    throw new TypeError("fetch failed");
  });

  await expect(publish(publication)).rejects.toMatchObject({ code: "unreachable" });
});
