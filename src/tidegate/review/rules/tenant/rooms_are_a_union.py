"""``rooms-are-a-union``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Literal

from tidegate.review.diagnostic import Confidence, Finding
from tidegate.review.facts.emits import emits
from tidegate.review.facts.tenant.room_kinds import RoomKind, kind_of, name_around, words_in
from tidegate.review.fix import Edit, Fix, line_before, suggested
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Call, Node

RULE = Rule(
    name="rooms-are-a-union",
    topic="tenant",
    severity="medium",
    languages=("typescript", "python"),
    summary="Several rooms are addressed as if only sockets in all of them got the event.",
    why=(
        "`to(a).to(b)` addresses everybody in `a` and everybody in `b`, not those who are in both. "
        "The room of a tenant together with that of a user or a role reaches the whole tenant, and "
        "whoever has that role in other tenants."
    ),
    remedy="Join a room that means both, such as `tenant:7:role:admin`, and address that one.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { Server } from 'socket.io';

@WebSocketGateway()
export class AlertsGateway {
  @WebSocketServer() server: Server;

  notifyRole(tenantId: string, role: string, alert: Alert) {
    this.server.to(`tenant:${tenantId}`).to(`role:${role}`).emit('alert', alert);
  }
}
""",
            good="""\
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { Server } from 'socket.io';

@WebSocketGateway()
export class AlertsGateway {
  @WebSocketServer() server: Server;

  notifyRole(tenantId: string, role: string, alert: Alert) {
    this.server.to(`tenant:${tenantId}:role:${role}`).emit('alert', alert);
  }
}
""",
        ),
        Example(
            "python",
            bad="""\
import socketio

sio = socketio.AsyncServer(async_mode="asgi")


async def notify_user(tenant_id, user_id, note):
    await sio.emit("note", note, to=[f"tenant:{tenant_id}", f"user:{user_id}"])
""",
            good="""\
import socketio

sio = socketio.AsyncServer(async_mode="asgi")


async def notify_user(tenant_id, user_id, note):
    await sio.emit("note", note, to=f"tenant:{tenant_id}:user:{user_id}")
""",
        ),
    ),
)

_OTHERS = ("fetchSockets", "disconnectSockets", "socketsJoin", "socketsLeave", "allSockets")
_BOTH = re.compile(
    r"invit|(?:member|user)\W?(?:was)?(?:remov|add|left|join)|(?:remov|add|kick)\w*(?:member|user)|join"
    r"|\band\b|\bplus\b|\balso\b|\bboth\b|union| \+ ",
    re.IGNORECASE,
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Find rooms of different breadth that are addressed together."""
    for call, rooms in _addressed(model):
        kinds = [(room, kind) for room in rooms if (kind := kind_of(model, room)) is not None]
        for pair in combinations(kinds, 2):
            ordered = sorted(pair, key=lambda each: each[1].breadth not in ("tenant", "group"))
            (_, wide), (_, narrow) = ordered
            verdict = _judged(call.node, wide, narrow)
            if verdict is None:
                continue
            if verdict == "unknown":
                message = f"The room of a {wide.word} and of a {narrow.word}: either, or both?"
                yield RULE.could_not_tell(call.node, message)
                break
            message = (
                f"This reaches everyone in the {wide.word}'s room and everyone in the "
                f"{narrow.word}'s, not those who are in both."
            )
            fix = _fix(call, [room for room, _ in ordered]) if len(rooms) == 2 else None
            yield RULE.fault(call.node, message, confidence=verdict, fix=fix)
            break


def _addressed(model: Model) -> Iterator[tuple[Call, list[Node]]]:
    """Yield calls that address several rooms."""
    for emit in emits(model):
        rooms = [each for room in emit.rooms for each in _flat(model, room)]
        if len(rooms) > 1:
            yield emit.call, rooms
    for file in model.files:
        for call in file.calls if not file.is_python else []:
            if call.name in _OTHERS:
                links = [each for each in call.chain() if each.name in ("to", "in")]
                given = [arg for each in links for arg in each.args]
                rooms = [each for room in given for each in _flat(model, room)]
                if len(rooms) > 1:
                    yield call, rooms


def _flat(model: Model, room: Node) -> list[Node]:
    value = model.project.value(room)
    if value is not None and value.kind in ("array", "list"):
        return value.children
    return [room]


def _judged(node: Node, wide: RoomKind, narrow: RoomKind) -> Confidence | Literal["unknown"] | None:
    """Tell whether two rooms are meant as "and": a user of a tenant is in its room anyway.

    A function that is named after the narrow one alone means that: ``emitToUser(tenantId, …)``.
    """
    if wide.breadth not in ("tenant", "group") or narrow.breadth in ("tenant", "group"):
        return None
    words = words_in(name_around(node))
    named = {word.rstrip("s") for word in words}
    names_narrow = narrow.word.rstrip("s") in named and wide.word not in named
    if _BOTH.search(f"{' '.join(words)} {_texts_near(node)}"):
        return "unknown"
    if names_narrow and narrow.breadth != "other":
        return "certain"
    if narrow.breadth == "role" and narrow.word.startswith("role"):
        return "certain"
    if wide.breadth == "tenant":
        if narrow.breadth in ("user", "role"):
            return "likely"
        return "likely" if names_narrow else "unknown"
    return None


def _texts_near(node: Node) -> str:
    """Return the event's name, and the comments right above the statement."""
    call = Call(node)
    event = call.args[0].text if call.args else ""
    lines = [node.file.line(number) for number in range(max(1, node.line - 2), node.line)]
    return " ".join([event, *(line for line in lines if re.match(r"\s*(?://|\*|/\*|#)", line))])


def _fix(call: Call, rooms: list[Node]) -> Fix | None:
    """Return the fix that addresses one room, named after both; the wider comes first."""
    if any(room.kind not in ("template_string", "string") for room in rooms):
        return None
    comment = "A room of its own: sockets join it once their token is verified."
    if call.file.is_python:
        holder = rooms[0].parent
        if holder is None or holder.kind != "list":
            return None
        prefix = "f" if any(room.text.startswith("f") for room in rooms) else ""
        text = f'{prefix}"{_inner(rooms[0])}:{_inner(rooms[1])}"'
        edit = Edit(call.file.name, holder.start, holder.end, text)
        return suggested(line_before(call.node, f"# {comment}"), edit)
    first, last = sorted(rooms, key=lambda room: room.start)
    text = f"`{_inner(rooms[0])}:{_inner(rooms[1])}`"
    chained = [each for each in call.chain() if each.args and each.args[0] in rooms]
    if len(chained) == 2:
        rest = next(each for each in chained if each.args[0] == last)
        end = rest.node.end - 1
    else:
        holder = first.parent
        if holder is None or holder.kind != "array":
            return None
        first, end = holder, holder.end
    edit = Edit(call.file.name, first.start, end, text)
    return suggested(line_before(call.node, f"// {comment}"), edit)


def _inner(room: Node) -> str:
    match = re.fullmatch(r"""[a-zA-Z]*('''|\"\"\"|['"`])(.*)\1""", room.text, flags=re.DOTALL)
    return match[2] if match else room.text
