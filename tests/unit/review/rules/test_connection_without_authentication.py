"""What looks like a check and asks nobody who they are; where the finding is placed."""

from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project

RULE = "connection-without-authentication"
NEST = """\
import { WebSocketGateway } from '@nestjs/websockets';
@WebSocketGateway()
export class A {
  afterInit() { INIT }

  async handleConnection(client: Socket) { BODY }
}
"""
FAST = """\
from fastapi import FastAPI, WebSocket
app = FastAPI()
manager = Manager()
@app.websocket("/ws/{user_id}")
async def live(websocket: WebSocket, user_id: int):
BODY
class Manager:
    async def connect(self, websocket: WebSocket):
        await websocket.accept()
    async def send_all(self, message):
        for socket in self.sockets:
            await socket.send_text(json.dumps(message))
"""
SIO = """\
import socketio
sio = socketio.AsyncServer()
@sio.event
async def connect(sid, environ, auth=None):
BODY
"""


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("client.join('all');", [6]),
        ("client.join(decodeURIComponent(client.handshake.query.name));", [6]),
        ("const id = client.handshake.query.userId; if (!id) client.disconnect();", [6]),
        ("await this.images.verifyImage(client.id);", [6]),
        ("const user = await this.auth.checkUserToken(client.handshake); if (!user) return;", []),
        ("if (!this.isTokenValid(client.handshake.auth)) client.disconnect();", []),
        ("client.data.user = userFromToken(client.handshake.auth.token);", []),
        ("const token = client.handshake.auth.token; try { if (token) this.jwt.verify(token); }"
         " catch (e) { client.disconnect(); }", [6]),
        ("const token = client.handshake.auth.token; try { if (!token) throw 1;"
         " if (token) this.jwt.verify(token); } catch (e) { client.disconnect(); }", []),
    ],
)  # fmt: skip
def test_nest_is_told_at_the_handler(body: str, lines: list[int]) -> None:
    assert found(NEST.replace("BODY", body).replace("INIT", ""), RULE) == lines


def test_what_the_setup_throws_refuses_nobody() -> None:
    init = "if (!this.redis) throw new Error('no redis');"
    assert found(NEST.replace("BODY", "client.join('all');").replace("INIT", init), RULE) == [6]


def test_nest_without_a_handler_is_told_at_the_class() -> None:
    code = "\n".join(line for line in NEST.split("\n") if "handleConnection" not in line)
    assert found(code.replace("INIT", ""), RULE) == [3]


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (["await manager.connect(websocket)", "await manager.send_all({})"], [5]),
        (["if verify_video(user_id):", "    await manager.connect(websocket)"], [5]),
        (["user = users.get(user_id)", "if not user:", "    await websocket.close()"], [5]),
        (["if websocket.user.id != user_id:", "    await websocket.close()"], []),
        (["if websocket.scope['user'] is None:", "    await websocket.close()"], []),
        (["user = await user_from_token(websocket.cookies['session'])"], []),
        (["sockets[user_id].discard(websocket)"], [5]),
    ],
)
def test_fastapi(body: list[str], lines: list[int]) -> None:
    code = FAST.replace("BODY", "\n".join(f"    {line}" for line in body))
    assert found(code, RULE, "a.py") == lines


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (
            [
                "given = parse_qs(environ['QUERY_STRING']).get('user_id')",
                "if not given:",
                "    return False",
            ],
            [4],
        ),
        (["if not auth or auth.get('token') != SECRET:", "    return False"], []),
    ],
)
def test_python_socketio(body: list[str], lines: list[int]) -> None:
    code = SIO.replace("BODY", "\n".join(f"    {line}" for line in body))
    assert found(code, RULE, "a.py") == lines


def test_that_a_thing_is_there_says_nothing_of_who_asks() -> None:
    code = """\
from fastapi import Depends, FastAPI, WebSocket
app = FastAPI()
@app.websocket("/ws/{KEY}")
async def live(websocket: WebSocket, KEY: int, session: AsyncSession = Depends(get_session)):
    await websocket.accept()
    result = await session.execute(select(Board).where(Board.key == KEY))
    board = result.scalar_one_or_none()
    if not board:
        await websocket.close(code=4004)
        return
    await websocket.send_json(board.state)
"""
    assert found(code.replace("KEY", "board_id"), RULE, "a.py") == [4]
    assert not found(code.replace("KEY", "invite_code"), RULE, "a.py")


def test_a_middleware_that_admits_everybody() -> None:
    code = """\
import { Server } from 'socket.io';
import jwt from 'jsonwebtoken';
const io = new Server(80);
io.use((socket, next) => {
  const token = socket.handshake.auth.token;
  if (!token) return next();
  try { socket.user = jwt.verify(token, KEY); next(); } catch { next(FAILED); }
});
io.on('connection', (socket) => {
  socket.on('join', (room) => { ASKED socket.join(room); });
});
"""
    open_ = code.replace("FAILED", "").replace("ASKED", "")
    assert found(open_, RULE) == [9]
    assert not found(code.replace("FAILED", "new Error('no')").replace("ASKED", ""), RULE)
    asked = code.replace("FAILED", "").replace("ASKED", "if (!socket.user) return;")
    assert not found(asked, RULE)


def test_flask_only_greets_who_is_signed_in() -> None:
    code = """\
from flask_login import current_user
from flask_socketio import SocketIO, emit
socketio = SocketIO()
@socketio.on('connect')
def connect():
    if current_user.is_authenticated:
        emit('hello')
REST
"""
    assert found(code.replace("REST", ""), RULE, "a.py")
    assert not found(code.replace("REST", "    else:\n        return False"), RULE, "a.py")


def test_a_deadline_checks_nobody() -> None:
    code = SIO.replace("BODY", "    asyncio.create_task(NAME(sid))")
    late = "async def NAME(sid):\n    if sid not in users:\n        await sio.disconnect(sid)\n"
    later = (code + late).replace("NAME", "check_auth_timeout")
    assert found(later, RULE, "a.py") == [4]
    assert not found((code + late).replace("NAME", "check_auth"), RULE, "a.py")


def test_another_name_of_this_is_followed() -> None:
    body = "const _this = this; return run(function () { return _this.admit(client); });"
    code = NEST.replace("INIT", "").replace("BODY", body)
    method = "  admit(client: Socket) { WORK }\n}\n"
    checked = method.replace("WORK", "this.jwt.verify(client.handshake.auth.token);")
    assert not found(code.rstrip()[:-1] + checked, RULE)
    assert found(code.rstrip()[:-1] + method.replace("WORK", "client.join('all');"), RULE) == [6]


CHANNELS = {
    "app/asgi.py": """\
from channels.routing import ProtocolTypeRouter, URLRouter
from app.middleware import TokenMiddleware
from app.routing import urls
application = ProtocolTypeRouter({"websocket": TokenMiddleware(URLRouter(urls))})
""",
    "app/middleware.py": """\
import jwt
class TokenMiddleware:
    def __init__(self, app):
        self.app = app
    async def __call__(self, scope, receive, send):
        token = dict(scope["headers"]).get(b"authorization")
        if not token:
            NOTHING
        else:
            scope["uid"] = jwt.decode(token, KEY, algorithms=["HS256"])["sub"]
        return await self.app(scope, receive, send)
""",
    "app/consumers.py": """\
from channels.generic.websocket import AsyncWebsocketConsumer
class News(AsyncWebsocketConsumer):
    async def connect(self):
        await self.channel_layer.group_add(f"user_{self.scope['uid']}", self.channel_name)
        await self.accept()
""",
}


@pytest.mark.parametrize(("nothing", "faults"), [("return", 0), ('scope["uid"] = None', 1)])
def test_a_middleware_of_channels_refuses_by_calling_nothing(nothing: str, faults: int) -> None:
    files = {name: text.replace("NOTHING", nothing) for name, text in CHANNELS.items()}
    assert len(review_project(files, RULE).findings) == faults
