// Made by `tidegate new` from nestjs/app.module.ts; yours to change.
import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { RealtimeModule } from './realtime/realtime.module';

@Module({
  imports: [ConfigModule.forRoot({ isGlobal: true }), RealtimeModule],
})
export class AppModule {}
