// Made by `tidegate new` from nestjs/realtime.setup.ts; yours to change.
import type { INestApplication } from '@nestjs/common';
import { RealtimeIoAdapter } from './realtime-io.adapter';
import { RealtimeRmqServer } from './realtime-rmq.server';
import { RealtimeConfig } from './realtime.config';

/**
 * Connect an app to browsers and to RabbitMQ, which it begins to consume at
 * `app.startAllMicroservices()`.
 */
export function useRealtime(app: INestApplication): void {
  const config = app.get(RealtimeConfig, { strict: false });
  const adapter = new RealtimeIoAdapter(app);
  const strategy = new RealtimeRmqServer(config, () =>
    adapter.reconnectClients(),
  );
  app.useWebSocketAdapter(adapter);
  app.connectMicroservice({ strategy });
  app.enableShutdownHooks();
}
