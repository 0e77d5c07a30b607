// Made by `tidegate new` from nestjs/realtime.module.ts; yours to change.
import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { JwtModule } from '@nestjs/jwt';
import { RealtimeConfig } from './realtime.config';
import { TokenService } from './token.service';
import { ActivityFeedsWsConsumer } from './activityFeeds/activity-feeds-ws.consumer';
import { ActivityFeedsGateway } from './activityFeeds/activity-feeds.gateway';

@Module({
  imports: [ConfigModule, JwtModule.register({})],
  // Consumers are controllers: Nest reads @EventPattern nowhere else.
  controllers: [ActivityFeedsWsConsumer],
  providers: [RealtimeConfig, TokenService, ActivityFeedsGateway],
  exports: [ActivityFeedsGateway],
})
export class RealtimeModule {}
