// Made by `tidegate new` from nestjs/audience.ts; yours to change.
import type { ConsumeMessage } from 'amqplib';
import type { Audience } from './identity';
import { PayloadInvalid } from './payload';

const MAX_NAME_LENGTH = 256;

/**
 * Return whom a service's message is for: `tenantId` and, for one user only,
 * `userId`, in the headers or else in the body. Without a tenant it is refused.
 */
export function audienceOf(message: ConsumeMessage, body: unknown): Audience {
  const tenantId = nameIn('tenantId', message, body);
  if (tenantId === undefined)
    throw new PayloadInvalid('the message names no tenant', '$.tenantId');
  return { tenantId, userId: nameIn('userId', message, body) };
}

function nameIn(
  key: string,
  message: ConsumeMessage,
  body: unknown,
): string | undefined {
  const headers: Record<string, unknown> = message.properties.headers ?? {};
  const fields =
    typeof body === 'object' && body !== null
      ? (body as Record<string, unknown>)
      : {};
  const value: unknown = headers[key] ?? fields[key] ?? undefined;
  const name = Number.isSafeInteger(value) ? String(value) : value;
  if (name === undefined) return undefined;
  if (typeof name === 'string' && name !== '' && name.length <= MAX_NAME_LENGTH)
    return name;
  // An odd user must not widen the audience to the whole tenant.
  throw new PayloadInvalid(`${key} is not a name`, `$.${key}`);
}
