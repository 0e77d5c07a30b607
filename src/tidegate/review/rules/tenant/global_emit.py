"""``global-emit``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.discover import read
from tidegate.review.edits.tenant_rooms import remedy, tenant_room
from tidegate.review.facts.emits import Emit, emits
from tidegate.review.fix import Fix, inserted_after, suggested, with_entry
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Call, Node, SourceFile

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
    r"(?:list\(|tuple\()?(?:self\.|\w*manager\.)?_?"
    r"(?:active_?|open_?|all_?|ws_?|websocket_?|connected_?)*"
    r"(?:connections|clients|sockets|websockets)(?:\.(?:values|copy|items)\(\)|\[:\])?\)?"
)
_ALL_CLIENTS = re.compile(r"(?:this\.)?\w*(?:wss?|[sS]erver)\w*!?\.clients")
_GONE = r"\w+\??\.(?:readyState|client_state|application_state)(?:\s*[!=]==?\s*[\w.]+)?"
_SENDER = r"\w+ (?:!=|!==|is not) \w+"
_NO_CHOICE = re.compile(  # conditions that leave out who has gone, or the sender
    rf"\(?(?:{_GONE}|{_SENDER})(?:\s*(?:&&|and)\s*(?:{_GONE}|{_SENDER}))*\)?"
)
_ANNOUNCES = re.compile(
    r"announce|maintenance|shut_?down|restart|deploy|reload|heart_?beat|ticker|weather"
    r"|server[._:-]|(?:^|\W)(?:ping|tick|time)(?:\W|$)",
    re.IGNORECASE,
)
_TO_ALL = re.compile(
    r"broadcast(?:_?(?:to_?)?(?:all|everyone))?|(?:send|emit|notify|publish)_?(?:to_?)?(?:all|everyone)",
    re.IGNORECASE,
)
_LOOP = "This loop sends to every open socket, of all tenants."


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Find emits without an address."""
    for emit in emits(model):
        if emit.excluded:
            continue  # except-addresses-everyone-else tells of these
        if emit.audience == "everyone":
            message = "This emit reaches every socket of the namespace, of all tenants."
        elif emit.audience == "others":
            message = "`broadcast` reaches every other socket of the namespace, of all tenants."
        else:
            continue
        event = emit.call.args[0].string if emit.call.args else None
        if event is not None and _ANNOUNCES.search(event):
            yield RULE.could_not_tell(emit.call.node, "This may be meant for everybody.")
            continue
        if _is_unused_helper(model, emit):
            yield RULE.could_not_tell(
                emit.call.node, "Nobody calls this, so what it sends is open."
            )
            continue
        fix = _fix(model, emit)
        hint = "" if fix is not None else remedy(emit.call.node)
        yield RULE.fault(emit.call.node, message, remedy=hint, confidence=emit.confidence, fix=fix)
    for file in model.files:
        if file.is_python and model.project.imports_from(file, "fastapi", "starlette"):
            yield from _loops(model, file)
        elif not file.is_python and ".clients" in file.text and ".send(" in file.text:
            yield from _node_loops(file)


def _is_unused_helper(model: Model, emit: Emit) -> bool:
    """Tell a method such as ``broadcast`` that nobody calls, though others of its class are.

    Of a file alone nobody knows who calls it.
    """
    node = emit.call.node
    owner = model.project.owner(node)
    methods = owner.methods if owner is not None else {}
    function = next(
        (each for each in methods.values() if each.node.start <= node.start < each.node.end), None
    )
    if function is None or function.decorators or not _TO_ALL.fullmatch(function.name):
        return False
    others = set(methods) - {function.name, "constructor", "__init__"}
    is_seen = False
    for name in model.project.names:  # a caller need not be realtime code
        data = read(model.project.root / name, name, [])
        if data is None:
            continue
        if f".{function.name}(".encode() in data:
            return False
        is_own = name == function.file.name
        is_seen = is_seen or (not is_own and any(f".{each}(".encode() in data for each in others))
    return is_seen


def _loops(model: Model, file: SourceFile) -> Iterator[Finding]:
    """Find loops that send to each WebSocket there is (Python)."""
    for loop in file.root.find("for_statement", "for_in_clause"):
        if _is_idle(model, loop):
            continue
        left, right = loop.field("left"), loop.field("right")
        if left is None or right is None or not _ALL_SOCKETS.fullmatch(right.text):
            continue
        body = loop.field("body") or loop.parent or loop
        names = {each.text for each in left.find("identifier")}
        for call in body.calls("send_text", "send_json", "send_bytes"):
            if call.receiver is None or call.receiver.text not in names:
                continue
            if _is_sent_to_all(call, loop):
                yield RULE.fault(call.node, _LOOP, confidence="likely")


def _is_idle(model: Model, loop: Node) -> bool:
    """Tell a method that no code of a whole project calls: ``broadcast`` of a manager."""
    function = loop.function
    name = function.field("name") if function is not None else None
    if name is None or loop.enclosing("class_definition") is None:
        return False
    if not any(each.framework == "websocket" and each.file.is_python for each in model.gateways):
        return False
    called = re.compile(rf"\.{re.escape(name.text)}\b".encode())
    names = (each for each in model.project.names if each.endswith(".py"))
    texts = (read(model.project.root / each, each, []) for each in names)
    return not any(text is not None and called.search(text) for text in texts)


def _node_loops(file: SourceFile) -> Iterator[Finding]:
    """Find the same on Node: ``wss.clients.forEach((client) => client.send(data))``."""
    for call in file.calls:
        if call.name != "forEach" or call.receiver is None or not call.args:
            continue
        if not _ALL_CLIENTS.fullmatch(call.receiver.text):
            continue
        yield from _sends(call.args[0], call.args[0].field("parameters"), call.args[0])
    for loop in file.root.find("for_in_statement"):
        left, right = loop.field("left"), loop.field("right")
        if right is not None and _ALL_CLIENTS.fullmatch(right.text):
            yield from _sends(loop, left, loop)


def _sends(body: Node, names: Node | None, loop: Node) -> Iterator[Finding]:
    single = body.field("parameter")
    known = {
        each.text for holder in (names, single) if holder for each in holder.find("identifier")
    }
    for call in body.calls("send"):
        is_ours = call.receiver is not None and call.receiver.text in known
        if is_ours and _is_sent_to_all(call, loop):
            yield RULE.fault(call.node, _LOOP, confidence="likely")


def _is_sent_to_all(call: Call, loop: Node) -> bool:
    """Tell whether no condition inside the loop chooses among the sockets."""
    for around in call.node.ancestors():
        if around == loop:
            return True
        if around.kind in ("if_statement", "for_statement", "for_in_statement"):
            condition = around.field("condition")
            if condition is None or not _NO_CHOICE.fullmatch(condition.text):
                return around.field("body") is not None and around == loop
        if around.kind in ("function_definition", "method_definition", "class_definition"):
            return loop.kind == "for_in_clause"
    return True


def _fix(model: Model, emit: Emit) -> Fix | None:
    """Return the fix that addresses the tenant's room; None if only the client names a tenant."""
    call = emit.call
    arguments, receiver = call.node.field("arguments"), call.receiver
    if call.file.is_python and (call.name != "emit" or "broadcast" in call.keywords):
        return None
    if arguments is None or receiver is None:
        return None
    room = tenant_room(model, call.node, call.args[1] if len(call.args) > 1 else None)
    if room is None:
        return None
    if call.file.is_python:
        return suggested(*room.edits, with_entry(arguments, "to", room.text))
    return suggested(*room.edits, inserted_after(receiver, f".to({room.text})"))
