// Made by `tidegate new` from nestjs/events.ts; yours to change.
import { Type } from 'class-transformer';
import {
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  ValidateNested,
} from 'class-validator';
import type { DefaultEventsMap, Namespace } from 'socket.io';
import type { SocketData } from '../identity';
import { IsDateTime, IsPresent } from '../payload';

/** Part of a payload. */
export class Actor {
  @IsString()
  readonly id!: string;

  @IsString()
  readonly displayName!: string;

  @IsOptional()
  @IsIn(['person', 'bot'])
  readonly kind?: 'person' | 'bot' | null;
}

/** `activityFeed.itemAdded`, from the server to clients. */
export class ActivityFeedItemAdded {
  @IsString()
  readonly id!: string;

  @IsString()
  readonly feedId!: string;

  @IsOptional()
  @IsString()
  readonly note?: string | null;

  @IsObject()
  @ValidateNested()
  @Type(() => Actor)
  readonly actor!: Actor;

  @IsArray()
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => Actor)
  readonly others!: Actor[];

  @IsDateTime()
  readonly at!: string;

  @IsArray()
  @IsString({ each: true })
  readonly tags!: string[];

  @IsInt()
  readonly count!: number;

  @IsOptional()
  @IsNumber()
  readonly score?: number | null;

  @IsBoolean()
  readonly seen!: boolean;

  @IsPresent()
  readonly data!: unknown;

  @IsString()
  readonly from!: string;

  @IsOptional()
  @IsString()
  readonly URLPath?: string | null;
}

/** `activityFeed.cleared`, from the server to clients. */
export class ActivityFeedCleared {}

/** `activityFeed.markEverythingAsRead`, from a client to the server. */
export class ActivityFeedMarkEverythingAsRead {
  @IsString()
  readonly feedId!: string;

  @IsDateTime()
  readonly upTo!: string;
}

/** `activityFeed.mute`, from a client to the server. */
export class ActivityFeedMute {}

/** What clients hear. */
export interface ActivityFeedsServerEvents {
  'activityFeed.itemAdded': (payload: ActivityFeedItemAdded) => void;
  'activityFeed.cleared': (payload: ActivityFeedCleared) => void;
}

/** The domain's namespace; only its own events can be emitted. */
export type ActivityFeedsNamespace = Namespace<
  DefaultEventsMap,
  ActivityFeedsServerEvents,
  DefaultEventsMap,
  SocketData
>;
