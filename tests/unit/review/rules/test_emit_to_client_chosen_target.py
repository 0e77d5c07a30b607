from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

RULE = "emit-to-client-chosen-target"
NEST = """\
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
@WebSocketGateway()
export class A {
  @WebSocketServer() server: Server;
  private users = new Map<string, string>();
  @SubscribeMessage('send')
  async send(client: Socket, data: SendDto) {
    BODY
  }
}
"""
NODE = """\
const io = require('socket.io')(http);
io.on('connection', (socket) => {
  BODY
});
"""
SIO = """\
import socketio
sio = socketio.AsyncServer()
@sio.event
async def send(sid, data):
    BODY
"""


def nest(body: str) -> list[int]:
    return found(NEST.replace("BODY", body), RULE)


def node(body: str) -> list[int]:
    return found(NODE.replace("BODY", body), RULE, "a.js")


@pytest.mark.parametrize(
    "body",
    [
        "this.server.to(data.roomId).emit('m', data.text);",
        "client.to(`room:${data.roomId}`).emit('m', data.text);",
        "client.broadcast.to(data.room).emit('m', 1);",
        "const id = this.users.get(data.to); if (id) this.server.to(id).emit('m', 1);",
        "this.server.to(data.socketId).emit('signal', data.signal);",
        "data.members.forEach((id) => this.server.to(id).emit('m', 1));",
        "if (data.to === client.data.userId) return; this.server.to(data.to).emit('m', 1);",
        "const c = await Chat.findById(data.chatId);"
        " this.server.to(c._id.toString()).emit('m', 1);",
        "const c = await Chat.findById(data.chatId);"
        " c.members.forEach((m) => this.server.to(this.users.get(m.id)).emit('m', 1));",
        "const { error } = await db.from('notes').insert("
        "{ by: client.data.user.id, room: data.roomId }).single();"
        " if (error) throw error; this.server.to(data.roomId).emit('m', 1);",
        "if (!(await this.chats.get(data.chatId, client.data.user.id))) return;"
        " this.server.to(data.teamId).emit('m', 1);",
    ],
)
def test_a_payload_names_the_target(body: str) -> None:
    assert nest(body) == [8]


@pytest.mark.parametrize(
    "body",
    [
        "this.server.to(client.data.room).emit('m', data);",
        "this.server.to(`user:${client.data.user.id}`).emit('m', data);",
        "client.emit('m', data.roomId);",
        "if (!client.rooms.has(data.roomId)) return; client.to(data.roomId).emit('m', 1);",
        "if (!(await isMember(data.roomId, client.data.user.id))) return;"
        " this.server.to(data.roomId).emit('m', 1);",
        "const order = await this.orders.find(data.id); this.server.to(order.room).emit('m', 1);",
        "this.events.emit('m', data.roomId);",
        "const c = await Chat.findOne({ _id: data.chatId, members: client.data.user.id });"
        " if (!c) return; this.server.to(c._id.toString()).emit('m', 1);",
        "const c = await Chat.findById(data.chatId);"
        " if (!c.members.includes(client.data.user.id)) return;"
        " c.members.forEach((m) => this.server.to(this.users.get(m)).emit('m', 1));",
        "if (!(await this.chats.get(data.chatId, client.data.user.id))) return;"
        " this.server.to(data.chatId).emit('m', 1);",
        "// this.server.to(data.roomId).emit('m')",
    ],
)
def test_the_near_misses(body: str) -> None:
    assert not nest(body)


def test_each_emit() -> None:
    body = "socket.on('x', (d) => {\nio.to(d.room).emit('a');\nio.to(d.room).emit('b');\n});"
    assert node(body) == [4, 5]


def test_a_farewell_counts_where_the_rooms_are_open_anyway() -> None:
    leave = "socket.on('leave', (room) => { io.to(room).emit('left'); });"
    assert not node(leave)
    assert node(leave + "\nsocket.on('say', (d) => { io.to(d.room).emit('m'); });") == [3, 4]


PARTY = """\
socket.on('guess', ({ gameId }) => {
  FIND
  io.to(gameId).emit('gameState', { players: games[gameId].players });
});
"""


def test_games_that_are_kept_in_a_database_are_somebodys() -> None:
    assert not node(PARTY.replace("FIND", "const game = games[gameId];"))
    assert node(PARTY.replace("FIND", "const game = await Game.findById(gameId);")) == [5]


def test_a_method_that_the_connect_handler_calls_registers() -> None:
    code = """\
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
@WebSocketGateway()
export class A {
  @WebSocketServer() server: Server;
  handleConnection(client: Socket) { this.listen(client); }
  listen(socket: Socket) {
    socket.on('send', (data) => { this.server.to(ROOM).emit('m', 1); });
  }
}
"""
    assert found(code.replace("ROOM", "data.room"), RULE) == [7]
    assert not found(code.replace("ROOM", "socket.data.room"), RULE)


def test_names_of_events_that_are_spread() -> None:
    files = {
        "events.ts": "const Own = { SEND: 'send' } as const;\n"
        "export const Events = { ...Own, CONNECTION: 'connection' } as const;\n",
        "live.ts": "import { Server } from 'socket.io';\nimport { Events } from './events';\n"
        "const io = new Server(80);\nio.on(Events.CONNECTION, (s) => {\n"
        "  s.on(Events.SEND, (room) => { s.to(room).emit('m', 1); });\n});\n",
    }
    assert [each.line for each in review_project(files, RULE).findings] == [5]
    closed = files | {"events.ts": files["events.ts"].replace("'connection'", "'error'")}
    assert not review_project(closed, RULE).findings


def test_socketio_on_node() -> None:
    assert node("socket.on('x', (d) => { io.to(d.to).emit('call', d.signal); });") == [3]
    users = "const users = {};"
    body = "socket.on('x', ({ to }) => { const s = users[to]; socket.to(s).emit('m'); });"
    assert node(f"{users} {body}") == [3]
    get = "socket.on('x', (d) => { const u = getUser(d.to); io.to(u.socketId).emit('m'); });"
    assert node(get) == [3]
    assert not node("socket.on('leave', (room) => { socket.to(room).emit('left'); });")
    assert not node("socket.on('x', (d) => { io.to(socket.data.room).emit('m', d); });")


def test_python() -> None:
    assert found(SIO.replace("BODY", "await sio.emit('m', data, room=data['room'])"), RULE, "a.py")
    assert found(SIO.replace("BODY", "await sio.emit('m', data, to=data.get('to'))"), RULE, "a.py")
    check = (
        "if data['room'] not in sio.rooms(sid): return\n    await sio.emit('m', to=data['room'])"
    )
    assert not found(SIO.replace("BODY", check), RULE, "a.py")
    assert not found(SIO.replace("BODY", "await sio.emit('m', data, to=sid)"), RULE, "a.py")
    sid = "where = users.get(data['to'], {}).get('sid')\n    await sio.emit('m', 1, to=where)"
    assert found(SIO.replace("BODY", sid), RULE, "a.py")
    assert not found(SIO.replace("BODY", sid.replace("data['to']", "sid")), RULE, "a.py")
    flask = "from flask_socketio import SocketIO, emit\nsocketio = SocketIO()\n"
    flask += "@socketio.on('m')\ndef m(data):\n    emit('m', data, room=data['room'])\n"
    assert found(flask, RULE, "a.py") == [5]


def test_websockets() -> None:
    code = """\
from fastapi import WebSocket
@app.websocket("/ws/{room}")
async def ws(websocket: WebSocket, room: str):
    while True:
        data = await websocket.receive_json()
        BODY
"""
    body = "await manager.send_to_user(data['to'], data['text'])"
    assert found(code.replace("BODY", body), RULE, "a.py") == [6]
    body = "await manager.broadcast(data['room_id'], data['text'])"
    assert found(code.replace("BODY", body), RULE, "a.py") == [6]
    body = "await manager.broadcast(room, data['text'])"
    assert not found(code.replace("BODY", body), RULE, "a.py")
    body = "await connections[data['target']].send_json(data)"
    assert found(code.replace("BODY", body), RULE, "a.py") == [6]


def test_a_consumer_that_no_route_leads_to() -> None:
    files = {
        "chat/consumers.py": """\
import json
from channels.generic.websocket import AsyncWebsocketConsumer
class Chat(AsyncWebsocketConsumer):
    async def connect(self):
        await self.accept()
class Calls(AsyncWebsocketConsumer):
    async def receive(self, text_data):
        data = json.loads(text_data)
        await self.channel_layer.group_send(f"user_{data['to']}", {"type": "ring"})
""",
        "chat/routing.py": "from . import consumers\n"
        "urls = [path('chat/', consumers.Chat.as_asgi()), ALSO]\n",
    }
    also = {"chat/routing.py": files["chat/routing.py"].replace("ALSO", "ROUTE")}
    idle = files | {"chat/routing.py": files["chat/routing.py"].replace("ALSO", "")}
    route = "path('calls/', consumers.Calls.as_asgi())"
    routed = files | {"chat/routing.py": also["chat/routing.py"].replace("ROUTE", route)}
    assert not review_project(idle, RULE).faults
    assert [each.line for each in review_project(routed, RULE).faults] == [9]


def test_channels() -> None:
    code = """\
from channels.generic.websocket import AsyncJsonWebsocketConsumer
class C(AsyncJsonWebsocketConsumer):
    async def connect(self):
        self.group = self.scope["url_route"]["kwargs"]["room"]
    async def receive_json(self, content):
        await self.channel_layer.group_send(TARGET, {"type": "m"})
"""
    assert found(code.replace("TARGET", "content['room']"), RULE, "a.py") == [6]
    assert not found(code.replace("TARGET", "self.group"), RULE, "a.py")


def test_the_correction_asks_first() -> None:
    code = NODE.replace("BODY", "socket.on('x', ({ to }) => {\n    io.to(to).emit('m');\n  });")
    [finding] = review_text(code, RULE, name="a.js")
    assert finding.fix is not None
    corrected = applied(code, finding.fix.edits)
    assert "async ({ to }) => {" in corrected
    assert "    if (!(await mayWrite(socket, to))) {\n      return;\n    }\n    io.to" in corrected
    assert not found(corrected, RULE, "a.js")


SEND = "socket.on('send', (d) => { io.to(d.room).emit('m', d); });"


@pytest.mark.parametrize(
    ("serving", "module"),
    [
        (
            "const chat = require('./chat');\nio.on('connection', (socket) => chat(io, socket));",
            f"module.exports = (io, socket) => {{\n{SEND}\n}};",
        ),
        (
            "io.on('connection', (socket) => { require('./chat')(io, socket); });",
            f"module.exports = function (io, socket) {{\n{SEND}\n}};",
        ),
        (
            "const { chat } = require('./chat');\nio.on('connection', (s) => { chat(io, s); });",
            f"exports.chat = (io, socket) => {{\n{SEND}\n}};",
        ),
        (
            "const chat = require('./chat');\nio.on('connection', (s) => chat.register(io, s));",
            f"module.exports = {{ register(io, socket) {{\n{SEND}\n}} }};",
        ),
        (
            "import chat from './chat';\nio.on('connection', (socket) => chat(io, socket));",
            f"export default (io, socket) => {{\n{SEND}\n}};",
        ),
        (
            "import { C } from './chat';\nio.on('connection', (s) => { new C(io, s).start(); });",
            f"export class C {{ start() {{\n{SEND.replace('socket', 'this.socket')}\n}} }}",
        ),
        (
            "import { Chat } from './chat';\nio.on('connection', (s) => { new Chat(io, s); });",
            f"export class Chat {{ constructor(io, socket) {{\n{SEND}\n}} }}",
        ),
    ],
)
def test_handlers_in_a_module_of_their_own(serving: str, module: str) -> None:
    files = {
        "server.js": f"const io = require('socket.io')(http);\n{serving}\n",
        "chat.js": f"// with socket.io\n{module}\n",
    }
    assert [(f.file, f.line) for f in review_project(files, RULE).findings] == [("chat.js", 3)]


@pytest.mark.parametrize(
    "code",
    [
        "io.sockets.on('connection', (s) => { s.on('m', (d) => s.to(d.room).emit('m', d)); });",
        "const n = io.of('/n'); n.on('connection', (s) => s.on('m', (d) => n.to(d.to).emit('m')));",
        "io.on('connection', (u) => u.on('m', (d) => io.sockets.sockets.get(d.to).emit('m', d)));",
    ],
)
def test_servers_and_sockets_by_other_names(code: str) -> None:
    assert found(f"const io = require('socket.io')(http);\n{code}", RULE) == [2]


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("const peer = users.get(m.to); if (peer) peer.send(m.text);", [5]),
        ("rooms.get(m.room).forEach((client) => client.send(m.text));", [5]),
        ("sendTo(users[m.name], m);", [5]),
        ("if (!ws.rooms.has(m.room)) return; rooms.get(m.room).forEach((c) => c.send(m));", []),
        ("wss.clients.forEach((c) => { if (c.room === ws.room) c.send(m.text); });", []),
        ("ws.send(m.text);", []),
    ],
)
def test_plain_websockets_on_node(body: str, lines: list[int]) -> None:
    code = """\
import { WebSocketServer } from 'ws';
const wss = new WebSocketServer({ port: 80 });
wss.on('connection', (ws) => {
  ws.on('message', (raw) => { const m = JSON.parse(raw);
BODY
  });
});
"""
    assert found(code.replace("BODY", body), RULE) == lines


@pytest.mark.parametrize(
    "check",
    ["client.data.user.role !== 'admin'", "!['admin'].includes(client.data.user.role)"],
)
def test_the_role_of_the_user_is_a_check(check: str) -> None:
    assert not nest(f"if ({check}) return; this.server.to(data.room).emit('m', 1);")


WAYS = """
  socket.on('say', async ({ roomId, to, text }) => {
    let room;
    let id = roomId;
    if (!roomId) {
      room = await Room.create({ members: [socket.user.id, to] });
      id = room._id;
    } else {
      room = await Room.findOne({ _id: roomId WHERE });
      if (!room) return;
    }
    io.to(id).emit('said', text);
  });
"""


def test_a_check_on_the_only_way_that_names_a_room_is_enough() -> None:
    assert not node(WAYS.replace("WHERE", ", members: socket.user.id"))
    assert node(WAYS.replace("WHERE", ""))
