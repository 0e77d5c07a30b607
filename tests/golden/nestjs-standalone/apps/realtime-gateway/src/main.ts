// Made by `tidegate new` from nestjs/main.ts; yours to change.
import { ConsoleLogger } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';
import { useRealtime } from './realtime/realtime.setup';

async function bootstrap(): Promise<void> {
  const logger = new ConsoleLogger({ json: true });
  const app = await NestFactory.create(AppModule, { logger });
  useRealtime(app);
  await app.startAllMicroservices();
  await app.listen(app.get(ConfigService).get<string>('PORT') ?? 3000);
}

void bootstrap();
