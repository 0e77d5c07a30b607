"""Near misses of connection-without-authentication and guard-not-run-on-connect."""

from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

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
    assert found(channels.replace("BODY", "self.accept()"), OPEN, "a.py") == [3]
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


def test_guards_on_every_message_leave_it_open_whether_a_connection_matters() -> None:
    code = GATEWAY.replace("@SubscribeMessage", "@UseGuards(AuthGuard) @SubscribeMessage")
    [told] = review_text(code.replace("BASE", "").replace("BODY", ""), OPEN, could_not_tell=True)
    assert told.verdict == "could-not-tell"


WS = """\
import { WebSocketServer } from 'ws';
const wss = new WebSocketServer({ port: 8080 });
wss.on('connection', (ws, req) => {
  BODY
  ws.on('message', (data) => ws.send(data));
});
"""


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("ws.send('hello');", [3]),
        ("ws.on('pong', () => { if (dead) ws.terminate(); });", [3]),
        ("if (!verifyToken(req.headers.cookie)) return ws.close();", []),
        ("ws.on('message', (m) => { if (!user) user = verifyToken(m); });", []),
        ("if (!rooms.has(req.url)) return ws.close();", []),
        ("register(ws, req);", []),
    ],
)
def test_web_sockets_on_node(body: str, lines: list[int]) -> None:
    assert found(WS.replace("BODY", body), OPEN, "a.ts") == lines


def test_a_web_socket_server_that_is_checked_elsewhere() -> None:
    code = WS.replace("BODY", "")
    assert not found(code.replace("port: 8080", "port: 8080, verifyClient: checkToken"), OPEN)
    upgrade = "server.on('upgrade', (req, socket) => { if (!session(req)) socket.destroy(); });\n"
    assert not found(code.replace("port: 8080", "noServer: true") + upgrade, OPEN)
    assert not found(code.replace("port: 8080", "noServer: true"), OPEN)
    assert not found(code.replace("port: 8080", "host: '127.0.0.1', port: 8080"), OPEN)


def test_a_server_that_only_emits() -> None:
    code = """\
import { Server } from 'socket.io';
export default function handler(req, res) {
  const io = new Server(res.socket.server, { path: '/live' });
  res.socket.server.io = io;
  res.end();
}
"""
    assert found(code, OPEN) == [3]
    assert not found(code.replace("path: '/live'", "allowRequest: check"), OPEN)
    assert not found(code.replace("res.socket.server.io = io;", "start(io);"), OPEN)
    assert not found(code.replace("res.end", "io.use(authenticate); res.end"), OPEN)


def test_a_tidegate_application_checks_by_itself() -> None:
    code = """\
from tidegate import Client, Gateway, Namespace
chat = Namespace("/chat")
@chat.on("send")
async def send(client: Client, text: str) -> None: ...
gateway = Gateway([chat])
"""
    assert not review_text(code, name="realtime.py")


def test_a_database_session_is_no_session_of_a_user() -> None:
    parameter = ", db: AsyncSession = Depends(get_session)"
    code = PYTHON.replace("PARAM", parameter).replace("BODY", "text = data.decode()")
    assert found(code, OPEN, "a.py") == [4]
    parameter = ", mongo: MongoDB = Depends(Provide['mongo'])"
    code = PYTHON.replace("PARAM", parameter).replace("BODY", "async_session_maker()")
    assert found(code, OPEN, "a.py") == [4]
    code = PYTHON.replace("PARAM", ", _=Depends(ws_guard)").replace("BODY", "pass")
    assert not found(code, OPEN, "a.py")


def test_what_runs_before_a_python_endpoint() -> None:
    plain = PYTHON.replace("PARAM", "").replace("BODY", "pass")
    asgi = "app.add_middleware(AuthenticationMiddleware, backend=Backend())\n"
    assert not found(plain + asgi, OPEN, "a.py")
    http = "class Check(BaseHTTPMiddleware):\n    def dispatch(self): verify_token()\n"
    assert found(plain + http + "app.add_middleware(Check)\n", OPEN, "a.py") == [4]
    decorated = plain.replace("async def", "@requires('authenticated')\nasync def")
    assert not found(decorated, OPEN, "a.py")
    main = """\
from fastapi import Depends, FastAPI
from routes import live
app = FastAPI()  # websocket
app.include_router(live.router, dependencies=[Depends(verify_token)])
"""
    files = {"main.py": main, "routes/live.py": plain.replace("@app", "@router")}
    assert not review_project(files, OPEN).findings


def test_what_runs_before_a_channels_consumer() -> None:
    consumer = """\
from channels.generic.websocket import WebsocketConsumer
class C(WebsocketConsumer):
    def connect(self):
        self.accept()
"""
    middleware = """\
class TokenMiddleware:
    async def __call__(self, scope, receive, send):
        if not await get_user_from_token(scope): ENDS
        return await self.inner(scope, receive, send)
"""
    asgi = """\
from channels.routing import ProtocolTypeRouter, URLRouter
from middleware import TokenMiddleware
application = ProtocolTypeRouter({"websocket": TokenMiddleware(URLRouter([]))})
"""
    files = {"consumers.py": consumer, "asgi.py": asgi}
    refuses = middleware.replace("ENDS", 'return await send({"type": "websocket.close"})')
    assert not review_project({**files, "middleware.py": refuses}, OPEN).findings
    marks = middleware.replace("ENDS", 'scope["user"] = AnonymousUser()')
    assert review_project({**files, "middleware.py": marks}, OPEN).findings


def corrected(text: str, name: str) -> str:
    [finding] = review_text(text, OPEN, name=name)
    assert finding.fix is not None
    code = applied(text, finding.fix.edits)
    assert not found(code, OPEN, name)
    return code


def test_corrections() -> None:
    code = corrected(GATEWAY.replace("BASE", "").replace("BODY", ""), "a.ts")
    assert "  afterInit(server: Server) {\n    // verifyToken is yours" in code
    assert "\n  }\n\n  handleConnection" in code
    code = corrected(
        "const io = require('socket.io')(80);\nio.on('connection', (s) => {});\n", "a.js"
    )
    assert "\nio.use((socket, next) => {\n" in code
    code = corrected(PYTHON.replace("PARAM", "").replace("BODY", "pass"), "a.py")
    assert '    if verify_token(websocket.cookies.get("session")) is None:\n' in code
    hook = "  afterInit() { BODY }\n  handle"
    code = GATEWAY.replace("  handle", hook).replace("BASE", "")
    code = corrected(code.replace("BODY", "\n    this.log();\n  "), "a.ts")
    assert "afterInit(server: Server) {" in code


def test_the_correction_of_a_guard_is_a_middleware() -> None:
    code = GATEWAY.replace("@WebSocketGateway()", "@UseGuards(AuthGuard)\n@WebSocketGateway()")
    code = code.replace("BASE", "").replace("BODY", "client.join(client.user.id);")
    [finding] = review_text(code, GUARD)
    assert finding.fix is not None
    good = applied(code, finding.fix.edits)
    assert "  afterInit(server: Server) {\n" in good
    assert not found(good, GUARD)
