from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_text

from tidegate.review.fix import applied

RULE = "room-without-prefix"

NODE = """\
const io = require('socket.io')(http);
const ROOM = (id) => `user:${id}`;
io.on('connection', (socket) => {
  BODY
});
"""


@pytest.mark.parametrize(
    "body",
    [
        "socket.join(userId);",
        "socket.join(socket.user.id);",
        "socket.join(`${user._id}`);",
        "socket.join(String(user.id));",
        "socket.join(user.id.toString());",
        "socket.join(decoded.email);",
        "socket.join(decoded.sub);",
        "socket.join(data.boardId as string);",
        "const room = user.id; socket.join(room);",
        "socket.join([user.id, 'all']);",
        "io.in(socket.id).socketsJoin(userId);",
    ],
)
def test_an_id_is_the_whole_name(body: str) -> None:
    assert found(NODE.replace("BODY", body), RULE) == [4]


@pytest.mark.parametrize(
    "body",
    [
        "socket.join(`user:${userId}`);",
        "socket.join('user:' + userId);",
        "socket.join(ROOM(userId));",
        "socket.join('lobby');",
        "socket.join(socket.id);",
        "socket.join(room);",
        "socket.join(roomName);",
        "const room = `user:${user.id}`; socket.join(room);",
        "ids.join(',');",
        "path.join(userId);",
        "// socket.join(userId);",
    ],
)
def test_there_is_more_to_the_name(body: str) -> None:
    assert not found(NODE.replace("BODY", body), RULE)


def test_once_in_each_file() -> None:
    body = "socket.join(userId);\n  socket.join(boardId);"
    [finding] = review_text(NODE.replace("BODY", body), RULE)
    assert finding.line == 4
    assert "board" in finding.message


def test_in_python() -> None:
    for text, is_found in (
        ("sio.enter_room(sid, user.id)", True),
        ("sio.enter_room(sid, str(user.id))", True),
        ('sio.enter_room(sid, f"{user_id}")', True),
        ('sio.enter_room(sid, f"user:{user.id}")', False),
        ("sio.enter_room(sid, sid)", False),
        ("sio.enter_room(sid, room)", False),
    ):
        code = (
            f"import socketio\nsio = socketio.AsyncServer()\nasync def f(sid):\n    await {text}\n"
        )
        assert found(code, RULE, "a.py") == ([4] if is_found else []), text


def test_the_fix_names_joins_and_emits() -> None:
    body = (
        "socket.join(socket.userId);\n  io.to(userId).emit('a');\n  socket.leave(userId);\n"
        "  io.to(boardId).emit('b');"
    )
    text = NODE.replace("BODY", body)
    [finding] = review_text(text, RULE)
    assert finding.fix
    result = applied(text, finding.fix.edits)
    after = (
        "socket.join(`user:${socket.userId}`);\n  io.to(`user:${userId}`).emit('a');\n"
        "  socket.leave(`user:${userId}`);\n  io.to(boardId).emit('b');"
    )
    assert result == NODE.replace("BODY", after)
    assert not found(result, RULE)


def test_the_fix_of_a_group_of_channels() -> None:
    text = """\
from channels.generic.websocket import AsyncWebsocketConsumer
class Orders(AsyncWebsocketConsumer):
    async def connect(self):
        await self.channel_layer.group_add(str(self.user.id), self.channel_name)
"""
    [finding] = review_text(text, RULE, name="a.py")
    assert finding.fix
    result = applied(text, finding.fix.edits)
    assert result == text.replace("str(self.user.id)", 'f"user_{self.user.id}"')
    assert not found(result, RULE, "a.py")


def test_the_join_at_the_connection_comes_first() -> None:
    code = """\
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
@WebSocketGateway()
export class A {
  @SubscribeMessage('open')
  open(client: Socket, body: { noteId: string }) {
    client.join(body.noteId);
  }
  handleConnection(client: Socket) {
    client.join(client.data.userId);
  }
}
"""
    assert found(code, RULE) == [9]


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ('self.scope["url_route"]["kwargs"]["board_name"]', [6]),
        ('self.scope["url_route"]["kwargs"].get("board")', [6]),
        ("f\"board_{self.scope['url_route']['kwargs']['name']}\"", []),
    ],
)
def test_a_group_that_is_a_part_of_the_address(value: str, lines: list[int]) -> None:
    code = f"""\
from asgiref.sync import async_to_sync
from channels.generic.websocket import WebsocketConsumer
class C(WebsocketConsumer):
    def connect(self):
        self.room_name: str = {value}
        async_to_sync(self.channel_layer.group_add)(self.room_name, self.channel_name)
"""
    assert found(code, RULE, "a.py") == lines
