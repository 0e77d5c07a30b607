from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

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
    served = code + "@app.websocket('/ws')\nasync def ws(websocket: WebSocket):\n    CALL\n"
    idle = served.replace("CALL", "await websocket.accept()")
    assert not found(idle, "global-emit", "a.py")  # nobody calls it
    called = served.replace("CALL", "await manager.broadcast('x')")
    assert found(called, "global-emit", "a.py") == [5]


def test_a_server_by_a_getter_or_of_a_request() -> None:
    worker = "import { getIO } from '../socket';\nexport const done = (job) => {\n  BODY\n};\n"
    assert found(worker.replace("BODY", "getIO().emit('x', job);"), "global-emit") == [3]
    assert not found(worker.replace("BODY", "getIO().to(job.room).emit('x');"), "global-emit")
    page = "export default (req, res) => {\n  res?.socket?.server?.io?.emit('x', 1);\n};\n"
    assert found(page, "global-emit") == [2]


def test_loops_of_plain_websocket_servers() -> None:
    code = """\
const { WebSocketServer } = require('ws');
const wss = new WebSocketServer({ port: 1 });
const all = (ws, data) => {
  wss.clients.forEach((client) => {
    if (CONDITION) client.send(data);
  });
};
"""
    everyone = code.replace("CONDITION", "client !== ws && client.readyState === WebSocket.OPEN")
    assert found(everyone, "global-emit", "a.js") == [5]
    chosen = code.replace("CONDITION", "client.readyState === 1 && client.tenant === ws.tenant")
    assert not found(chosen, "global-emit", "a.js")


def test_an_announcement_is_meant_for_all() -> None:
    code = GATEWAY.replace("BODY", "this.io.emit('maintenance', x);")
    assert not found(code, "global-emit")
    [finding] = review_text(code, "global-emit", could_not_tell=True)
    assert finding.verdict == "could-not-tell"


def test_the_correction_addresses_the_tenant() -> None:
    code = GATEWAY.replace("BODY", "\n    this.io.emit('x', x);\n  ")
    [finding] = review_text(code, "global-emit")
    assert finding.fix is not None
    corrected = applied(code, finding.fix.edits)
    assert "    this.io.to(`tenant:${x.tenantId}`).emit('x', x);" in corrected
    assert not found(corrected, "global-emit")


@pytest.mark.parametrize(
    ("caller", "faults"),
    [
        ("this.chat.toUser('1', order);", 0),
        ("this.chat.toUser('1', order); this.chat.broadcastToAll('order', order);", 1),
        ("", 1),  # nothing is known of callers at all
    ],
)
def test_what_a_helper_without_callers_sends_is_open(caller: str, faults: int) -> None:
    gateway = GATEWAY.replace("all(x)", "broadcastToAll(event, x)").replace(
        "BODY",
        "this.io.emit(event, x); }\n  toUser(id, x) { this.io.to(`user:${id}`).emit('x', x);",
    )
    orders = f"export class Orders {{ paid(order) {{ {caller} }} }}\n"
    files = {"chat.gateway.ts": gateway, "orders.service.ts": orders}
    assert len(review_project(files, "global-emit").findings) == faults


HANDLER = """\
import { MessageBody, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { Server, Socket } from 'socket.io';

@WebSocketGateway()
export class ChatGateway {
  @WebSocketServer() server: Server;

  handleConnection(client: Socket) {
    client.data.user = this.jwt.verify(client.handshake.auth.token);
    client.join(`tenant:${client.data.user.tenantId}`);
  }

  @SubscribeMessage('message')
  handle(@MessageBody() body: any) {
    BODY
  }
}
"""
NODE = """\
const { Server } = require('socket.io');
const io = new Server(http);
io.on('connection', (socket) => {
  socket.on('message', ({ tenantId, text }) => {
    io.emit('message', text);
  });
});
"""
PYTHON = """\
import socketio
sio = socketio.AsyncServer()


@sio.event
async def connect(sid, environ, auth):
    await sio.save_session(sid, await verified(auth))


@sio.event
async def message(sid, data):
    await sio.emit("message", {"tenant": data["tenant_id"]})
"""


def corrected(text: str, name: str = "a.ts") -> str:
    [finding] = review_text(text, "global-emit", name=name)
    assert finding.fix is not None
    result = applied(text, finding.fix.edits)
    rules = (
        "global-emit",
        "room-never-joined",
        "tenant-from-client",
        "emit-to-client-chosen-target",
    )
    assert not review_text(result, *rules, name=name)
    return result


@pytest.mark.parametrize(
    "body", ["this.server.emit('message', body);", "this.server.emit('message', body.tenantId);"]
)
def test_the_tenant_is_that_of_the_socket_and_not_of_the_message(body: str) -> None:
    result = corrected(HANDLER.replace("BODY", body))
    assert "handle(@MessageBody() body: any, @ConnectedSocket() client: Socket) {" in result
    assert "WebSocketServer, ConnectedSocket } from '@nestjs/websockets'" in result
    assert "this.server.to(`tenant:${client.data.user.tenantId}`).emit('message'" in result


def test_a_room_that_nobody_joins_is_joined_with_the_correction() -> None:
    result = corrected(NODE, "a.js")
    assert "    io.to(`tenant:${socket.data.tenantId}`).emit('message', text);\n  });" in result
    assert "  socket.join(`tenant:${socket.data.tenantId}`);\n});" in result
    result = corrected(PYTHON, "a.py")
    assert "to=f\"tenant:{session['tenant_id']}\")" in result
    assert "    await sio.enter_room(sid, f\"tenant:{session['tenant_id']}\")" in result


IN_WORDS = {
    "relay.ts": HANDLER.replace(
        "BODY", "this.relay(body.id);\n  }\n  relay(x) {\n    this.server.emit('x', x);"
    ),
    "named.ts": HANDLER.replace("() body: any", "() client: any").replace(
        "BODY", "this.server.emit('x', client);"
    ),
    "route.js": NODE.partition("io.on")[0]
    + "app.post('/', (req, res) => { const { tenantId } = req.body; io.emit('x', req.body); });\n",
    "controller.ts": NODE.partition("io.on")[0]
    + "const paid = (@Body() order: Order) => { io.emit('x', order); };\n",
    "route.py": PYTHON.partition("@")[0]
    + "@app.post('/')\nasync def paid(order):\n    await sio.emit('x', order)\n",
}


@pytest.mark.parametrize("name", IN_WORDS)
def test_without_a_verified_tenant_it_is_told_in_words(name: str) -> None:
    [finding] = review_text(IN_WORDS[name], "global-emit", name=name)
    assert finding.fix is None and "verified token" in finding.remedy


def test_a_record_that_a_service_is_given_has_its_tenant() -> None:
    code = "export const paid = async (id) => {\n  const order = await find(id);\n  EMIT\n};\n"
    text = "import { io } from './server'; // socket.io\n" + code
    result = corrected(text.replace("EMIT", "io.emit('order.paid', order);"))
    assert "io.to(`tenant:${order.tenantId}`).emit" in result
