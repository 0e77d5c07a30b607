"""What the model takes for a gateway: plain WebSocket servers on Node, Tidegate's namespaces."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tidegate.review.model import Model, build
from tidegate.review.model.project import Project


def modelled(files: Mapping[str, str]) -> Model:
    project = Project(Path(), files, [])
    for name, text in files.items():
        project.add(name, text.encode())
    model = build(project)
    assert not project.notes
    return model


def kinds(model: Model) -> list[tuple[str, str | None]]:
    return [(each.kind, each.event) for gateway in model.gateways for each in gateway.handlers]


def test_a_web_socket_server() -> None:
    code = """\
import { WebSocketServer } from 'ws';
const wss = new WebSocketServer({ port: 8080, path: '/live', verifyClient });
wss.on('connection', (ws, req) => {
  ws.on('message', (data) => handle(ws, data));
  ws.on('close', () => undefined);
});
"""
    model = modelled({"a.ts": code})
    [gateway] = model.gateways
    assert (gateway.framework, gateway.namespace, gateway.servers) == (
        "websocket",
        "/live",
        {"wss"},
    )
    assert gateway.is_complete
    assert kinds(model) == [("connect", ""), ("message", "message"), ("disconnect", "close")]
    assert "verifyClient" in gateway.options
    assert gateway.handlers[1].payload == ("data",)


def test_a_web_socket_server_of_common_js_in_a_class() -> None:
    code = """\
const WebSocket = require('ws');
class Live {
  constructor(server) {
    this.wss = new WebSocket.Server({ server });
    this.wss.on('connection', this.onConnection.bind(this));
  }
  onConnection(socket) { socket.on('message', (m) => this.say(m)); }
}
"""
    model = modelled({"a.js": code})
    assert kinds(model) == [("connect", ""), ("message", "message")]


def test_the_upgrade_decides_in_another_file() -> None:
    made = """\
import { WebSocketServer } from 'ws';
export const wss = new WebSocketServer({ noServer: true });
"""
    used = """\
import { wss } from './made';
wss.on('connection', (ws) => ws.send('hello'));
"""
    upgrade = "server.on('upgrade', (request, socket, head) => { check(request); }); // WebSocket"
    model = modelled({"made.ts": made, "used.ts": used, "main.ts": upgrade})
    [gateway] = model.gateways
    assert gateway.is_complete
    assert kinds(model) == [("connect", ""), ("init", "upgrade")]
    [gateway] = modelled({"made.ts": made, "used.ts": used}).gateways
    assert not gateway.is_complete


def test_what_is_no_web_socket_server() -> None:
    client = "import WebSocket from 'ws';\nconst ws = new WebSocket(url);\nws.on('open', () => {});"
    other = "import net from 'net';\nserver.on('connection', (socket) => {}); // WebSocket"
    socket_io = "import { Server } from 'socket.io';\nconst io = new Server(80);\n"
    socket_io += "io.on('connection', (socket) => {});"
    model = modelled({"a.ts": client, "b.ts": other, "c.ts": socket_io})
    assert [gateway.framework for gateway in model.gateways] == ["socket.io"]


TIDEGATE = """\
from tidegate import Client, Gateway, Namespace

chat = Namespace("/chat")


@chat.on("message.send")
async def send(client: Client, room: str) -> None: ...


@chat.on_connect
async def hello(client: Client) -> None: ...


gateway = Gateway([chat])
"""


def test_a_namespace_of_tidegate() -> None:
    model = modelled({"realtime.py": TIDEGATE})
    [gateway] = model.gateways
    assert (gateway.framework, gateway.namespace, gateway.name) == ("tidegate", "/chat", "chat")
    assert kinds(model) == [("message", "message.send"), ("connect", "")]
    assert gateway.handlers[0].payload == ("room",)


def test_handlers_in_a_file_of_their_own() -> None:
    more = """\
from realtime import chat


@chat.on("message.read")
async def read(client, id: str) -> None: ...  # tidegate
"""
    model = modelled({"realtime.py": TIDEGATE, "more.py": more})
    assert [gateway.namespace for gateway in model.gateways] == ["/chat", "/chat"]


def test_an_event_that_has_a_name() -> None:
    names = """\
export const Events = Object.freeze({ CONNECTED: 'connection', SENT: 'sent' });
export enum Kinds { Left = 'left' }
"""
    code = """\
import { Server } from 'socket.io';
import { Events, Kinds } from './names';
export function start(server: Server) {
  const io = new Server(server);
  io.on(Events.CONNECTED, (socket) => {
    socket.on(Events.SENT, () => {});
    socket.on(Kinds.Left, () => {});
  });
}
"""
    model = modelled({"names.ts": names, "a.ts": code})
    assert kinds(model) == [("connect", ""), ("message", "sent"), ("message", "left")]
