// Made by `tidegate new` from nestjs/ws-auth.guard.ts; yours to change.
import {
  Injectable,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import type { RealtimeSocket } from '../identity';

/**
 * Lets handlers run for authenticated sockets only.
 *
 * The token was verified in the handshake (`RealtimeIoAdapter`), since guards don't run on connect.
 * This one closes the gap if a gateway is ever served by another adapter.
 */
@Injectable()
export class WsAuthGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { data } = context.switchToWs().getClient<RealtimeSocket>();
    // Without the adapter there is no identity, whatever the type says.
    const identity = (data as Partial<typeof data>).identity;
    if (!identity)
      throw new WsException({
        code: 'forbidden',
        message: 'not authenticated',
      });
    return true;
  }
}
