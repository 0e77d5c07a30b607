// Made by `tidegate new` from nestjs/realtime-io.adapter.ts; yours to change.
import type { IncomingMessage } from 'node:http';
import { Logger, type INestApplicationContext } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import type { Namespace, Server, ServerOptions } from 'socket.io';
import type { RealtimeSocket } from './identity';
import { RealtimeConfig } from './realtime.config';
import { TokenLife } from './token-life';
import { TokenRefused, TokenService } from './token.service';

type Options = Parameters<IoAdapter['createIOServer']>[1];

// Not a member: in some versions of Nest, the base class has one of its own.
const logger = new Logger('RealtimeIoAdapter');

const TOKEN_PARAMETERS = ['token', 'access_token', 'auth', 'jwt'];

/**
 * Decides who gets in, for the gateways of all domains.
 *
 * Here and not in a guard: Nest runs no guards for `handleConnection`. A
 * refused client never reaches a gateway. What is set here holds for every
 * gateway on this port, whatever its decorator says.
 */
export class RealtimeIoAdapter extends IoAdapter {
  private readonly config: RealtimeConfig;
  private readonly tokens: TokenService;
  private readonly namespaces: Namespace[] = [];

  constructor(app: INestApplicationContext) {
    super(app);
    this.config = app.get(RealtimeConfig, { strict: false });
    this.tokens = app.get(TokenService, { strict: false });
  }

  override createIOServer(port: number, options?: Options): Server {
    const origins = new Set(this.config.origins);
    const own: Partial<ServerOptions> = {
      // The same in the clients. Polling would need sticky load balancing.
      transports: ['websocket'],
      serveClient: false,
      maxHttpBufferSize: this.config.maxMessageSize,
      // Also ends the connection of a client that was refused and stays.
      connectTimeout: 10_000,
      // Not `cors`: it guards polling only, a WebSocket upgrade passes it by.
      allowRequest: (request, decide) => {
        const reason = refusalOf(request, origins);
        if (reason) logger.warn({ message: 'upgrade refused', reason });
        decide(reason, reason === undefined);
      },
    };
    const all = { ...options, ...own } as ServerOptions;
    const server = super.createIOServer(port, all) as Server;
    this.authenticate(server.of('/'));
    server.on('new_namespace', (namespace) => this.authenticate(namespace));
    return server;
  }

  /** Close all connections without a word, at which clients reconnect. */
  reconnectClients(): void {
    const sockets = this.namespaces.flatMap(({ sockets: all }) => [
      ...all.values(),
    ]);
    logger.warn({ message: 'events were missed', sockets: sockets.length });
    sockets.forEach((socket) => socket.conn.close());
  }

  private authenticate(namespace: Namespace): void {
    this.namespaces.push(namespace);
    namespace.use((socket: RealtimeSocket, next) => {
      this.tokens.identify(socket.handshake.auth['token']).then(
        (identity) => {
          socket.data.identity = identity;
          next();
        },
        (error: unknown) => next(this.refused(error, namespace.name)),
      );
    });
    namespace.on(
      'connection',
      (socket: RealtimeSocket) => new TokenLife(socket, this.tokens),
    );
  }

  private refused(error: unknown, namespace: string): Error {
    if (error instanceof TokenRefused) {
      logger.warn({
        message: 'client refused',
        namespace,
        code: error.data.code,
      });
      return error;
    }
    logger.error({ message: 'authentication failed', namespace, error });
    return Object.assign(new Error('Try again'), {
      data: { code: 'try_again', retry: true },
    });
  }
}

/** Return why an upgrade is refused. Who sends no Origin is no browser. */
function refusalOf(
  request: IncomingMessage,
  origins: ReadonlySet<string>,
): string | undefined {
  const { origin } = request.headers;
  if (origin !== undefined && !origins.has(origin)) return 'origin not allowed';
  // Addresses end up in logs and histories.
  const query = new URLSearchParams(request.url?.split('?')[1]);
  return TOKEN_PARAMETERS.some((name) => query.has(name))
    ? 'token in query'
    : undefined;
}
