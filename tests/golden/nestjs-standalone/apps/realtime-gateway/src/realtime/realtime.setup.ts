// Made by `tidegate new` from nestjs/realtime.setup.ts; yours to change.
import type { INestApplication } from '@nestjs/common';
import { RealtimeIoAdapter } from './realtime-io.adapter';
import { RealtimeRmqServer } from './realtime-rmq.server';
import { RealtimeConfig } from './realtime.config';

/** Connect an app to browsers and to RabbitMQ; `app.startAllMicroservices()` begins to consume. */
export function useRealtime(app: INestApplication): void {
  app.enableShutdownHooks();
  app.useWebSocketAdapter(new RealtimeIoAdapter(app));
  app.connectMicroservice({
    strategy: new RealtimeRmqServer(app.get(RealtimeConfig, { strict: false })),
  });
}
