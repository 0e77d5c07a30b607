from __future__ import annotations

import pytest
from tests.unit.review.helpers import found


@pytest.mark.parametrize(
    "body",
    [
        "const token = client.handshake.query.token as string;",
        "const token = client.handshake.query['access_token'];",
        "const { token } = client.handshake.query;",
        "const t = client.handshake?.query?.token;",
        "const t = (client.handshake.query as any).token;",
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
