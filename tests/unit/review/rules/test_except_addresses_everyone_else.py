from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_text

from tidegate.review.fix import applied

RULE = "except-addresses-everyone-else"

GATEWAY = """\
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
@WebSocketGateway()
export class ChatGateway {
  @WebSocketServer() io: Server;
  all(@ConnectedSocket() client: Socket, x) { BODY }
}
"""
NODE = "const io = require('socket.io')(http);\nio.on('connection', (socket) => {\nBODY\n});\n"
PYTHON = """\
import socketio
sio = socketio.AsyncServer()
@sio.event
async def typing(sid, data):
    BODY
"""


@pytest.mark.parametrize(
    "body",
    [
        "this.io.except(client.id).emit('x', x);",
        "this.io.except([client.id, x]).emit('x', x);",
        "this.io.volatile.except(client.id).emit('x', x);",
        "this.io.except('a').except('b').emit('x', x);",
        "this.io.except(client.id).local.emit('x', x);",
        "this.io.except(client.id).timeout(5).emit('x', x);",
        "client.except('muted').emit('x', x);",
        "client.broadcast.except('muted').emit('x', x);",
        "this.io.of('/admin').except('muted').emit('x', x);",
    ],
)
def test_nobody_is_addressed(body: str) -> None:
    assert found(GATEWAY.replace("BODY", body), RULE) == [5]
    assert not found(GATEWAY.replace("BODY", body), "global-emit")


@pytest.mark.parametrize(
    "body",
    [
        "this.io.to(x.room).except(client.id).emit('x', x);",
        "this.io.except(client.id).to(x.room).emit('x', x);",
        "client.to(x.room).except('muted').emit('x', x);",
        "client.broadcast.to(x.room).except('muted').emit('x', x);",
        "this.io.in(x.room).except(client.id).emit('x', x);",
        "this.io.emit('x', x);",
        "const rest = _.except(x, 'id'); this.events.emit('x', rest);",
        "// this.io.except(client.id).emit('x')\n",
        "this.repository.except(x).emit('x');",
    ],
)
def test_a_room_is_addressed_or_it_is_no_server(body: str) -> None:
    assert not found(GATEWAY.replace("BODY", body), RULE)


def test_on_node() -> None:
    for body in ("io.except(socket.id).emit('x');", "socket.except('muted').emit('x');"):
        assert found(NODE.replace("BODY", body), RULE, "a.js") == [3], body
    assert not found(NODE.replace("BODY", "io.to('a').except('b').emit('x');"), RULE, "a.js")


def test_in_python() -> None:
    for call in (
        "sio.emit('typing', data, skip_sid=sid)",
        "sio.emit('typing', data, skip_sid=[sid, data['other']])",
        "sio.send(data, skip_sid=sid)",
    ):
        assert found(PYTHON.replace("BODY", f"await {call}"), RULE, "a.py") == [5], call
    for call in (
        "sio.emit('typing', data, room=data['room'], skip_sid=sid)",
        "sio.emit('typing', data, to=data['room'], skip_sid=sid)",
        "sio.emit('typing', data, data['room'], skip_sid=sid)",
        "sio.emit('typing', data)",
        "sio.emit('typing', data, skip_sid=None)",
    ):
        assert not found(PYTHON.replace("BODY", f"await {call}"), RULE, "a.py"), call


def test_a_namespace_of_a_tenant() -> None:
    body = "io.of(`/${tenant}`).except(socket.id).emit('x');"
    assert not found(NODE.replace("BODY", body), RULE, "a.js")
    [finding] = review_text(NODE.replace("BODY", body), RULE, name="a.js", could_not_tell=True)
    assert finding.verdict == "could-not-tell"


def fixed(text: str, name: str) -> str:
    [finding] = review_text(text, RULE, name=name)
    assert finding.fix
    assert not finding.fix.is_safe
    result = applied(text, finding.fix.edits)
    assert not found(result, RULE, name)
    return result


def test_the_fix_addresses_the_tenant() -> None:
    joins = GATEWAY.replace(
        "all(", "handleConnection(c: Socket) { c.join(`tenant:${c.x}`); }\n  all("
    )
    text = joins.replace("BODY", "this.io.except('a').except('b').emit('x', x);")
    assert fixed(text, "a.ts") == joins.replace(
        "BODY",
        "this.io.to(`tenant:${client.data.tenantId}`).except('a').except('b').emit('x', x);",
    )
    text = NODE.replace("BODY", "socket.join(`org_${socket.data.orgId}`); io.except(a).emit('x');")
    assert "io.to(`org_${socket.data.orgId}`).except(a)" in fixed(text, "a.js")
    connect = "@sio.event\nasync def connect(sid, environ, auth):\n    await check(auth)\n"
    text = PYTHON.replace("BODY", "await sio.emit('x', data, skip_sid=sid)") + connect
    session = "    session = await sio.get_session(sid)\n"
    result = fixed(text, "a.py")
    room = "f\"tenant:{session['tenant_id']}\""
    assert f"{session}    await sio.emit('x', data, to={room}, skip_sid=sid)" in result
    assert f"{session}    await sio.enter_room(sid, {room})" in result
