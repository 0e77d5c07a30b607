"""``any-origin``."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.origins import OWN, with_upgrades
from tidegate.review.facts.transport.defaults import default_of
from tidegate.review.facts.transport.origins import Origin, admits, origins
from tidegate.review.facts.transport.servers import servers
from tidegate.review.fix import Fix, replaced, suggested, with_entry
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule, rule

RULE = Rule(
    name="any-origin",
    topic="transport",
    severity="high",
    languages=("typescript", "python"),
    summary="A realtime server accepts pages of every origin.",
    why=(
        "A page on any site can open a connection in its visitor's name, with the visitor's "
        "cookies and from inside their network, and read what comes. The same-origin policy "
        "does not cover WebSocket; the server's list of origins is all there is."
    ),
    remedy="List the origins of your own pages.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { WebSocketGateway } from '@nestjs/websockets';

@WebSocketGateway({ cors: { origin: '*' } })
export class OrdersGateway {}
""",
            good="""\
import { WebSocketGateway } from '@nestjs/websockets';

@WebSocketGateway({ cors: { origin: ['https://app.example.com'] } })
export class OrdersGateway {}
""",
        ),
        Example(
            "python",
            bad="""\
import socketio

sio = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*")
""",
            good="""\
import socketio

sio = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins=["https://app.example.com"])
""",
        ),
    ),
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at gateways, servers, and the options that adapters make."""
    for origin in origins(model):
        node = origin.node
        if origin.is_missing:
            message = "Without `origin`, `cors` allows every page."
            yield RULE.fault(node, message, fix=_fix(model, origin))
            continue
        default = default_of(model, node)
        if default is not None and admits(model, default) == "any":
            message = "This default lets pages of every origin connect, and no call passes another."
            yield RULE.fault(default, message, fix=_fix(model, Origin(default, origin.holder)))
            continue
        verdict = admits(model, node)
        if origin.is_python and node.kind == "list" and not node.children:
            verdict = "unknown"  # origin-not-checked-on-upgrade looks at who else may check it
        if verdict == "any":
            yield RULE.fault(node, _message(origin), fix=_fix(model, origin))
        elif verdict == "unknown" and node.kind != "undefined":
            yield RULE.could_not_tell(node, "The origins are made elsewhere.")
    for server in servers(model):
        is_known = server.is_complete or "cors" in server.options
        if server.framework == "socket.io" and not is_known:
            yield RULE.could_not_tell(server.node, "The options are made elsewhere.")


def _message(origin: Origin) -> str:
    if origin.node.kind == "true" and origin.holder is None:
        return "`cors: true` allows every page."
    if origin.is_python:
        return "This server accepts every origin."
    return "This lets pages of every origin connect."


def _fix(model: Model, origin: Origin) -> Fix | None:
    """Return the same with a list, of which only its owner knows what belongs in it."""
    return with_upgrades(model, origin.node, _listed(origin))


def _listed(origin: Origin) -> Fix | None:
    if origin.is_python:
        return suggested(replaced(origin.node, '["https://app.example.com"]'))
    listed = OWN
    if origin.is_missing and origin.holder is None and "*" not in origin.node.text:
        listed = origin.node.text
    if origin.is_missing and origin.holder is not None:
        return suggested(with_entry(origin.holder, "origin", listed))
    if origin.node.kind == "method_definition":
        return suggested(replaced(origin.node, f"origin: {listed}"))
    if origin.holder is None:
        return suggested(replaced(origin.node, f"{{ origin: {listed} }}"))
    return suggested(replaced(origin.node, listed))
