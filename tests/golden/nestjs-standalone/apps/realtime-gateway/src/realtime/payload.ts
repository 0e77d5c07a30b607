// Made by `tidegate new` from nestjs/payload.ts; yours to change.
import { Injectable, type PipeTransform, type Type } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { plainToInstance } from 'class-transformer';
import {
  ValidateBy,
  validateSync,
  type ValidationError,
} from 'class-validator';

/** A payload that does not fit its type; `field` is the path of what did not, `$` the whole. */
export class PayloadInvalid extends Error {
  constructor(
    message: string,
    readonly field: string,
  ) {
    super(message);
  }
}

/**
 * Return a payload as its type, without what the type does not declare.
 *
 * At once and not later: events must leave in the order in which they came,
 * whichever of them takes longer to check.
 */
export function parsePayload<T extends object>(
  type: Type<T>,
  value: unknown,
): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new PayloadInvalid('an object is expected', '$');
  }
  const payload = plainToInstance(type, value);
  const [error] = validateSync(payload, {
    whitelist: true,
    stopAtFirstError: true,
    // A payload without fields has no rules either, and is known all the same.
    forbidUnknownValues: false,
  });
  if (error) throw invalid(error, '$');
  return payload;
}

/** Checks the body of a client's event; a refusal reaches the client in the ack. */
@Injectable()
export class PayloadPipe<T extends object> implements PipeTransform<
  unknown,
  T
> {
  constructor(private readonly type: Type<T>) {}

  transform(value: unknown): T {
    try {
      return parsePayload(this.type, value);
    } catch (error) {
      if (!(error instanceof PayloadInvalid)) throw error;
      const { message, field } = error;
      throw new WsException({ code: 'invalid_payload', message, field });
    }
  }
}

/** Present, be it null. */
export function IsPresent(): PropertyDecorator {
  return ValidateBy({
    name: 'isPresent',
    validator: {
      validate: (value) => value !== undefined,
      defaultMessage: () => '$property is required',
    },
  });
}

const DATE_TIME =
  /^(\d{4}-\d{2}-\d{2})[Tt ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):?[0-5]\d)?$/;

/** Text such as 2026-11-25T14:30:00Z (RFC 3339, the offset may be missing), a day that exists. */
export function IsDateTime(
  options: { each?: boolean } = {},
): PropertyDecorator {
  return ValidateBy(
    {
      name: 'isDateTime',
      validator: {
        validate: isDateTime,
        defaultMessage: () => '$property must be a date and time (RFC 3339)',
      },
    },
    options,
  );
}

function isDateTime(value: unknown): boolean {
  const day =
    typeof value === 'string' ? DATE_TIME.exec(value)?.[1] : undefined;
  if (day === undefined || day.startsWith('0000')) return false;
  const midnight = new Date(`${day}T00:00:00Z`);
  return (
    !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day)
  );
}

function invalid(error: ValidationError, parent: string): PayloadInvalid {
  const field = /^\d+$/.test(error.property)
    ? `${parent}[${error.property}]`
    : `${parent}.${error.property}`;
  const [child] = error.children ?? [];
  if (child) return invalid(child, field);
  return new PayloadInvalid(
    Object.values(error.constraints ?? {})[0] ?? 'not valid',
    field,
  );
}
