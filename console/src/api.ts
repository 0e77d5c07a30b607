/** The demo's HTTP calls. They go to the page's own origin; `tidegate demo` answers them. */

export interface User {
  readonly id: string;
  readonly name: string;
}

export interface Tenant {
  readonly id: string;
  readonly name: string;
  readonly users: readonly User[];
}

export interface DemoConfig {
  readonly namespace: string;
  readonly tenants: readonly Tenant[];
}

export const NOTIFICATION_TYPES = ["info", "success", "warning"] as const;
export type NotificationType = (typeof NOTIFICATION_TYPES)[number];

/** What `notification.created` carries. */
export interface Notification {
  readonly id: string;
  readonly message: string;
  readonly type: NotificationType;
  /** Absent: published from outside of the page, which did not say. */
  readonly audience?: "tenant" | "user";
  /** ISO 8601. */
  readonly at: string;
}

export interface Publication {
  readonly tenant: string;
  /** Absent: the whole tenant. */
  readonly user?: string;
  readonly message: string;
  readonly type: NotificationType;
}

/** A call that was refused, or that never reached the gateway (`code` is then `unreachable`). */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    message: string,
    readonly code: string,
    /** The field to mend, when the gateway named one. */
    readonly field: string | null = null,
  ) {
    super(message);
  }
}

export async function fetchConfig(signal?: AbortSignal): Promise<DemoConfig> {
  return (await call("/demo/config.json", signal ? { signal } : {})) as DemoConfig;
}

/** A fresh token for one user. Each connection asks for its own, at every attempt. */
export async function fetchToken(tenant: string, user: string): Promise<string> {
  const { token } = (await call("/demo/token", post({ tenant, user }))) as { token: string };
  return token;
}

export async function publish(publication: Publication): Promise<void> {
  await call("/demo/publish", post(publication));
}

/** Have the server drop the transport under this socket, as a bad network would. */
export async function cutConnection(sid: string): Promise<void> {
  await call("/demo/cut", post({ sid }));
}

function post(body: object): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
}

async function call(path: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new ApiError("The gateway does not answer.", "unreachable");
  }
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw refusal(response.status, body);
  return body;
}

function refusal(status: number, body: unknown): ApiError {
  const { error } = (body ?? {}) as {
    error?: { code?: string; message?: string; field?: string | null };
  };
  const message = error?.message ?? `The gateway answered ${status}.`;
  return new ApiError(message, error?.code ?? `http_${status}`, error?.field ?? null);
}
