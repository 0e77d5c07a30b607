"""The code of docs/topics/python.md, testing.md and clients.md, run as it stands.

The Python blocks make the gateway; the JavaScript ones are one module in Node, with the functions
that an application would bring, and with a line of ours that evaluates what the test asks for.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import jwt
import pytest
import socketio

from tests.conftest import SECRET, make_settings, make_token, until
from tests.interop.official_client import FOLDER, VENV_BIN
from tests.unit.app.routers import message
from tidegate import Gateway, Namespace
from tidegate.testing import TestGateway

TOPICS = Path(__file__).parents[2] / "docs" / "topics"
ADDRESS = "https://realtime.example.com"

RUN = {
    "python.md": {
        ("Events", "python"),
        ("Handlers", "python"),
        ("Who comes and who goes", "python"),
        ("Rooms", "python"),
        ("Emitting", "python"),
        ("Asking a client", "python"),
        ("Disconnecting and revoking", "python"),
        ("From RabbitMQ", "python"),
        ("Who a token speaks for", "python"),
        ("Tests", "python"),
        ("In a program of your own", "python"),
    },
    "testing.md": {
        ("A test", "python"),
        ("Handlers and rooms", "python"),
        ("Who gets in", "python"),
        ("Lost and back", "python"),
        ("From RabbitMQ", "python"),
        ("On a real socket", "python"),
    },
    "clients.md": {
        ("Connecting", "js"),
        ("Refused, lost, back", "js"),
        ("Commands", "js"),
        ("The token that ends", "js"),
        ("Several namespaces", "js"),
        ("Other clients", "python"),
        ("Behind a proxy", "nginx"),  # not run: it takes nginx
    },
}

DECLARATIONS = ("Events", "Handlers", "Who comes and who goes", "Rooms", "Asking a client")


class Block(NamedTuple):
    """A block of code, where it stands, and what it is written in."""

    heading: str
    language: str
    code: str


def blocks_of(page: str) -> list[Block]:
    heading, blocks = "", []
    parts = re.compile(r"^## ([^\n]+)$|^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    for title, language, code in parts.findall((TOPICS / page).read_text()):
        heading = title or heading
        if not title:
            blocks.append(Block(heading, language, code))
    return blocks


async def run(module: ModuleType, page: str, *headings: str) -> None:
    """Run the Python blocks below these headings, which may await."""
    for block in blocks_of(page):
        if block.heading in headings and block.language == "python":
            source = block.code.replace(ADDRESS, getattr(module, "url", ADDRESS))
            code = compile(source, block.heading, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            await _run(code, module)


async def _run(code: CodeType, module: ModuleType) -> None:
    result = eval(code, vars(module))
    if inspect.isawaitable(result):
        await result


# The gateway


@pytest.fixture
async def realtime(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that python.md declares; its gateway is not started."""
    module = ModuleType("realtime")
    monkeypatch.setitem(sys.modules, "realtime", module)  # where msgspec looks for annotations
    await run(module, "python.md", *DECLARATIONS, "From RabbitMQ")
    module.gateway.namespaces["/news"] = Namespace("/news")
    module.gateway.configure(make_settings(auth={"leeway": 0}))
    return module


@pytest.fixture
async def url(realtime: ModuleType) -> AsyncIterator[str]:
    """Where that gateway listens."""
    gateway: Gateway = realtime.gateway
    try:
        await gateway.start()
        yield f"http://127.0.0.1:{await gateway.listen()}"
    finally:
        await gateway.stop()


def test_every_block_is_run() -> None:
    for page, known in RUN.items():
        assert {(block.heading, block.language) for block in blocks_of(page)} == known


# python.md

Heard = list[tuple[Any, ...]]
Join = Callable[..., Awaitable[tuple[socketio.AsyncClient, Heard]]]


@pytest.fixture
async def join(url: str) -> AsyncIterator[Join]:
    """Connects clients of python-socketio, which note what they hear."""
    clients = []

    async def connect(**claims: Any) -> tuple[socketio.AsyncClient, Heard]:
        client, heard = socketio.AsyncClient(reconnection=False), []
        clients.append(client)

        async def note(*args: Any) -> Any:
            heard.append(args)
            return "yes" if args[0] == "confirm" else None

        client.on("*", note, namespace="/notifications")
        await client.connect(
            url,
            namespaces=["/notifications"],
            transports=["websocket"],
            auth={"token": make_token(**claims)},
        )
        return client, heard

    yield connect
    for client in clients:
        await client.disconnect()


async def refusal_of(url: str, token: str) -> dict[str, Any]:
    """Return message and code of the connect_error that a client gets."""
    client, errors = socketio.AsyncClient(reconnection=False), []

    async def note(error: dict[str, Any]) -> None:
        errors.append({"message": error["message"], "code": error["data"]["code"]})

    client.on("connect_error", note, namespace="/notifications")
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(
            url, namespaces=["/notifications"], transports=["websocket"], auth={"token": token}
        )
    await client.disconnect()
    (refusal,) = errors
    return refusal


async def test_handlers_rooms_and_calls_of_the_guide(
    realtime: ModuleType, url: str, join: Join
) -> None:
    ada, heard = await join(user="ada", conversations=[7], teams=["blue"])
    ben, heard_by_ben = await join(user="ben", conversations=[7])

    async def ask(client: socketio.AsyncClient, *event: Any) -> Any:
        return await client.call(event[0], event[1:] or None, namespace="/notifications")

    assert await ask(ada, "notification.markRead", "n1") == {"read": "n1", "by": "ada"}
    misfit = await ask(ada, "notification.markRead", "n1", "pinned")
    assert (misfit["error"]["code"], misfit["error"]["field"]) == ("invalid_payload", "[1]$")
    news = {"conversation": 7, "text": "hi"}
    assert (await ask(ada, "message.send", news))["error"]["code"] == "not_joined"
    assert (await ask(ada, "tidegate.join", "conversation:8"))["error"]["code"] == "forbidden"
    for client in (ada, ben):
        assert (await ask(client, "tidegate.join", {"room": "conversation:7"}))["ok"] is True
    assert await ask(ada, "message.send", news) is None
    await until(lambda: heard_by_ben, "the message")
    assert heard_by_ben[0][:2] == ("message.sent", news)
    assert await ask(ada, "account.close") == "yes"
    assert heard == [("confirm", {"text": "Really?"})]
    team = realtime.gateway.tenant("acme").room("team:blue")
    offset = await team.emit("to.team", None, namespace="/notifications")
    await until(lambda: len(heard) == 2, "the team's event")
    assert heard[1] == ("to.team", None, offset)
    refusal = await refusal_of(url, make_token(suspended=True))
    assert refusal == {"message": "this account is suspended", "code": "forbidden"}
    function: Callable[..., Any] = realtime.mark_read
    assert function(SimpleNamespace(user_id="42", data={}), "n1") == {"read": "n1", "by": "42"}


async def test_emitting_and_revoking_of_the_guide(
    realtime: ModuleType, url: str, join: Join
) -> None:
    del realtime.gateway.namespaces["/news"]  # the guide has one namespace
    _, heard = await join(user="42", conversations=[7])
    ada, _ = await join(user="ada")
    await run(realtime, "python.md", "Emitting")
    await run(realtime, "python.md", "Emitting")  # the report has a message id
    await realtime.acme.emit("end", None)
    await until(lambda: heard and heard[-1][0] == "end", "the last event")
    created = ("notification.created", {"id": "1", "message": "to everybody at Acme"})
    report = ("report.ready", {"title": "Q3"})
    assert [event[:2] for event in heard] == [created, report, created, ("end", None)]
    await run(realtime, "python.md", "Disconnecting and revoking")
    await until(lambda: not ada.connected, "the end of Ada's session")
    assert (await refusal_of(url, make_token(user="ada")))["code"] == "token_revoked"


async def test_the_consume_rule_of_the_guide(realtime: ModuleType, url: str, join: Join) -> None:
    from tidegate.app.routing import Router

    gateway: Gateway = realtime.gateway
    router = Router(gateway.namespaces, [], gateway.publisher, max_payload=1_000)
    _, heard = await join(user="42")
    for number, headers in (("1", {"userId": "43"}), ("2", {"userId": "42"}), ("3", {})):
        incoming = message(
            json.dumps({"id": number, "message": "m"}),
            "notification.created",
            headers={"tenantId": "acme", **headers},
        )
        entries = router.route(incoming)
        assert not isinstance(entries, Awaitable)
        await gateway.publish(entries)
    await until(lambda: len(heard) == 2, "two of the events")
    assert [event[1]["id"] for event in heard] == ["2", "3"]


async def test_the_authenticator_of_the_guide(realtime: ModuleType) -> None:
    class Store:
        async def find(self, token: object) -> SimpleNamespace | None:
            known = SimpleNamespace(tenant="acme", user="42", ends_at=None, began_at=1.0)
            return known if token == "s1" else None

    vars(realtime)["sessions"] = Store()
    await run(realtime, "python.md", "Who a token speaks for")
    gateway: Gateway = realtime.with_sessions
    gateway.configure(make_settings())
    client = socketio.AsyncSimpleClient()
    try:
        await gateway.start()
        address = f"http://127.0.0.1:{await gateway.listen()}"
        options = {"namespace": "/notifications", "transports": ["websocket"]}
        assert "the session is not known" in (await refusal_of(address, "s2"))["message"]
        await client.connect(address, auth={"token": "s1"}, **options)
        assert (await client.call("notification.markRead", "n1"))["by"] == "42"
    finally:
        await client.disconnect()
        await gateway.stop()


async def test_the_test_of_the_guide(realtime: ModuleType) -> None:
    vars(realtime).update(TestGateway=TestGateway)
    await run(realtime, "python.md", "Tests")
    await realtime.test_a_client_marks_a_notification_as_read()


async def test_the_tests_of_the_testing_guide(realtime: ModuleType) -> None:
    module = ModuleType("test_realtime")
    headings = [heading for heading, _ in RUN["testing.md"] if heading != "On a real socket"]
    await run(module, "testing.md", *headings)
    tests = {name: test for name, test in vars(module).items() if name.startswith("test_")}
    assert len(tests) == 7
    for test in tests.values():
        cases: list[dict[str, Any]] = [{}]
        for mark in getattr(test, "pytestmark", ()):
            names, values = mark.args
            cases = [dict(zip(names, value, strict=True)) for value in values]
        for case in cases:
            async with TestGateway(realtime.gateway) as world:
                await test(world, **case)


async def test_the_socket_test_of_the_testing_guide(realtime: ModuleType) -> None:
    vars(realtime).update(jwt=jwt, socketio=socketio, SECRET=SECRET)
    exec("import time\nfrom tidegate import Settings", vars(realtime))
    await run(realtime, "testing.md", "On a real socket")
    await realtime.test_an_event_stays_in_its_tenant()


async def test_the_program_of_the_guide(
    realtime: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Any] = []

    async def the_rest_of_the_program() -> None:
        gateway: Gateway = realtime.gateway
        assert gateway.is_ready
        client = socketio.AsyncClient(reconnection=False)
        client.on("disconnect", lambda reason: heard.append(reason), namespace="/notifications")
        assert gateway.listener is not None
        port = gateway.listener._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        await client.connect(
            f"http://127.0.0.1:{port}",
            namespaces=["/notifications"],
            transports=["websocket"],
            auth={"token": make_token()},
        )

    monkeypatch.setenv("TIDEGATE_AUTH__SECRET", SECRET)
    monkeypatch.setenv("TIDEGATE_PORT", "0")
    monkeypatch.setenv("TIDEGATE_DRAIN_SECONDS", "0")
    vars(realtime).update(the_rest_of_the_program=the_rest_of_the_program)
    await run(realtime, "python.md", "In a program of your own")
    await realtime.main()
    await until(lambda: heard, "the client to be sent elsewhere")


async def test_python_clients_of_the_guide(realtime: ModuleType, url: str) -> None:
    shown: list[Any] = []
    module = ModuleType("client")
    vars(module).update(url=url, socketio=socketio, show=shown.append, fresh_token=make_token)
    await run(module, "clients.md", "Other clients")
    await realtime.gateway.tenant("acme").emit(realtime.NotificationCreated("1", "hi"))
    await until(lambda: shown, "the event")
    assert shown == [{"id": "1", "message": "hi"}]
    await module.client.disconnect()


# clients.md

APPLICATION = """
import { createInterface } from "node:readline";
const say = (what, ...args) => process.stdout.write(JSON.stringify({ what, args }) + "\\n");
const setTimeout = (run, ms) => { say("wait", ms); globalThis.setTimeout(run, Math.min(ms, 10)); };
let token = process.env.FIRST_TOKEN;
const freshToken = async () => {
  say("token");
  if (!token) throw new Error("none");
  return token;
};
const show = (event) => say("show", event);
const signIn = (code) => say("signIn", code);
const showEnd = (reason) => say("showEnd", reason);
const refetch = async () => say("refetch");
"""

TEST_LINE = """
socket.io.reconnectionDelay(20);
socket.io.reconnectionDelayMax(40);
socket.on("connect", () => say("connect", socket.recovered));
news.on("news", (event) => say("news", event));
createInterface({ input: process.stdin })
  .on("line", async (line) => {
    try {
      say("answer", (await eval(line)) ?? null);
    } catch (error) {
      say("answer", { thrown: error.message, ...error });
    }
  })
  .on("close", () => process.exit(0));
"""


class Browser:
    """The page of clients.md in a Node process."""

    def __init__(self) -> None:
        self.said: list[tuple[str, list[Any]]] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def open(self, url: str, token: str) -> None:
        code = [block.code for block in blocks_of("clients.md") if block.language == "js"]
        page = "\n".join([APPLICATION, *code, TEST_LINE]).replace(ADDRESS, url)
        self._process = await asyncio.create_subprocess_exec(
            "node",
            *("--input-type=module", "-e", page),
            cwd=FOLDER,
            env={**os.environ, "PATH": f"{os.environ['PATH']}:{VENV_BIN}", "FIRST_TOKEN": token},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._reader = asyncio.ensure_future(self._read())

    async def close(self) -> None:
        if self._process is None or self._reader is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert await self._process.wait() == 0
        await self._reader

    def all(self, what: str) -> list[list[Any]]:
        return [args for said, args in self.said if said == what]

    async def wait(self, what: str, count: int = 1) -> list[Any]:
        found: list[list[Any]] = await until(
            lambda: self.all(what)[count - 1 :], f"{what} in the page: {self.said[-5:]}"
        )
        return found[0]

    async def do(self, code: str) -> Any:
        """Return what an expression is in the page, awaited."""
        assert self._process is not None and self._process.stdin is not None
        count = len(self.all("answer"))
        self._process.stdin.write(code.encode() + b"\n")
        return (await self.wait("answer", count + 1))[0]

    async def use(self, token: str) -> None:
        """Have the application issue this token from now on; an empty one fails."""
        await self.do(f"token = {json.dumps(token)}")

    async def cut(self) -> None:
        await self.do("void socket.io.engine.transport.ws._socket.destroy()")

    async def _read(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        while line := await self._process.stdout.readline():
            said = json.loads(line)
            self.said.append((said["what"], said["args"]))


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    page = Browser()
    yield page
    await page.close()


async def test_the_page_is_let_in_and_catches_up(
    realtime: ModuleType, url: str, browser: Browser
) -> None:
    await browser.open(url, make_token(user="42", conversations=[7]))
    assert await browser.wait("connect") == [False]
    await browser.wait("refetch")
    assert await browser.do('ask("notification.markRead", "n1")') == {"read": "n1", "by": "42"}
    assert await browser.do('join("conversation:7")') is None
    refused = await browser.do('join("conversation:8")')
    assert refused["thrown"] == "this room can't be joined" and refused["code"] == "forbidden"
    await browser.cut()
    await until(lambda: not realtime.gateway.listener.connections, "the end of the connection")
    acme = realtime.gateway.tenant("acme")
    for number, room in (("1", "conversation:7"), ("2", "conversation:8"), ("3", "conversation:7")):
        await acme.room(room).emit(realtime.NotificationCreated(number, "missed"))
    await acme.emit("news", "to the other namespace", namespace="/news")
    assert await browser.wait("connect", 2) == [True]
    await browser.wait("show", 2)
    assert [event["id"] for (event,) in browser.all("show")] == ["1", "3"]
    assert await browser.wait("news") == ["to the other namespace"]
    assert len(browser.all("refetch")) == 1
    assert len(browser.all("token")) == 4  # two namespaces, twice
    assert len(realtime.gateway.listener.connections) == 1
    assert await browser.do('leave("conversation:7")') is None
    await browser.do('void socket.on("confirm", (question, answer) => answer(question.text))')
    assert await browser.do('ask("account.close")') == "Really?"


async def test_the_page_joins_again_when_it_is_not_recovered(
    realtime: ModuleType, url: str, browser: Browser
) -> None:
    await browser.open(url, make_token(conversations=[7]))
    await browser.wait("connect")
    await browser.do('join("conversation:7")')
    await browser.do("void (socket._pid = 'forgotten')")
    await browser.cut()
    assert await browser.wait("connect", 2) == [False]
    await browser.wait("refetch", 2)
    await until(
        lambda: any(s.rooms for s in realtime.gateway.hub.sockets_of("acme")), "the room again"
    )


async def test_the_page_tries_an_expired_token_once_and_then_asks_to_sign_in(
    url: str, browser: Browser
) -> None:
    await browser.open(url, make_token(ttl=-1))
    assert await browser.wait("signIn") == ["token_expired"]
    assert len(browser.all("token")) >= 3  # both namespaces, and one of them again
    assert await browser.do("socket.active") is False
    await browser.use("nonsense")
    await browser.do("void socket.connect()")
    assert await browser.wait("signIn", 2) == ["token_invalid"]
    await browser.use(make_token())
    await browser.do("void socket.connect()")
    await browser.wait("connect")


async def test_the_page_waits_when_it_may_try_again(
    realtime: ModuleType, url: str, browser: Browser
) -> None:
    quota = realtime.gateway.reception.quota
    quota._user_connections = 0
    await browser.open(url, make_token())
    (delay,) = await browser.wait("wait")
    assert 1_000 <= delay <= 5_000
    quota._user_connections = 50
    await browser.wait("connect")
    assert browser.all("signIn") == []


async def test_the_page_comes_back_when_no_token_could_be_had(url: str, browser: Browser) -> None:
    await browser.open(url, "")
    await browser.wait("token", 4)
    await browser.use(make_token())
    await browser.wait("connect")


async def open_with_short_token(browser: Browser, url: str) -> None:
    """Connect with a token that is warned of, and ends, in a moment: issued when Node is there."""
    await browser.open(url, "")
    await browser.wait("token", 2)  # one for each namespace
    await browser.use(make_token(ttl=1.6))
    await browser.wait("connect")


async def test_the_page_presents_a_fresh_token(
    realtime: ModuleType, url: str, browser: Browser
) -> None:
    counts = realtime.gateway.reception.token_life.counts
    await open_with_short_token(browser, url)
    await browser.use(make_token())
    await until(lambda: counts["refreshed"], "the fresh token")
    assert await browser.do("ask('notification.markRead', 'n1')")
    assert await browser.do("[socket.connected, tokenIsEnding]") == [True, False]


async def test_the_page_connects_anew_when_no_fresh_token_came_in_time(
    realtime: ModuleType, url: str, browser: Browser
) -> None:
    await open_with_short_token(browser, url)
    await browser.use("")
    await until(lambda: browser.said[-1] == ("token", []), "the page to ask at the warning")
    await browser.use(make_token())
    await browser.wait("connect", 2)
    assert browser.all("showEnd") == []
    assert realtime.gateway.reception.token_life.counts["expired"] >= 1


async def test_the_page_stays_away_when_a_service_says_so(
    realtime: ModuleType, url: str, browser: Browser
) -> None:
    await browser.open(url, make_token())
    await browser.wait("connect")
    await realtime.gateway.tenant("acme").user("42").disconnect()
    assert await browser.wait("showEnd") == ["io server disconnect"]
    assert await browser.do("socket.active") is False
