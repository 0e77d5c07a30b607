// Made by `tidegate new` from nestjs/token.service.ts; yours to change.
import { Injectable } from '@nestjs/common';
import {
  JwtService,
  TokenExpiredError,
  type JwtVerifyOptions,
} from '@nestjs/jwt';
import type { Identity } from './identity';
import { RealtimeConfig } from './realtime.config';

export type RefusalCode =
  'token_missing' | 'token_invalid' | 'token_expired' | 'tenant_missing';

const MAX_NAME_LENGTH = 256;
// Control characters and halves of characters: such a name is a mistake, or an attack.
const ODD_CHARACTERS = /[\p{Cc}\p{Cs}]/u;

/** A refused token. Socket.IO hands `message` and `data` to the client as its connect_error. */
export class TokenRefused extends Error {
  readonly data: { readonly code: RefusalCode; readonly retry: false };

  constructor(code: RefusalCode, detail: string) {
    super(`Unauthorized: ${detail}`);
    this.data = { code, retry: false };
  }
}

/** Verifies tokens. The only place where a tenant or a user comes from. */
@Injectable()
export class TokenService {
  // Read here, so that the app does not start without them.
  private readonly options: JwtVerifyOptions;
  private readonly tenantClaim: string;
  /** Seconds that a token is good for beyond its end. */
  readonly clockTolerance: number;

  constructor(
    private readonly jwt: JwtService,
    config: RealtimeConfig,
  ) {
    this.options = config.jwt;
    this.tenantClaim = config.tenantClaim;
    this.clockTolerance = config.clockTolerance;
  }

  /** Return whom a token speaks for; throws TokenRefused. */
  async identify(token: unknown): Promise<Identity> {
    if (token === undefined || token === null || token === '') {
      throw new TokenRefused(
        'token_missing',
        'a token is required in auth.token',
      );
    }
    if (typeof token !== 'string') {
      throw new TokenRefused('token_invalid', 'auth.token is not a string');
    }
    const claims = await this.verify(token.replace(/^bearer /i, ''));
    const tenantId = nameIn(claims, this.tenantClaim);
    if (tenantId === undefined) {
      throw new TokenRefused('tenant_missing', 'the token names no tenant');
    }
    const userId = nameIn(claims, 'sub');
    const expiresAt = claims['exp'];
    if (userId === undefined || typeof expiresAt !== 'number') {
      throw new TokenRefused('token_invalid', 'the token is not valid');
    }
    return { tenantId, userId, expiresAt };
  }

  private async verify(token: string): Promise<Record<string, unknown>> {
    try {
      return await this.jwt.verifyAsync<Record<string, unknown>>(
        token,
        this.options,
      );
    } catch (error) {
      // Which check failed is the issuer's business, not the client's.
      throw error instanceof TokenExpiredError
        ? new TokenRefused('token_expired', 'the token has expired')
        : new TokenRefused('token_invalid', 'the token is not valid');
    }
  }
}

function nameIn(
  claims: Record<string, unknown>,
  claim: string,
): string | undefined {
  const value = claims[claim];
  const name = Number.isSafeInteger(value) ? String(value) : value;
  if (typeof name !== 'string' || name === '' || name.length > MAX_NAME_LENGTH)
    return undefined;
  return ODD_CHARACTERS.test(name) ? undefined : name;
}
