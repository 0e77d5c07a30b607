"""``polling-enabled``."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.servers import with_option
from tidegate.review.edits.transports import both_sides
from tidegate.review.facts.transport.servers import Server, list_of, servers
from tidegate.review.fix import Fix, replaced, suggested
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Node

RULE = Rule(
    name="polling-enabled",
    topic="transport",
    severity="low",
    languages=("typescript", "python"),
    summary="A server accepts HTTP long polling, or a client does nothing else.",
    why=(
        "Polling needs a load balancer that sends a client to the same node each time, or the "
        "session is unknown there and the client starts again. Each message costs a request, "
        "and the server has a second door to guard."
    ),
    remedy="Set `transports` to websocket only, on the server and on the clients.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { Server } from 'socket.io';

const io = new Server(httpServer, { cors: { origin: ['https://app.example.com'] } });
""",
            good="""\
import { Server } from 'socket.io';

const io = new Server(httpServer, {
  cors: { origin: ['https://app.example.com'] },
  transports: ['websocket'],
});
""",
        ),
        Example(
            "typescript",
            title="A Nest gateway",
            bad="""\
import { WebSocketGateway } from '@nestjs/websockets';

@WebSocketGateway({ namespace: 'orders' })
export class OrdersGateway {}
""",
            good="""\
import { WebSocketGateway } from '@nestjs/websockets';

@WebSocketGateway({ namespace: 'orders', transports: ['websocket'] })
export class OrdersGateway {}
""",
        ),
        Example(
            "python",
            bad="""\
import socketio

sio = socketio.AsyncServer(async_mode="asgi")
""",
            good="""\
import socketio

sio = socketio.AsyncServer(async_mode="asgi", transports=["websocket"])
""",
        ),
    ),
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at each server's list of transports, and at clients that know one only."""
    for server in servers(model):
        given = server.options.get("transports")
        if given is None:
            yield from _absent(model, server)
            continue
        listed = list_of(model, given)
        if listed is None:
            yield RULE.could_not_tell(given, "The transports are made elsewhere.")
        elif "polling" in listed:
            message = "This list lets clients poll."
            yield RULE.fault(given, message, fix=both_sides(model, _without_polling(given)))
    for client in model.clients:
        given = (client.options or {}).get("transports")
        if given is not None and list_of(model, given) == ["polling"]:
            message = "This client polls only."
            yield RULE.fault(given, message, fix=both_sides(model, _without_polling(given)))


def _absent(model: Model, server: Server) -> Iterator[Finding]:
    others = [gateway for gateway in server.gateways if "transports" in gateway.options]
    if not server.is_complete:
        yield RULE.could_not_tell(server.node, "Some options are made elsewhere.")
    elif not others:  # else gateway-options-ignored says which of them counts
        message = "This server accepts polling: no `transports` are set."
        value = '["websocket"]' if server.node.file.is_python else "['websocket']"
        fix = both_sides(model, with_option(server, "transports", value))
        yield RULE.fault(server.node, message, fix=fix)


def _without_polling(given: Node) -> Fix | None:
    if given.kind not in ("array", "list"):
        return None
    quote = '"' if '"' in given.text else "'"
    return suggested(replaced(given, f"[{quote}websocket{quote}]"))
