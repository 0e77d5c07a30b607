from __future__ import annotations

from tests.unit.review.helpers import found, review_project

GATEWAY = """\
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
@WebSocketGateway()
export class ChatGateway {
  @WebSocketServer() io: Server;
  all(x) { BODY }
}
"""


def test_the_server_has_any_name() -> None:
    assert found(GATEWAY.replace("BODY", "this.io.emit('x', x);"), "global-emit") == [5]
    assert found(GATEWAY.replace("BODY", "this.io.sockets.emit('x', x);"), "global-emit") == [5]


def test_an_event_emitter_is_no_server() -> None:
    assert not found(GATEWAY.replace("BODY", "this.events.emit('x', x);"), "global-emit")


def test_rooms_are_an_address_however_long_the_chain() -> None:
    body = "this.io.in(x.room).volatile.timeout(5).emit('x', x);"
    assert not found(GATEWAY.replace("BODY", body), "global-emit")


def test_a_comment_is_no_code() -> None:
    assert not found(GATEWAY.replace("BODY", "// this.io.emit('x')\n"), "global-emit")


def test_a_service_emits_through_the_gateway() -> None:
    service = """\
import { ChatGateway } from './chat.gateway';
export class ChatService {
  constructor(private readonly gateway: ChatGateway) {}
  send(x) { this.gateway.io.emit('x', x); } // socket.io
}
"""
    files = {"chat.gateway.ts": GATEWAY.replace("BODY", ""), "chat.service.ts": service}
    [finding] = review_project(files, "global-emit").findings
    assert (finding.file, finding.line) == ("chat.service.ts", 4)


def test_broadcast_reaches_all_others() -> None:
    code = "const io = require('socket.io')(http);\nio.on('connection', (socket) => {\nBODY\n});\n"
    assert found(code.replace("BODY", "socket.broadcast.emit('x');"), "global-emit", "a.js") == [3]
    assert not found(
        code.replace("BODY", "socket.broadcast.to('r').emit('x');"), "global-emit", "a.js"
    )
    assert not found(code.replace("BODY", "socket.emit('x');"), "global-emit", "a.js")


def test_a_python_client_emits_to_its_server() -> None:
    code = (
        "import socketio\nsio = socketio.AsyncClient()\nasync def f():\n    await sio.emit('x')\n"
    )
    assert not found(code, "global-emit", "a.py")
    assert found(code.replace("AsyncClient", "AsyncServer"), "global-emit", "a.py") == [4]


def test_flask_answers_the_sender_unless_it_broadcasts() -> None:
    code = "from flask_socketio import emit\ndef f(data):\n    emit('x', data)\n"
    assert not found(code, "global-emit", "a.py")
    assert found(
        code.replace("data)\n", "data, broadcast=True)\n").replace(
            "def f(data, broadcast=True)", "def f(data)"
        ),
        "global-emit",
        "a.py",
    ) == [3]


def test_a_loop_over_all_websockets() -> None:
    code = """\
from fastapi import WebSocket
class Manager:
    async def broadcast(self, text):
        for connection in self.active_connections:
            await connection.send_text(text)
"""
    assert found(code, "global-emit", "a.py") == [5]
    by_room = code.replace("self.active_connections", "self.active_connections[room]")
    assert not found(by_room, "global-emit", "a.py")
