import type { NotificationCreated } from "../../../features/notifications/realtime/notifications.events";
import { nextSample } from "../../../demo/samples";
import { tenantOf } from "../../../demo/tokens";

/** What was sent to each tenant, newest first: your database, in the memory of this process. */
const sent = new Map<string, NotificationCreated[]>();
const MAX_SENT = 50;

/** The tenant's notifications: what the page fetches when it may have missed some. */
export async function GET(request: Request): Promise<Response> {
  const tenant = await tenantOf(request);
  if (tenant === null) return unauthorized();
  return Response.json(sent.get(tenant) ?? []);
}

/** Send a sample to the tenant, by the gateway's private port. */
export async function POST(request: Request): Promise<Response> {
  const tenant = await tenantOf(request);
  if (tenant === null) return unauthorized();
  const notification = { id: crypto.randomUUID(), ...nextSample() };
  const response = await fetch(new URL("/v1/events", process.env["REALTIME_API_URL"]), {
    method: "POST",
    headers: {
      authorization: `Bearer ${process.env["REALTIME_API_KEY"]}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({
      tenant,
      namespace: "/notifications",
      event: "notification.created",
      id: notification.id,
      data: notification,
    }),
  }).catch(() => null);
  if (!response?.ok) {
    return Response.json({ error: "The gateway did not take it." }, { status: 502 });
  }
  sent.set(tenant, [notification, ...(sent.get(tenant) ?? [])].slice(0, MAX_SENT));
  return Response.json(notification, { status: 201 });
}

function unauthorized(): Response {
  return Response.json({ error: "Unauthorized" }, { status: 401 });
}
