"""Events and acks in both directions, text and binary, by the official client."""

from __future__ import annotations

import asyncio
import functools
import secrets
from collections.abc import Callable
from typing import Any

import pydantic
import pytest
from msgspec import Struct

from tests.conftest import StartGateway, make_token, until
from tests.interop.official_client import NodeDriver
from tidegate import Client, Event, Namespace, PayloadError, Refused

SERVERS = ("own", "asgi")


class Mark(Struct):
    id: str
    tags: list[str] = []


class Upload(Struct):
    name: str
    body: bytes


class Note(pydantic.BaseModel):
    title: str


class Blob(Event, name="blob"):
    name: str
    body: bytes


async def test_handlers_answer_in_the_ack(start_gateway: StartGateway, node: NodeDriver) -> None:
    chat = Namespace("/chat")

    @chat.on("mark")
    async def mark(client: Client, event: Mark) -> dict[str, object]:
        return {"id": event.id, "by": client.user_id, "of": client.tenant_id}

    @chat.on("note")
    def note(client: Client, event: Note) -> Note:
        return Note(title=event.title.upper())

    @chat.on("sum")
    def add(client: Client, left: int, right: int = 1) -> int:
        return left + right

    @chat.on("nothing")
    def nothing(client: Client) -> None: ...

    running = await start_gateway(chat)
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token("acme", "7")})
    await client.wait("connect")
    assert await client.ask("mark", {"id": "x"}) == [{"id": "x", "by": "7", "of": "acme"}]
    assert await client.ask("note", {"title": "hi"}) == [{"title": "HI"}]
    assert await client.ask("sum", 2, 3) == [5]
    assert await client.ask("sum", 2) == [3]
    assert await client.ask("nothing") == []


@pytest.mark.parametrize(
    ("event", "args", "code", "field"),
    [
        ("mark", [{"id": 7}], "invalid_payload", "$.id"),
        ("mark", [{"id": "x", "tags": ["a", 2]}], "invalid_payload", "$.tags[1]"),
        ("mark", [], "invalid_payload", "$"),
        ("note", [{"title": None}], "invalid_payload", "$.title"),
        ("sum", [1, "2"], "invalid_payload", "[1]$"),
        ("refuse", [], "not_yours", None),
        ("fail", [], "internal", None),
        ("no_json", [], "internal", None),
        ("no_json_async", [], "internal", None),
        ("unheard", [], "unknown_event", None),
        ("tidegate.nothing", [], "unknown_event", None),
        ("tidegate.join", [{"room": "closed:1"}], "forbidden", None),
        ("tidegate.join", [{"room": ""}], "invalid_payload", "$.room"),
    ],
)
async def test_bad_calls_are_answered_and_the_connection_lives_on(
    start_gateway: StartGateway,
    node: NodeDriver,
    event: str,
    args: list[object],
    code: str,
    field: str | None,
) -> None:
    chat = Namespace("/chat")

    @chat.on("mark")
    def mark(client: Client, event: Mark) -> str:
        return event.id

    @chat.on("note")
    def note(client: Client, event: Note) -> None: ...

    @chat.on("sum")
    def add(client: Client, left: int, right: int) -> int:
        return left + right

    @chat.on("refuse")
    async def refuse(client: Client) -> None:
        raise Refused("it is somebody else's", code="not_yours")

    @chat.on("fail")
    async def fail(client: Client) -> None:
        raise RuntimeError("with a secret in it")

    @chat.on("no_json")
    def no_json(client: Client) -> object:
        return object()

    @chat.on("no_json_async")
    async def no_json_async(client: Client) -> object:
        return object()

    running = await start_gateway(chat)
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token()})
    await client.wait("connect")
    (answer,) = await client.ask(event, *args)
    assert answer["error"]["code"] == code
    assert answer["error"].get("field") == field
    assert "secret" not in answer["error"]["message"]
    assert await client.ask("mark", {"id": "still here"}) == ["still here"]


async def test_handlers_may_be_decorated(start_gateway: StartGateway, node: NodeDriver) -> None:
    chat = Namespace("/chat")
    tasks: set[asyncio.Task[Any]] = set()

    def noted(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(client: Client, number: int) -> Any:
            return function(client, number)

        return wrapper

    def in_the_background(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(client: Client, number: int) -> str:
            tasks.add(asyncio.create_task(function(client, number)))
            return "begun"

        return wrapper

    @chat.on("double")
    @noted
    async def double(client: Client, number: int) -> int:
        return 2 * number

    @chat.on("begin")
    @in_the_background
    async def begin(client: Client, number: int) -> None: ...

    running = await start_gateway(chat)
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token()})
    await client.wait("connect")
    assert await client.ask("double", 21) == [42]
    assert await client.ask("begin", 1) == ["begun"]
    await asyncio.gather(*tasks)


async def test_binary_travels_both_ways(start_gateway: StartGateway, node: NodeDriver) -> None:
    chat = Namespace("/chat", events=[Blob])

    @chat.on("upload")
    async def upload(client: Client, event: Upload) -> dict[str, object]:
        await client.tenant.emit(Blob(event.name, event.body + b"!"))
        return {"size": len(event.body), "echo": event.body}

    running = await start_gateway(chat)
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token()})
    await client.wait("connect")
    assert await client.ask("upload", {"name": "n", "body": {"$bytes": "AAEC"}}) == [
        {"size": 3, "echo": {"$bytes": "AAEC"}}
    ]
    assert await client.heard("blob", 1) == [{"name": "n", "body": {"$bytes": "AAECIQ=="}}]


async def test_more_attachments_than_clients_take_are_refused_at_emit(
    start_gateway: StartGateway,
) -> None:
    running = await start_gateway()
    with pytest.raises(PayloadError, match="at most 10"):
        await running.gateway.tenant("acme").emit("files", [b"x"] * 11)
    assert await running.gateway.log.heads() == [0]


async def test_the_server_asks_and_the_client_answers(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    chat = Namespace("/chat")
    answers: list[object] = []

    @chat.on("ask me")
    async def ask(client: Client) -> None:
        answers.append(await client.call("question", {"n": 1}))

    running = await start_gateway(chat)
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token()})
    await client.wait("connect")
    await client.ask("ask me")
    assert answers == [{"n": 1}]
    (question,) = client.said("event")
    assert question["args"] == [{"n": 1}]  # and then the callback, as from the official server


async def test_handlers_of_one_client_run_in_order_and_hold_up_nobody_else(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    chat = Namespace("/chat")
    gate, seen = asyncio.Event(), []

    @chat.on("slow")
    async def slow(client: Client, n: int) -> None:
        await gate.wait()
        seen.append((client.user_id, n))

    @chat.on("fast")
    async def fast(client: Client, n: int) -> None:
        seen.append((client.user_id, n))

    running = await start_gateway(chat)
    one = node.client("1", f"{running.url}/chat", auth={"token": make_token(user="1")})
    two = node.client(
        "2", f"{running.url}/chat", forceNew=True, auth={"token": make_token(user="2")}
    )
    await one.wait("connect")
    await two.wait("connect")
    one.emit("slow", 1)
    one.emit("fast", 2)
    await two.ask("fast", 3)
    assert seen == [("2", 3)]
    gate.set()
    await until(lambda: len(seen) == 3, "the first client's handlers")
    assert seen == [("2", 3), ("1", 1), ("1", 2)]


async def test_audiences(start_gateway: StartGateway, node: NodeDriver) -> None:
    chat = Namespace("/chat")

    @chat.on("say")
    async def say(client: Client, text: str) -> None:
        await client.tenant.emit("said", text, exclude=client)
        await client.emit("echo", text)

    running = await start_gateway(chat)
    people = {}
    for tenant, user in (("acme", "1"), ("acme", "2"), ("globex", "1")):
        client = node.client(
            f"{tenant}{user}",
            f"{running.url}/chat",
            forceNew=True,
            auth={"token": make_token(tenant, user)},
        )
        await client.wait("connect")
        people[client.name] = client
    await people["acme1"].ask("say", "hello")
    await running.gateway.tenant("acme").user("1").emit("only", "you")
    await running.gateway.tenant("globex").emit("end", None)
    await running.gateway.tenant("acme").emit("end", None)
    heard = {}
    for name, client in people.items():
        await client.heard("end", 1)
        heard[name] = [line["event"] for line in client.said("event")]
    assert heard == {
        "acme1": ["echo", "only", "end"],
        "acme2": ["said", "end"],
        "globex1": ["end"],
    }


async def test_the_same_message_id_is_delivered_once(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    running = await start_gateway()
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token()})
    await client.wait("connect")
    tenant = running.gateway.tenant("acme")
    for n in (1, 2):
        await tenant.emit("tick", n, message_id="same")
    await tenant.emit("tick", 3)
    assert await client.heard("tick", 2) == [1, 3]


async def test_a_slow_client_catches_up_in_order(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    limits = {"write_buffer": 16 * 1024}
    running = await start_gateway(limits=limits)
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token()})
    await client.wait("connect")
    client.hold()
    (socket,) = running.gateway.hub.sockets_of(running.gateway.tenant("acme").tenant_id)
    count = 0
    pad = secrets.token_urlsafe(6_000)  # uvicorn compresses
    while socket.is_live:
        await running.gateway.tenant("acme").emit("tick", {"n": count, "pad": pad})
        await asyncio.sleep(0.001)  # events in one turn of the loop would only fill our buffer
        count += 1
        assert count < 2_000
    for _ in range(20):
        await running.gateway.tenant("acme").emit("tick", {"n": count, "pad": "x" * 100})
        count += 1
    client.resume()
    heard = await client.heard("tick", count)
    assert [event["n"] for event in heard] == list(range(count))
    await until(lambda: socket.is_live, "the client to be live again")


async def test_a_client_that_never_reads_is_disconnected_and_memory_stays_bounded(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    chat, gone = Namespace("/chat"), []

    @chat.on_disconnect
    def note(client: Client, reason: str) -> None:
        gone.append(reason)

    window = {"bytes": 2_000_000, "tenant_bytes": 1_000_000}
    running = await start_gateway(chat, limits={"write_buffer": 16 * 1024}, window=window)
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token()})
    await client.wait("connect")
    client.hold()
    hub = running.gateway.hub
    tenant = running.gateway.tenant("acme")
    listener = running.gateway.listener
    assert listener is not None
    (connection,) = listener.connections
    most = 0
    for n in range(1_000):
        await tenant.emit("tick", {"n": n, "pad": "x" * 20_000})
        most = max(most, connection.transport.get_write_buffer_size())
    await until(lambda: hub.stats.lagging == 1, "the client to be given up")
    assert hub.window.bytes <= 1_000_000
    assert most < 16 * 1024 + 256 * 1024 + 50_000
    client.resume()
    assert (await client.wait("connect", 2))["recovered"] is False
    assert gone == ["lagging"]


async def test_what_was_published_before_a_disconnect_is_heard_before_it(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    running = await start_gateway()
    clients = [
        node.client(
            f"c{number}", f"{running.url}/chat", auth={"token": make_token(user="7")}, forceNew=True
        )
        for number in range(3)
    ]
    for client in clients:
        await client.wait("connect")
    user = running.gateway.tenant("acme").user("7")
    for number in range(3):
        await user.emit("tick", {"n": number}, namespace="/chat")
    await user.disconnect()
    for client in clients:
        await client.wait("disconnect")
        assert [event["n"] for event in client.events("tick")] == [0, 1, 2]
