"""The checklist says for each gateway what holds, with the place that proves it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from tests.unit.review.helpers import review_project
from typer.testing import CliRunner

from tidegate.cli.main import app
from tidegate.review import Options, all_rules, review
from tidegate.review.checklist import FORMATS, ITEMS, GatewayChecklist, checklists

ROOT = Path(__file__).parents[3]
GATEWAY = """\
import { OnGatewayConnection, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { Server, Socket } from 'socket.io';

@WebSocketGateway({ namespace: '/orders', cors: { origin: ['https://app.example.com'] } })
export class OrdersGateway implements OnGatewayConnection {
  @WebSocketServer() server!: Server;
  constructor(private readonly jwt: JwtService) {}

  handleConnection(client: Socket) {
    try {
      const token = client.handshake.auth.token;
      client.data.user = this.jwt.verify(token, { algorithms: ['HS256'] });
    } catch {
      client.disconnect(true);
      return;
    }
    client.join(`tenant:${client.data.user.tenantId}`);
  }

  paid(tenant: string, order: Order) {
    this.server.to(`tenant:${tenant}`).emit('order.paid', order);
  }
}
"""
OPEN_GATEWAY = """\
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { Server } from 'socket.io';

@WebSocketGateway({ namespace: '/prices', cors: { origin: '*' } })
export class PricesGateway {
  @WebSocketServer() server!: Server;

  handleConnection(client) {
    client.emit('hello');
  }

  changed(price: Price) {
    this.server.emit('price', price);
  }
}
"""


def of(files: dict[str, str]) -> dict[str, GatewayChecklist]:
    report = review_project(files, could_not_tell=True)
    return {each.name: each for each in checklists(report)}


def outcomes(checklist: GatewayChecklist) -> dict[str, tuple[str, str]]:
    return {item.text: (item.outcome, item.place) for item in checklist.items}


def test_each_rule_is_in_one_item() -> None:
    counts = Counter(name for item in ITEMS for name in item.rules)
    assert set(counts.values()) == {1}
    assert {each.name for each in all_rules()} <= set(counts)


def test_what_holds_is_shown_with_its_place() -> None:
    found = outcomes(of({"orders.gateway.ts": GATEWAY})["OrdersGateway"])
    assert found["Who connects is authenticated at the door"] == ("passed", "orders.gateway.ts:12")
    assert found["A client that is refused does not stay connected"] == (
        "passed",
        "orders.gateway.ts:14",
    )
    assert found["Tenant and user come from the verified token"][0] == "passed"
    assert found["Every emit goes to a room that the server chose"] == (
        "passed",
        "orders.gateway.ts:21",
    )


def test_what_fails_names_the_rule_and_the_place() -> None:
    checklist = of({"prices.gateway.ts": OPEN_GATEWAY})["PricesGateway"]
    found = outcomes(checklist)
    assert found["Who connects is authenticated at the door"][0] == "failed"
    assert found["Every emit goes to a room that the server chose"] == (
        "failed",
        "prices.gateway.ts:13",
    )
    reasons = [item.reason for item in checklist.items if item.outcome == "failed"]
    assert any(reason.startswith("global-emit: ") for reason in reasons)


def test_one_gateway_does_not_answer_for_another() -> None:
    found = of({"orders.gateway.ts": GATEWAY, "prices.gateway.ts": OPEN_GATEWAY})
    door = "Who connects is authenticated at the door"
    assert outcomes(found["OrdersGateway"])[door][0] == "passed"
    assert outcomes(found["PricesGateway"])[door][0] == "failed"


def test_what_is_not_there_could_not_be_told() -> None:
    checklist = of({"orders.gateway.ts": GATEWAY})["OrdersGateway"]
    without = [item for item in checklist.items if "no client is" in item.reason]
    assert without and {item.outcome for item in without} == {"could not tell"}


@pytest.mark.parametrize("name", FORMATS)
def test_formats(name: str) -> None:
    report = review_project({"orders.gateway.ts": GATEWAY}, could_not_tell=True)
    text = FORMATS[name](checklists(report))
    assert "OrdersGateway" in text and "/orders" in text and "could not tell" in text
    if name == "json":
        assert json.loads(text)["gateways"][0]["items"][0]["outcome"] == "passed"


@pytest.mark.parametrize("name", FORMATS)
def test_without_a_gateway_it_says_so(name: str) -> None:
    assert FORMATS[name]([])


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke
    assert run(app, ["review", ".", "--checklist"]).output == "No gateway was found.\n"
    (tmp_path / "prices.gateway.ts").write_text(OPEN_GATEWAY)
    done = run(app, ["review", ".", "--checklist"])
    assert done.exit_code == 1 and "PricesGateway /prices (nest)" in done.output
    assert run(app, ["review", ".", "--checklist", "--format", "sarif"]).exit_code == 2
    assert run(app, ["review", "nowhere", "--checklist"]).exit_code == 2


@pytest.mark.parametrize("name", ["nestjs", "python-api-gateway"])
def test_what_tidegate_new_writes_fails_nothing(name: str) -> None:
    folder = next(path for path in (ROOT / "tests/golden").iterdir() if path.name.startswith(name))
    files = {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in folder.rglob("*")
        if path.suffix in (".ts", ".tsx", ".py")
    }
    found = of(files)
    assert found
    for checklist in found.values():
        assert not [item for item in checklist.items if item.outcome == "failed"]


def test_what_tidegate_does_by_itself_has_passed() -> None:
    code = "from tidegate import Gateway, Namespace\n\norders = Namespace('/orders')\n"
    [checklist] = of({"realtime.py": code}).values()
    found = outcomes(checklist)
    assert found["Who connects is authenticated at the door"] == ("passed", "realtime.py:3")


# What is not there has not passed

SERVER = """\
import { Server } from 'socket.io';
const io = new Server(3000);
io.use((socket, next) => {
  log.info('somebody connects');
  next();
});
io.on('connection', (socket) => {
  socket.data.seen = Date.now();
  socket.on('message', (text) => socket.emit('message', text));
});
"""
PYTHON_SERVER = """\
import socketio

sio = socketio.AsyncServer()


@sio.event
def connect(sid, environ, auth):
    pass


@sio.event
def message(sid, data):
    return data
"""
ENDPOINT = """\
from fastapi import APIRouter, WebSocket

router = APIRouter()


@router.websocket("/ws")
async def ws(websocket: WebSocket):
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await websocket.close()
"""
BEFORE = "No message is handled before the identity is known"
OF_IDENTITIES = (
    "A client that is refused does not stay connected",
    "The token is in the auth payload: not in the URL, not in the log",
    "The token's signature and algorithm are verified, and its expiry is kept",
    "Tenant and user come from the verified token",
)
FIRST = "Secrets come from the configuration"
ASYNC = "Nothing asynchronous is forgotten, and no session is held for a socket's life"
EMITS = "Every emit goes to a room that the server chose"
RUNS = "It is registered, and so runs"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("prices.gateway.ts", OPEN_GATEWAY),
        ("server.ts", SERVER),
        ("server.py", PYTHON_SERVER),
        ("ws.py", ENDPOINT),
    ],
)
def test_of_a_gateway_that_authenticates_nobody_no_item_on_identities_passes(
    name: str, code: str
) -> None:
    [checklist] = of({name: code}).values()
    items = {item.text: item for item in checklist.items}
    assert items[BEFORE].outcome == "failed"
    assert items[BEFORE].reason.startswith("connection-without-authentication: ")
    for text in OF_IDENTITIES:
        assert (items[text].outcome, items[text].reason) == (
            "could not tell",
            "nobody is authenticated here",
        )


def test_where_authentication_is_not_seen_no_item_on_identities_passes() -> None:
    code = GATEWAY.replace("OrdersGateway implements", "OrdersGateway extends Base implements")
    start, end = code.index("    try {"), code.index("    client.join")
    code = code[:start] + code[end:].replace("@nestjs/websockets", "@nestjs/websockets")
    code = code.replace(
        "import { Server", "import { Base } from '@acme/realtime';\nimport { Server"
    )
    [checklist] = of({"orders.gateway.ts": code}).values()
    items = {item.text: item for item in checklist.items}
    for text in (BEFORE, *OF_IDENTITIES):
        assert items[text].outcome == "could not tell", text


def test_secrets_that_nobody_reads_have_not_passed() -> None:
    assert outcomes(of({"a.ts": GATEWAY})["OrdersGateway"])[FIRST] == ("could not tell", "")
    for secret in (
        "process.env.JWT_SECRET!",
        "this.config.getOrThrow<string>('JWT_SECRET')",
        "configService.get('jwt.secret')",
    ):
        code = GATEWAY.replace("constructor(", f"key = () => {secret};\n  constructor(")
        found = outcomes(of({"a.ts": code})["OrdersGateway"])
        assert found[FIRST] == ("passed", "a.ts:7"), secret


def test_what_has_nothing_asynchronous_has_not_passed() -> None:
    [nest] = of({"a.ts": GATEWAY}).values()  # the rules look at Python only
    [sync] = of({"a.py": PYTHON_SERVER}).values()
    [endpoint] = of({"a.py": ENDPOINT}).values()
    assert outcomes(nest)[ASYNC][0] == outcomes(sync)[ASYNC][0] == "could not tell"
    assert outcomes(endpoint)[ASYNC] == ("passed", "a.py:8")


def test_the_emit_of_one_gateway_does_not_pass_for_another() -> None:
    silent = "import { WebSocketGateway } from '@nestjs/websockets';\n@WebSocketGateway()\n"
    files = {
        "orders.gateway.ts": GATEWAY,
        "silent.gateway.ts": f"{silent}export class Silent {{}}\n",
    }
    found = of(files)
    assert outcomes(found["OrdersGateway"])[EMITS][0] == "passed"
    assert outcomes(found["Silent"])[EMITS] == ("could not tell", "")


def test_handlers_without_a_server_are_not_known_to_run() -> None:
    code = SERVER.replace("const io = new Server(3000);", "export const listen = (io: Server) => {")
    [alone] = of({"a.ts": code + "};\n"}).values()
    assert outcomes(alone)[RUNS] == ("could not tell", "")
    [server] = of({"a.ts": SERVER}).values()
    assert outcomes(server)[RUNS] == ("passed", "a.ts:2")
    [router] = of({"a.py": ENDPOINT}).values()
    assert outcomes(router)[RUNS] == ("could not tell", "")


def test_a_router_is_taken_in_by_an_app_in_another_file(tmp_path: Path) -> None:
    (tmp_path / "ws.py").write_text(ENDPOINT)
    main = "from fastapi import FastAPI\nfrom ws import router\napp = FastAPI()\n"
    (tmp_path / "main.py").write_text(main + "app.include_router(router)\n")
    report = review([tmp_path], Options(root=tmp_path, could_not_tell=True))
    [checklist] = checklists(report)
    assert outcomes(checklist)[RUNS] == ("passed", "main.py:4")


def test_clients_without_a_store_or_with_unknown_options_have_not_passed() -> None:
    client = """\
import { io } from 'socket.io-client';
export function open(options) {
  const socket = io('/orders', OPTIONS);
  socket.on('order', (order) => HANDLER);
  editor.close();
}
"""
    store = "A client's store is bounded and free of doubles"
    stays, closed = (
        "A client never gives up while it may come back",
        "A client opens one socket, and closes it",
    )

    def judged(options: str, handler: str) -> dict[str, tuple[str, str]]:
        code = client.replace("OPTIONS", options).replace("HANDLER", handler)
        found = of({"orders.gateway.ts": GATEWAY, "web/client.ts": code})
        return outcomes(found["OrdersGateway"])

    found = judged("options", "console.log(order)")
    assert {found[text][0] for text in (store, stays, closed)} == {"could not tell"}
    found = judged("{ auth: { token } }", "setOrder(order)")
    assert found[store] == ("passed", "web/client.ts:4")
    assert found[stays] == ("passed", "web/client.ts:3")
