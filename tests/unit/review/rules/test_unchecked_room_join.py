from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

RULE = "unchecked-room-join"
NEST = """\
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
@WebSocketGateway()
export class A {
  constructor(private readonly rooms: RoomsService, private readonly prisma: PrismaService) {}
  @SubscribeMessage('join')
  async join(@ConnectedSocket() client: Socket, @MessageBody() data: JoinDto) {
    BODY
  }
}
"""
NODE = """\
const { Server } = require('socket.io');
const io = new Server(3000);
io.on('connection', (socket) => {
  BODY
});
"""
CHANNELS = """\
from channels.generic.websocket import AsyncWebsocketConsumer
class C(AsyncWebsocketConsumer):
    async def connect(self):
        self.room_id = self.scope["url_route"]["kwargs"]["room_id"]
        BODY
        await self.channel_layer.group_add(f"room_{self.room_id}", self.channel_name)
"""
FASTAPI = """\
from fastapi import Depends, FastAPI, WebSocket
@app.websocket("/ws/{room_id}")
async def ws(websocket: WebSocket, room_id: str, user: User = Depends(current_user)):
    BODY
"""


def nest(body: str) -> list[int]:
    return found(NEST.replace("BODY", body), RULE)


def node(body: str) -> list[int]:
    return found(NODE.replace("BODY", body), RULE, "a.js")


@pytest.mark.parametrize(
    "body",
    [
        "client.join(data.roomId);",
        "const { roomId } = data; await client.join(`room:${roomId}`);",
        "const { roomId: id = '1' } = data; client.join('room:' + id);",
        "const dto = plainToInstance(JoinDto, data); client.join(String(dto.room).trim());",
        "if (!data.roomId) return; client.join(data.roomId);",
        "if (!client.data.user || !data.roomId) return; client.join(data.roomId);",
        "const room = await this.prisma.room.findUnique({ where: { id: data.roomId } });"
        " if (!room) throw new WsException('none'); client.join(data.roomId);",
        "data.rooms.forEach((room) => client.join(room));",
        "for (const room of data.rooms) { client.join(room); }",
        "this.enter(client, data.roomId);",
        "if (data.roomId !== client.data.user.id) client.join(data.roomId);",
        "if (this.rooms.isMember(data.other, client.data.user.id)) {} client.join(data.roomId);",
        "if (client.rooms.has(data.roomId)) return; client.join(data.roomId);",
        "if (!client.rooms.has(data.roomId)) { client.join(data.roomId); }",
        "const room = await this.rooms.findById(data.roomId); if (!room) return;"
        " client.join(room.id);",
        "client.join('admins');",
    ],
)
def test_a_payload_names_the_room(body: str) -> None:
    helper = "enter(socket: Socket, id: string) { socket.join(`room:${id}`); }\n"
    code = NEST.replace("BODY", body).replace("  @Subscribe", f"  {helper}  @Subscribe")
    [line] = found(code, RULE)
    assert line == (5 if "enter" in body else 8)


@pytest.mark.parametrize(
    "body",
    [
        "client.join(`user:${client.data.user.id}`);",
        "client.join('lobby');",
        "const text = data.words.join(data.separator);",
        "// client.join(data.roomId)",
        "if (!(await this.rooms.isMember(data.roomId, client.data.user.id))) return;"
        " client.join(data.roomId);",
        "const ok = await this.rooms.canJoin(client.data.user, data.roomId);"
        " if (!ok) throw new WsException('no'); client.join(data.roomId);",
        "await this.rooms.assertMember(client.data.user.id, data.roomId);"
        " client.join(data.roomId);",
        "const m = await this.prisma.member.findFirst({"
        " where: { roomId: data.roomId, userId: client.data.user.id } });"
        " if (!m) return { error: 'no' }; client.join(data.roomId);",
        "const room = await this.rooms.get(data.roomId);"
        " if (room.ownerId !== client.data.user.id) return; client.join(room.id);",
        "const room = await this.rooms.get(data.roomId);"
        " if (!room.members.includes(client.data.userId)) return; client.join(data.roomId);",
        "if (data.userId !== client.data.user.id) return; client.join(data.userId);",
        "if (!client.data.rooms.includes(data.roomId)) return; client.join(data.roomId);",
        "if (!['news', 'sport'].includes(data.topic)) return; client.join(data.topic);",
        "if (!ALLOWED.has(data.topic)) return; client.join(data.topic);",
        "const allowed = await this.rooms.of(client.data.user.id);"
        " if (allowed.some((r) => r.id === data.roomId)) { client.join(data.roomId); }",
        "await this.prisma.member.findFirstOrThrow({"
        " where: { roomId: data.roomId, userId: client.data.user.id } });"
        " client.join(data.roomId);",
        "client.join(`chat:${client.data.user.id}:${data.other}`);",
        "client.join(`price:${data.symbol}`);",
        "const room = await this.rooms.findOne({ id: data.roomId, member: client.data.user.id });"
        " if (!room) return; client.join(room.id);",
        "const room = await this.rooms.findById(data.roomId); client.join(client.data.room);",
        "if (client.data.user.role === 'boss') client.join('admins');",
        "await this.rooms.checkRole(client); client.join('admins');",
    ],
)
def test_the_near_misses(body: str) -> None:
    assert not nest(body)


def test_a_guard_of_the_handler_looks_at_the_room() -> None:
    guarded = NEST.replace("  async join", "  @UseGuards(RoomMemberGuard)\n  async join")
    assert not found(guarded.replace("BODY", "client.join(data.roomId);"), RULE)
    signed_in = NEST.replace("  async join", "  @UseGuards(JwtAuthGuard)\n  async join")
    assert found(signed_in.replace("BODY", "client.join(data.roomId);"), RULE) == [8]


def test_socketio_on_node() -> None:
    assert node("socket.on('join', ({ room }) => socket.join(room));") == [4]
    assert node("socket.on('join', (room) => {\n    socket.join(room);\n  });") == [5]
    assert node("const { room } = socket.handshake.query;\n  socket.join(room);") == [5]
    assert node("const room = socket.handshake.auth.room; if (room) socket.join(room);") == [4]
    assert node("socket.on('x', (d, cb) => { io.in(d.id).socketsJoin(d.room); });") == [4]
    assert not node("socket.join(socket.user.id);")
    assert not node("socket.on('x', (d) => { if (d.room === 'lobby') socket.join(d.room); });")
    checked = "socket.on('x', (d) => isMember(socket.user, d.room).then((ok) => { if (ok) JOIN }));"
    assert not node(checked.replace("JOIN", "socket.join(d.room);"))


def test_a_middleware_writes_what_the_handshake_has() -> None:
    body = "io.use((s, next) => { s.handshake.auth.room = verify(s).room; next(); });"
    assert not node(f"{body}\n  socket.join(socket.handshake.auth.room);")


def test_handlers_and_the_join_are_in_other_files() -> None:
    files = {
        "server.ts": "import { Server } from 'socket.io';\nimport { register } from './handlers';\n"
        "const io = new Server(1);\nio.on('connection', (socket) => register(io, socket));\n",
        "handlers.ts": "import type { Server, Socket } from 'socket.io';\n"
        "import { RoomService } from './rooms';\n"
        "export const register = (io: Server, socket: Socket) => {\n"
        "  socket.on('join', (p) => new RoomService().enter(socket, p));\n"
        "  socket.on('enter', (p: { room: string }) => enter(socket, p.room));\n};\n"
        "function enter(s: Socket, room: string) {\n  s.join(room);\n}\n",
        "rooms.ts": "",
    }
    [finding] = review_project(files, RULE).findings
    assert (finding.file, finding.line) == ("handlers.ts", 8)


def test_a_service_joins_for_the_gateway() -> None:
    gateway = NEST.replace("BODY", "await this.rooms.enter(client, data);").replace(
        "@WebSocketGateway()",
        "import { RoomsService } from './rooms.service';\n@WebSocketGateway()",
    )
    service = """\
import { Socket } from 'socket.io';
export class RoomsService {
  async enter(client: Socket, dto: JoinDto) {
    CHECK
    await client.join(`room:${dto.roomId}`);
  }
}
"""
    files = {"a.gateway.ts": gateway, "rooms.service.ts": service.replace("CHECK", "")}
    [finding] = review_project(files, RULE).findings
    assert (finding.file, finding.line) == ("rooms.service.ts", 5)
    files["rooms.service.ts"] = service.replace(
        "CHECK", "await this.assertMember(client, dto.roomId);"
    )
    assert not review_project(files, RULE).findings


def test_python_socketio() -> None:
    code = "import socketio\nsio = socketio.AsyncServer()\n"
    assert found(
        f"{code}@sio.event\nasync def join(sid, data):\n"
        "    room = data.get('room')\n    await sio.enter_room(sid, room)\n",
        RULE,
        "a.py",
    ) == [6]
    namespace = (
        "import socketio\nclass N(socketio.AsyncNamespace):\n"
        "    async def on_join(self, sid, data):\n        CHECK\n"
        "        await self.enter_room(sid, data['room'])\n"
    )
    assert found(namespace.replace("CHECK", "pass"), RULE, "a.py") == [5]
    check = "if not await self.is_member(sid, data['room']): return"
    assert not found(namespace.replace("CHECK", check), RULE, "a.py")
    query = (
        f"{code}from urllib.parse import parse_qs\n@sio.event\n"
        "async def connect(sid, environ, auth):\n"
        "    query = parse_qs(environ['QUERY_STRING'])\n"
        "    await sio.enter_room(sid, query['board'][0])\n"
    )
    assert found(query, RULE, "a.py") == [7]


def test_flask_socketio() -> None:
    code = """\
from flask_socketio import SocketIO, join_room
socketio = SocketIO(app)
@socketio.on('join')
def on_join(data):
    CHECK
    join_room(data['room'])
"""
    assert found(code.replace("CHECK", "pass"), RULE, "a.py") == [6]
    check = (
        "if not Member.query.filter_by(user_id=current_user.id, room=data['room']).first(): return"
    )
    assert not found(code.replace("CHECK", check), RULE, "a.py")
    namespace = (
        "from flask_socketio import Namespace, join_room\nclass N(Namespace):\n"
        "    def on_join(self, data):\n        join_room(data['room'])\n"
    )
    assert found(namespace, RULE, "a.py") == [4]


@pytest.mark.parametrize(
    ("check", "lines"),
    [
        ("pass", [6]),
        ("if not self.scope['user'].is_authenticated: return await self.close()", [6]),
        ("if not await Room.objects.filter(id=self.room_id).aexists(): return", [6]),
        ("if not await self.is_participant(self.scope['user'], self.room_id): return", []),
        ("if not await Room.objects.filter(id=self.room_id, members=self.scope['user']).aexists():"
         " return", []),
    ],
)  # fmt: skip
def test_channels(check: str, lines: list[int]) -> None:
    assert found(CHANNELS.replace("BODY", check), RULE, "a.py") == lines


def test_the_group_has_both_users_in_its_name() -> None:
    code = CHANNELS.replace("BODY", "me = self.scope['user'].id").replace(
        'f"room_{self.room_id}"', 'f"dm_{min(me, self.room_id)}_{max(me, self.room_id)}"'
    )
    assert not found(code, RULE, "a.py")


def test_sync_consumers() -> None:
    code = (
        "from channels.generic.websocket import WebsocketConsumer\n"
        "class C(WebsocketConsumer):\n    def connect(self):\n"
        "        self.room = self.scope['url_route']['kwargs']['room_name']\n"
        "        self.group = 'chat_%s' % self.room\n"
        "        async_to_sync(self.channel_layer.group_add)(self.group, self.channel_name)\n"
    )
    assert found(code, RULE, "a.py") == [6]


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("await manager.connect(websocket, room_id)", [4]),
        ("await manager.connect(room_id, websocket)", [4]),
        ("rooms.setdefault(room_id, set()).add(websocket)", [4]),
        ("rooms[room_id].append(websocket)", [4]),
        ("if room_id not in rooms: return\n    await manager.connect(websocket, room_id)", [5]),
        ("if not await is_member(user, room_id): return\n"
         "    await manager.connect(websocket, room_id)", []),
        ("m = db.query(M).filter(M.room == room_id, M.user_id == user.id).first()\n"
         "    if not m:\n        return\n    await manager.connect(websocket, room_id)", []),
        ("await manager.connect(websocket, user.id)", []),
        ("await websocket.send_text(room_id)", []),
    ],
)  # fmt: skip
def test_fastapi(body: str, lines: list[int]) -> None:
    assert found(FASTAPI.replace("BODY", body), RULE, "a.py") == lines


def test_tidegate() -> None:
    code = """\
from tidegate import Client, Namespace
chat = Namespace("/chat")
@chat.on("open")
async def open_room(client: Client, event: Open) -> None:
    CHECK
    client.join(f"room:{event.room_id}")
"""
    assert found(code.replace("CHECK", "pass"), RULE, "a.py") == [6]
    check = "if not await is_member(client.user_id, event.room_id): return"
    assert not found(code.replace("CHECK", check), RULE, "a.py")


def test_the_correction_asks_first() -> None:
    code = NODE.replace("BODY", "socket.on('join', (room) => socket.join(room));")
    [finding] = review_text(code, RULE, name="a.js")
    assert finding.fix is not None and not finding.fix.is_safe
    corrected = applied(code, finding.fix.edits)
    assert corrected == NODE.replace(
        "BODY",
        "socket.on('join', async (room) => {\n"
        "    // mayJoin() is to be written: may this user be in that room?\n"
        "    if (!(await mayJoin(socket, room))) {\n      return;\n    }\n"
        "    socket.join(room);\n  });",
    )
    assert not found(corrected, RULE, "a.js")


def test_a_function_that_serves_the_socket_for_its_endpoint() -> None:
    routes = """\
from fastapi import WebSocket
from .serving import serve
@app.websocket("/boards/{board_id}")
async def board(websocket: WebSocket, board_id: str, token: str):
    user = verify(token)
    await serve(websocket, user.id, board_id)
"""
    serving = """\
boards = {}
async def serve(websocket, user_id, board_id):
    CHECK
    await websocket.accept()
    boards[board_id][user_id].append(websocket)
"""
    files = {"app/routes.py": routes, "app/serving.py": serving.replace("CHECK", "pass")}
    assert [(f.file, f.line) for f in review_project(files, RULE).findings] == [
        ("app/serving.py", 5)
    ]
    check = "if not await is_member(user_id, board_id): return"
    files["app/serving.py"] = serving.replace("CHECK", check)
    assert not review_project(files, RULE).findings


def test_a_function_that_registers_is_reported_where_it_is_called() -> None:
    code = FASTAPI.replace("BODY", "await connect(websocket, room_id)")
    code += "async def connect(websocket, room_id):\n    rooms[room_id].append(websocket)\n"
    assert found(code, RULE, "a.py") == [4]


def test_a_helper_that_the_constructor_makes() -> None:
    server = """\
const Spaces = require('./spaces');
const io = require('socket.io')(http);
class Api {
  constructor() { this.spaces = new Spaces(); }
  serve() { io.on('connection', (socket) => {
    socket.on('enter', (data) => this.spaces.enter(socket, data));
  }); }
}
"""
    spaces = "// socket.io\nclass Spaces {\nenter(socket, data) { socket.join(data.space); }\n}\n"
    files = {"api.js": server, "spaces.js": f"{spaces}module.exports = Spaces;\n"}
    assert [(f.file, f.line) for f in review_project(files, RULE).findings] == [("spaces.js", 3)]


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("socket.on('join', (id, me) => { socket.join(id); socket.to(id).emit('in', me); });", [4]),
        ("socket.join(socket.handshake.query.room);", [4]),
        ("socket.on('join', (d) => { d.rooms.forEach((r) => socket.join(r)); });", [4]),
        ("socket.on('sub', (d) => { io.in(socket.id).socketsJoin(d.channel); });", [4]),
        (
            "socket.on('join', (id) => { if (!socket.data.allowed.includes(id)) return;"
            " socket.join(id); });",
            [],
        ),
        (
            "const all = await db.roomsOf(socket.user.id); all.forEach((r) => socket.join(r.id));",
            [],
        ),
    ],
)
def test_ways_to_join_on_node(body: str, lines: list[int]) -> None:
    assert node(body) == lines
