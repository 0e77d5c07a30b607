"""Textbook forms, variants and near misses of refused-client-stays-connected."""

from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

RULE = "refused-client-stays-connected"
NEST = """\
import { WebSocketGateway, WsException } from '@nestjs/websockets';
import type { Socket } from 'socket.io';
@WebSocketGateway()
export class A {
  async handleConnection(client: Socket) {
    const token = client.handshake.auth.token;
BODY
    client.join('all');
  }
  @SubscribeMessage('x') x(client: Socket, data: unknown) { this.refuse(client); }
  private refuse(client: Socket) { client.emit('error'); client.disconnect(); }
}
"""
USE = """\
import { Server } from 'socket.io';
import { verify } from './tokens';
const io = new Server(80);
io.use(async (socket, next) => {
  const token = socket.handshake.auth.token;
BODY
});
"""
SIO = """\
import socketio
sio = socketio.AsyncServer()
@sio.event
async def connect(sid, environ, auth):
    token = auth.get("token")
BODY
"""
FAST = """\
from fastapi import FastAPI, WebSocket
from tokens import verify_token
app = FastAPI()
@app.websocket("/ws")
async def ws(websocket: WebSocket, token: str):
BODY
"""
CHANNELS = """\
from channels.generic.websocket import AsyncWebsocketConsumer
class C(AsyncWebsocketConsumer):
    async def connect(self):
        user = self.scope["user"]
BODY
"""
WS = """\
import { WebSocketServer } from 'ws';
import { verifyToken } from './tokens';
const wss = new WebSocketServer({ port: 8080 });
wss.on('connection', (ws, req) => {
  const token = new URL(req.url, 'http://x').searchParams.get('token');
BODY
  ws.send('hello');
});
"""


def in_nest(body: str) -> list[int]:
    return found(NEST.replace("BODY", body), RULE)


@pytest.mark.parametrize(
    "body",
    [
        "if (!token) return;",
        "if (!token) { this.logger.warn('no token'); return; }",
        "if (!token) { client.emit('unauthorized'); return; }",
        "if (token === undefined) { return; }",
        "if (typeof token !== 'string') { return client.emit('error', 'no token'); }",
        "if (!token || token !== process.env.KEY) { console.log('bad'); return; }",
        "try { client.user = await this.jwt.verifyAsync(token); } catch { console.log('bad'); }",
        "try { this.jwt.verify(token); } catch (e) { client.emit('error', e); return; }",
        "const user = await this.auth.validateToken(token); if (!user) { client.send(1); return; }",
        "if (!token) throw new WsException('Unauthorized');",
        "try { this.jwt.verify(token); } catch (e) { throw new UnauthorizedException(); }",
        "this.jwt.verifyAsync(token).catch(() => { this.logger.warn('bad token'); });",
        "jwt.verify(token, KEY, (err, user) => { if (err) { console.log(err); return; } });",
        "if (token) { this.jwt.verify(token); } else { this.logger.warn('invalid token'); }",
    ],
)
def test_nest_finds(body: str) -> None:
    assert in_nest(body) == [7]


@pytest.mark.parametrize(
    "body",
    [
        "if (!token) { client.disconnect(); return; }",
        "if (!token) return client.disconnect(true);",
        "if (!token) { client.emit('error'); client.disconnect(); }",
        "if (!token) { setTimeout(() => client.disconnect(), 100); return; }",
        "if (!token) { this.refuse(client); return; }",
        "if (!token) { return this.sockets.reject(client, 'no token'); }",
        "if (!token) { await this.handleAuthError(client); return; }",
        "try { if (!token) throw new WsException('x'); } catch (e) { client.disconnect(); }",
        "try { this.jwt.verify(token); } catch (e) { client.disconnect(); return; }",
        "let user = null; try { user = this.jwt.verify(token); } catch (e) { console.log(e); } "
        "if (!user) { client.disconnect(); return; }",
        "if (!token) { client.data.role = 'guest'; return; }",
        "if (!token) { this.logger.log('anonymous client'); return; }",
        "// Anonymous clients are allowed to look.\nif (!token) { return; }",
        "if (!client.handshake.query.roomId) { return; }",
        "client.on('x', () => { if (!token) { return; } });",
        "// if (!token) return;",
    ],
)
def test_nest_does_not_find(body: str) -> None:
    assert not in_nest(body)


def test_a_middleware_refuses_before() -> None:
    code = NEST.replace("BODY", "if (!client.data.user) return;").replace(
        "  @SubscribeMessage",
        "  afterInit(server) {\n"
        "    server.use((s, next) => (verifyToken(s) ? next() : next(new Error('x'))));\n"
        "  }\n"
        "  @SubscribeMessage",
    )
    assert not found(code, RULE)


def test_a_helper_returns_and_the_handler_goes_on() -> None:
    code = NEST.replace("BODY", "await this.authenticate(client);").replace(
        "  private refuse",
        "  private async authenticate(client: Socket) {\n"
        "    try { client.data.user = await this.jwt.verifyAsync(client.handshake.auth.token); }\n"
        "    catch (error) { this.logger.warn('invalid token'); }\n"
        "  }\n"
        "  private refuse",
    )
    assert found(code, RULE) == [13]
    decides = code.replace(
        "await this.authenticate(client);",
        "if (!(await this.authenticate(client))) { client.disconnect(); return; }",
    )
    assert not found(decides, RULE)


def test_a_base_class_in_another_file() -> None:
    base = """\
export abstract class Base {
  async handleConnection(client: Socket) {
    const user = await this.users.fromToken(client.handshake.auth.token);
    if (!user) { return; }
    client.data.user = user;
  }
}
"""
    code = """\
import { Base } from './base';
@WebSocketGateway()
export class A extends Base {}
"""
    report = review_project({"base.ts": base, "a.ts": code + "// @nestjs/websockets"}, RULE)
    assert [(each.file, each.line) for each in report.findings] == [("base.ts", 4)]


def test_who_logs_in_by_a_message_is_no_fault() -> None:
    code = NEST.replace("BODY", "if (!token) return;").replace("'x'", "'authenticate'")
    assert not found(code, RULE)


@pytest.mark.parametrize(
    "body",
    [
        "  if (!token) { next(new Error('no token')); }\n  next();",
        "  if (!token) next(new Error('no token'));\n  next();",
        "  try { verify(token); } catch (e) { next(new Error('bad')); }\n  next();",
        "  jwt.verify(token, KEY, (err, user) => { if (err) next(err); next(); });",
        "  try { verify(token); next(); } catch (e) { log('bad token', e); next(); }",
        "  if (!token) { console.log('missing token'); return next(); }\n  next();",
    ],
)
def test_middleware_finds(body: str) -> None:
    assert found(USE.replace("BODY", body), RULE) == [6]


@pytest.mark.parametrize(
    "body",
    [
        "  if (!token) { return next(new Error('no token')); }\n  next();",
        "  if (!token) { next(new Error('no token')); return; }\n  next();",
        "  if (!token) { next(new Error('no token')); } else { next(); }",
        "  if (!token) return next();\n  next();",
        "  if (!token) next(new Error('no'));\n  socket.user = jwt.verify(token, KEY);\n  next();",
        "  try { verify(token); next(); } catch (e) { next(new Error('bad')); }",
        "  try { verify(token); next(); } catch (e) { socket.data.user = null; next(); }",
        "  try { verify(token); next(); } catch (e) { log('bad'); socket.disconnect(); }",
        "  if (!token) throw new Error('no token');\n  next();",
        "  return token ? next() : next(new Error('no token'));",
    ],
)
def test_middleware_does_not_find(body: str) -> None:
    assert not found(USE.replace("BODY", body), RULE)


def indented(body: str, by: str) -> str:
    return "\n".join(by + line for line in body.splitlines())


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("if not token:\n    return", [6]),
        ("if token is None:\n    await sio.emit('error', to=sid)\n    return None", [6]),
        ("try:\n    verify_token(token)\nexcept InvalidToken:\n    print('bad')", [8]),
        ("user = verify_token(token)\nif not user:\n    print('bad token')\n    return", [7]),
        ("if not token:\n    return False", []),
        ("if not token:\n    raise ConnectionRefusedError('no token')", []),
        ("if not token:\n    await sio.disconnect(sid)\n    return", []),
        ("try:\n    verify_token(token)\nexcept InvalidToken:\n    return False", []),
        ("if not token:\n    await sio.save_session(sid, {'role': 'guest'})\n    return", []),
    ],
)
def test_python_socketio(body: str, lines: list[int]) -> None:
    assert found(SIO.replace("BODY", indented(body, "    ")), RULE, "a.py") == lines


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("await websocket.accept()\nif not verify_token(token):\n    return", [7]),
        (
            "await websocket.accept()\nif not verify_token(token):\n"
            "    await websocket.send_text('unauthorized')\nawait websocket.receive_text()",
            [7],
        ),
        ("if not verify_token(token):\n    return\nawait websocket.accept()", []),
        ("await websocket.accept()\nif not verify_token(token):\n    await websocket.close()", []),
        (
            "await websocket.accept()\nif not verify_token(token):\n    raise WebSocketException()",
            [],
        ),
        (
            "await websocket.accept()\ntry:\n    verify_token(token)\n    while True:\n"
            "        await websocket.receive_text()\nexcept Exception:\n    print('gone')",
            [],
        ),
    ],
)
def test_fastapi(body: str, lines: list[int]) -> None:
    assert found(FAST.replace("BODY", indented(body, "    ")), RULE, "a.py") == lines


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (
            "await self.accept()\nif user.is_anonymous:\n    await self.send('login')\n    return",
            [6],
        ),
        ("if not user.is_authenticated:\n    print('anonymous')\nawait self.accept()", []),
        (
            "if not user.is_authenticated:\n    await self.send('no token')\nawait self.accept()",
            [5],
        ),
        ("if user.is_anonymous:\n    return\nawait self.accept()", []),
        ("if user.is_anonymous:\n    await self.close()\nelse:\n    await self.accept()", []),
    ],
)
def test_channels(body: str, lines: list[int]) -> None:
    assert found(CHANNELS.replace("BODY", indented(body, "        ")), RULE, "a.py") == lines


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("  if (!token) { ws.send('Unauthorized'); return; }", [6]),
        ("  try { verifyToken(token); } catch (e) { console.error(e); return; }", [6]),
        ("  if (!token) { ws.close(1008); return; }", []),
        ("  if (!token) return ws.terminate();", []),
    ],
)
def test_web_sockets_on_node(body: str, lines: list[int]) -> None:
    assert found(WS.replace("BODY", body), RULE, "a.ts") == lines


def corrected(text: str, name: str) -> str:
    [finding] = review_text(text, RULE, name=name)
    assert finding.fix is not None
    return applied(text, finding.fix.edits)


@pytest.mark.parametrize(
    ("body", "good"),
    [
        (
            "    if (!token) return;",
            "    if (!token) {\n      client.disconnect(true);\n      return;\n    }",
        ),
        (
            "    if (!token) {\n      client.emit('no');\n      return;\n    }",
            "    if (!token) {\n      client.emit('no');\n      client.disconnect(true);\n"
            "      return;\n    }",
        ),
        (
            "    try {\n      this.jwt.verify(token);\n    } catch (e) {\n      log(e);\n    }",
            "    try {\n      this.jwt.verify(token);\n    } catch (e) {\n      log(e);\n"
            "      client.disconnect(true);\n      return;\n    }",
        ),
        (
            "    if (!token) throw new WsException('no');",
            "    if (!token) {\n      client.disconnect(true);\n      return;\n    }",
        ),
        (
            "    if (!token) {\n      return this.logger.warn('no token');\n    }",
            "    if (!token) {\n      this.logger.warn('no token');\n"
            "      client.disconnect(true);\n"
            "      return;\n    }",
        ),
    ],
)
def test_the_correction_in_nest(body: str, good: str) -> None:
    code = corrected(NEST.replace("BODY", body), "a.ts")
    assert code == NEST.replace("BODY", good)
    assert not found(code, RULE)


def test_the_correction_of_a_middleware_is_safe() -> None:
    code = USE.replace("BODY", "  if (!token) {\n    next(new Error('no'));\n  }\n  next();")
    [finding] = review_text(code, RULE)
    assert finding.fix is not None
    assert finding.fix.is_safe
    good = applied(code, finding.fix.edits)
    assert good == code.replace("next(new Error", "return next(new Error")
    assert not found(good, RULE)


def test_the_correction_in_python() -> None:
    body = "    if not token:\n        print('no token')\n        return"
    good = corrected(SIO.replace("BODY", body), "a.py")
    assert good == SIO.replace("BODY", body + " False")
    body = "    await websocket.accept()\n    if not verify_token(token):\n        return"
    good = corrected(FAST.replace("BODY", body), "a.py")
    assert "        await websocket.close(code=1008)\n        return\n" in good
    assert not found(good, RULE, "a.py")


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("  if (banned.has(socket.id)) next(new Error('banned'));\n  next();", [6]),
        ("  if (!(await mayJoin(socket))) {\n    next(new Error('no'));\n  }\n  next();", [7]),
        (
            "  try {\n    if (full()) next(new Error('full'));\n    next();\n  } catch { return; }",
            [7],
        ),
        (
            "  if (full()) {\n    next(new Error('full'));\n  }\n  log(socket);\n  return next();",
            [7],
        ),
        ("  if (full()) return next(new Error('full'));\n  next();", []),
        ("  if (full()) {\n    next(new Error('full'));\n    return;\n  }\n  next();", []),
        ("  if (full()) { next(new Error('full')); } else { next(); }", []),
        ("  if (full()) next(new Error('full'));\n  if (!full()) next();", []),
        ("  if (full()) next(new Error('full'));\n  queue.add(() => next());", []),
    ],
)
def test_a_middleware_that_refuses_for_any_reason_and_goes_on(body: str, lines: list[int]) -> None:
    assert found(USE.replace("BODY", body), RULE) == lines


def test_the_correction_of_any_refusal_returns() -> None:
    code = USE.replace("BODY", "  if (full()) {\n    next(new Error('full'));\n  }\n  next();")
    [finding] = review_text(code, RULE)
    assert finding.fix is not None
    assert finding.fix.is_safe
    good = applied(code, finding.fix.edits)
    assert good == code.replace("    next(new", "    return next(new")
    assert not found(good, RULE)
