"""Textbook forms, variants and near misses of accepted-before-authentication."""

from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

RULE = "accepted-before-authentication"
FAST = """\
from fastapi import Depends, FastAPI, WebSocket
from tokens import verify_token
app = FastAPI()
@app.websocket("/ws")
async def ws(websocket: WebSocket, token: str):
BODY
"""
CHANNELS = """\
from channels.generic.websocket import AsyncWebsocketConsumer
class C(AsyncWebsocketConsumer):
    async def connect(self):
BODY
"""
WS = """\
import { WebSocketServer } from 'ws';
import jwt from 'jsonwebtoken';
const wss = new WebSocketServer({ port: 8080 });
wss.on('connection', (ws, req) => {
BODY
});
"""


def indented(body: str, by: str) -> str:
    return "\n".join(by + line for line in body.splitlines())


def in_fastapi(body: str) -> list[int]:
    return found(FAST.replace("BODY", indented(body, "    ")), RULE, "a.py")


@pytest.mark.parametrize(
    "body",
    [
        "await websocket.accept()\nif not verify_token(token):\n    await websocket.close(1008)",
        "await websocket.accept()\nuser = await get_user_from_token(token)\nif user is None:\n"
        "    await websocket.close()\n    return",
        "await websocket.accept()\ntry:\n    user = jwt.decode(token, KEY)\nexcept JWTError:\n"
        "    await websocket.close()\n    return",
        "await websocket.accept()\nsockets.append(websocket)\nif not verify_token(token):\n"
        "    await websocket.close()",
        "await websocket.accept()\ntoken = websocket.cookies.get('t')\nif not token:\n"
        "    await websocket.close()\n    return\nserve(websocket)",
        "await websocket.accept()\nhello = await websocket.receive_json()\n"
        "user = verify_token(hello['token'])",
        "await websocket.accept()\nwhile True:\n    data = await websocket.receive_json()\n"
        "    if data['type'] == 'auth':\n        authed = verify_token(data['token'])",
    ],
)
def test_fastapi_finds(body: str) -> None:
    assert in_fastapi(body) == [6]


@pytest.mark.parametrize(
    "body",
    [
        "if not verify_token(token):\n    await websocket.close()\n    return\n"
        "await websocket.accept()",
        "user = await authenticate_ws(websocket)\nif not user:\n    return\n"
        "await websocket.accept()\nif user.is_anonymous:\n    await websocket.close()",
        "if not verify_token(token):\n    await websocket.accept()\n"
        "    await websocket.close(4401)\n    return\nawait websocket.accept()",
        "await websocket.accept()\n"
        "hello = await asyncio.wait_for(websocket.receive_json(), timeout=5)\n"
        "if not verify_token(hello['token']):\n    await websocket.close()",
        "await websocket.accept()\nasync with asyncio.timeout(5):\n"
        "    hello = await websocket.receive_json()\nverify_token(hello['token'])",
        "# It is accepted first: a refusal needs it to carry its close code.\n"
        "await websocket.accept()\nif not verify_token(token):\n    await websocket.close(4401)",
        "await websocket.accept()\nawait websocket.send_text('hello')",
        "# await websocket.accept()\nif not verify_token(token):\n    return",
    ],
)
def test_fastapi_does_not_find(body: str) -> None:
    assert not in_fastapi(body)


def test_a_dependency_checks() -> None:
    code = FAST.replace("token: str", "user=Depends(get_current_user)")
    body = "await websocket.accept()\nif not user.is_authenticated:\n    return"
    assert not found(code.replace("BODY", indented(body, "    ")), RULE, "a.py")
    code = FAST.replace("token: str", "token: str, db=Depends(get_db)")
    assert found(code.replace("BODY", indented(body, "    ")), RULE, "a.py") == [6]


MANAGER = """\
class ConnectionManager:
    def __init__(self):
        self.sockets = []
    async def connect(self, websocket):
        await websocket.accept()
        self.sockets.append(websocket)
manager = ConnectionManager()  # WebSocket
"""


def test_a_manager_accepts() -> None:
    code = FAST.replace("import verify_token", "import verify_token\nfrom manager import manager")
    late = "await manager.connect(websocket)\nif not verify_token(token):\n    return"
    early = "if not verify_token(token):\n    return\nawait manager.connect(websocket)"
    for body, lines in ((late, [7]), (early, [])):
        files = {"manager.py": MANAGER, "a.py": code.replace("BODY", indented(body, "    "))}
        report = review_project(files, RULE)
        assert [finding.line for finding in report.findings] == lines


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("await self.accept()\nif self.scope['user'].is_anonymous:\n    await self.close()", [4]),
        ("if self.scope['user'].is_anonymous:\n    await self.close()\nawait self.accept()", []),
        ("if self.scope['user'].is_anonymous:\n    return\nawait self.accept()", []),
        (
            "if self.scope['user'].is_anonymous:\n    await self.accept()\n"
            "    await self.close(4001)\n    return\nawait self.accept()",
            [],
        ),
    ],
)
def test_channels(body: str, lines: list[int]) -> None:
    assert found(CHANNELS.replace("BODY", indented(body, "        ")), RULE, "a.py") == lines


def test_channels_with_a_token_in_a_message() -> None:
    code = CHANNELS.replace("BODY", "        await self.accept()")
    code += "    async def receive(self, text_data):\n        self.user = verify_token(text_data)\n"
    assert found(code, RULE, "a.py") == [4]
    waits = code.replace("self.accept()", "self.accept()\n        self.wait_for_auth(timeout(5))")
    assert not found(waits, RULE, "a.py")


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("  ws.on('message', (m) => { ws.user = jwt.verify(JSON.parse(m).token, KEY); });", [4]),
        (
            "  let user;\n  ws.on('message', (m) => {\n"
            "    if (!user) { user = authenticate(JSON.parse(m)); return; }\n  });",
            [4],
        ),
        (
            "  const timer = setTimeout(() => ws.close(), 5000);\n"
            "  ws.on('message', (m) => { jwt.verify(JSON.parse(m).token, KEY); });",
            [],
        ),
        ("  if (!verifyToken(req)) return ws.close();\n  ws.on('message', (m) => serve(m));", []),
        ("  ws.on('message', (m) => { ws.send(m); });", []),
    ],
)
def test_web_sockets_on_node(body: str, lines: list[int]) -> None:
    assert found(WS.replace("BODY", body), RULE, "a.ts") == lines


def test_the_upgrade_checks() -> None:
    code = WS.replace("BODY", "  ws.on('message', (m) => jwt.verify(m, KEY));")
    upgrade = "server.on('upgrade', (req, socket, head) => { verifyToken(req); });\n"
    assert not found(code + upgrade, RULE, "a.ts")
    assert not found(code.replace("port: 8080", "verifyClient: checkToken"), RULE, "a.ts")


def test_socket_io_by_event() -> None:
    code = """\
import { Server } from 'socket.io';
const io = new Server(80);
io.on('connection', (socket) => {
  socket.on('authenticate', (token) => { socket.data.user = jwt.verify(token, KEY); });
  socket.on('message', (m) => io.emit('message', m));
});
"""
    assert found(code, RULE, "a.ts") == [3]
    assert not found(code.replace("'authenticate'", "'x'"), RULE, "a.ts")


def corrected(text: str, name: str) -> str:
    [finding] = review_text(text, RULE, name=name)
    assert finding.fix is not None
    code = applied(text, finding.fix.edits)
    assert not found(code, RULE, name)
    return code


def test_the_correction_moves_what_accepts() -> None:
    check = "if not verify_token(token):\n    await websocket.close(1008)\n    return"
    accept, serve = "await websocket.accept()", "await serve(websocket)"
    bad = FAST.replace("BODY", indented(f"{accept}\n{check}\n{serve}", "    "))
    assert corrected(bad, "a.py") == FAST.replace(
        "BODY", indented(f"{check}\n{accept}\n{serve}", "    ")
    )


def test_the_correction_gives_a_deadline() -> None:
    body = "await websocket.accept()\nhello = await websocket.receive_json()\nverify_token(hello)"
    code = corrected(FAST.replace("BODY", indented(body, "    ")), "a.py")
    assert "hello = await asyncio.wait_for(websocket.receive_json(), timeout=10)\n" in code
    assert code.startswith("import asyncio\n")
    body = "  ws.on('message', (m) => jwt.verify(m, KEY));"
    code = corrected(WS.replace("BODY", body), "a.ts")
    assert "const deadline = setTimeout(() => ws.close(1008, 'Unauthorized'), 10_000);" in code


@pytest.mark.parametrize(
    ("question", "lines"),
    [
        ("if self.scope['user'].is_authenticated:", []),
        ("if self.user:", []),
        ("if self.scope['user'] is not None:", []),
    ],
)
def test_who_is_known_is_accepted_and_others_are_closed(question: str, lines: list[int]) -> None:
    code = f"""\
from channels.generic.websocket import AsyncWebsocketConsumer
class C(AsyncWebsocketConsumer):
    async def connect(self):
        self.user = self.scope["user"]
        {question}
            await self.channel_layer.group_add("all", self.channel_name)
            await self.accept()
        else:
            await self.close()
"""
    assert found(code, RULE, "a.py") == lines
    early = code.replace("        self.user", "        await self.accept()\n        self.user")
    assert found(early.replace("            await self.accept()\n", ""), RULE, "a.py") == [4]


def test_what_a_message_says_is_checked_and_not_who_sends_it() -> None:
    body = """\
await websocket.accept()
while True:
    move = await websocket.receive_json()
    verified, why = await verify_answer(move["answer"])
    if not verified:
        await websocket.send_text(why)
        continue"""
    assert not found(FAST.replace("BODY", indented(body, "    ")), RULE, "a.py")
