"""``connection-without-authentication``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.first_checks import first_check, middleware_for
from tidegate.review.facts.auth.authentication import authentication, guards_of
from tidegate.review.facts.emits import emits
from tidegate.review.model import Gateway, Model, SocketServer
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Node

RULE = Rule(
    name="connection-without-authentication",
    topic="auth",
    severity="critical",
    languages=("typescript", "python"),
    summary="Anybody may connect: nothing checks who it is.",
    why=(
        "A connection stays open and receives what is emitted to it. If nobody asks for a "
        "token before it is served, every stranger who knows the address hears and sends what "
        "users do."
    ),
    remedy="Verify a token before the connection is served, and refuse it otherwise.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { Socket } from 'socket.io';

@WebSocketGateway({ namespace: 'orders' })
export class OrdersGateway {
  handleConnection(client: Socket) {
    client.join('orders');
  }
}
""",
            good="""\
import { OnGatewayInit, WebSocketGateway } from '@nestjs/websockets';
import type { Namespace, Socket } from 'socket.io';
import { TokenService } from './token.service';

@WebSocketGateway({ namespace: 'orders' })
export class OrdersGateway implements OnGatewayInit {
  constructor(private readonly tokens: TokenService) {}

  afterInit(namespace: Namespace) {
    namespace.use((socket, next) => {
      this.tokens.verify(socket.handshake.auth.token).then(
        (identity) => {
          socket.data.identity = identity;
          next();
        },
        () => next(new Error('Unauthorized')),
      );
    });
  }

  handleConnection(client: Socket) {
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


@sio.event
async def connect(sid, environ, auth):
    await sio.enter_room(sid, "orders")
""",
            good="""\
import socketio

sio = socketio.AsyncServer(async_mode="asgi")


@sio.event
async def connect(sid, environ, auth):
    try:
        identity = verify_token((auth or {}).get("token"))
    except InvalidToken:
        raise socketio.exceptions.ConnectionRefusedError("unauthorized")
    await sio.enter_room(sid, f"tenant:{identity.tenant_id}")
""",
        ),
    ),
)

_HOSTS = ("127.0.0.1", "localhost", "::1")


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Ask for each gateway where a client is checked."""
    for gateway in model.gateways:
        evidence = authentication(model, gateway)
        if evidence.verdict == "yes":
            continue
        if evidence.verdict == "unknown":
            yield RULE.could_not_tell(
                gateway.node, "Whether clients are checked can't be seen here."
            )
        elif gateway.framework == "nest" and _guards_messages(gateway):
            # Connected they are, but unheard: guard-not-run-on-connect looks at what they get.
            yield RULE.could_not_tell(
                gateway.node, "Guards check the messages, not the connection."
            )
        elif gateway.framework == "websocket" and _is_local(gateway):
            yield RULE.could_not_tell(gateway.node, "Only programs of this computer reach it.")
        elif gateway.handlers or gateway.framework == "nest":
            message = f"Nothing checks who connects to {_name(gateway)}."
            yield RULE.fault(_place(gateway), message, fix=first_check(model, gateway))
    yield from _servers_without_handlers(model)


def _place(gateway: Gateway) -> Node:
    """Return the connect handler of a class, where the check should be; else what there is."""
    for handler in gateway.of_kind("connect"):
        is_own = handler.function.owner is not None and handler.function.owner is gateway.owner
        name = handler.function.node.field("name")
        if is_own and name is not None:
            return name
    return gateway.node


def _guards_messages(gateway: Gateway) -> bool:
    """Tell whether guards are on the class, or on each of its messages."""
    if guards_of(gateway):
        return True
    messages = gateway.of_kind("message")
    return bool(messages) and all(each.function.decorated("UseGuards") for each in messages)


def _is_local(gateway: Gateway) -> bool:
    """Tell whether a server listens on this computer only."""
    if gateway.file.is_python:
        return False
    host = gateway.options.get("host")
    if host is not None:
        return host.string in _HOSTS
    return any(
        call.name == "listen" and any(arg.string in _HOSTS for arg in call.args)
        for call in gateway.file.calls
    )


def _servers_without_handlers(model: Model) -> Iterator[Finding]:
    """Yield servers that emit, and on which nothing looks at who connects."""
    known = {each.app for each in model.gateways} | {each.app for each in model.middlewares}
    for server in model.servers:
        if server.framework != "socket.io" or server.app in known:
            continue
        options = server.options
        if options is None or "..." in options or "allowRequest" in options:
            continue
        if _is_shared(server) or any(
            each.audience in ("everyone", "rooms") and model.app_of(each.call.file) == server.app
            for each in emits(model)
        ):
            message = "Nothing checks who connects to this server, and the application emits on it."
            yield RULE.fault(server.call.node, message, fix=middleware_for(server))


def _is_shared(server: SocketServer) -> bool:
    """Tell whether a server is kept where handlers of requests find it to emit on it."""
    name = re.escape(server.name)
    shared = rf"(?:\.|\bglobal\w*\.)io\s*=\s*{name}\b|\.set\(\s*['\"]io['\"]\s*,\s*{name}\b"
    return bool(name) and re.search(shared, server.call.file.text) is not None


def _name(gateway: Gateway) -> str:
    if gateway.namespace and gateway.namespace != "/":
        return f"`{gateway.namespace}`"
    return f"`{gateway.name}`" if gateway.owner else "this server"
