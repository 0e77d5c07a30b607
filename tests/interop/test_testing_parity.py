"""One story, told twice: in memory by `tidegate.testing`, and by the official client on a socket.

What the clients hear, are answered and are refused with is written down by both, and is the same.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import pytest
from msgspec import Struct

from tests.conftest import StartGateway, make_settings, make_token, until
from tests.interop.official_client import NodeDriver, OfficialClient
from tidegate import Client, Event, Gateway, Namespace, Refused
from tidegate.testing import ConnectError, TestClient, TestGateway

SERVERS = ("own", "asgi")


class Created(Event, name="created"):
    id: str


class Picture(Event, name="picture", rename="camel"):
    file_name: str
    body: bytes


class Mark(Struct):
    id: str
    tags: list[str] = []


def namespaces() -> list[Namespace]:
    """Both tellings have the same; the functions are their own."""
    news, other = Namespace("/news", events=[Created, Picture]), Namespace("/other")

    @news.on_connect
    def enter(client: Client) -> None:
        if client.claims.get("suspended"):
            raise Refused("this account is suspended")
        client.join("lobby")

    @news.on("mark")
    async def mark(client: Client, event: Mark) -> dict[str, Any]:
        return {"id": event.id, "by": client.user_id, "of": client.tenant_id}

    @news.on("sum")
    def add(client: Client, left: int, right: int = 1) -> int:
        return left + right

    @news.on("blob")
    async def blob(client: Client, body: bytes) -> tuple[bytes, str]:
        return body[::-1], "second"

    @news.on("fail")
    def fail(client: Client) -> None:
        raise LookupError

    @news.on("say")
    async def say(client: Client, text: str) -> None:
        await client.tenant.room("game:7").emit("said", {"text": text}, exclude=client)

    @news.on("ask")
    async def ask(client: Client) -> Any:
        return await client.call("confirm", {"sure": True})

    @news.room("game:{number}")
    def may_join(client: Client, number: int) -> bool:
        return number in client.claims.get("games", [])

    return [news, other]


class Page(Protocol):
    """What both kinds of clients can do."""

    async def call(self, event: str, *arguments: Any) -> Any: ...
    async def drop(self) -> None: ...
    async def come_back(self) -> bool: ...
    async def leave(self) -> None: ...
    async def end(self) -> str: ...
    async def heard(self, count: int) -> list[tuple[str, Any]]: ...


Connect = Callable[..., Awaitable[Page]]
Refusal = Callable[..., Awaitable[tuple[str, str, bool]]]


async def story(gateway: Gateway, connect: Connect, refusal: Refusal) -> list[Any]:
    """Play it, and return all that anybody heard."""
    told: list[Any] = []
    ada = await connect(tenant="acme", user="ada", claims={"games": [7]})
    bob = await connect(tenant="acme", user="bob", claims={"games": [7]})
    eve = await connect(tenant="globex", user="ada", claims={"games": [7]})

    for event, *arguments in (
        ("mark", {"id": "1", "tags": ["a"]}),
        ("mark", {"id": 1}),
        ("sum", 1, 2),
        ("sum", 1),
        ("sum", 1, "2"),
        ("sum",),
        ("blob", b"abc"),
        ("fail",),
        ("nobody.handles.this", {}),
        ("tidegate.join", {"room": "game:8"}),
        ("tidegate.join", "game:7"),
        ("tidegate.leave", "game:9"),
        ("ask",),
    ):
        told.append((event, await ada.call(event, *arguments)))
    for other in (bob, eve):
        told.append(await other.call("tidegate.join", {"room": "game:7"}))

    acme, globex = gateway.tenant("acme"), gateway.tenant("globex")
    await acme.emit(Created("1"))
    await acme.user("ada").emit(Created("2"))
    await acme.emit(Picture(file_name="é.png", body=b"\x89PNG"))
    await acme.room("lobby").emit("plain", [1, None, "x"], namespace="/news")
    await globex.emit("theirs", None, namespace="/news")
    told.append(await bob.call("say", "hello"))
    await acme.emit(Created("3"), message_id="m")
    await acme.emit(Created("3"), message_id="m")
    told += [await ada.heard(7), await bob.heard(4), await eve.heard(1)]

    await ada.drop()
    await acme.user("ada").emit(Created("4"))
    await acme.user("bob").emit(Created("5"))
    await acme.room("game:7").emit("missed", {}, namespace="/news")
    told.append(("back", await ada.come_back(), await ada.heard(9)))
    await acme.emit("end", {}, namespace="/news")
    told += [await ada.heard(10), await bob.heard(7)]

    await bob.leave()
    told.append(("after leaving", await bob.come_back()))
    await acme.user("ada").revoke()
    told.append(("revoked", await ada.end()))
    attempts: list[dict[str, Any]] = [
        {"auth": {}},
        {"auth": {"token": 7}},
        {"auth": {"token": "forged"}},
        {"claims": {"iat": 1}},
        {"expires_in": -60},
        {"user": "carl", "claims": {"suspended": True}},
        {"user": "carl", "namespace": "/nowhere"},
    ]
    for presented in attempts:
        told.append(("refused", await refusal(**presented)))
    told.append(await eve.heard(1))
    return told


# In memory


class MemoryPage:
    def __init__(self, client: TestClient) -> None:
        self._client = client
        client.on("confirm", lambda question: question)

    async def call(self, event: str, *arguments: Any) -> Any:
        return await self._client.call(event, *arguments)

    async def drop(self) -> None:
        await self._client.drop()

    async def come_back(self) -> bool:
        await self._client.reconnect()
        return self._client.is_recovered

    async def leave(self) -> None:
        await self._client.disconnect()

    async def end(self) -> str:
        return await self._client.wait_disconnected()

    async def heard(self, count: int) -> list[tuple[str, Any]]:
        await until(lambda: len(self._client.events) >= count, f"{count} events")
        return [tuple(event) for event in self._client.events]


async def told_in_memory() -> list[Any]:
    gateway = Gateway(namespaces())
    async with TestGateway(gateway) as world:

        async def connect(namespace: str = "/news", **who: Any) -> MemoryPage:
            return MemoryPage(await world.connect(namespace, **who))

        async def refusal(**presented: Any) -> tuple[str, str, bool]:
            if "auth" not in presented:
                presented = {"tenant": "acme", "user": "ada", **presented}
            with pytest.raises(ConnectError) as refused:
                await connect(**presented)
            return refused.value.code, refused.value.message, refused.value.retry

        return await story(gateway, connect, refusal)


# On a socket


def plain(value: Any) -> Any:
    """Return a value of the driver's JSON with its bytes."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        if "$bytes" in value:
            return base64.b64decode(value["$bytes"])
        return {key: plain(item) for key, item in value.items()}
    return value


class SocketPage:
    def __init__(self, client: OfficialClient) -> None:
        self._client = client

    async def call(self, event: str, *arguments: Any) -> Any:
        sent = [
            {"$bytes": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
            for value in arguments
        ]
        values = plain(await self._client.ask(event, *sent))
        return values[0] if len(values) == 1 else values or None

    async def drop(self) -> None:
        times = len(self._client.said("disconnect"))
        self._client.cut()
        await self._client.wait("disconnect", times + 1)

    async def come_back(self) -> bool:
        """It does so by itself after a cut, and may be back already."""
        times = len(self._client.said("disconnect"))
        if not self._client.said("disconnect")[-1]["active"]:
            self._client.open()
        recovered: bool = (await self._client.wait("connect", times + 1))["recovered"]
        return recovered

    async def leave(self) -> None:
        self._client.disconnect()
        await self._client.wait("disconnect", len(self._client.said("disconnect")) + 1)

    async def end(self) -> str:
        reason: str = (await self._client.wait("disconnect", 2))["reason"]
        return reason

    async def heard(self, count: int) -> list[tuple[str, Any]]:
        await until(lambda: len(self._client.said("event")) >= count, f"{count} events")
        events = self._client.said("event")
        return [
            (line["event"], plain(line["args"][0]) if line["args"] else None) for line in events
        ]


async def told_on_a_socket(start_gateway: StartGateway, node: NodeDriver) -> list[Any]:
    running = await start_gateway(*namespaces(), auth={"leeway": 0})
    names = iter("abcdefghijklmnopqrstuvwxyz")

    def client(namespace: str, auth: dict[str, Any]) -> OfficialClient:
        return node.client(next(names), running.url + namespace, auth=auth, forceNew=True)

    def auth_of(
        tenant: str = "acme",
        user: str = "ada",
        expires_in: float = 60,
        claims: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        return {"token": make_token(tenant, user, ttl=expires_in, **(claims or {}))}

    async def connect(namespace: str = "/news", **who: Any) -> SocketPage:
        connected = client(namespace, auth_of(**who))
        await connected.wait("connect")
        return SocketPage(connected)

    async def refusal(
        namespace: str = "/news", auth: dict[str, Any] | None = None, **who: Any
    ) -> tuple[str, str, bool]:
        refused = client(namespace, auth_of(**who) if auth is None else auth)
        error = await refused.wait("connect_error")
        return error["data"]["code"], error["message"], error["data"]["retry"]

    return await story(running.gateway, connect, refusal)


async def test_the_story_is_the_same_in_memory_and_on_a_socket(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    in_memory = await told_in_memory()
    on_a_socket = await told_on_a_socket(start_gateway, node)
    for one, other in zip(in_memory, on_a_socket, strict=True):
        assert one == other


def test_the_settings_of_both_differ_in_nothing_that_a_client_could_tell() -> None:
    """Guards the comparison: the socket's gateway has the defaults, too."""
    ours = make_settings(auth={"leeway": 0}).model_dump()
    theirs = TestGateway(Gateway())._settings.model_dump()
    different = {key for key in ours if ours[key] != theirs[key]}
    assert different == {"port", "origins", "auth"}
    assert {key for key in ours["auth"] if ours["auth"][key] != theirs["auth"][key]} == {"secret"}
