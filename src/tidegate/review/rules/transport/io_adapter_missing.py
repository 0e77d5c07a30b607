"""``io-adapter-missing``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.imports import import_edit
from tidegate.review.facts.transport.nodes import several_nodes
from tidegate.review.facts.transport.servers import Server, servers
from tidegate.review.fix import Fix, suggested, with_entry
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule, rule

RULE = Rule(
    name="io-adapter-missing",
    topic="transport",
    severity="medium",
    languages=("typescript", "python"),
    summary="An application has several nodes, and its Socket.IO servers don't know each other.",
    why=(
        "Rooms and clients are held in the memory of one process. What one node emits reaches "
        "the clients that are connected to it, by chance; the others hear nothing, and no error "
        "says so."
    ),
    remedy="Give each node an adapter that they share: Redis, RabbitMQ, or the cluster's own.",
    examples=(
        Example(
            "typescript",
            bad="""\
import cluster from 'node:cluster';
import { createServer } from 'node:http';
import { Server } from 'socket.io';

if (cluster.isPrimary) {
  for (let count = 0; count < 4; count++) cluster.fork();
} else {
  const http = createServer();
  const io = new Server(http, { transports: ['websocket'] });
  http.listen(3000);
}
""",
            good="""\
import cluster from 'node:cluster';
import { createServer } from 'node:http';
import { createAdapter, setupPrimary } from '@socket.io/cluster-adapter';
import { Server } from 'socket.io';

if (cluster.isPrimary) {
  setupPrimary();
  for (let count = 0; count < 4; count++) cluster.fork();
} else {
  const http = createServer();
  const io = new Server(http, { transports: ['websocket'], adapter: createAdapter() });
  http.listen(3000);
}
""",
        ),
        Example(
            "python",
            bad="""\
import socketio
import uvicorn

sio = socketio.AsyncServer(async_mode="asgi", transports=["websocket"])
app = socketio.ASGIApp(sio)

if __name__ == "__main__":
    uvicorn.run("main:app", workers=4)
""",
            good="""\
import os

import socketio
import uvicorn

sio = socketio.AsyncServer(
    async_mode="asgi",
    transports=["websocket"],
    client_manager=socketio.AsyncRedisManager(os.environ["REDIS_URL"]),
)
app = socketio.ASGIApp(sio)

if __name__ == "__main__":
    uvicorn.run("main:app", workers=4)
""",
        ),
    ),
)

_ADAPTER = re.compile(
    r"createAdapter\w*\(|createShardedAdapter\(|\.adapter\(|socket\.io-redis|redis-adapter"
    r"|@socket\.io/(?:redis|cluster|mongo|postgres|pm2|azure|gcp|aws)|socket\.io-emitter"
)
_SHARED = ("adapter", "client_manager", "message_queue")


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at each server of an application that says it has several nodes."""
    for server in servers(model):
        several = several_nodes(model, server.app)
        if several is None or any(name in server.options for name in _SHARED):
            continue
        if _has_adapter(model, server):
            continue
        if not server.is_complete:
            yield RULE.could_not_tell(server.node, "Some options are made elsewhere.")
            continue
        message = f"This server has no shared adapter, and {several.what} ({several.place})."
        confidence = "certain" if several.is_code else "likely"
        yield RULE.fault(
            server.node,
            message,
            confidence=confidence,  # type: ignore[arg-type]
            fix=_fix(server),
        )


def _has_adapter(model: Model, server: Server) -> bool:
    """Tell whether code of the application names an adapter that nodes share."""
    for file in model.project.files.values():
        is_near = model.app_of(file) == server.app or "/" in server.app
        if not file.is_test and is_near and _ADAPTER.search(file.text):
            return True
    return any(
        adapter.app == server.app
        and re.search(r"redis|cluster|mongo|postgres|rabbit|amqp|nats", adapter.name, re.IGNORECASE)
        for adapter in model.adapters
    )


def _fix(server: Server) -> Fix | None:
    """Return the correction in Python; on Node, the primary process is part of it."""
    if not server.node.file.is_python or server.holder is None:
        return None
    file = server.node.file
    url = 'os.environ["REDIS_URL"]'
    if server.framework == "flask-socketio":
        edit = with_entry(server.holder, "message_queue", url)
    else:
        name = "AsyncRedisManager" if "Async" in server.node.text.split("(")[0] else "RedisManager"
        edit = with_entry(server.holder, "client_manager", f"socketio.{name}({url})")
    return suggested(edit, *import_edit(file, "import os"))
