"""``room-without-prefix``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tidegate.review.diagnostic import Finding
from tidegate.review.facts.tenant.bare_rooms import bare_id, prefixed
from tidegate.review.facts.tenant.rooms import Address, addresses, joins
from tidegate.review.fix import Edit, Fix, replaced, suggested
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Node, SourceFile

RULE = Rule(
    name="room-without-prefix",
    topic="tenant",
    severity="low",
    languages=("typescript", "python"),
    summary="An id alone is the name of a room.",
    why=(
        "Rooms of all kinds share one space of names, with the ids of sockets among them. If a "
        "user and a board can both be 42, the user gets what is meant for the board; and a client "
        "that may name the room it joins can name a socket, or a user."
    ),
    remedy="Put the kind before the id, `user:42`, where sockets join and where you emit.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { Server, Socket } from 'socket.io';

@WebSocketGateway()
export class NotesGateway {
  @WebSocketServer() server: Server;

  handleConnection(client: Socket) {
    client.join(client.data.userId);
  }

  noteAdded(userId: string, note: Note) {
    this.server.to(userId).emit('note.added', note);
  }
}
""",
            good="""\
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { Server, Socket } from 'socket.io';

@WebSocketGateway()
export class NotesGateway {
  @WebSocketServer() server: Server;

  handleConnection(client: Socket) {
    client.join(`user:${client.data.userId}`);
  }

  noteAdded(userId: string, note: Note) {
    this.server.to(`user:${userId}`).emit('note.added', note);
  }
}
""",
        ),
        Example(
            "python",
            bad="""\
import socketio

sio = socketio.AsyncServer(async_mode="asgi")


@sio.event
async def connect(sid, environ, auth):
    user = await verified(auth["token"])
    await sio.enter_room(sid, str(user.id))
""",
            good="""\
import socketio

sio = socketio.AsyncServer(async_mode="asgi")


@sio.event
async def connect(sid, environ, auth):
    user = await verified(auth["token"])
    await sio.enter_room(sid, f"user:{user.id}")
""",
        ),
    ),
)


@dataclass(frozen=True)
class _Bare:
    """A join of a room that is named by an id of some kind."""

    node: Node
    room: Node
    kind: str


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Find rooms without a prefix, the first of each file."""
    bare: dict[str, list[_Bare]] = {}
    for join in joins(model):
        for room in _elements(join.room):
            kind = bare_id(model, room)
            if kind is not None:
                bare.setdefault(join.node.file.name, []).append(_Bare(join.node, room, kind))
    sent = [(each, bare_id(model, each.room)) for each in addresses(model)] if bare else []
    for found in bare.values():
        first = next((each for each in found if _is_of_connect(each.node)), found[0])
        others = sorted({each.kind for each in found} - {first.kind})
        message = f"`{first.room.text}` is the whole name of this room: it may be any id."
        if others:
            message = f"{message} Others are made of: {', '.join(others)}."
        yield RULE.fault(first.node, message, fix=_fix(model, first.node.file, found, sent))


def _is_of_connect(node: Node) -> bool:
    """Tell a join when a client connects: what it is named by counts for all that follow."""
    function = node.enclosing("method_definition", "function_definition")
    name = function.field("name") if function is not None else None
    return name is not None and name.text in ("handleConnection", "connect", "on_connect")


def _elements(room: Node) -> list[Node]:
    return room.children if room.kind in ("array", "list") else [room]


def _fix(
    model: Model,
    file: SourceFile,
    found: list[_Bare],
    sent: list[tuple[Address, str | None]],
) -> Fix | None:
    """Return the fix that puts the kind before each id, where it is joined, left and addressed."""
    kinds = {each.kind for each in found}
    if "id" in kinds:
        return None  # nothing tells whose id it is
    edits: dict[int, Edit] = {}
    for each in found:
        edits[each.room.start] = replaced(each.room, prefixed(each.room, each.kind))
    for address, sent_kind in sent:
        if sent_kind in kinds and sent_kind is not None and address.node.file is file:
            room = address.room
            edits[room.start] = replaced(room, prefixed(room, sent_kind))
    for call in file.calls:
        if call.name not in ("leave", "leave_room", "group_discard") or not call.args:
            continue
        left = call.args[1] if call.name == "leave_room" and len(call.args) > 1 else call.args[0]
        left_kind = bare_id(model, left)
        if left_kind in kinds and left_kind is not None:
            edits[left.start] = replaced(left, prefixed(left, left_kind))
    return suggested(*edits.values())
