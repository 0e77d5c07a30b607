from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

RULE = "expiry-ignored"
NODE = """\
import { Server } from 'socket.io'; import jwt from 'jsonwebtoken';
io.use((socket, next) => {
  const claims = jwt.verify(socket.handshake.auth.token, KEY);
  BODY
  next();
});
io.on('connection', (socket) => { socket.on('a', () => {}); });
"""
PYTHON = """\
import jwt
import socketio
sio = socketio.AsyncServer()
@sio.event
async def connect(sid, environ, auth):
    claims = jwt.decode(auth["token"], KEY, algorithms=["HS256"])
    BODY
"""


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("socket.user = claims.sub;", [3]),
        ("if (err.name === 'TokenExpiredError') log('expired');", [3]),
        ("setTimeout(() => log('hello'), 1000);", [3]),
        ("setTimeout(() => socket.disconnect(), claims.exp * 1000 - Date.now());", []),
        ("socket.data.expiresAt = claims.exp;", []),
        ("setInterval(() => { if (!isValid(claims)) socket.disconnect(); }, 60000);", []),
        ("socket.use((p, next) => { jwt.verify(socket.token, KEY); next(); });", []),
    ],
)
def test_who_thinks_of_the_expiry(body: str, lines: list[int]) -> None:
    assert found(NODE.replace("BODY", body), RULE) == lines


def test_what_is_found_by_another_rule() -> None:
    code = NODE.replace("BODY", "").replace("KEY)", "KEY, { ignoreExpiration: true })")
    assert not found(code, RULE)
    assert found(code, "jwt-not-verified")


def test_no_token_no_expiry() -> None:
    assert not found(NODE.replace("BODY", "").replace("jwt.verify(", "userOf("), RULE)


def test_gateways_that_share_a_middleware_are_told_once() -> None:
    gateway = (
        "import { WebSocketGateway } from '@nestjs/websockets';\n@WebSocketGateway()\n"
        "export class X { handleConnection(client) {} }\n"
    )
    files = {"io.ts": NODE.replace("BODY", ""), "a.ts": gateway, "b.ts": gateway}
    assert len(review_project(files, RULE).findings) == 1


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("await sio.save_session(sid, claims)", [6]),
        ("sio.start_background_task(disconnect_at, sid, claims['exp'])", []),
    ],
)
def test_python(body: str, lines: list[int]) -> None:
    assert found(PYTHON.replace("BODY", body), RULE, "a.py") == lines


def test_an_endpoint() -> None:
    code = """\
from fastapi import FastAPI, WebSocket
import jwt
@app.websocket("/ws")
async def ws(websocket: WebSocket):
    claims = jwt.decode(websocket.headers["authorization"], KEY, algorithms=["HS256"])
    await websocket.accept()
    while True:
        await websocket.receive_text()
"""
    assert found(code, RULE, "a.py") == [5]
    again = code + '        jwt.decode(token, KEY, algorithms=["HS256"])\n'
    assert not found(again, RULE, "a.py")


def test_the_correction() -> None:
    code = NODE.replace("  BODY\n", "")
    [finding] = review_text(code, RULE)
    assert finding.fix is not None
    after = applied(code, finding.fix.edits)
    assert after == NODE.replace(
        "BODY",
        "const timeLeft = "
        "Math.min((claims as { exp: number }).exp * 1000 - Date.now(), 2 ** 31 - 1);\n"
        "  const timer = setTimeout(() => socket.disconnect(true), timeLeft);\n"
        "  socket.once('disconnect', () => clearTimeout(timer));",
    )
    assert not found(after, RULE)


def test_the_correction_names_the_socket_of_the_middleware() -> None:
    code = """\
import { WebSocketGateway } from '@nestjs/websockets';
import { JwtService } from '@nestjs/jwt';
@WebSocketGateway()
export class A {
  constructor(private readonly jwt: JwtService) {}
  afterInit(server: Server) {
    server.use((socket, next) => {
      socket.data.user = this.jwt.verify(socket.handshake.auth.token);
      next();
    });
  }
}
"""
    [finding] = review_text(code, RULE)
    assert finding.fix is not None
    assert "setTimeout(() => socket.disconnect(true), timeLeft)" in applied(code, finding.fix.edits)


def test_the_correction_in_python() -> None:
    code = PYTHON.replace("BODY", "return True")
    [finding] = review_text(code, RULE, name="a.py")
    assert finding.fix is not None
    after = applied(code, finding.fix.edits)
    assert after.startswith("import asyncio\nimport time\nimport jwt\n")
    assert (
        'asyncio.get_running_loop().call_later(claims["exp"] - time.time(), '
        "lambda: asyncio.ensure_future(sio.disconnect(sid)))\n    return True"
    ) in after
    assert not found(after, RULE, "a.py")
