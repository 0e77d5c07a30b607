"""``global-emit``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.rules._emits import emits
from tidegate.review.source import SourceFile

RULE = Rule(
    name="global-emit",
    topic="tenant",
    severity="high",
    languages=("typescript", "python"),
    summary="An event goes to everybody who is connected, whatever their tenant.",
    why=(
        "An emit without an address reaches each socket of the namespace. In an application "
        "with several tenants, each of them reads what happens at the others; and each new "
        "client makes every event dearer."
    ),
    remedy="Address a room of the tenant, which sockets join once their token is verified.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { Server } from 'socket.io';

@WebSocketGateway()
export class OrdersGateway {
  @WebSocketServer() server: Server;

  orderPaid(order: Order) {
    this.server.emit('order.paid', order);
  }
}
""",
            good="""\
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { Server } from 'socket.io';

@WebSocketGateway()
export class OrdersGateway {
  @WebSocketServer() server: Server;

  orderPaid(order: Order) {
    this.server.to(`tenant:${order.tenantId}`).emit('order.paid', order);
  }
}
""",
        ),
        Example(
            "python",
            bad="""\
import socketio

sio = socketio.AsyncServer(async_mode="asgi")


async def order_paid(order):
    await sio.emit("order.paid", order.as_dict())
""",
            good="""\
import socketio

sio = socketio.AsyncServer(async_mode="asgi")


async def order_paid(order):
    await sio.emit("order.paid", order.as_dict(), to=f"tenant:{order.tenant_id}")
""",
        ),
    ),
)

_ALL_SOCKETS = re.compile(
    r"(?:list\(|tuple\()?(?:self\.|manager\.)?_?(?:active_?|open_?|all_?|ws_?|websocket_?|connected_?)*"
    r"(?:connections|clients|sockets|websockets)(?:\.values\(\)|\.copy\(\))?\)?"
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Find emits without an address."""
    for emit in emits(model):
        if emit.excluded:
            continue  # except-addresses-everyone-else tells of these
        if emit.audience == "everyone":
            message = "This emit reaches every socket of the namespace, of all tenants."
            yield RULE.fault(emit.call.node, message, confidence=emit.confidence)
        elif emit.audience == "others":
            message = "`broadcast` reaches every other socket of the namespace, of all tenants."
            yield RULE.fault(emit.call.node, message, confidence=emit.confidence)
    for file in model.files:
        if file.is_python and model.project.imports_from(file, "fastapi", "starlette"):
            yield from _loops(file)


def _loops(file: SourceFile) -> Iterator[Finding]:
    """Find loops that send to each WebSocket there is."""
    for loop in file.root.find("for_statement"):
        left, right, body = loop.field("left"), loop.field("right"), loop.field("body")
        if left is None or right is None or body is None or not _ALL_SOCKETS.fullmatch(right.text):
            continue
        for call in body.calls("send_text", "send_json", "send_bytes"):
            if call.receiver is None or call.receiver.text != left.text:
                continue
            if call.node.enclosing("if_statement", "for_statement") in (loop, None):
                message = "This loop sends to every open socket, of all tenants."
                yield RULE.fault(call.node, message, confidence="likely")
