/** The page's own calls to this app. */

import type { NotificationCreated } from "../features/notifications/realtime/notifications.events";

export async function fetchToken(user: string): Promise<string> {
  const response = await fetch("/api/token", { method: "POST", body: JSON.stringify({ user }) });
  const { token } = await answer<{ token: string }>(response);
  return token;
}

export async function fetchNotifications(user: string): Promise<readonly NotificationCreated[]> {
  return answer(await fetch("/api/notifications", { headers: await signedInAs(user) }));
}

export async function sendSample(user: string): Promise<void> {
  await answer(await fetch("/api/notifications", { method: "POST", headers: await signedInAs(user) }));
}

async function signedInAs(user: string): Promise<HeadersInit> {
  return { authorization: `Bearer ${await fetchToken(user)}` };
}

async function answer<T>(response: Response): Promise<T> {
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}`);
  return response.json() as Promise<T>;
}
