from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_text

from tidegate.review.fix import applied


@pytest.mark.parametrize(
    "body",
    [
        "const token = client.handshake.query.token as string;",
        "const token = client.handshake.query['access_token'];",
        "const { token } = client.handshake.query;",
        "const t = client.handshake?.query?.token;",
        "const t = (client.handshake.query as any).token;",
        "const q = client.handshake.query; check(q.token);",
        "const { query: { token } } = client.handshake;",
        "const { query } = client.handshake; check(query.token);",
        "const t = (client.handshake.query as { token: string }).token;",
        "const q = client.handshake.query; const { token } = q;",
    ],
)
def test_node_reads_it_from_the_query(body: str) -> None:
    assert found(
        f"// socket.io\nfunction f(client) {{ {body} }}\n".replace(
            "// socket.io", "import 'socket.io';"
        ),
        "token-in-query",
    ) == [2]


@pytest.mark.parametrize(
    "body",
    [
        "const token = client.handshake.auth.token;",
        "const room = client.handshake.query.room;",
        "const token = request.query.token;",
        "const t = client.handshake.query.pushToken;",
        "// client.handshake.query.token",
        "log('client.handshake.query.token');",
    ],
)
def test_the_near_misses(body: str) -> None:
    assert not found(
        f"import 'socket.io';\nfunction f(client) {{\n {body}\n }}\n", "token-in-query"
    )


def test_clients() -> None:
    head = "import { io } from 'socket.io-client';\n"
    assert found(head + "io(url, { query: { token: t } });", "token-in-query") == [2]
    assert found(head + "io(`${url}?token=${t}`);", "token-in-query") == [2]
    assert found(head + "io(url, { query: { 'x-token': t } });", "token-in-query") == [2]
    assert not found(head + "io(url, { query: { 'x-board': t } });", "token-in-query")
    assert not found(head + "io(url, { query: { room }, auth: { token: t } });", "token-in-query")
    assert found("const url = `wss://a/?token=${t}`;\nnew WebSocket(url);", "token-in-query") == [2]
    assert not found("// WebSocket\nfetch(`/a?token=${t}`);", "token-in-query")


def test_a_token_in_a_dependency() -> None:
    code = """\
from fastapi import Depends, Query, WebSocket
def user(token: str = Query(...)):
    return verify(token)
@app.websocket("/ws")
async def ws(websocket: WebSocket, user=Depends(user)):
    await websocket.accept()
"""
    assert found(code, "token-in-query", "a.py") == [2]
    assert not found(code.replace("Query(...)", "Header(...)"), "token-in-query", "a.py")


def test_python_reads_it_from_the_query() -> None:
    code = """\
from channels.generic.websocket import AsyncWebsocketConsumer
class C(AsyncWebsocketConsumer):
    async def connect(self):
        query = parse_qs(self.scope["query_string"].decode())
        token = query.get("token", [None])[0]
"""
    assert found(code, "token-in-query", "a.py") == [5]
    assert not found(code.replace('"token"', '"room"'), "token-in-query", "a.py")
    http = "# websocket\ndef f(request):\n    return request.query_params.get('token')\n"
    assert not found(http, "token-in-query", "a.py")


@pytest.mark.parametrize(
    "read",
    [
        "const t = new URL(req.url, 'http://a').searchParams.get('token');",
        "const t = new URLSearchParams(req.url.split('?')[1]).get('token');",
        "const t = url.parse(req.url, true).query.token;",
        "const { query } = url.parse(req.url, true); check(query.room);",
        "const p = new URL(req.url, base).searchParams; check(p.get('access_token'));",
    ],
)
def test_the_request_of_a_web_socket(read: str) -> None:
    head = "import { WebSocketServer } from 'ws';\n"
    code = f"{head}wss.on('connection', (ws, req) => {{ {read} }});\n"
    assert found(code, "token-in-query") == ([] if "room" in read else [2])
    plain = f"{head}app.get('/a', (req, res) => {{ {read} }});\n"
    assert not found(plain, "token-in-query")


@pytest.mark.parametrize(
    "code",
    [
        "const u = new URL(base);\nu.searchParams.set('token', t); const s = new WebSocket(u);",
        "const at = (t) => `wss://a/?token=${t}`;\nconst s = new WebSocket(at(t));",
        "function at(t) { return base + '?token=' + t; }\nconst s = new WebSocket(at(t));",
        "// WebSocket\nthis.props.open(`${WS_URL}/ws/game?token=${t}`);",
        "import { io } from 'socket.io-client';\nio(url, { query: `token=${t}` });",
        "// WebSocket\nuseWebSocket(url, { queryParams: { token: t } });",
    ],
)
def test_other_ways_to_write_it_there(code: str) -> None:
    assert 2 in found(code, "token-in-query")


@pytest.mark.parametrize(
    "code",
    [
        "// WebSocket\nfetch(`https://a/verify?token=${t}`);",
        "// WebSocket\nconst u = new URL(a); u.searchParams.set('token', t); fetch(u);",
        "new WebSocket(`wss://a/?ticket=${ticket}`);",
        "// WebSocket\nuseWebSocket(url, { queryParams: { board } });",
        "new WebSocket(`wss://a/?room=${room}`, ['bearer', token]);",
        "log(`wss://a/?token=<token> is how it was`);",
    ],
)
def test_addresses_of_something_else(code: str) -> None:
    assert not found(code, "token-in-query")


@pytest.mark.parametrize(
    "read",
    [
        "query = dict(x.split('=') for x in scope['query_string'].decode().split('&'))\n"
        "        token = query.get('token')",
        "query = parse_qs(scope['query_string'])\n        token = query[b'token'][0]",
        "query = 1\n        token = scope['query_string'].decode().split('token=')[1]",
        "query = QueryDict(scope['query_string'])\n        t = query['access_token']",
    ],
)
def test_a_middleware_of_channels(read: str) -> None:
    code = f"""\
from channels.middleware import BaseMiddleware
class M(BaseMiddleware):
    async def __call__(self, scope, receive, send):
        {read}
"""
    assert found(code, "token-in-query", "a.py") == [5]


def test_a_middleware_that_imports_nothing_of_channels() -> None:
    code = """\
from urllib.parse import parse_qs
class M:
    async def __call__(self, scope, receive, send):
        query = scope.get("query_string", b"").decode()
        token = parse_qs(query).get("KEY", None)
"""
    assert found(code.replace("KEY", "token"), "token-in-query", "a.py") == [5]
    assert not found(code.replace("KEY", "board"), "token-in-query", "a.py")


def test_flask_reads_the_arguments_of_the_handshake() -> None:
    code = """\
from flask import request
from flask_socketio import SocketIO
socketio = SocketIO(app)
@socketio.on("connect")
def connect():
    token = request.args.get("token")
@app.route("/a")
def a():
    return request.args.get("token")
"""
    assert found(code, "token-in-query", "a.py") == [6]


def test_a_token_in_the_path() -> None:
    code = """\
from fastapi import FastAPI, WebSocket
app = FastAPI()
@app.websocket("/ws/{token}")
async def ws(websocket: WebSocket, token: str):
    await websocket.accept()
"""
    assert found(code, "token-in-query", "a.py") == [4]
    assert not found(code.replace("token", "room_id"), "token-in-query", "a.py")


@pytest.mark.parametrize(
    ("code", "fixed"),
    [
        (
            "import 'socket.io';\ncheck(client.handshake.query.token);\n",
            "import 'socket.io';\ncheck(client.handshake.auth.token);\n",
        ),
        (
            "import 'socket.io';\nconst { token } = client.handshake.query;\n",
            "import 'socket.io';\nconst { token } = client.handshake.auth;\n",
        ),
        (
            "import { io } from 'socket.io-client';\nio(url, { query: { token }, path });\n",
            "import { io } from 'socket.io-client';\n"
            "io(url, { auth: (send) => send({ token }), path });\n",
        ),
    ],
)
def test_the_correction(code: str, fixed: str) -> None:
    [finding] = review_text(code, "token-in-query")
    assert finding.fix is not None
    assert applied(code, finding.fix.edits) == fixed
    assert not found(fixed, "token-in-query")


@pytest.mark.parametrize(
    "cut",
    [
        'next(p for p in raw if p.startswith("token="))',
        'raw.partition("access_token=")[2]',
        're.search(r"token=([^&]+)", raw)',
    ],
)
def test_a_middleware_cuts_it_out_itself(cut: str) -> None:
    code = f"""\
import re
from channels.middleware import BaseMiddleware
class M(BaseMiddleware):
    async def __call__(self, scope, receive, send):
        raw = scope["query_string"].decode().split("&")
        found = {cut}
        mark = raw.startswith("page=")
"""
    assert found(code, "token-in-query", "a.py") == [6]


@pytest.mark.parametrize(
    ("cut", "lines"),
    [
        ("req.url.split('token=')[1]", [4]),
        ("req.url.match(/[?&]token=([^&]*)/)[1]", [4]),
        ("url.parse(req.url, true).query.token", [4]),
        ("new URL(req.url, 'http://x').searchParams.get('token')", [4]),
        ("/token=(.*)/.exec(req.url)[1]", [4]),
        ("req.headers.cookie.split('session=')[1]", []),
        ("req.url.split('room=')[1]", []),
    ],
)
def test_a_server_cuts_it_out_itself(cut: str, lines: list[int]) -> None:
    code = f"""\
import {{ WebSocketServer }} from 'ws';
const wss = new WebSocketServer({{ port: 80 }});
wss.on('connection', (ws, req) => {{
  check({cut});
}});
"""
    assert found(code, "token-in-query") == lines


def test_a_read_that_is_asked_for_first_is_told_and_corrected_once() -> None:
    code = """\
io.use((socket, next) => {
  const token =
    typeof socket.handshake.query.token === 'string' ? socket.handshake.query.token : '';
  verify(token, next);
});
"""
    [finding] = review_text(code, "token-in-query")
    assert finding.fix is not None
    after = applied(code, finding.fix.edits)
    assert (
        "typeof socket.handshake.auth.token === 'string' ? socket.handshake.auth.token :" in after
    )
