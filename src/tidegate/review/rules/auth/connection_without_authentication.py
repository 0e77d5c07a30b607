"""``connection-without-authentication``."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.model import Gateway, Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.rules._authentication import authentication, guards_of

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
        elif gateway.framework == "nest" and guards_of(gateway):
            # Connected they are, but unheard: guard-not-run-on-connect looks at what they get.
            yield RULE.could_not_tell(
                gateway.node, "Guards check the messages, not the connection."
            )
        elif gateway.handlers or gateway.framework == "nest":
            yield RULE.fault(gateway.node, f"Nothing checks who connects to {_name(gateway)}.")


def _name(gateway: Gateway) -> str:
    if gateway.namespace and gateway.namespace != "/":
        return f"`{gateway.namespace}`"
    return f"`{gateway.name}`" if gateway.owner else "this server"
