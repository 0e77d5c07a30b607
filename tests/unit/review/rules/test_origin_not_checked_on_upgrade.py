from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

RULE = "origin-not-checked-on-upgrade"
NODE = """\
import { Server } from 'socket.io';
const io = new Server(http, OPTIONS);
io.use((socket, next) => {
  READ
});
"""
CORS = "{ cors: { origin: ['https://a.example'], credentials: true } }"
COOKIE = "verify(parse(socket.handshake.headers.cookie).token).then(() => next(), next);"


def node(options: str = CORS, read: str = COOKIE) -> str:
    return NODE.replace("OPTIONS", options).replace("READ", read)


@pytest.mark.parametrize(
    "options",
    [
        CORS,
        "{ cors: { origin: 'https://a.example' } }",
        "{ cors: { origin: allowed, credentials: true }, transports: ['websocket'] }",
        "{}",
    ],
)
def test_cors_does_not_guard_the_upgrade(options: str) -> None:
    code = node(options)
    [finding] = review_text(code, RULE)
    assert finding.line == 2
    assert finding.fix is not None
    corrected = applied(code, finding.fix.edits)
    assert "allowRequest" in corrected
    assert not found(corrected, RULE)


def test_the_correction() -> None:
    code = node()
    [finding] = review_text(code, RULE)
    assert finding.fix is not None
    assert applied(code, finding.fix.edits).startswith("""\
import { Server } from 'socket.io';
const io = new Server(http, { cors: { origin: ['https://a.example'], credentials: true }, \
allowRequest: (request, decide) => {
  // The upgrade to WebSocket passes `cors` by.
  decide(null, ['https://a.example'].includes(request.headers.origin ?? ''));
} });
""")


@pytest.mark.parametrize(
    "read",
    [
        "const { cookie } = socket.handshake.headers; check(cookie, next);",
        "check(socket.request.headers.cookie, next);",
        "check(socket.handshake.headers['cookie'], next);",
        "if (!socket.request.session?.user) return next(new Error('unauthorized')); next();",
        "const token = socket.handshake.auth.token ?? parse(socket.request.headers?.cookie).t;",
        "check(socket.handshake.headers?.cookie?.split('; '), next);",
    ],
)
def test_ways_to_read_a_cookie(read: str) -> None:
    assert found(node(read=read), RULE)


@pytest.mark.parametrize(
    ("options", "read"),
    [
        (CORS, "verify(socket.handshake.auth.token).then(() => next(), next);"),
        (CORS, "verify(socket.handshake.headers.authorization).then(() => next(), next);"),
        (CORS, "// socket.handshake.headers.cookie\nnext();"),
        ("{ cors: { origin: '*' } }", COOKIE),
        ("{ cors: { origin: process.env.A || '*' } }", COOKIE),
        ("{ transports: ['polling'] }", COOKIE),
        ("{ cors, allowRequest: (request, decide) => decide(null, ok(request)) }", COOKIE),
        ("{ cors, allowRequest }", COOKIE),
        (CORS, f"if (!allowed.has(socket.handshake.headers.origin)) return; {COOKIE}"),
        (CORS, f"const {{ origin, cookie }} = socket.handshake.headers; {COOKIE}"),
    ],
)
def test_the_near_misses(options: str, read: str) -> None:
    assert not found(node(options, read), RULE)


def test_sessions_of_express() -> None:
    code = """\
const { Server } = require('socket.io');
const session = require('express-session');
const sessionMiddleware = session({ secret });
app.use(sessionMiddleware);
const io = new Server(http, { cors: { origin: ['https://a.example'] } });
USE
"""
    assert found(code.replace("USE", "io.engine.use(sessionMiddleware);"), RULE, "a.js") == [5]
    assert not found(code.replace("USE", ""), RULE, "a.js")
    wrapped = code.replace("USE", "io.use((s, next) => sessionMiddleware(s.request, {}, next));")
    assert found(wrapped, RULE, "a.js") == [5]


def test_an_adapter_of_nest() -> None:
    files = {
        "main.ts": "import { A } from './a';\napp.useWebSocketAdapter(new A(app));\n",
        "a.ts": """\
import { IoAdapter } from '@nestjs/platform-socket.io';
export class A extends IoAdapter {
  createIOServer(port: number, options?: ServerOptions) {
    const cors = { origin: ['https://a.example'], credentials: true };
    const server = super.createIOServer(port, { ...options, cors });
    server.use((socket, next) => this.check(socket.handshake.headers.cookie, next));
    return server;
  }
}
""",
        "b.gateway.ts": "import { WebSocketGateway } from '@nestjs/websockets';\n"
        "@WebSocketGateway()\nexport class B {}\n",
    }
    [finding] = review_project(files, RULE).findings
    assert finding.file == "a.ts"
    assert finding.fix is not None
    files["a.ts"] = applied(files["a.ts"], finding.fix.edits)
    assert not review_project(files, RULE).findings


def test_a_guard_reads_the_cookie() -> None:
    files = {
        "a.gateway.ts": """\
import { WebSocketGateway, SubscribeMessage } from '@nestjs/websockets';
import { WsGuard } from './ws.guard';
@UseGuards(WsGuard)
@WebSocketGateway({ cors: { origin: ['https://a.example'], credentials: true } })
export class A {
  @SubscribeMessage('a')
  a() {}
}
""",
        "ws.guard.ts": """\
export class WsGuard {
  canActivate(context) {
    const client = context.switchToWs().getClient();
    return this.jwt.verify(parse(client.handshake.headers.cookie).token);
  }
}
""",
    }
    [finding] = review_project(files, RULE).findings
    assert (finding.file, finding.line) == ("a.gateway.ts", 4)


@pytest.mark.parametrize(
    ("options", "extra", "expected"),
    [
        ("{ port: 80 }", "", True),
        ("{ noServer: true }", "", True),
        ("{ port: 80, verifyClient: ({ origin }) => allowed(origin) }", "", False),
        ("{ port: 80 }", "if (request.headers.origin !== OWN) return;", False),
    ],
)
def test_plain_websocket_on_node(options: str, extra: str, expected: bool) -> None:
    code = f"""\
import {{ WebSocketServer }} from 'ws';
const wss = new WebSocketServer({options});
wss.on('connection', (socket, request) => {{
  {extra}
  const user = sessionOf(request.headers.cookie);
  if (!user) socket.close();
}});
"""
    findings = review_text(code, RULE)
    assert bool(findings) is expected
    for finding in findings:
        assert finding.fix is not None
        assert not found(applied(code, finding.fix.edits), RULE)


CHANNELS = """\
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator, OriginValidator
from .middleware import TokenMiddleware, CookieJwtMiddleware
inner = AuthMiddlewareStack(URLRouter(patterns))
application = ProtocolTypeRouter({
    "http": django,
    "websocket": STACK,
})
"""
MIDDLEWARE = """\
class TokenMiddleware:
    async def __call__(self, scope, receive, send):
        scope["user"] = await user_of(parse_qs(scope["query_string"]))

class CookieJwtMiddleware:
    async def __call__(self, scope, receive, send):
        headers = dict(scope["headers"])
        scope["user"] = await user_of(headers.get(b"cookie"))
"""


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        ("AuthMiddlewareStack(URLRouter(patterns))", True),
        ("inner", True),
        ("CookieJwtMiddleware(URLRouter(patterns))", True),
        ("AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(patterns)))", False),
        ("AllowedHostsOriginValidator(inner)", False),
        ("OriginValidator(inner, ['https://a.example'])", False),
        ("TokenMiddleware(URLRouter(patterns))", False),
        ("TokenMiddleware(AuthMiddlewareStack(URLRouter(patterns)))", False),
        ("URLRouter(patterns)", False),
    ],
)
def test_channels(stack: str, expected: bool) -> None:
    code = CHANNELS.replace("STACK", stack)
    files = {"asgi.py": code, "middleware.py": MIDDLEWARE}
    findings = review_project(files, RULE).findings
    assert [finding.line for finding in findings] == [8] * expected
    for finding in findings:
        assert finding.fix is not None
        files["asgi.py"] = applied(code, finding.fix.edits)
        assert not review_project(files, RULE).findings


FASTAPI = """\
from fastapi import Cookie, Depends, FastAPI, WebSocket
app = FastAPI()

async def user_of(websocket: WebSocket, session: str = Cookie(None)):
    return await find(session)

@app.websocket("/a")
async def endpoint(PARAMETERS):
    BODY
    await websocket.accept()
"""


@pytest.mark.parametrize(
    ("parameters", "body", "expected"),
    [
        ("websocket: WebSocket", "user = find(websocket.cookies['session'])", True),
        ("websocket: WebSocket, session: str | None = Cookie(default=None)", "pass", True),
        ("websocket: WebSocket, session: Annotated[str, Cookie()]", "pass", True),
        ("websocket: WebSocket, user=Depends(user_of)", "pass", True),
        ("websocket: WebSocket", "user = websocket.session.get('user')", True),
        ("websocket: WebSocket, token: str", "user = verify(token)", False),
        ("websocket: WebSocket", "await check(websocket.headers.get('origin'))", False),
        (
            "websocket: WebSocket, user=Depends(user_of)",
            "if websocket.headers.get('origin') != OWN: return",
            False,
        ),
    ],
)
def test_fastapi(parameters: str, body: str, expected: bool) -> None:
    code = FASTAPI.replace("PARAMETERS", parameters).replace("BODY", body)
    findings = review_text(code, RULE, name="a.py")
    assert [finding.line for finding in findings] == [8] * expected
    for finding in findings:
        assert finding.fix is not None
        assert not found(applied(code, finding.fix.edits), RULE, "a.py")


def test_an_empty_list_of_python_socketio() -> None:
    code = """\
import socketio
sio = socketio.AsyncServer(cors_allowed_origins=ORIGINS)

@sio.event
async def connect(sid, environ, auth):
    user = find(environ.get("HTTP_COOKIE"))
"""
    assert found(code.replace("ORIGINS", "[]"), RULE, "a.py") == [2]
    assert not found(code.replace("ORIGINS", "None"), RULE, "a.py")
    assert not found(code.replace("ORIGINS", "['https://a.example']"), RULE, "a.py")


def test_cors_that_does_nothing_can_not_be_told() -> None:
    options = "{ cors: { origin: ['https://a.example'] }, transports: ['websocket'] }"
    code = node(options, "verify(socket.handshake.auth.token).then(() => next(), next);")
    [finding] = review_text(code, RULE, could_not_tell=True)
    assert finding.verdict == "could-not-tell"


COOKIE_WS = """\
import { WebSocketServer } from 'ws';
const wss = new WebSocketServer({ server, verifyClient: VERIFY });
wss.on('connection', (ws, req) => admit(ws, req.headers.cookie));
"""
COOKIE_IO = """\
import { Server } from 'socket.io';
const io = new Server(server, { cors: { origin: ['https://a'] }, allowRequest: VERIFY });
io.use((socket, next) => check(socket.handshake.headers.cookie, next));
"""


@pytest.mark.parametrize("code", [COOKIE_WS, COOKIE_IO])
@pytest.mark.parametrize(
    ("verify", "is_fault"),
    [
        ("(info) => !info.req.headers['sec-websocket-protocol']", True),
        ("(request, decide) => decide(null, sessions.has(request.headers.cookie))", True),
        ("(request, decide) => decide(null, isAllowed(request))", False),
        ("(info) => LIST.includes(info.origin)", False),
        ("(request, decide) => decide(null, LIST.has(request.headers.origin))", False),
        ("verifyOfAnotherPackage", False),
    ],
)
def test_a_check_that_looks_at_something_else(code: str, verify: str, is_fault: bool) -> None:
    findings = review_text(code.replace("VERIFY", verify), "origin-not-checked-on-upgrade")
    assert bool(findings) == is_fault
    assert all(each.fix is None for each in findings)  # it would take the check that is there
