"""``no-payload-limit``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.servers import with_option
from tidegate.review.facts.transport.servers import Server, native_apps, servers
from tidegate.review.facts.transport.web_socket_servers import web_socket_servers
from tidegate.review.fix import Fix, inserted_after, replaced, suggested, with_entry
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Call, Node

RULE = Rule(
    name="no-payload-limit",
    topic="transport",
    severity="low",
    languages=("typescript", "python"),
    summary="A server takes messages of any size that its library allows.",
    why=(
        "A message is held in memory, and parsed, before your code sees it. By default that is "
        "1 MB in Socket.IO, 16 MiB in uvicorn and 100 MiB in ws. Events need a few kilobytes; "
        "what is above only helps one client to use up the memory of all."
    ),
    remedy="Set the limit to what your largest event needs.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { WebSocketServer } from 'ws';

const wss = new WebSocketServer({ port: 8080 });
""",
            good="""\
import { WebSocketServer } from 'ws';

const wss = new WebSocketServer({ port: 8080, maxPayload: 64 * 1024 });
""",
        ),
        Example(
            "typescript",
            title="Socket.IO",
            bad="""\
import { Server } from 'socket.io';

const io = new Server(httpServer, { transports: ['websocket'] });
""",
            good="""\
import { Server } from 'socket.io';

const io = new Server(httpServer, { transports: ['websocket'], maxHttpBufferSize: 64 * 1024 });
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

@WebSocketGateway({ namespace: 'orders', maxHttpBufferSize: 64 * 1024 })
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

sio = socketio.AsyncServer(async_mode="asgi", max_http_buffer_size=64 * 1024)
""",
        ),
        Example(
            "python",
            title="FastAPI with uvicorn",
            bad="""\
import uvicorn
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/orders")
async def orders(websocket: WebSocket):
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


uvicorn.run(app, port=8000)
""",
            good="""\
import uvicorn
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/orders")
async def orders(websocket: WebSocket):
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


uvicorn.run(app, port=8000, ws_max_size=64 * 1024)
""",
        ),
    ),
)

_LIMIT = "64 * 1024"
_HUGE = 100_000_000
"""What Socket.IO 2 allowed, and many a copied line still sets."""


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at each server once."""
    for server in servers(model):
        yield from _socketio(model, server)
    yield from _ws(model)
    yield from _native_gateways(model)
    yield from _uvicorn(model)


def _socketio(model: Model, server: Server) -> Iterator[Finding]:
    name = "max_http_buffer_size" if server.node.file.is_python else "maxHttpBufferSize"
    given = server.options.get(name)
    fix = with_option(server, name, _LIMIT)
    if given is not None:
        if _is_huge(model, given):
            own = suggested(replaced(given, _LIMIT)) if given.kind != "method_definition" else None
            yield RULE.fault(given, "This lets each client send 100 MB or more.", fix=own)
    elif not server.is_complete:
        yield RULE.could_not_tell(server.node, "Some options are made elsewhere.")
    elif not any(name in gateway.options for gateway in server.gateways):
        message = f"`{name}` is not set: a client may send 1 MB at a time."
        yield RULE.fault(server.node, message, confidence="likely", fix=fix)


def _is_huge(model: Model, node: Node) -> bool:
    value = model.project.value(node) or node
    if value.text in ("Infinity", "Number.MAX_SAFE_INTEGER", "Number.MAX_VALUE", "sys.maxsize"):
        return True
    product = 1.0
    for part in value.text.replace("_", "").split("*"):
        if not re.fullmatch(r"\s*\d+(?:\.\d+)?(?:[eE]\d+)?\s*", part):
            return False
        product *= float(part)
    return product >= _HUGE


def _ws(model: Model) -> Iterator[Finding]:
    """Look at servers of the package ``ws``."""
    for call, given in web_socket_servers(model):
        if "maxPayload" in given.entries:
            continue
        if not given.is_complete:
            yield RULE.could_not_tell(call.node, "Some options are made elsewhere.")
            continue
        message = "`maxPayload` is not set: a client may send 100 MiB at a time."
        yield RULE.fault(call.node, message, fix=_with_max_payload(given.holder))


def _with_max_payload(holder: Node | None) -> Fix | None:
    if holder is None:
        return None
    return suggested(with_entry(holder, "maxPayload", _LIMIT))


def _native_gateways(model: Model) -> Iterator[Finding]:
    """Look at Nest gateways over ``ws``; their options go to its server."""
    for app in sorted(native_apps(model)):
        own = [each for each in model.adapters if each.app == app and each.owner is not None]
        if any(each.owner is not None and "maxPayload" in each.owner.file.text for each in own):
            continue
        gateways = [each for each in model.gateways if each.framework == "nest"]
        gateways = [each for each in gateways if each.app == app]
        if not gateways or any("maxPayload" in each.options for each in gateways):
            continue
        first = gateways[0]
        if "..." in first.options:
            yield RULE.could_not_tell(first.node, "Some options are made elsewhere.")
            continue
        fix = None
        if first.holder is not None:
            fix = suggested(with_entry(first.holder, "maxPayload", _LIMIT))
        message = "`maxPayload` is not set: a client may send 100 MiB at a time."
        yield RULE.fault(first.node, message, fix=fix)


def _uvicorn(model: Model) -> Iterator[Finding]:
    """Look at how FastAPI and Starlette are served; each app is told of once."""
    apps = {each.app: each for each in reversed(model.gateways) if _is_endpoint(each.file.name)}
    endpoints = {
        app: gateway
        for app, gateway in apps.items()
        if gateway.framework in ("websocket", "channels")
    }
    for app, gateway in endpoints.items():
        runs = [call for call in _runs(model) if model.app_of(call.file) == app]
        for call in runs:
            if not {"ws_max_size", "...", "websocket_max_message_size"} & set(call.keywords):
                arguments = call.node.field("arguments")
                fix = None
                if arguments is not None:
                    last = arguments.children[-1] if arguments.children else None
                    if last is not None:
                        fix = suggested(inserted_after(last, f", ws_max_size={_LIMIT}"))
                message = "`ws_max_size` is not set: a client may send 16 MiB at a time."
                yield RULE.fault(call.node, message, fix=fix)
        if not runs:
            yield RULE.could_not_tell(gateway.node, "How it is served can't be seen.")


def _is_endpoint(name: str) -> bool:
    return name.endswith(".py")


def _runs(model: Model) -> Iterator[Call]:
    for file in model.project.files.values():
        if file.is_python and "uvicorn" in file.text and not file.is_test:
            for call in file.calls:
                if call.path in ("uvicorn.run", "uvicorn.Config"):
                    yield call
