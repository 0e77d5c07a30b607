// Made by `tidegate new` from nestjs/room-request.ts; yours to change.
import { Injectable, type PipeTransform } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';

/** A room that a client asks for, such as `conversation:7`. */
export interface RoomRequest {
  readonly prefix: string;
  readonly id: string;
}

/** What a client hears when it has joined or left. */
export interface RoomAnswer {
  readonly ok: true;
  readonly room: string;
}

const MAX_ROOM_LENGTH = 256;

/** Reads the body of `tidegate.join` and `tidegate.leave`: `{ room }`, or the room itself. */
@Injectable()
export class RoomPipe implements PipeTransform<unknown, RoomRequest> {
  transform(value: unknown): RoomRequest {
    const isObject = typeof value === 'object' && value !== null;
    const room: unknown = isObject && 'room' in value ? value.room : value;
    if (typeof room === 'string' && room.length <= MAX_ROOM_LENGTH) {
      const [prefix, id, ...rest] = room.split(':');
      if (prefix && id && rest.length === 0) return { prefix, id };
    }
    throw new WsException({
      code: 'invalid_payload',
      message: 'a room such as conversation:7 is expected',
      field: '$.room',
    });
  }
}
