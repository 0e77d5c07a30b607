// Made by `tidegate new` from nestjs/gateway.spec.ts; yours to change.
import type { Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { JwtService } from '@nestjs/jwt';
import { RmqContext } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import {
  io,
  type ManagerOptions,
  type Socket,
  type SocketOptions,
} from 'socket.io-client';
import { RealtimeIoAdapter } from '../realtime-io.adapter';
import { RealtimeModule } from '../realtime.module';
import { NotificationsWsConsumer } from './notifications-ws.consumer';

const SETTINGS = {
  JWT_SECRET: 'a secret for tests that is long enough: 0123456789abcdef',
  JWT_AUDIENCE: 'realtime',
  JWT_ISSUER: 'https://login.example.com',
  REALTIME_ORIGINS: 'https://app.example.com',
  RABBITMQ_URL: 'amqp://unused.example.com',
};

// A `notification.created` as a service publishes it.
const PAYLOAD = { id: 'text', message: 'text', type: 'text' };

describe('NotificationsGateway', () => {
  let app: INestApplication;
  let url: string;
  let clients: Socket[] = [];

  beforeAll(async () => {
    Object.assign(process.env, SETTINGS);
    const testing = await Test.createTestingModule({
      imports: [ConfigModule.forRoot({ ignoreEnvFile: true }), RealtimeModule],
    }).compile();
    app = testing.createNestApplication({ logger: false });
    app.useWebSocketAdapter(new RealtimeIoAdapter(app));
    await app.listen(0, '127.0.0.1');
    const server = app.getHttpServer() as HttpServer;
    const { port } = server.address() as AddressInfo;
    url = `http://127.0.0.1:${port}/notifications`;
  });

  afterEach(() => {
    clients.forEach((client) => client.disconnect());
    clients = [];
  });

  afterAll(() => app.close());

  const token = (tenantId: string, sub: string, changes: object = {}): string =>
    app.get(JwtService).sign(
      {
        sub,
        tenantId,
        aud: SETTINGS.JWT_AUDIENCE,
        iss: SETTINGS.JWT_ISSUER,
        ...changes,
      },
      { secret: SETTINGS.JWT_SECRET, expiresIn: 60 },
    );

  const open = (
    auth: object,
    options: Partial<ManagerOptions & SocketOptions> = {},
  ): Socket => {
    const client = io(url, {
      transports: ['websocket'],
      forceNew: true,
      auth,
      ...options,
    });
    clients.push(client);
    return client;
  };

  const connected = async (
    tenantId: string,
    userId: string,
  ): Promise<Socket> => {
    const client = open({ token: token(tenantId, userId) });
    await new Promise<void>((resolve) =>
      client.once('connect', () => resolve()),
    );
    return client;
  };

  const refusal = (
    client: Socket,
  ): Promise<Error & { data?: { code: string } }> =>
    new Promise((resolve) => client.once('connect_error', resolve));

  const next = (client: Socket, event: string): Promise<unknown> =>
    new Promise((resolve) => client.once(event, resolve));

  /** Hand the consumer a message as RabbitMQ would; returns what became of it. */
  const consume = (body: unknown, headers = {}): string[] => {
    const settled: string[] = [];
    const channel = {
      ack: () => settled.push('ack'),
      nack: (_: unknown, all: boolean, requeue: boolean) =>
        settled.push(`nack ${all} ${requeue}`),
    };
    const message = { properties: { headers } };
    const context = new RmqContext([message, channel, 'notification.created']);
    const consumer = app.get(NotificationsWsConsumer);
    consumer.onNotificationCreated(body, context);
    return settled;
  };

  it.each([
    ['no token', () => ({}), 'token_missing'],
    ['nonsense', () => ({ token: 'nonsense' }), 'token_invalid'],
    [
      'another audience',
      () => ({ token: token('acme', '1', { aud: 'other' }) }),
      'token_invalid',
    ],
    [
      'another issuer',
      () => ({ token: token('acme', '1', { iss: 'other' }) }),
      'token_invalid',
    ],
    ['no tenant', () => ({ token: token('', '1') }), 'tenant_missing'],
  ])('refuses a client with %s', async (_, auth, code) => {
    const error = await refusal(open(auth()));
    expect(error.message).toMatch(/^Unauthorized/);
    expect(error.data?.code).toBe(code);
  });

  it('refuses the upgrade for a foreign origin and for a token in the query', async () => {
    const auth = { token: token('acme', '1') };
    const options = { reconnection: false };
    const extraHeaders = { origin: 'https://evil.example.com' };
    expect(
      (await refusal(open(auth, { ...options, extraHeaders }))).message,
    ).toBe('websocket error');
    const query = { token: auth.token };
    expect((await refusal(open(auth, { ...options, query }))).message).toBe(
      'websocket error',
    );
  });

  it('delivers to the tenant, or to one user of it, and to nobody else', async () => {
    const own = await connected('acme', '1');
    const colleague = await connected('acme', '2');
    const stranger = await connected('globex', '1');
    const heard: string[] = [];
    colleague.onAny((event) => heard.push(`colleague ${event}`));
    stranger.onAny((event) => heard.push(`stranger ${event}`));

    const first = next(own, 'notification.created');
    const settled = consume(PAYLOAD, { tenantId: 'acme', userId: '1' });
    expect(settled).toEqual(['ack']);
    expect(await first).toEqual(PAYLOAD);

    const second = next(colleague, 'notification.created');
    consume(PAYLOAD, { tenantId: 'acme' });
    await second;

    const last = next(stranger, 'notification.created');
    consume(PAYLOAD, { tenantId: 'globex', userId: '1' });
    await last;
    expect(heard).toEqual([
      'colleague notification.created',
      'stranger notification.created',
    ]);
  });

  it.each([
    ['without a tenant', PAYLOAD, {}],
    ['for an odd user', PAYLOAD, { tenantId: 'acme', userId: {} }],
    ['that is no object', 'nonsense', { tenantId: 'acme' }],
    ['without id', { ...PAYLOAD, id: undefined }, { tenantId: 'acme' }],
  ])('dead-letters a message %s', (_, body, headers) => {
    expect(consume(body, headers)).toEqual(['nack false false']);
  });

  it.each<[string, object]>([
    ['notification.markRead', { notificationId: 'text' }],
  ])('acknowledges %s or refuses it', async (name, command) => {
    const client = (await connected('acme', '1')).timeout(2000);
    expect(await client.emitWithAck(name, command)).toEqual({ ok: true });
    expect(await client.emitWithAck(name, 'nonsense')).toMatchObject({
      error: { code: 'invalid_payload', field: '$' },
    });
  });
});
