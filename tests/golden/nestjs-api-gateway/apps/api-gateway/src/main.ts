import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';
import { useRealtime } from './realtime/realtime.setup';

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  useRealtime(app);
  await app.startAllMicroservices();
  await app.listen(3000);
}
void bootstrap();
