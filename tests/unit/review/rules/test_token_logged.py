from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

RULE = "token-logged"
NODE = """\
import { Server } from 'socket.io';
io.use((socket, next) => {
  const token = socket.handshake.auth.token;
  LOG
  check(token, next);
});
"""
PYTHON = """\
import socketio
sio = socketio.AsyncServer()
@sio.event
async def connect(sid, environ, auth):
    token = auth["token"]
    LOG
"""


@pytest.mark.parametrize(
    "log",
    [
        "console.log(token);",
        "console.log('token:', token);",
        "console.log(`token ${token}`);",
        "console.log('token ' + token);",
        "console.log({ token });",
        "console.log({ user, t: token });",
        "this.logger.debug(`auth ${socket.handshake.auth.token}`);",
        "logger.info('auth', socket.handshake.auth);",
        "console.log(JSON.stringify(socket.handshake.auth));",
        "console.log(socket.handshake);",
        "console.log(socket.handshake.headers);",
        "console.error('refused', socket.handshake.headers.authorization);",
        "log.warn('x', socket.handshake.headers['authorization']);",
        "console.log(socket.handshake?.query?.token);",
        "console.log('t', token || 'none');",
        "console.log(req.headers.authorization);",
        "const headerToken = socket.handshake.headers.authorization?.split(' ')[1]; "
        "console.log('h', headerToken);",
        "const auth = socket.handshake.auth; console.log(auth);",
        "console.log((socket.handshake.query as any).token as string);",
    ],
)
def test_a_token_is_logged(log: str) -> None:
    assert found(NODE.replace("LOG", log), RULE) == [4]


@pytest.mark.parametrize(
    "log",
    [
        "console.log('token');",
        "console.log(`no token`, socket.id);",
        "console.log(!!token, token.length, typeof token);",
        "console.log(token ? 'with' : 'without');",
        "console.log(token === expected);",
        "console.log(Boolean(token), mask(token), token.slice(0, 6));",
        "console.log(socket.handshake.address, socket.handshake.headers.origin);",
        "console.log(socket.handshake.headers['user-agent'], socket.handshake.time);",
        "console.log(socket.handshake.query.room, socket.handshake.auth.userId);",
        "console.log(tokens.size, tokenCount, nextToken, deviceToken);",
        "console.log(TOKEN_HEADER);",
        "// console.log(token);",
        "socket.emit('token', token);",
        "dialog.error(token);",
        "const hasAuth = !!socket.handshake.headers.authorization; console.log(hasAuth);",
        "const authType = typeof socket.handshake.auth.token; console.log(authType);",
        "console.log(verify(token).sub);",
        "console.log(await userOf(token));",
    ],
)
def test_the_near_misses(log: str) -> None:
    assert not found(NODE.replace("LOG", log), RULE)


@pytest.mark.parametrize(
    "log",
    [
        "print(token)",
        "print(f'token={token}')",
        "logger.info('connect %s %s', sid, auth)",
        "logging.debug('environ: %r', environ)",
        "print(environ)",
        "print('auth', auth.get('token'))",
        "logger.info('t {}'.format(token))",
        "logger.info('t %s' % token)",
        "self.logger.info('t ' + str(token))",
        "print(environ['HTTP_AUTHORIZATION'], auth['token'])",
    ],
)
def test_python_logs_it(log: str) -> None:
    assert found(PYTHON.replace("LOG", log), RULE, "a.py") == [6]


@pytest.mark.parametrize(
    "log",
    [
        "print('token')",
        "print(bool(token), len(token), token[:8])",
        "print(sid, 'no token' if not token else 'token')",
        "logger.info('connect %s', sid)",
        "print(environ['REMOTE_ADDR'])",
        "for token in tokens: print(token)",
    ],
)
def test_python_logs_something_else(log: str) -> None:
    assert not found(PYTHON.replace("LOG", log), RULE, "a.py")


def test_channels_and_starlette() -> None:
    channels = """\
from channels.generic.websocket import AsyncWebsocketConsumer
class C(AsyncWebsocketConsumer):
    async def connect(self):
        print(self.scope)
        print(self.scope["user"], self.scope["path"])
        print(self.scope["headers"])
"""
    assert found(channels, RULE, "a.py") == [4, 6]
    starlette = """\
from fastapi import FastAPI, WebSocket
@app.websocket("/ws")
async def ws(websocket: WebSocket, token: str):
    print(websocket.headers)
    logger.info("from %s", websocket.client.host)
    logger.info("token %s", token)
    logger.info("at %s", websocket.query_params.get("token"))
"""
    assert found(starlette, RULE, "a.py") == [4, 6, 7]


def test_a_query_only_if_a_token_is_in_it() -> None:
    code = """\
import 'socket.io';
io.on('connection', (socket) => {
  console.log(socket.handshake.query);
  join(socket.handshake.query.KEY);
});
"""
    assert found(code.replace("KEY", "token"), RULE) == [3]
    assert not found(code.replace("KEY", "room"), RULE)
    [finding] = review_text(code, RULE, could_not_tell=True)
    assert finding.verdict == "could-not-tell"


def test_tokens_of_other_kinds() -> None:
    model = """\
from fastapi import WebSocket
async def answer(websocket: WebSocket):
    async for token in llm.stream(prompt):
        print(token, end="")
async def on_llm_new_token(self, token: str):
    print(token)
"""
    assert not found(model, RULE, "a.py")
    push = "import io from 'socket.io-client';\nfunction f(token) { console.log('FCM', token); }\n"
    assert not found(push, RULE)


def test_a_service_in_another_file() -> None:
    files = {
        "a.gateway.ts": "import { WebSocketGateway } from '@nestjs/websockets';\n"
        "import { Users } from './users';\n@WebSocketGateway()\nexport class A {\n"
        "  constructor(private readonly users: Users) {}\n"
        "  handleConnection(client) { this.users.of(client.handshake.auth.token); }\n}\n",
        "users.ts": "export class Users {\n  of(jwt: string) { console.log(jwt); }\n"
        "  http(jwt: string) { console.log(jwt); }\n}\n",
    }
    assert [(f.file, f.line) for f in review_project(files, RULE).findings] == [("users.ts", 2)]


@pytest.mark.parametrize(
    ("log", "fixed"),
    [
        ("console.log(token);\n", ""),
        ("console.log('t', token);\n", "console.log('t', '[redacted]');\n"),
        ("console.log(`t ${token}`, 1);\n", "console.log(`t [redacted]`, 1);\n"),
        ("console.log('c', socket.handshake);\n", "console.log('c', socket.id);\n"),
        ("console.log({ token });\n", "console.log({ token: '[redacted]' });\n"),
        ("if (x) console.log(token);\n", "if (x) console.log('[redacted]');\n"),
    ],
)
def test_the_correction(log: str, fixed: str) -> None:
    code = NODE.replace("  LOG\n", f"  {log}")
    [finding] = review_text(code, RULE)
    assert finding.fix is not None
    after = applied(code, finding.fix.edits)
    assert after == NODE.replace("  LOG\n", f"  {fixed}" if fixed else "")
    assert not found(after, RULE)


def test_the_correction_in_python() -> None:
    code = PYTHON.replace("LOG", 'print(f"t {token}")')
    [finding] = review_text(code, RULE, name="a.py")
    assert finding.fix is not None
    assert applied(code, finding.fix.edits) == PYTHON.replace("LOG", 'print(f"t [redacted]")')


def test_a_client_and_flask() -> None:
    client = """\
import { io } from 'socket.io-client';
export function open(token) {
  const socket = io(url, { query: { token } });
  console.log('connecting', token);
}
"""
    assert found(client, RULE) == [4]
    flask = """\
from flask import request
from flask_socketio import SocketIO
socketio = SocketIO(app)
@socketio.on("connect")
def connect():
    token = request.args.get("token")
    print(request.headers)
    print(request.args)
    print(request.sid, request.remote_addr)
"""
    assert found(flask, RULE, "a.py") == [7, 8]


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("console.log('in', data); login(data.accessToken);", [3]),
        ("const { authToken } = data; logger.debug(data); login(authToken);", [3]),
        ("logger.debug(JSON.stringify(data)); login(data['jwt_token']);", [3]),
        ("console.log('in', data); mail(data.emailVerificationToken);", [3]),
        ("console.log(`known: ${data.apiKey}`);", [3]),
        ("console.log(`known: ${data.apiKeyName}`);", []),
        ("console.log('in', data.room); login(data.accessToken);", []),
        ("console.log('in', data); join(data.room);", []),
        ("console.log('in', data); data.accessToken = null;", []),
        ("console.log('in', Object.keys(data)); login(data.accessToken);", []),
    ],
)
def test_a_message_with_a_token_in_it(body: str, lines: list[int]) -> None:
    code = "import { Server } from 'socket.io';\n"
    code += f"io.on('connection', (s) => s.on('login', (data) => {{\n{body} }}));"
    assert found(code, RULE) == lines


def test_a_message_with_a_token_in_python() -> None:
    code = """\
import socketio
sio = socketio.AsyncServer()
@sio.event
async def login(sid, data):
    print("login", data)
    await check(data.get("access_token"))
"""
    assert found(code, RULE, "a.py") == [5]
    assert not found(code.replace("access_token", "room"), RULE, "a.py")


def test_the_token_of_an_endpoint() -> None:
    code = """\
from fastapi import WebSocket
@app.websocket("/ws")
async def feed(websocket: WebSocket, token: str):
    logger.info(f"connecting with {token}")
"""
    assert found(code, RULE, "a.py") == [4]
