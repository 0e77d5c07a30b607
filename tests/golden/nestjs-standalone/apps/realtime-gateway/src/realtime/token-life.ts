// Made by `tidegate new` from nestjs/token-life.ts; yours to change.
import type { RealtimeSocket } from './identity';
import { TokenRefused, TokenService } from './token.service';

const WARNING_SECONDS = 60;
// Longer timers fire at once.
const MAX_TIMER_MS = 2 ** 31 - 1;

type Ack = (answer: unknown) => void;

/**
 * Keeps a socket no longer than its token lives: the client is warned before it
 * expires, may hand in a fresh one without reconnecting, and else is disconnected.
 */
export class TokenLife {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly socket: RealtimeSocket,
    private readonly tokens: TokenService,
  ) {
    socket.on('tidegate.refresh_token', (request: unknown, ack: unknown) => {
      void this.refresh(
        request,
        typeof ack === 'function' ? (ack as Ack) : () => undefined,
      );
    });
    socket.on('disconnect', () => clearTimeout(this.timer));
    this.watch();
  }

  private watch(): void {
    const left = this.secondsLeft();
    const warning = Math.min(WARNING_SECONDS, Math.max(0, left / 2));
    this.after(left - warning, () => this.warn());
  }

  private warn(): void {
    const left = this.secondsLeft();
    this.socket.emit('tidegate.token_expiring', {
      expires_at: this.socket.data.identity.expiresAt,
      expires_in: Math.max(0, left),
    });
    this.after(left + this.tokens.clockTolerance, () => {
      this.socket.disconnect();
    });
  }

  private secondsLeft(): number {
    return this.socket.data.identity.expiresAt - Date.now() / 1000;
  }

  private async refresh(request: unknown, ack: Ack): Promise<void> {
    try {
      const identity = await this.tokens.identify(tokenIn(request));
      const own = this.socket.data.identity;
      if (
        identity.tenantId !== own.tenantId ||
        identity.userId !== own.userId
      ) {
        ack(refusal('forbidden', 'the token is for another tenant or user'));
      } else if (this.socket.connected) {
        this.socket.data.identity = identity;
        this.watch();
        ack({ ok: true, expires_at: identity.expiresAt });
      }
    } catch (error) {
      ack(
        error instanceof TokenRefused
          ? refusal(error.data.code, error.message)
          : refusal('internal', 'The token could not be checked.'),
      );
    }
  }

  private after(seconds: number, act: () => void): void {
    clearTimeout(this.timer);
    const left = seconds * 1000;
    const wait = Math.min(left, MAX_TIMER_MS);
    this.timer = setTimeout(() => (wait < left ? this.watch() : act()), wait);
  }
}

function tokenIn(request: unknown): unknown {
  const isObject = typeof request === 'object' && request !== null;
  return isObject && 'token' in request ? request.token : request;
}

function refusal(
  code: string,
  message: string,
): { error: { code: string; message: string } } {
  return { error: { code, message } };
}
