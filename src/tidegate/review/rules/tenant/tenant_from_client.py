"""``tenant-from-client``."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.facts.tenant.following import Visit, visits
from tidegate.review.facts.tenant.identities import Choice, choices, is_tenant
from tidegate.review.facts.tenant.permission import right_to
from tidegate.review.fix import Fix, line_before, replaced, suggested
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Node

RULE = Rule(
    name="tenant-from-client",
    topic="tenant",
    severity="critical",
    languages=("typescript", "python"),
    summary="The client says which tenant or user it is, and is believed.",
    why=(
        "A payload, a query or a header holds what the client wants. Whoever changes the tenant or "
        "the user in it reads and writes in the name of another. Only the verified token knows."
    ),
    remedy="Take tenant and user from the claims of the verified token.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';

@WebSocketGateway()
export class OrdersGateway {
  @SubscribeMessage('orders.watch')
  watch(@ConnectedSocket() client: Socket, @MessageBody() body: { tenantId: string }) {
    client.join(`tenant:${body.tenantId}`);
  }
}
""",
            good="""\
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';

@WebSocketGateway()
export class OrdersGateway {
  @SubscribeMessage('orders.watch')
  watch(@ConnectedSocket() client: Socket) {
    client.join(`tenant:${client.data.identity.tenantId}`);
  }
}
""",
        ),
        Example(
            "python",
            bad="""\
import socketio

sio = socketio.AsyncServer(async_mode="asgi")


@sio.on("orders.watch")
async def watch(sid, data):
    await sio.enter_room(sid, f"tenant:{data['tenant_id']}")
""",
            good="""\
import socketio

sio = socketio.AsyncServer(async_mode="asgi")


@sio.on("orders.watch")
async def watch(sid, data):
    session = await sio.get_session(sid)
    await sio.enter_room(sid, f"tenant:{session['tenant_id']}")
""",
        ),
    ),
)

_MESSAGES = {
    "room": "The client chooses the {who} whose room this is.",
    "identity": "The client chooses the {who} that its socket gets.",
    "known": "The client chooses the {who} that its socket is known by.",
    "actor": "The client chooses the {who} in whose name this is done.",
}
_AROUND = ("as_expression", "parenthesized_expression", "non_null_expression")
_COMMENT = "of the verified token, put there when the client connects"


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Follow what names a tenant or a user from the client to where it is believed."""
    seen: set[tuple[str, int]] = set()
    texts: set[tuple[Node, str]] = set()
    for visit in visits(model):
        for choice in choices(model, visit):
            node = choice.sent.node
            place, text = (node.file.name, node.line), (visit.handler.function.node, node.text)
            if place in seen or (text in texts and visit.gateway.framework != "websocket"):
                continue
            also = (node.file.name, _first_of(node).line)
            if also != place and also in seen:
                continue
            if right_to(visit, _last(visit, choice), frozenset({choice.sent})) == "yes":
                continue
            seen.add(place)
            texts.add(text)
            yield _fault(visit, choice)


def _first_of(node: Node) -> Node:
    """Return the first of the places that one value may come from: ``query.id || headers.id``."""
    first = node
    for around in node.ancestors():
        if around.kind in ("binary_expression", "boolean_operator"):
            first = around
        elif around.kind not in (
            "as_expression",
            "parenthesized_expression",
            "non_null_expression",
        ):
            break
    return first


def _last(visit: Visit, choice: Choice) -> Node:
    """Return the place before which the check must be: for what the socket is, anywhere."""
    if choice.use != "identity":
        return choice.at
    last = choice.at
    body: Node | None = visit.flow.function.body
    while body is not None and body.children:
        last = body.children[-1]
        body = last.field("body") if last.kind == "try_statement" else None
    return last


def _fault(visit: Visit, choice: Choice) -> Finding:
    who = "tenant" if is_tenant(choice.sent.label) else "user"
    return RULE.fault(
        choice.sent.node,
        _MESSAGES[choice.use].format(who=who),
        confidence="likely" if choice.use == "actor" else "certain",
        fix=_fix(visit, choice, who),
    )


def _fix(visit: Visit, choice: Choice, who: str) -> Fix | None:
    """Return the fix that reads the value from what a verified token left on the socket."""
    node, handler = choice.sent.node, visit.handler
    if node.kind not in ("member_expression", "subscript_expression", "subscript", "call"):
        return None
    if node.file is not handler.function.file or visit.came is not None or not handler.socket:
        return None
    framework, is_async = visit.gateway.framework, handler.function.is_async
    if not node.file.is_python:
        value = f"{handler.socket}.data.{who}Id"
        whole = _first_of(node)
        whole = whole if not visit.flow.has_other(whole) else node
        return suggested(line_before(node, f"// {who}Id is {_COMMENT}"), replaced(whole, value))
    if framework == "channels":
        value = 'self.scope["user"].id' if who == "user" else 'self.scope["user"].tenant_id'
        return suggested(replaced(node, value))
    if framework != "python-socketio" or not is_async or not handler.socket:
        return None
    server = next(iter(sorted(visit.gateway.servers)), "sio")
    lines = f"session = await {server}.get_session({handler.socket})  # {_COMMENT}"
    quote = "'" if '"' in choice.at.text and 'f"' in choice.at.text else '"'
    return suggested(line_before(node, lines), replaced(node, f"session[{quote}{who}_id{quote}]"))
