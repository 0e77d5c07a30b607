"""Connections whose user is only said, and tokens in addresses and logs, as code has them."""

from __future__ import annotations

import pytest
from tests.unit.review.helpers import found


@pytest.mark.parametrize(
    ("rule", "name", "text"),
    [
        pytest.param(
            "connection-without-authentication",
            "a.py",
            """\
import socketio
class Manager:
    def __init__(self):
        self.sio = socketio.AsyncServer(async_mode='asgi', cors_allowed_origins='*')
        self._register_handlers()
    def _register_handlers(self):
        @self.sio.event
        async def connect(sid, environ):
            await self.sio.emit('connected', {'sid': sid}, room=sid)
        @self.sio.event
        async def authenticate(sid, data):
            user_id = data.get('user_id')
            if not user_id:
                return
            self.users[user_id] = sid
""",
            id="pyauth",
        ),
        pytest.param(
            "connection-without-authentication",
            "a.js",
            """\
const { Server } = require('socket.io');
const io = new Server(http);
io.use((socket, next) => {
  const token = socket.handshake.auth.token;
  if (!token) return next(new Error('unauthorized'));
  next();
});
io.on('connection', (socket) => { socket.join('all'); });
""",
            id="node_token_presence",
        ),
        pytest.param(
            "connection-without-authentication",
            "a.py",
            """\
import socketio
sio = socketio.AsyncServer(async_mode="asgi")
@sio.event
async def connect(sid, environ, auth):
    username = auth.get("username") if auth else None
    if not username:
        return False
    await sio.save_session(sid, {"username": username})
@sio.event
async def message(sid, data):
    await sio.emit("message", data)
""",
            id="py_username",
        ),
        pytest.param(
            "token-in-query",
            "a.ts",
            """\
import { Server, Socket } from 'socket.io';
export function a(server: Server) {
  server.use(async (socket: Socket, next) => {
    const { token } = socket.handshake?.query || {};
    verify(token); next();
  });
}
""",
            id="destruct_or",
        ),
        pytest.param(
            "token-in-query",
            "a.ts",
            """\
import { Server, Socket } from 'socket.io';
export function a(server: Server) {
  server.use(async (socket: Socket, next) => {
    const { token } = (socket.handshake.query ?? {}) as { token?: string };
    verify(token); next();
  });
}
""",
            id="destruct_nullish",
        ),
        pytest.param(
            "token-in-query",
            "a.ts",
            """\
import { WebSocketGateway, OnGatewayConnection } from '@nestjs/websockets';
import { Socket } from 'socket.io';
@WebSocketGateway()
export class G implements OnGatewayConnection {
  handleConnection(client: Socket) {
    const token = client.request['_query'].token;
    this.auth.verify(token);
  }
}
""",
            id="req_query",
        ),
        pytest.param(
            "token-in-query",
            "a.py",
            """\
from flask import request as flask_request
from flask_socketio import emit
def register(socketio):
    @socketio.on('connect')
    def handle_connect(auth=None):
        token = None
        if auth: token = auth.get('token')
        if not token:
            token = flask_request.args.get('token')
        return check(token)
""",
            id="flask_inner",
        ),
        pytest.param(
            "token-logged",
            "a.ts",
            """\
export function open(token: string) {
  const url = `wss://x/ws?token=${token}`;
  console.log('Connecting to', url);
  return new WebSocket(url);
}
""",
            id="ws_url_client",
        ),
        pytest.param(
            "jwt-not-verified",
            "a.ts",
            """\
import jwt from 'jsonwebtoken';
import { Server } from 'socket.io';
export const setup = (io: Server) => io.use((socket, next) => {
  const decoded = jwt.decode(socket.handshake.auth.token, { complete: true });
  socket.data.user = decoded?.payload;
  next();
});
""",
            id="ignore_exp",
        ),
    ],
)
def test_is_found(rule: str, name: str, text: str) -> None:
    assert found(text, rule, name)


@pytest.mark.parametrize(
    ("rule", "name", "text"),
    [
        pytest.param(
            "connection-without-authentication",
            "a.py",
            """\
import socketio
from .auth import decode_token
class Chat(socketio.AsyncNamespace):
    async def on_connect(self, sid, environ, auth):
        user = decode_token(auth["token"])
        if user is None:
            raise ConnectionRefusedError("no")
        await self.enter_room(sid, f"user:{user.id}")
""",
            id="py_ns_ok",
        ),
        pytest.param(
            "connection-without-authentication",
            "a.py",
            """\
from flask_socketio import SocketIO, emit, join_room, disconnect
from flask import session
socketio = SocketIO(app)
@socketio.on("connect")
def on_connect():
    if "user_id" not in session:
        return False
    join_room(f"user:{session['user_id']}")
""",
            id="flask_session_uid",
        ),
        pytest.param(
            "connection-without-authentication",
            "a.py",
            """\
from channels.generic.websocket import AsyncWebsocketConsumer
class NoteConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        if self.scope["user"].is_anonymous:
            await self.close()
            return
        await self.accept()
""",
            id="channels_ok",
        ),
        pytest.param(
            "token-in-query",
            "a.py",
            """\
from flask import request, Flask
from flask_socketio import SocketIO
app = Flask(__name__)
socketio = SocketIO(app)
@app.route('/reset')
def reset():
    token = request.args.get('token')
    return check(token)
@socketio.on('connect')
def handle_connect(auth):
    return check(auth['token'])
""",
            id="flask_http",
        ),
        pytest.param(
            "token-logged",
            "a.tsx",
            """\
import { io } from 'socket.io-client';
export function connect() {
  const token = localStorage.getItem('token');
  console.log('Connecting, has token:', !!token);
  return io('/', { auth: { token } });
}
""",
            id="client_sub",
        ),
        pytest.param(
            "token-logged",
            "a.ts",
            """\
import { Socket } from 'socket.io';
import jwt from 'jsonwebtoken';
export function check(socket: Socket, next) {
  const payload = jwt.verify(socket.handshake.auth.token, KEY);
  console.log('user connected', payload.sub);
  next();
}
""",
            id="mw_payload",
        ),
        pytest.param(
            "jwt-not-verified",
            "a.ts",
            """\
import jwt from 'jsonwebtoken';
import { Server } from 'socket.io';
export const setup = (io: Server) => io.use((socket, next) => {
  jwt.verify(socket.handshake.auth.token, KEY, { algorithms: ['HS256'] });
  const decoded = jwt.decode(socket.handshake.auth.token);
  socket.data.user = decoded;
  next();
});
""",
            id="decode_after_verify",
        ),
    ],
)
def test_is_silent(rule: str, name: str, text: str) -> None:
    assert not found(text, rule, name)
