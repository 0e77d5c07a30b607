"""``except-addresses-everyone-else``."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.tenant_rooms import remedy, tenant_room
from tidegate.review.facts.emits import Emit, emits
from tidegate.review.fix import Fix, inserted_after, inserted_before, suggested
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule, rule

RULE = Rule(
    name="except-addresses-everyone-else",
    topic="tenant",
    severity="high",
    languages=("typescript", "python"),
    summary="An emit names whom to leave out and nobody to address: all the others get it.",
    why=(
        "`except` and `skip_sid` take away from an audience; without a room the audience is the "
        "whole namespace. So everyone outside of the room gets the event, and that is everyone of "
        "all other tenants."
    ),
    remedy="Address the tenant's room first, then leave out whom you don't want.",
    examples=(
        Example(
            "typescript",
            title="Nest",
            bad="""\
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { Server, Socket } from 'socket.io';

@WebSocketGateway({ namespace: 'orders' })
export class OrdersGateway {
  @WebSocketServer() server: Server;

  orderTaken(client: Socket, order: Order) {
    this.server.except(client.id).emit('order.taken', order);
  }
}
""",
            good="""\
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { Server, Socket } from 'socket.io';

@WebSocketGateway({ namespace: 'orders' })
export class OrdersGateway {
  @WebSocketServer() server: Server;

  orderTaken(client: Socket, order: Order) {
    this.server.to(`tenant:${client.data.tenantId}`).except(client.id).emit('order.taken', order);
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

export function announce(tenantId, text) {
  io.except(`muted:${tenantId}`).emit('announcement', text);
}
""",
            good="""\
import { Server } from 'socket.io';

const io = new Server(3000);

export function announce(tenantId, text) {
  io.to(`tenant:${tenantId}`).except(`muted:${tenantId}`).emit('announcement', text);
}
""",
        ),
        Example(
            "python",
            bad="""\
import socketio

sio = socketio.AsyncServer(async_mode="asgi")


@sio.event
async def typing(sid, data):
    session = await sio.get_session(sid)
    await sio.emit("typing", {"user": session["user_id"]}, skip_sid=sid)
""",
            good="""\
import socketio

sio = socketio.AsyncServer(async_mode="asgi")


@sio.event
async def typing(sid, data):
    session = await sio.get_session(sid)
    room = f"tenant:{session['tenant_id']}"
    await sio.emit("typing", {"user": session["user_id"]}, to=room, skip_sid=sid)
""",
        ),
    ),
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Find emits that leave somebody out and address nobody."""
    for emit in emits(model):
        if not emit.excluded or emit.rooms:
            continue
        node = emit.call.node
        if _is_own_namespace(emit):
            yield RULE.could_not_tell(
                node, "The namespace is computed; it may be the tenant's own."
            )
            continue
        left_out = " and ".join(f"`{each.text}`" for each in emit.excluded)
        message = f"This reaches everyone but {left_out}, in all tenants: no room is addressed."
        fix = _fix(model, emit)
        hint = "" if fix is not None else remedy(node)
        yield RULE.fault(node, message, remedy=hint, confidence=emit.confidence, fix=fix)


def _is_own_namespace(emit: Emit) -> bool:
    """Tell whether the namespace is not a literal: some have one for each tenant."""
    given = [each.arg(0) for each in emit.call.chain() if each.name == "of"]
    given.append(emit.call.keywords.get("namespace"))
    return any(
        node is not None and (node.find("template_substitution", "interpolation")) for node in given
    )


def _fix(model: Model, emit: Emit) -> Fix | None:
    call = emit.call
    room = tenant_room(model, call.node)
    if room is None:
        return None
    if call.file.is_python:
        keyword = emit.excluded[0].parent  # skip_sid=sid
        if keyword is None or keyword.kind != "keyword_argument":
            return None
        edit = inserted_before(keyword, f"to={room.text}, ")
        return suggested(*room.edits, edit)
    first = next(each for each in reversed(call.chain()) if each.name == "except")
    if first.receiver is None:
        return None
    return suggested(*room.edits, inserted_after(first.receiver, f".to({room.text})"))
