/** The real gateway in a process of its own, behind a line that tests can cut. */

import { type ChildProcess, spawn } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";

const EXAMPLE = join(import.meta.dirname, "../..");
const PYTHON = process.env["TIDEGATE_PYTHON"] ?? join(EXAMPLE, "../../.venv/bin/python");
const SECRET = randomBytes(32).toString("hex");
const API_KEY = randomBytes(16).toString("hex");

export interface TestGateway {
  /** Where clients connect to. */
  readonly url: string;
  /** Publish a notification to a tenant. */
  readonly publish: (tenant: string, id: string) => Promise<void>;
  /** Publish any event, as `/v1/events` takes it. */
  readonly post: (event: object) => Promise<void>;
  /** One value of `/metrics`, 0 if it is not there yet: `connects_total`, `refusals_total{code="…"}`. */
  readonly metric: (name: string) => Promise<number>;
  readonly revoke: (tenant: string) => Promise<void>;
  /** Drop every connection without a packet, as a bad network does. */
  readonly cut: () => void;
  /** Let nobody through until the answer is called. */
  readonly block: () => () => void;
  /** Start anew, with an empty log: who returns has missed something for good. */
  readonly restart: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

interface Served {
  readonly process: ChildProcess;
  readonly port: number;
  readonly api: string;
}

/** Start a gateway; further settings are `TIDEGATE_` variables without that prefix. */
export async function startGateway(
  settings: Record<string, string> = {},
  target = "realtime:gateway",
): Promise<TestGateway> {
  let served = await serve(target, settings);
  let isBlocked = false;
  const lines = new Set<Socket>();
  const cut = () => {
    for (const line of lines) line.destroy();
  };
  const proxy = createServer((client) => {
    if (isBlocked) {
      client.destroy();
      return;
    }
    const server = connect(served.port, "127.0.0.1");
    for (const [here, there] of [
      [client, server],
      [server, client],
    ] as const) {
      lines.add(here);
      here.pipe(there);
      here.on("error", () => undefined);
      here.on("close", () => {
        lines.delete(here);
        there.destroy();
      });
    }
  });
  await once(proxy.listen(0, "127.0.0.1"), "listening");

  const api = async (path: string, body?: object): Promise<string> => {
    const response = await fetch(`${served.api}${path}`, {
      method: body ? "POST" : "GET",
      headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return text;
  };

  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    publish: async (tenant, id) => {
      const data = { id, message: `Message ${id}`, type: "info" };
      const event = "notification.created";
      await api("/v1/events", { tenant, namespace: "/notifications", event, data });
    },
    post: async (event) => {
      await api("/v1/events", event);
    },
    metric: async (name) => {
      const line = (await api("/metrics")).split("\n").find((each) => each.startsWith(`tidegate_${name} `));
      return Number(line?.split(" ").at(-1) ?? 0);
    },
    revoke: async (tenant) => {
      await api(`/v1/tenants/${tenant}/revoke`, {});
    },
    cut,
    block: () => {
      isBlocked = true;
      return () => {
        isBlocked = false;
      };
    },
    restart: async () => {
      await end(served);
      cut();
      served = await serve(target, settings);
    },
    stop: async () => {
      proxy.close();
      cut();
      await end(served);
    },
  };
}

/** A token as an issuer would sign it. */
export function token(tenant: string, { ttl = 60, user = "ada" } = {}): string {
  const now = Date.now() / 1000;
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { sub: user, tenantId: tenant, iat: Math.floor(now), exp: now + ttl, jti: randomBytes(6).toString("hex") };
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}

async function serve(target: string, settings: Record<string, string>): Promise<Served> {
  const own = { AUTH__SECRET: SECRET, API__KEY: API_KEY, DRAIN_SECONDS: "0", ...settings };
  const environment = Object.entries(own).map(([name, value]) => [`TIDEGATE_${name}`, value]);
  const gateway = spawn(
    PYTHON,
    ["-m", "tidegate", "serve", target, "--port", "0", "--api-port", "0"],
    {
      cwd: EXAMPLE,
      env: { ...process.env, ...Object.fromEntries(environment) },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let errors = "";
  gateway.stderr.on("data", (text: Buffer) => {
    errors += text.toString();
  });
  let port = 0;
  for await (const line of createInterface(gateway.stdout)) {
    if (line.startsWith("Tidegate serves ")) port = Number(new URL(line.split(" ")[2] ?? "").port);
    if (line.startsWith("Private port: ")) {
      gateway.stdout.resume();
      return { process: gateway, port, api: line.slice("Private port: ".length).trim() };
    }
  }
  throw new Error(`the gateway did not start: ${errors}`);
}

async function end({ process: gateway }: Served): Promise<void> {
  if (gateway.exitCode !== null || gateway.signalCode !== null) return;
  gateway.kill("SIGKILL");
  await once(gateway, "exit");
}
