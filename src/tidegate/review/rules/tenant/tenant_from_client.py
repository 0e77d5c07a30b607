"""``tenant-from-client``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.model import Function, Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.rules._client_data import Sent, sent_values
from tidegate.review.source import Call, Node

RULE = Rule(
    name="tenant-from-client",
    topic="tenant",
    severity="critical",
    languages=("typescript", "python"),
    summary="The client says which tenant it belongs to, and is believed.",
    why=(
        "A payload, a query or a header holds what the client wants. Whoever changes the tenant in "
        "it reads and writes in the name of another company. Only the verified token knows."
    ),
    remedy="Take the tenant from the claims of the verified token.",
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

_TENANT = re.compile(
    r"(?:x-|HTTP_X_)?(?:current)?_?(?:tenant|organi[sz]ation|org|company)(?:[-_]?(?:id|ID|Id|slug|key|name|uuid))?",
    re.IGNORECASE,
)
_ROOMS = (
    *("join", "to", "in", "enter_room", "emit", "group_add", "group_send", "save_session"),
    *("join_room", "socketsJoin", "subscribe", "connect", "add"),
)
_CHECKS = re.compile(
    r"(?:is|has|can|check|verify|assert|ensure|authorize|require|validate|belongs|allowed|deny)(?:_|[A-Z]).*"
    r"|includes|has|some|every|find\w*Member\w*|member\w*|authorize|can"
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Follow what looks like a tenant from the client to rooms and sockets."""
    for gateway in model.gateways:
        for handler in gateway.of_kind("connect", "message"):
            seen: set[str] = set()
            for sent in sent_values(gateway, handler, _is_tenant):
                finding = _judge(handler.function, sent) if sent.node.text not in seen else None
                if finding is not None:
                    seen.add(sent.node.text)
                    yield finding


def _is_tenant(name: str) -> bool:
    return _TENANT.fullmatch(name) is not None


def _judge(function: Function, sent: Sent) -> Finding | None:
    if _is_checked(function, sent):
        return None
    for call in function.calls:
        arguments = [*call.args, *call.keywords.values()]
        if (
            call.name in _ROOMS
            and not _is_test(call)
            and any(sent.is_in(each) for each in arguments)
        ):
            if call.name == "emit" and not _addresses(call, sent):
                continue
            return RULE.fault(sent.node, "The client chooses the tenant whose room this is.")
    kinds = ("assignment_expression", "assignment")
    for node in function.body.find(*kinds):
        left, right = node.field("left"), node.field("right")
        if left is None or right is None or not sent.is_in(right):
            continue
        if re.match(r"(?:\w*socket\w*|\w*client\w*|self)\b.*[.\[]", left.text, re.IGNORECASE):
            return RULE.fault(sent.node, "The client chooses the tenant that its socket gets.")
    for call in function.calls:
        arguments = [*call.args, *call.keywords.values()]
        is_service = re.match(r"(?:await )?(?:this|self)\.\w+\.\w+$", call.path)
        is_log = re.search(r"log|console|print", call.path, re.IGNORECASE)
        if is_service and not is_log and any(sent.is_in(each) for each in arguments):
            message = "The client chooses the tenant that the service works for."
            return RULE.fault(sent.node, message, confidence="likely")
    return None


def _addresses(call: Call, sent: Sent) -> bool:
    """Tell whether a Python emit goes to a room of that name."""
    given = call.keywords.get("to") or call.keywords.get("room")
    return given is not None and sent.is_in(given)


def _is_test(call: Call) -> bool:
    """Tell ``Array.join`` and ``Set.add`` of something else by what they are made on."""
    receiver = call.receiver.text if call.receiver is not None else ""
    if call.name == "join":
        return not re.search(r"sock|client|conn", receiver, re.IGNORECASE)
    if call.name in ("connect", "add", "subscribe", "in"):
        return not re.search(r"manager|connections|rooms?|hub|io|server", receiver, re.IGNORECASE)
    return False


def _is_checked(function: Function, sent: Sent) -> bool:
    """Tell whether the value is compared, or given to something that sounds like a check."""
    for node in function.body.find("binary_expression", "comparison_operator"):
        operator = re.search(r"!==?|===?|!=|\bin\b", node.text)
        if operator and sent.is_in(node) and not _is_empty(node):
            return True
    for call in function.calls:
        arguments = [*call.args, *call.keywords.values()]
        if _CHECKS.fullmatch(call.name.lstrip("_")) and any(sent.is_in(each) for each in arguments):
            return True
    return False


def _is_empty(node: Node) -> bool:
    """Tell a comparison with nothing: ``tenantId === undefined``, ``tenant is None``."""
    return bool(re.search(r"undefined|null|None|['\"]['\"]|typeof|['\"]string['\"]", node.text))
