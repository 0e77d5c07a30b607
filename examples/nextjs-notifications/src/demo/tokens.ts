/**
 * Tokens of the demo. Your login issues yours: to who has proved who they are, and with a key that
 * this app need not know.
 */

import "server-only";

import { jwtVerify, SignJWT } from "jose";

import type { Person } from "./people";

const LIFETIME = "5 minutes";

export function issueToken({ tenant, user }: Person): Promise<string> {
  return new SignJWT({ tenantId: tenant })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime(LIFETIME)
    .sign(secret());
}

/** The tenant of who sends the request; null without a valid token. */
export async function tenantOf(request: Request): Promise<string | null> {
  const token = request.headers.get("authorization")?.replace(/^Bearer /, "");
  if (!token) return null;
  try {
    const { payload } = await jwtVerify(token, secret(), { algorithms: ["HS256"] });
    return typeof payload["tenantId"] === "string" ? payload["tenantId"] : null;
  } catch {
    return null;
  }
}

function secret(): Uint8Array {
  const value = process.env["REALTIME_SECRET"];
  if (!value) throw new Error("REALTIME_SECRET is not set; see .env.example");
  return new TextEncoder().encode(value);
}
