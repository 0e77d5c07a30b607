from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

RULE = "one-socket-per-user"

NODE = """\
const io = require('socket.io')(http);
io.on('connection', (socket) => {
  BODY
});
"""


@pytest.mark.parametrize(
    "body",
    [
        "users.set(userId, socket.id);",
        "users.set(socket.user.id, socket);",
        "users[userId] = socket.id;",
        "onlineUsers[socket.handshake.query.userId] = socket.id;",
        "if (userId !== undefined) userSocketMap[userId] = socket.id;",
        "users.set(data.email, { socketId: socket.id, name });",
        "socket.on('add', (userId) => { users.set(userId, socket.id); });",
        "redis.set(`user:${userId}`, socketId);",
        "redis.hset('users', userId, socket.id);",
        "User.findByIdAndUpdate(userId, { socketId: socket.id });",
        "User.updateOne({ _id: userId }, { $set: { socketId: socket.id } });",
        "users[userId]['socketId'] = socket.id;",
    ],
)
def test_a_map_keeps_one_socket(body: str) -> None:
    assert found(NODE.replace("BODY", body), RULE, "a.js") == [3]


@pytest.mark.parametrize(
    "body",
    [
        "users.set(socket.id, userId);",
        "users[socket.id] = userId;",
        "sockets.set(socket.id, socket);",
        "users.set(userId, new Set([socket.id]));",
        "users.set(userId, [...(users.get(userId) ?? []), socket.id]);",
        "users.set(userId, sockets);",
        "users.set(userId, (users.get(userId) ?? 0) + 1);",
        "users.get(userId).add(socket.id);",
        "users.set(`${userId}:${socket.id}`, socket);",
        "rooms[roomId] = socket.id;",
        "users.get(userId)?.disconnect(); users.set(userId, socket);",
        "if (!users.has(userId)) users.set(userId, socket.id);",
        "socket.userId = userId;",
        "// users.set(userId, socket.id);",
        "users.set('userId', socket.id);",
        "Board.findByIdAndUpdate(boardId, { socketId: socket.id });",
        "User.findByIdAndUpdate(userId, { $push: { sockets: socket.id } });",
        "boards[boardId]['socketId'] = socket.id;",
    ],
)
def test_a_map_of_something_else(body: str) -> None:
    assert not found(NODE.replace("BODY", body), RULE, "a.js")


def test_a_client_has_its_own_sockets() -> None:
    code = "import { io } from 'socket.io-client';\nconst socket = io();\npeers[userId] = socket;\n"
    assert not found(code, RULE)


FASTAPI = """\
from fastapi import WebSocket
class Manager:
    async def connect(self, user_id: str, room: str, websocket: WebSocket):
        BODY
"""


@pytest.mark.parametrize(
    ("body", "is_found"),
    [
        ("self.active[user_id] = websocket", True),
        ("self.rooms[room][user_id] = websocket", True),
        ("self.active[str(user_id)] = websocket", True),
        ("self.active[user_id] = {'socket': websocket, 'at': now}", True),
        ("self.active[client_id] = websocket", False),
        ("self.active.setdefault(user_id, set()).add(websocket)", False),
        ("self.active[user_id].append(websocket)", False),
        ("self.active[user_id] = [websocket]", False),
        ("if user_id not in self.active: self.active[user_id] = websocket", False),
        ("old = self.active.pop(user_id, None); self.active[user_id] = websocket", False),
        ("self.active[websocket] = user_id", False),
    ],
)
def test_in_python(body: str, is_found: bool) -> None:
    assert found(FASTAPI.replace("BODY", body), RULE, "a.py") == ([4] if is_found else [])


def test_sids_of_python_socketio() -> None:
    code = "import socketio\nsio = socketio.AsyncServer()\nasync def f(sid, user):\n    BODY\n"
    assert found(code.replace("BODY", "users[user['id']] = sid"), RULE, "a.py") == [4]
    assert not found(code.replace("BODY", "users[sid] = user['id']"), RULE, "a.py")


def test_each_map_once() -> None:
    body = "users.set(userId, socket.id);\n  users.set(user.id, socket.id);"
    assert found(NODE.replace("BODY", body), RULE, "a.js") == [3]


def test_the_fix_joins_a_room() -> None:
    text = NODE.replace("BODY", "users.set(user.id, socket.id);")
    [finding] = review_text(text, RULE, name="a.js")
    assert finding.fix
    result = applied(text, finding.fix.edits)
    after = (
        "// All tabs of the user are in this room: emit to it, not to users.get(…).\n"
        "  socket.join(`user:${user.id}`);"
    )
    assert result == NODE.replace("BODY", after)
    assert not found(result, RULE, "a.js")


GATEWAY = """\
import { WebSocketGateway } from '@nestjs/websockets';
import { Presence } from './presence';
@WebSocketGateway()
export class A {
  constructor(private readonly presence: Presence) {}
  handleConnection(client: Socket) { this.presence.add(client.data.userId, client.id); }
}
"""


@pytest.mark.parametrize(
    ("body", "is_found"),
    [
        ("this.online.set(userId, socketId);", True),
        ("this.online[userId] = { socketId, since: Date.now() };", True),
        (
            "const entry = { userId, socketId };\n"
            "    const key = `${this.SOCKET_PREFIX}${userId}`;\n"
            "    await this.redis.set(key, JSON.stringify(entry), 86400);",
            True,
        ),
        ("await this.redis.set(`socket:${userId}`, socketId);", True),
        ("await this.redis.sadd(`sockets:${userId}`, socketId);", False),
        ("await this.redis.set(`socket:${socketId}`, userId);", False),
        ("await this.redis.set(`user:${userId}:${socketId}`, socketId);", False),
        (
            "const mine = this.online.get(userId) ?? new Set();\n"
            "    mine.add(socketId);\n    this.online.set(userId, mine);",
            False,
        ),
    ],
)
def test_a_store_without_realtime_code_is_followed(body: str, *, is_found: bool) -> None:
    store = (
        "export class Presence {\n  async add(userId: string, socketId: string) {\n"
        f"    {body}\n  }}\n}}\n"
    )
    files = {"src/a.gateway.ts": GATEWAY, "src/presence.ts": store}
    findings = review_project(files, RULE).findings
    assert [finding.file for finding in findings] == ["src/presence.ts"] * is_found


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("!users.some((u) => u.userId === userId) && users.push({ userId, socketId });", [4]),
        ("if (!users.find((u) => u.userId == userId)) users.push({ userId, socketId });", [4]),
        (
            "users = users.filter((u) => u.userId !== userId); users.push({ userId, socketId });",
            [4],
        ),
        ("users.push({ userId, socketId });", []),
        ("!users.some((u) => u.socketId === socketId) && users.push({ userId, socketId });", []),
        ("!rooms.some((r) => r.id === id) && rooms.push({ id, name });", []),
    ],
)
def test_a_list_that_takes_a_user_once(body: str, lines: list[int]) -> None:
    code = f"""\
const io = require('socket.io')(http);
let users = [];
const addUser = (userId, socketId) => {{
  {body}
}};
io.on('connection', (socket) => {{ socket.on('addUser', (id) => addUser(id, socket.id)); }});
"""
    assert found(code, RULE, "a.js") == lines
