"""``unchecked-room-join``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.permission import asked_first
from tidegate.review.facts.tenant.following import Visit, visits
from tidegate.review.facts.tenant.permission import right_to
from tidegate.review.facts.tenant.staff_rooms import staff_joins
from tidegate.review.facts.tenant.targets import Target, is_meant_for_all, joins
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Node

RULE = Rule(
    name="unchecked-room-join",
    topic="tenant",
    severity="high",
    languages=("typescript", "python"),
    summary="A client joins any room that it names.",
    why=(
        "Whoever is in a room gets all that is sent there. If a handler joins what the payload, "
        "the query or the path names, and asks nobody, then each client that is signed in reads "
        "every conversation, board or order whose id it can guess or has seen once. That the room "
        "exists says nothing about the right to be in it."
    ),
    remedy="Ask whether the verified user may be in this room before the socket joins it.",
    examples=(
        Example(
            "typescript",
            bad="""\
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
} from '@nestjs/websockets';
import type { Socket } from 'socket.io';

@WebSocketGateway()
export class BoardsGateway {
  @SubscribeMessage('board.open')
  async open(@ConnectedSocket() client: Socket, @MessageBody() body: { boardId: string }) {
    await client.join(`board:${body.boardId}`);
  }
}
""",
            good="""\
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import type { Socket } from 'socket.io';
import { BoardsService } from './boards.service';

@WebSocketGateway()
export class BoardsGateway {
  constructor(private readonly boards: BoardsService) {}

  @SubscribeMessage('board.open')
  async open(@ConnectedSocket() client: Socket, @MessageBody() body: { boardId: string }) {
    if (!(await this.boards.isMember(body.boardId, client.data.user.id))) {
      throw new WsException('forbidden');
    }
    await client.join(`board:${body.boardId}`);
  }
}
""",
        ),
        Example(
            "typescript",
            title="Socket.IO on Node",
            bad="""\
import { Server } from 'socket.io';

const io = new Server(3000);

io.on('connection', (socket) => {
  socket.on('join', ({ room }) => {
    socket.join(room);
  });
});
""",
            good="""\
import { Server } from 'socket.io';
import { db } from './db';

const io = new Server(3000);

io.on('connection', (socket) => {
  socket.on('join', async ({ room }) => {
    const member = await db.members.findOne({ room, userId: socket.data.user.id });
    if (!member) return;
    socket.join(room);
  });
});
""",
        ),
        Example(
            "python",
            bad="""\
import socketio

sio = socketio.AsyncServer(async_mode="asgi")


@sio.on("board.open")
async def open_board(sid, data):
    await sio.enter_room(sid, f"board:{data['board_id']}")
""",
            good="""\
import socketio

from boards import is_member

sio = socketio.AsyncServer(async_mode="asgi")


@sio.on("board.open")
async def open_board(sid, data):
    session = await sio.get_session(sid)
    if not await is_member(session["user_id"], data["board_id"]):
        return
    await sio.enter_room(sid, f"board:{data['board_id']}")
""",
        ),
        Example(
            "python",
            title="Django Channels",
            bad="""\
from channels.generic.websocket import AsyncWebsocketConsumer


class BoardConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        board_id = self.scope["url_route"]["kwargs"]["board_id"]
        await self.channel_layer.group_add(f"board_{board_id}", self.channel_name)
        await self.accept()
""",
            good="""\
from channels.generic.websocket import AsyncWebsocketConsumer

from boards.models import Board


class BoardConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        board_id = self.scope["url_route"]["kwargs"]["board_id"]
        user = self.scope["user"]
        if not await Board.objects.filter(id=board_id, members=user).aexists():
            await self.close()
            return
        await self.channel_layer.group_add(f"board_{board_id}", self.channel_name)
        await self.accept()
""",
        ),
    ),
)

_COMMENT = "may this user be in that room?"


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Find joins of rooms that the client names."""
    seen: set[Node] = set()
    for visit in visits(model):
        for target in joins(visit):
            if target.node in seen or _is_own(visit, target):
                continue
            finding = _judge(visit, target)
            if finding is not None:
                seen.add(target.node)
                yield finding
        for node in staff_joins(visit):
            if node not in seen:
                seen.add(node)
                message = "Whoever asks gets into the room of the staff; nobody looks at its role."
                yield RULE.fault(node, message, confidence="likely")


def _judge(visit: Visit, target: Target) -> Finding | None:
    answer = right_to(visit, target.node, target.values, target.room)
    if answer == "yes":
        return None
    if answer == "unknown":
        message = "Whether a service refuses strangers can't be seen here."
        return RULE.could_not_tell(target.node, message)
    if is_meant_for_all(visit, target):
        return RULE.could_not_tell(target.node, "This may be a room for everybody who names it.")
    source = "message" if any(v.source == "payload" for v in target.values) else "connection"
    message = f"The client's {source} names the room, and nobody checks its right to it."
    fix = asked_first(visit, target.node, target.room, "may join", _COMMENT)
    return RULE.fault(target.node, message, fix=fix)


def _is_own(visit: Visit, target: Target) -> bool:
    """Tell a connection that is registered under its own name; ``tenant-from-client`` has those."""
    if visit.gateway.framework != "websocket":
        return False
    return all(
        re.search(
            r"user|client|connection|session|tenant|token|device|agent|^(?:job|task|run|request)|"
            r"_(?:job|task|run|request)_id|username|name$",
            value.label,
        )
        and not re.search(r"room|chat|group|channel", value.label)
        for value in target.values
    )
