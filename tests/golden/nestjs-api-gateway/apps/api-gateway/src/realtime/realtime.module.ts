// Made by `tidegate new` from nestjs/realtime.module.ts; yours to change.
import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { JwtModule } from '@nestjs/jwt';
import { RealtimeConfig } from './realtime.config';
import { TokenService } from './token.service';
import { NotificationsWsConsumer } from './notifications/notifications-ws.consumer';
import { NotificationsGateway } from './notifications/notifications.gateway';

@Module({
  imports: [ConfigModule, JwtModule.register({})],
  // Consumers are controllers: Nest reads @EventPattern nowhere else.
  controllers: [NotificationsWsConsumer],
  providers: [RealtimeConfig, TokenService, NotificationsGateway],
  exports: [NotificationsGateway],
})
export class RealtimeModule {}
