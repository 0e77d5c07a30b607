"""``room-never-joined``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.facts.tenant.all_joins import AllJoins, all_joins
from tidegate.review.facts.tenant.room_names import ANYTHING, could_meet, patterns, values_of
from tidegate.review.facts.tenant.rooms import Address, addresses
from tidegate.review.fix import Fix, replaced, suggested
from tidegate.review.model import Gateway, Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Node

RULE = Rule(
    name="room-never-joined",
    topic="tenant",
    severity="medium",
    languages=("typescript", "python"),
    summary="An event is sent to a room that no socket ever joins.",
    why=(
        "Sending to an empty room is no error: the event goes nowhere, and nothing in a log tells "
        "of it. Mostly the name is spelled otherwise where sockets join, `user_7` here and "
        "`user:7` there."
    ),
    remedy="Join the room when the socket connects, or address the one that is joined.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { WebSocketGateway, WebSocketServer, OnGatewayConnection } from '@nestjs/websockets';
import type { Server, Socket } from 'socket.io';

@WebSocketGateway()
export class NotesGateway implements OnGatewayConnection {
  @WebSocketServer() server: Server;

  handleConnection(client: Socket) {
    client.join(`user:${client.data.userId}`);
  }

  noteAdded(userId: string, note: Note) {
    this.server.to(`user_${userId}`).emit('note.added', note);
  }
}
""",
            good="""\
import { WebSocketGateway, WebSocketServer, OnGatewayConnection } from '@nestjs/websockets';
import type { Server, Socket } from 'socket.io';

@WebSocketGateway()
export class NotesGateway implements OnGatewayConnection {
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
    await sio.enter_room(sid, f"tenant:{user.tenant_id}")


async def note_added(user_id, note):
    await sio.emit("note", note, to=f"user:{user_id}")
""",
            good="""\
import socketio

sio = socketio.AsyncServer(async_mode="asgi")


@sio.event
async def connect(sid, environ, auth):
    user = await verified(auth["token"])
    await sio.enter_room(sid, f"tenant:{user.tenant_id}")
    await sio.enter_room(sid, f"user:{user.id}")


async def note_added(user_id, note):
    await sio.emit("note", note, to=f"user:{user_id}")
""",
        ),
    ),
)

_ROOMS = re.compile(
    r"(?:^|\.|_|`\$\{)\w*(?:"
    r"(?:user|member|owner|account|recipient|receiver|driver|player|order)(?:_?id|_?code|_?name|\._?id)"
    r"|(?:tenant|org|organi[sz]ation|room|conversation|group|team|game|board|project)"
    r"(?:_?id|_?code|_?name|\._?id)?)(?:\.toString\(\))?(?:\}`)?$",
    re.IGNORECASE,
)
"""What is no socket's id, by its name; each socket is in the room of its own id."""

_KEEPS_SOCKETS = re.compile(r"\bid['\"]?\s*[:=]\s*(?:\w*[sS]ocket|client)\.id\b|Map<\w+, *Socket>")


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Find rooms that are addressed and never joined."""
    if not any(_is_server(gateway) for gateway in model.gateways):
        return  # sockets connect elsewhere
    sent = [(each, patterns(model, each.room)) for each in addresses(model)]
    if not sent:
        return
    joined = all_joins(model)
    if joined.is_empty(model) and _is_complete(model):
        for address, names in sent:
            if not names and _is_no_socket(address.room):
                message = f"Nothing joins a room here, and `{address.room.text}` is no socket's id."
                yield RULE.fault(address.node, message)
    for address, names in sent:
        if not names or any(name.startswith("/") for name in names):
            continue
        if any(could_meet(name, other) for name in names for other in joined.known):
            continue
        if joined.is_mentioned_elsewhere(model, names):
            continue
        room = " or ".join(sorted(f"`{_shown(name)}`" for name in names))
        close = _closest(names, joined)
        is_misspelled = close is not None and all(_bare(each) == _bare(close) for each in names)
        if (joined.unknown is not None and not is_misspelled) or not _is_complete(model):
            message = f"No join of {room} was found, but what some sockets join is computed."
            yield RULE.could_not_tell(address.node, message)
            continue
        yield RULE.fault(
            address.node,
            f"No socket ever joins {room}" + (f"; they join `{_shown(close)}`." if close else "."),
            confidence="certain" if joined.unknown is None else "likely",
            fix=_fix(address, close) if close else None,
        )


def _is_no_socket(room: Node) -> bool:
    """Tell whether a room surely is not the one of a socket's own id."""
    if not _ROOMS.search(room.text):
        return False
    if re.search(r"\._?id$", room.text):
        return _is_stored(room)
    values = values_of(room) if room.kind == "identifier" else None
    looked_up = ("call_expression", "call", "subscript_expression", "subscript", "await_expression")
    return not any(each is not None and each.kind in looked_up for each in values or ())


def _is_stored(room: Node) -> bool:
    """Tell a row's id from that of a socket, or player, kept in a map: ``users.get(to).id``."""
    if _KEEPS_SOCKETS.search(room.file.text):
        return False
    head = next(iter(room.find("identifier")), None)
    values = (values_of(head) if head is not None else None) or ()
    kinds = ("call_expression", "call", "subscript_expression", "subscript")
    return not any(each is not None and each.kind in kinds for each in values)


def _is_server(gateway: Gateway) -> bool:
    return gateway.framework not in ("websocket", "tidegate")


def _is_complete(model: Model) -> bool:
    return all(gateway.is_complete for gateway in model.gateways if _is_server(gateway))


def _shown(pattern: str) -> str:
    return pattern.replace(ANYTHING, "…")


def _closest(names: Iterable[str], joined: AllJoins) -> str | None:
    """Return the joined room whose name is nearly the same; None if there is none."""
    if len(set(names)) != 1:
        return None
    [name] = names
    others = [each for each in joined.known if each.count(ANYTHING) == name.count(ANYTHING)]
    same = [each for each in others if _bare(each) == _bare(name)]
    return next(iter(same or difflib.get_close_matches(name, others, 1, 0.8)), None)


def _bare(pattern: str) -> str:
    return re.sub(rf"[^\w{ANYTHING}]|_|s(?=\W|_|{ANYTHING}|$)", "", pattern.lower())


def _fix(address: Address, close: str) -> Fix | None:
    """Return the fix that spells the room as where it is joined."""
    room = address.room
    text = _spelled(room, close)
    return suggested(replaced(room, text)) if text is not None else None


def _spelled(room: Node, pattern: str) -> str | None:
    if room.kind not in ("string", "template_string"):
        return None
    kinds = ("template_substitution", "interpolation")
    ids = [each.text for each in room.children if each.kind in kinds]
    fragments = pattern.split(ANYTHING)
    match = re.match(r"""[a-zA-Z]*('''|\"\"\"|['"`])""", room.text)
    if len(fragments) != len(ids) + 1 or match is None:
        return None
    parts = [part for pair in zip(fragments, [*ids, ""], strict=True) for part in pair]
    return match[0] + "".join(parts) + match[1]
