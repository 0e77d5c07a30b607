"""Near misses of connection-without-authentication and guard-not-run-on-connect."""

from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project

OPEN = "connection-without-authentication"
GUARD = "guard-not-run-on-connect"
GATEWAY = """\
import { WebSocketGateway } from '@nestjs/websockets';
import { Base } from './base';
@WebSocketGateway()
export class A BASE {
  handleConnection(client: Socket) { BODY }
  @SubscribeMessage('x') x(client: Socket, data: unknown) {}
}
"""
MAIN = """\
import { NestFactory } from '@nestjs/core';
import { MyAdapter } from './adapter';
const app = await NestFactory.create(AppModule);
app.useWebSocketAdapter(new MyAdapter(app));
"""
ADAPTER = """\
import { IoAdapter } from '@nestjs/platform-socket.io';
export class MyAdapter extends IoAdapter {
  createIOServer(port: number, options?: any) {
    const server = super.createIOServer(port, options);
    USE
    return server;
  }
}
"""


def judged(rule: str = OPEN, body: str = "", base: str = "", **files: str) -> list[str]:
    texts = {name.replace("_", ".") + ".ts": text for name, text in files.items()}
    texts["a.gateway.ts"] = GATEWAY.replace("BODY", body).replace("BASE", base)
    report = review_project(texts, rule, could_not_tell=True)
    assert not report.notes
    return [finding.verdict for finding in report.findings]


def test_nobody_checks() -> None:
    assert judged() == ["fault"]
    assert judged(body="client.join('all'); this.logger.log(client.id);") == ["fault"]
    assert judged(main=MAIN, adapter=ADAPTER.replace("USE", "")) == ["fault"]
    assert judged(body="// verifyToken(client)\n this.log('verifyToken');") == ["fault"]
    assert judged(body="const userId = client.handshake.query.userId; client.join(userId);") == [
        "fault"
    ]


def test_the_adapter_checks() -> None:
    use = "server.use((socket, next) => check(socket) ? next() : next(new Error('token')));"
    assert not judged(main=MAIN, adapter=ADAPTER.replace("USE", use))


def test_the_base_class_checks_or_can_not_be_seen() -> None:
    base = """\
export class Base {
  handleConnection(c) { if (!ok(c.handshake.auth.token)) c.disconnect(); }
}
"""
    code = GATEWAY.replace("  handleConnection(client: Socket) { BODY }\n", "").replace(
        "BASE", "extends Base"
    )
    files = {"base.ts": base, "a.ts": code}
    assert not review_project(files, OPEN, could_not_tell=True).findings
    [told] = review_project({"a.ts": code}, OPEN, could_not_tell=True).findings
    assert told.verdict == "could-not-tell"


@pytest.mark.parametrize(
    "body",
    [
        "if (!this.users.fromToken(client.handshake.auth.token)) { client.disconnect(true); }",
        "this.jwt.verify(client.handshake.auth.token);",
        "const user = await this.auth.getUserFromSocket(client);",
    ],
)
def test_the_handler_checks(body: str) -> None:
    assert not judged(body=body)


def test_an_unseen_helper_can_not_be_told() -> None:
    assert judged(body="this.connections.welcome(client);") == ["could-not-tell"]


def test_node() -> None:
    code = """\
const io = require('socket.io')(http);
USE
io.on('connection', (socket) => {
  socket.join('x');
});
"""
    assert found(code.replace("USE", ""), OPEN, "a.js") == [3]
    use = "io.use((s, next) => s.handshake.auth.token === KEY ? next() : next(new Error()));"
    assert not found(code.replace("USE", use), OPEN, "a.js")
    assert not found(code.replace("USE", "io.use(verifyToken);"), OPEN, "a.js")


PYTHON = """\
from fastapi import Depends, WebSocket
from users import current
@app.websocket("/ws")
async def ws(websocket: WebSocketPARAM):
    BODY
    await websocket.accept()
"""


def test_python() -> None:
    assert found(PYTHON.replace("PARAM", "").replace("BODY", "pass"), OPEN, "a.py") == [4]
    dependency = ", user=Depends(current)"
    assert not found(PYTHON.replace("PARAM", dependency).replace("BODY", "pass"), OPEN, "a.py")
    body = "user = await get_user_from_token(websocket.cookies.get('session'))"
    assert not found(PYTHON.replace("PARAM", "").replace("BODY", body), OPEN, "a.py")
    channels = """\
from channels.generic.websocket import WebsocketConsumer
class C(WebsocketConsumer):
    def connect(self):
        BODY
"""
    assert found(channels.replace("BODY", "self.accept()"), OPEN, "a.py") == [2]
    body = "if self.scope['user'].is_anonymous: self.close()"
    assert not found(channels.replace("BODY", body), OPEN, "a.py")
    client = (
        "import socketio\nsio = socketio.Client()\n@sio.event\ndef connect():\n    print('x')\n"
    )
    assert not found(client, OPEN, "a.py")


def guarded(body: str, guard: str = "AuthGuard") -> list[int]:
    code = GATEWAY.replace("@WebSocketGateway()", f"@UseGuards({guard})\n@WebSocketGateway()")
    return found(code.replace("BASE", "").replace("BODY", body), GUARD)


def test_guards() -> None:
    assert guarded("client.join(client.user.id);") == [6]
    assert guarded("const { id } = client.data.user;") == [6]
    assert guarded("client.join('all');") == [6]
    assert not guarded("this.logger.log(client.id);")
    assert not guarded("client.join('all');", "ThrottlerGuard")
    assert not guarded("this.jwt.verify(client.handshake.auth.token);")
