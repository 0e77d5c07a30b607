"""``guard-not-run-on-connect``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.first_checks import first_check
from tidegate.review.facts.auth.authentication import (
    authentication,
    authentication_before,
    guards_of,
)
from tidegate.review.facts.auth.trusted_sockets import (
    IDENTITY,
    bound_guards,
    is_set_by_guard,
    trusted_of,
)
from tidegate.review.model import Gateway, Handler, Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Node

RULE = Rule(
    name="guard-not-run-on-connect",
    topic="auth",
    severity="critical",
    languages=("typescript",),
    summary="A gateway trusts a guard when a client connects, and Nest runs none then.",
    why=(
        "Guards of `@UseGuards` run for messages only, never for `handleConnection`. Code "
        "there that relies on them finds no user and drops everybody, or it does not look and "
        "admits everybody."
    ),
    remedy="Check the handshake in an adapter, or with `server.use` in `afterInit`.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { UseGuards } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import { WsAuthGuard } from './ws-auth.guard';

@UseGuards(WsAuthGuard)
@WebSocketGateway()
export class OrdersGateway {
  handleConnection(client: Socket) {
    client.join(`user:${client.data.user.id}`);
  }
}
""",
            good="""\
import { UseGuards } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import { authenticate } from './authenticate';
import { WsAuthGuard } from './ws-auth.guard';

@UseGuards(WsAuthGuard)
@WebSocketGateway()
export class OrdersGateway {
  afterInit(server: Server) {
    server.use(authenticate);
  }

  handleConnection(client: Socket) {
    client.join(`user:${client.data.user.id}`);
  }
}
""",
        ),
    ),
)

_RELIES = re.compile(rf"\b{IDENTITY}\b", re.I)
_SERVES = ("join", "emit", "send")


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at connect handlers of gateways that have guards and no other check."""
    for gateway in model.gateways:
        if gateway.framework != "nest":
            continue
        for handler in gateway.of_kind("connect"):
            yield from _judge(model, gateway, handler)


def _judge(model: Model, gateway: Gateway, handler: Handler) -> Iterator[Finding]:
    own = bound_guards(handler.function)
    is_class = bool(guards_of(gateway))
    trusted = trusted_of(model, handler)
    if not own and not is_class and not (trusted and is_set_by_guard(model, gateway)):
        return
    evidence = authentication(model, gateway)
    if evidence.verdict == "yes" and not (trusted and _is_in(model, handler, evidence.node)):
        return
    node = own[0].node if own else handler.function.node.field("name") or handler.function.node
    if authentication_before(model, gateway).verdict == "unknown" or (
        evidence.verdict == "unknown" and not trusted
    ):
        yield RULE.could_not_tell(node, "Whether the handshake is checked can't be seen here.")
    elif own:
        message = "Nest never runs this guard: nobody is checked at the connection."
        if trusted:
            message = f"Nest never runs this guard: `{trusted}` is not set at the connection."
        yield RULE.fault(node, message, fix=first_check(model, gateway))
    elif trusted or _relies(handler):
        message = "The guards of this gateway have not run when this does."
        yield RULE.fault(node, message, fix=first_check(model, gateway))
    elif any(call.name in _SERVES for call in handler.function.calls):
        message = "This serves every client: the gateway's guards run for messages only."
        yield RULE.fault(node, message, confidence="likely", fix=first_check(model, gateway))
    else:
        yield RULE.could_not_tell(node, "Clients that no guard has seen stay connected.")


def _relies(handler: Handler) -> bool:
    """Tell whether the handler reads who the client is from its socket."""
    socket = re.escape(handler.socket or "client")
    for node in handler.function.body.find("member_expression", "subscript_expression"):
        text = node.text.replace("?.", ".").replace("!", "")
        match = re.match(
            rf"\(?{socket}(?: as \w+\))?(?:\.data|\.handshake|\.request)?(?:\.|\[['\"])(\w+)", text
        )
        if match and _RELIES.fullmatch(match[1]):
            return True
    return False


def _is_in(model: Model, handler: Handler, node: Node | None) -> bool:
    """Tell whether a place is in the handler, or in what it calls."""
    return node is not None and any(
        each.file is node.file and each.node.start <= node.start < each.node.end
        for each in model.project.reach(handler.function)
    )
