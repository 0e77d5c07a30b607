"""``emit-to-client-chosen-target``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.permission import asked_first
from tidegate.review.facts.tenant.expressions import words_of
from tidegate.review.facts.tenant.following import Visit, visits
from tidegate.review.facts.tenant.permission import right_to
from tidegate.review.facts.tenant.targets import Target, is_meant_for_all, named_targets
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Node

RULE = Rule(
    name="emit-to-client-chosen-target",
    topic="tenant",
    severity="high",
    languages=("typescript", "python"),
    summary="A client's message goes to any room, user or socket that it names.",
    why=(
        "The sender decides who gets the event. Without a check of the right to write there, each "
        "client can put messages, calls and receipts before every user of the system, in rooms "
        "that it never joined; the receivers' pages take them for the server's word."
    ),
    remedy="Check that the verified sender may write to this room or user before the emit.",
    examples=(
        Example(
            "typescript",
            bad="""\
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import type { Server, Socket } from 'socket.io';

@WebSocketGateway()
export class ChatGateway {
  @WebSocketServer() server: Server;

  @SubscribeMessage('message.send')
  send(@ConnectedSocket() client: Socket, @MessageBody() body: { roomId: string; text: string }) {
    this.server.to(body.roomId).emit('message', { from: client.data.user.id, text: body.text });
  }
}
""",
            good="""\
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import type { Server, Socket } from 'socket.io';

@WebSocketGateway()
export class ChatGateway {
  @WebSocketServer() server: Server;

  @SubscribeMessage('message.send')
  send(@ConnectedSocket() client: Socket, @MessageBody() body: { roomId: string; text: string }) {
    if (!client.rooms.has(body.roomId)) return; // joined after a check
    this.server.to(body.roomId).emit('message', { from: client.data.user.id, text: body.text });
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
  socket.on('call', (data) => {
    io.to(data.userToCall).emit('ringing', { signal: data.signal });
  });
});
""",
            good="""\
import { Server } from 'socket.io';
import { areFriends } from './friends';

const io = new Server(3000);

io.on('connection', (socket) => {
  socket.on('call', async (data) => {
    if (!(await areFriends(socket.data.user.id, data.userToCall))) return;
    io.to(data.userToCall).emit('ringing', { signal: data.signal });
  });
});
""",
        ),
        Example(
            "python",
            bad="""\
import socketio

sio = socketio.AsyncServer(async_mode="asgi")


@sio.event
async def message(sid, data):
    await sio.emit("message", data["text"], room=data["room"])
""",
            good="""\
import socketio

sio = socketio.AsyncServer(async_mode="asgi")


@sio.event
async def message(sid, data):
    if data["room"] not in sio.rooms(sid):
        return
    await sio.emit("message", data["text"], room=data["room"])
""",
        ),
    ),
)

_LEAVES = re.compile(r"leave|disconnect|left|quit|exit")
_COMMENT = "may this user write to that room or user?"


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Find emits to what a client's message names."""
    seen: set[Node] = set()
    open_files: set[str] = set()
    farewells: list[Finding] = []
    for visit in visits(model):
        heard = words_of(f"{visit.handler.event} {visit.handler.function.name}")
        is_farewell = _LEAVES.search(heard) is not None
        for target in named_targets(model, visit):
            if target.node in seen or not _is_of_message(target):
                continue
            finding = _judge(visit, target)
            if finding is None:
                continue
            seen.add(target.node)
            if is_farewell:
                farewells.append(finding)
                continue
            if finding.verdict == "fault":
                open_files.add(finding.file)
            yield finding
    # A farewell does little harm, unless the rooms are open to everybody anyway.
    yield from (each for each in farewells if each.file in open_files)


def _judge(visit: Visit, target: Target) -> Finding | None:
    answer = right_to(visit, target.node, target.values, target.room)
    if answer == "yes":
        return None
    if answer == "unknown":
        message = "Whether a service refuses strangers can't be seen here."
        return RULE.could_not_tell(target.node, message)
    if is_meant_for_all(visit, target):
        return RULE.could_not_tell(target.node, "This may be a room for everybody who names it.")
    message = "The client names who gets this, and nobody checks its right to write there."
    fix = asked_first(visit, target.node, target.room, "may write", _COMMENT)
    return RULE.fault(target.node, message, fix=fix)


def _is_of_message(target: Target) -> bool:
    """Tell a target of the message from the room of the connection, which was joined."""
    return any(value.source == "payload" for value in target.values)
