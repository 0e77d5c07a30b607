from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

RULE = "room-never-joined"

GATEWAY = """\
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { Rooms, roomOf } from './rooms';
const PREFIX = 'user';
@WebSocketGateway()
export class Events {
  @WebSocketServer() server: Server;
  private readonly lobby = 'lobby';
  handleConnection(client: Socket) {
    JOIN
  }
  tell(id: string, x: any) {
    this.server.to(ROOM).emit('x', x);
  }
  private nameOf(id: string) { return `board:${id}`; }
}
"""
ROOMS = """\
export enum Rooms { ADMINS = 'admins', GUESTS = 'guests' }
export function roomOf(kind: string, id: string) { return `${kind}/room/${id}`; }
"""


def lines(join: str, room: str) -> list[int]:
    gateway = GATEWAY.replace("JOIN", join).replace("to(ROOM)", f"to({room})")
    files = {"gateway.ts": gateway, "rooms.ts": ROOMS}
    return [finding.line for finding in review_project(files, RULE).findings]


@pytest.mark.parametrize(
    ("join", "room"),
    [
        ("client.join(`user:${client.data.id}`);", "`user_${id}`"),
        ("client.join(`user:${client.data.id}`);", "`users:${id}`"),
        ("client.join('user:' + client.data.id);", "'account:' + id"),
        ("client.join('lobby');", "'Lobby'"),
        ("client.join(this.lobby);", "'hall'"),
        ("client.join(Rooms.ADMINS);", "Rooms.GUESTS"),
        ("client.join(`${PREFIX}:${client.data.id}`);", "`member:${id}`"),
        ("client.join(this.nameOf(client.data.id));", "`boards:${id}`"),
        ("client.join(['a', 'b']);", "'c'"),
        ("const room = `a:${client.data.id}`; client.join(room);", "`b:${id}`"),
        ("client.data.x = 1;", "'admins'"),
    ],
)
def test_a_room_is_never_joined(join: str, room: str) -> None:
    assert lines(join, room) == [12]


@pytest.mark.parametrize(
    ("join", "room"),
    [
        ("client.join(`user:${client.data.id}`);", "`user:${id}`"),
        ("client.join('user:' + client.data.id);", "`user:${id}`"),
        ("client.join(this.nameOf(client.data.id));", "`board:${id}`"),
        ("client.join(this.nameOf(client.data.id));", "this.nameOf(id)"),
        ("client.join(`${PREFIX}:${client.data.id}`);", "`user:${id}`"),
        ("client.join(roomOf('a', client.data.id));", "roomOf('b', id)"),
        ("client.join(Rooms.ADMINS);", "'admins'"),
        ("client.join(this.lobby);", "this.lobby"),
        ("client.join(['a', 'b']);", "'b'"),
        ("this.server.in(client.id).socketsJoin('a');", "'a'"),
        ("for (const room of client.data.rooms) client.join(room);", "'a'"),
        ("client.join(client.handshake.query.room);", "'a'"),
        ("client.join('a');", "client.id"),
        ("client.join('a');", "id"),
        ("client.join('a');", "`${id}`"),
        ("user.join(`b:${id}`);", "'c'"),
        ("client.join(client.data.vip ? 'vip' : 'all');", "'vip'"),
        ("const a = 'x'; client.join(['a', x].join(':'));", "'c:d'"),
    ],
)
def test_a_room_is_joined_or_it_is_not_known(join: str, room: str) -> None:
    assert not lines(join, room)


def test_a_join_that_is_computed_leaves_it_open() -> None:
    code = GATEWAY.replace("JOIN", "client.join(x.room);").replace("to(ROOM)", "to('a')")
    [finding] = review_text(code, RULE, could_not_tell=True)
    assert finding.verdict == "could-not-tell"


def test_another_spelling_is_told_whatever_else_is_joined() -> None:
    join = "client.join(`user:${client.data.id}`); client.join(client.handshake.query.room);"
    assert lines(join, "`user_${id}`") == [12]
    assert not lines(join, "`order_${id}`")
    assert not lines(join, "`user:${id}`")


def test_a_process_that_only_emits() -> None:
    code = "import { Emitter } from '@socket.io/redis-emitter';\nconst io = new Emitter(redis);\n"
    assert not found(code + "io.to('a').emit('x');\n", RULE)


def test_another_file_joins() -> None:
    files = {
        "gateway.ts": GATEWAY.replace("JOIN", "").replace("to(ROOM)", "to(`staff:${id}`)"),
        "people.ts": "export const admit = (s, id) => s.join(`staff:${id}`);\n",
    }
    assert not review_project(files, RULE).findings
    files["people.ts"] = "export const admit = (s, id) => s.leave(`staff:${id}`);\n"
    assert len(review_project(files, RULE).findings) == 1


PYTHON = """\
import socketio
sio = socketio.AsyncServer()
@sio.event
async def connect(sid, environ):
    JOIN
async def tell(user, x):
    await sio.emit("x", x, to=ROOM)
"""


@pytest.mark.parametrize(
    ("join", "room", "is_found"),
    [
        ('await sio.enter_room(sid, f"user:{sid}")', 'f"users:{user.id}"', True),
        ('await sio.enter_room(sid, "user:%s" % sid)', '"member:{}".format(user.id)', True),
        ('await sio.enter_room(sid, f"user:{sid}")', '"user:" + str(user.id)', False),
        ('await sio.enter_room(sid, f"user:{sid}")', "user.sid", False),
        ('await sio.enter_room(sid, room="lobby")', '"lobby"', False),
        ("pass", '"lobby"', True),
    ],
)
def test_in_python(join: str, room: str, is_found: bool) -> None:
    code = PYTHON.replace("JOIN", join).replace("ROOM", room)
    assert found(code, RULE, "a.py") == ([7] if is_found else [])


CHANNELS = """\
from asgiref.sync import async_to_sync
from channels.generic.websocket import JsonWebsocketConsumer
class Orders(JsonWebsocketConsumer):
    groups = ["all"]
    def connect(self):
        self.group = f"orders_{self.scope['user'].id}"
        async_to_sync(self.channel_layer.group_add)(self.group, self.channel_name)
    def receive_json(self, content):
        async_to_sync(self.channel_layer.group_send)(ROOM, content)
"""


@pytest.mark.parametrize(
    ("room", "is_found"),
    [("self.group", False), ('f"orders_{id}"', False), ('"all"', False), ('f"order_{id}"', True)],
)
def test_groups_of_channels(room: str, is_found: bool) -> None:
    assert found(CHANNELS.replace("ROOM", room), RULE, "a.py") == ([9] if is_found else [])


def test_the_fix_spells_the_room_as_it_is_joined() -> None:
    text = GATEWAY.replace("JOIN", "client.join(`user:${client.data.id}`);")
    text = text.replace("to(ROOM)", "to(`user_${id}`)")
    [finding] = review_text(text, RULE)
    assert finding.fix
    assert "they join `user:…`" in finding.message
    result = applied(text, finding.fix.edits)
    assert result == text.replace("`user_${id}`", "`user:${id}`")
    assert not found(result, RULE)
    text = PYTHON.replace("JOIN", 'await sio.enter_room(sid, "admins")').replace("ROOM", "'admin'")
    [finding] = review_text(text, RULE, name="a.py")
    assert finding.fix
    assert applied(text, finding.fix.edits) == text.replace("'admin'", "'admins'")


NOBODY_JOINS = """\
import { Server } from 'socket.io';
const io = new Server(80);
const online = new Map();
io.on('connection', (socket) => {
  online.set(socket.data.userId, socket.id);
});
export function tell(userId, roomId, user) {
  SEND
}
"""


@pytest.mark.parametrize(
    ("send", "lines"),
    [
        ("io.to(userId).emit('note');", [8]),
        ("io.to(user.id).emit('note');", [8]),
        ("io.to(`${userId}`).emit('note');", [8]),
        ("io.in(roomId).emit('note');", [8]),
        ("io.to(online.get(userId)).emit('note');", []),
        ("const receiverId = online.get(userId); io.to(receiverId).emit('note');", []),
        ("io.to(user.socketId).emit('note');", []),
        ("io.to(user).emit('note');", []),
        ("io.to(userId).emit('note'); io.socketsJoin(roomId);", []),
    ],
)
def test_a_project_in_which_nobody_joins_anything(send: str, lines: list[int]) -> None:
    assert found(NOBODY_JOINS.replace("SEND", send), RULE) == lines


def test_ids_that_a_server_makes_may_be_those_of_users() -> None:
    own = "io.engine.generateId = (req) => userOf(req);\n"
    assert not found(own + NOBODY_JOINS.replace("SEND", "io.to(userId).emit('note');"), RULE)


@pytest.mark.parametrize(
    "looked_up",
    [
        "const receiver = online.get(data.to); io.to(receiver.id).emit('x', data);",
        "const user = users[data.to]; io.to(user.id).emit('x', data);",
        "players.push({ id: socket.id }); players.forEach((p) => io.to(p.user.id).emit('x'));",
    ],
)
def test_the_id_of_a_kept_socket_is_a_room(looked_up: str) -> None:
    code = (
        "const io = require('socket.io')(http);\nio.on('connection', (socket) => {\n"
        f"  socket.on('x', (data) => {{ {looked_up} }});\n}});\n"
    )
    assert not found(code, RULE)
