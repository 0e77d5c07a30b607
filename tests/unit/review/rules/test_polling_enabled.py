from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

RULE = "polling-enabled"
NODE = "import { Server } from 'socket.io';\n"
NEST = "import { WebSocketGateway } from '@nestjs/websockets';\n"
MAIN = """\
import { ChatAdapter } from './chat.adapter';
app.useWebSocketAdapter(new ChatAdapter(app));
"""


def adapter(body: str) -> str:
    return f"""\
import {{ IoAdapter }} from '@nestjs/platform-socket.io';
import {{ ServerOptions }} from 'socket.io';
export class ChatAdapter extends IoAdapter {{
  createIOServer(port: number, options?: ServerOptions) {{
    {body}
  }}
}}
"""


@pytest.mark.parametrize(
    "code",
    [
        NODE + "const io = new Server(http);",
        NODE + "export const io = new Server();",
        NODE + "const io = new Server(3000, { cors: false });",
        NODE + "const io = new Server(http, { transports: ['polling', 'websocket'] });",
        "const io = require('socket.io')(http);",
        "const socketio = require('socket.io');\nconst io = socketio(http, { path: '/ws' });",
        NEST + "@WebSocketGateway()\nexport class A {}",
        NEST + "@WebSocketGateway(81)\nexport class A {}",
        NEST + "@WebSocketGateway(81, { transports: ['polling'] })\nexport class A {}",
    ],
)
def test_a_server_that_polls(code: str) -> None:
    [finding] = review_text(code, RULE)
    assert finding.fix is not None
    corrected = applied(code, finding.fix.edits)
    assert "websocket" in corrected
    assert not found(corrected, RULE)


@pytest.mark.parametrize(
    "code",
    [
        NODE + "const io = new Server(http, { transports: ['websocket'] });",
        NODE + "const t = ['websocket'];\nconst io = new Server(http, { transports: t });",
        NODE + "const io = new Server(http, { transports: ['websocket', 'webtransport'] });",
        NEST + "@WebSocketGateway(81, { transports: ['websocket'] })\nexport class A {}",
        "import { io } from 'socket.io-client';\nconst socket = io(url);",
        "import { Server } from 'ws';\nconst wss = new Server({ port: 80 });",
        "// new Server(http)\nimport { Server } from 'socket.io';\nlet io: Server;",
        NEST + "import { WebSocket } from 'ws';\n@WebSocketGateway()\nexport class A {}",
    ],
)
def test_the_near_misses(code: str) -> None:
    assert not found(code, RULE)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import socketio\nsio = socketio.Server()\n", True),
        ("import socketio\nsio = socketio.AsyncServer(async_mode='asgi')\n", True),
        ("from flask_socketio import SocketIO\nsocketio = SocketIO(app)\n", True),
        ("import socketio\nsio = socketio.AsyncServer(transports=['websocket'])\n", False),
        ("import socketio\nsio = socketio.AsyncClient()\n", False),
        (
            "from flask_socketio import SocketIO\nsocketio = SocketIO()\n"
            "socketio.init_app(app, transports=['websocket'])\n",
            False,
        ),
    ],
)
def test_python(code: str, expected: bool) -> None:
    findings = review_text(code, RULE, name="a.py")
    assert bool(findings) is expected
    for finding in findings:
        assert finding.fix is not None
        assert not found(applied(code, finding.fix.edits), RULE, "a.py")


def test_once_for_gateways_that_share_a_server() -> None:
    code = NEST + "@WebSocketGateway({ namespace: 'NAME' })\nexport class A {}\n"
    files = {"a.ts": code.replace("NAME", "a"), "b.ts": code.replace("NAME", "b")}
    assert len(review_project(files, RULE).findings) == 1


@pytest.mark.parametrize(
    ("body", "file"),
    [
        ("return super.createIOServer(port, { ...options, transports: ['websocket'] });", None),
        ("return super.createIOServer(port, { ...options, cors: false });", "chat.adapter.ts"),
        ("const server = super.createIOServer(port, options);\nreturn server;", "a.gateway.ts"),
        ("options.transports = ['websocket'];\nreturn super.createIOServer(port, options);", None),
        (
            "options = { ...options, transports: ['websocket'] };\n"
            "return super.createIOServer(port, options);",
            None,
        ),
        (
            "const given: ServerOptions = { ...options, transports: ['websocket'] };\n"
            "return new Server(this.http, given);",
            None,
        ),
    ],
)
def test_an_adapter_adds_to_the_options(body: str, file: str | None) -> None:
    files = {
        "main.ts": MAIN,
        "chat.adapter.ts": adapter(body),
        "a.gateway.ts": NEST + "@WebSocketGateway()\nexport class A {}\n",
    }
    assert [each.file for each in review_project(files, RULE).findings] == [file] * bool(file)


def test_the_native_adapter_has_no_polling() -> None:
    main = """\
import { WsAdapter } from '@nestjs/platform-ws';
app.useWebSocketAdapter(new WsAdapter(app));
"""
    files = {"main.ts": main, "a.ts": NEST + "@WebSocketGateway()\nexport class A {}\n"}
    assert not review_project(files, RULE).findings


def test_options_made_elsewhere() -> None:
    code = NODE + "const io = new Server(http, optionsOf(config));"
    [finding] = review_text(code, RULE, could_not_tell=True)
    assert finding.verdict == "could-not-tell"


def test_clients_that_poll_only() -> None:
    code = "import { io } from 'socket.io-client';\nconst socket = io(URL, { transports: LIST });"
    assert found(code.replace("LIST", "['polling']"), RULE) == [2]
    assert not found(code.replace("LIST", "['websocket', 'polling']"), RULE)
    assert not found(code.replace("LIST", "['websocket']"), RULE)


SHARED = """\
import { WebSocketGateway } from '@nestjs/websockets';
@WebSocketGateway({ namespace: 'NAME', cors: { origin: 'https://app.example.com' } })
export class NAME {}
"""
ROOT = """\
import { Module } from '@nestjs/common';
@Module({ providers: [B, A] })
export class AppModule {}
"""


def test_gateways_that_share_a_server_are_corrected_together() -> None:
    files = {f"{name}.ts": SHARED.replace("NAME", name) for name in "AB"}
    [finding] = review_project(files, RULE).findings
    assert finding.fix is not None
    assert {edit.file for edit in finding.fix.edits} == {"A.ts", "B.ts"}


def test_the_gateway_that_nest_meets_first_is_corrected() -> None:
    files = {f"{name}.ts": SHARED.replace("NAME", name) for name in "AB"} | {"app.ts": ROOT}
    [finding] = review_project(files, RULE).findings
    assert finding.file == "B.ts"
    assert finding.fix is not None
    [edit] = finding.fix.edits
    after = {**files, "B.ts": applied(files["B.ts"], [edit])}
    assert not review_project(after, RULE, "gateway-options-ignored").findings
