// Made by `tidegate new` from nestjs/realtime.config.ts; yours to change.
import { Injectable } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import type { JwtVerifyOptions } from '@nestjs/jwt';

/**
 * The settings of all realtime domains, read when they are used.
 *
 * Required: JWT_SECRET or JWT_PUBLIC_KEY, JWT_AUDIENCE, JWT_ISSUER, REALTIME_ORIGINS, RABBITMQ_URL.
 */
@Injectable()
export class RealtimeConfig {
  constructor(private readonly config: ConfigService) {}

  /** How a token is verified; the token itself chooses nothing of it. */
  get jwt(): JwtVerifyOptions {
    const publicKey = this.config.get<string>('JWT_PUBLIC_KEY');
    return {
      ...(publicKey
        ? { publicKey }
        : { secret: this.config.getOrThrow<string>('JWT_SECRET') }),
      algorithms: words(
        this.config.get<string>('JWT_ALGORITHMS') ??
          (publicKey ? 'RS256' : 'HS256'),
      ) as NonNullable<JwtVerifyOptions['algorithms']>,
      audience: this.config.getOrThrow<string>('JWT_AUDIENCE'),
      issuer: this.config.getOrThrow<string>('JWT_ISSUER'),
      clockTolerance: this.clockTolerance,
    };
  }

  /** Seconds by which the issuer's clock may differ from ours. */
  get clockTolerance(): number {
    return Number(this.config.get<string>('JWT_CLOCK_TOLERANCE') ?? 10);
  }

  /** The claim that holds the tenant. */
  get tenantClaim(): string {
    return this.config.get<string>('JWT_TENANT_CLAIM') ?? 'tenantId';
  }

  /** The pages that may connect, such as https://app.example.com; comma-separated. */
  get origins(): string[] {
    return words(this.config.getOrThrow<string>('REALTIME_ORIGINS'));
  }

  /** Bytes of one message from a client. */
  get maxMessageSize(): number {
    return Number(
      this.config.get<string>('REALTIME_MAX_MESSAGE_SIZE') ?? 100_000,
    );
  }

  get rabbitmqUrl(): string {
    return this.config.getOrThrow<string>('RABBITMQ_URL');
  }

  /** The topic exchange that services publish to, with the event's name as the routing key. */
  get exchange(): string {
    return this.config.get<string>('REALTIME_EXCHANGE') ?? 'events';
  }

  /** Messages that a node holds unacknowledged. */
  get prefetch(): number {
    return Number(this.config.get<string>('REALTIME_PREFETCH') ?? 100);
  }
}

function words(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}
