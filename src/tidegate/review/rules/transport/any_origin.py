"""``any-origin``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Call, Node

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

_PYTHON_KEYS = ("cors_allowed_origins",)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at gateways, servers, and the options that adapters make."""
    for gateway in model.gateways:
        if gateway.framework == "nest":
            yield from _options(model, gateway.options)
    for server in model.servers:
        if server.framework == "socket.io":
            if server.options is None:
                yield RULE.could_not_tell(server.call.node, "The options are made elsewhere.")
            yield from _options(model, server.options or {})
            continue
        for key in _PYTHON_KEYS:
            value = (server.options or {}).get(key)
            if value is not None and _is_any(model, value):
                yield RULE.fault(value, "This server accepts every origin.")
    for adapter in model.adapters:
        for method in adapter.owner.methods.values() if adapter.owner else ():
            for node in method.body.find("object"):
                yield from _options(model, node.pairs())
    for file in model.files:
        for call in file.calls:
            is_ours = call.name == "SocketIO" or call.path == "socketio.init_app"
            if file.is_python and call.name == "init_app" and is_ours:
                value = call.keywords.get("cors_allowed_origins")
                if value is not None and _is_any(model, value):
                    yield RULE.fault(value, "This server accepts every origin.")


def _options(model: Model, options: dict[str, Node]) -> Iterator[Finding]:
    """Look at the ``cors`` of Socket.IO's options."""
    cors = model.project.value(options.get("cors"))
    if cors is None:
        return
    if cors.kind == "true":
        yield RULE.fault(cors, "`cors: true` reflects the origin of every page.")
        return
    if cors.kind != "object":
        if cors.text != "false":
            yield RULE.could_not_tell(cors, "The origins are made elsewhere.")
        return
    origin = cors.pairs().get("origin")
    if origin is None and "..." not in cors.pairs():
        yield RULE.fault(cors, "Without `origin`, `cors` allows every page.")
    elif origin is not None and _is_any(model, origin):
        yield RULE.fault(origin, "This lets pages of every origin connect.")


def _is_any(model: Model, node: Node) -> bool:
    """Tell whether a value admits every origin; a fallback counts, if it does."""
    value = model.project.value(node) or node
    if value.string is not None:
        return value.string == "*"
    if value.kind in ("true",):
        return True
    if value.kind in ("array", "list"):
        return any(each.string == "*" for each in value.children)
    if value.kind == "as_expression" and value.children:
        return _is_any(model, value.children[0])
    if value.kind in ("arrow_function", "function_expression"):
        return _admits_all(value)
    return False


def _admits_all(function: Node) -> bool:
    """Tell whether an origin callback only ever says yes: ``(origin, cb) => cb(null, true)``."""
    answers = [call for call in function.calls() if len(call.args) == 2 and call.receiver is None]
    if not answers or re.search(r"\bif\b|\?|&&|\|\|", function.text):
        return False
    return all(_says_yes(answer) for answer in answers)


def _says_yes(call: Call) -> bool:
    return call.args[0].text == "null" and call.args[1].text in ("true", "origin", "'*'", '"*"')
