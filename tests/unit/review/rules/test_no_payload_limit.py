from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

RULE = "no-payload-limit"
NODE = "import { Server } from 'socket.io';\n"
NEST = "import { WebSocketGateway } from '@nestjs/websockets';\n"
FASTAPI = """\
import uvicorn
from fastapi import FastAPI, WebSocket
app = FastAPI()
@app.websocket("/ws")
async def listen(websocket: WebSocket):
    await websocket.accept()
RUN
"""


@pytest.mark.parametrize(
    "code",
    [
        NODE + "const io = new Server(http);",
        NODE + "const io = new Server(http, { maxHttpBufferSize: 1e8 });",
        NODE + "const io = new Server(http, { maxHttpBufferSize: 100 * 1024 * 1024 });",
        NODE + "const io = new Server(http, { maxHttpBufferSize: Infinity });",
        NEST + "@WebSocketGateway()\nexport class A {}",
        "const WebSocket = require('ws');\nconst wss = new WebSocket.Server({ server });",
        "import { WebSocketServer } from 'ws';\nconst wss = new WebSocketServer({ port });",
        "import WebSocket from 'ws';\nconst wss = new WebSocket.Server({ port: 80 });",
    ],
)
def test_no_limit(code: str) -> None:
    [finding] = review_text(code, RULE)
    assert finding.fix is not None
    corrected = applied(code, finding.fix.edits)
    assert "64 * 1024" in corrected
    assert not found(corrected, RULE)


@pytest.mark.parametrize(
    "code",
    [
        NODE + "const io = new Server(http, { maxHttpBufferSize: 1e5 });",
        NODE + "const io = new Server(http, { maxHttpBufferSize: config.limit });",
        NODE + "const io = new Server(http, { maxHttpBufferSize: 5 * 1024 * 1024 });",
        NEST + "@WebSocketGateway({ maxHttpBufferSize: 1e5 })\nexport class A {}",
        "import { WebSocketServer } from 'ws';\nnew WebSocketServer({ maxPayload: 1e5 });",
        "import WebSocket from 'ws';\nconst client = new WebSocket('ws://localhost');",
        "import { io } from 'socket.io-client';\nconst socket = io(url);",
    ],
)
def test_the_near_misses(code: str) -> None:
    assert not found(code, RULE)


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("import socketio\nsio = socketio.Server()\n", 1),
        ("import socketio\nsio = socketio.AsyncServer(max_http_buffer_size=10 ** 8)\n", 0),
        ("import socketio\nsio = socketio.AsyncServer(max_http_buffer_size=100_000_000)\n", 1),
        ("import socketio\nsio = socketio.AsyncServer(max_http_buffer_size=65536)\n", 0),
        ("from flask_socketio import SocketIO\nsocketio = SocketIO(app)\n", 1),
        (FASTAPI.replace("RUN", "uvicorn.run(app)"), 1),
        (FASTAPI.replace("RUN", "uvicorn.run('a:app', host='0.0.0.0', ws_max_size=65536)"), 0),
        (FASTAPI.replace("RUN", "uvicorn.run(app, **options)"), 0),
        (FASTAPI.replace("RUN", ""), 0),
        ("import uvicorn\nfrom fastapi import FastAPI\nuvicorn.run(app)  # no websocket\n", 0),
    ],
)
def test_python(code: str, count: int) -> None:
    findings = review_text(code, RULE, name="a.py")
    assert len(findings) == count
    for finding in findings:
        assert finding.fix is not None
        assert not found(applied(code, finding.fix.edits), RULE, "a.py")


def test_gateways_over_ws_are_told_of_once() -> None:
    main = """\
import { WsAdapter } from '@nestjs/platform-ws';
app.useWebSocketAdapter(new WsAdapter(app));
"""
    gateway = NEST + "@WebSocketGateway({ path: '/PATH' })\nexport class A {}\n"
    files = {
        "main.ts": main,
        "a.ts": gateway.replace("PATH", "a"),
        "b.ts": gateway.replace("PATH", "b"),
    }
    [finding] = review_project(files, RULE).findings
    assert "100 MiB" in finding.message
    files["b.ts"] = gateway.replace("'/PATH'", "'/b', maxPayload: 65536")
    assert not review_project(files, RULE).findings
