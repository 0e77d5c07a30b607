"""What only a mounted gateway has: paths, lifespans, neighbours, and the server's own ways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import fastapi
import httpx
import pytest
import websockets
from starlette.applications import Starlette
from starlette.routing import Mount, WebSocketRoute
from starlette.types import ASGIApp

from tests.asgi_server import ASGIServer
from tests.conftest import make_settings, make_token, until
from tests.interop.official_client import NodeDriver
from tidegate import Client, Gateway, Namespace
from tidegate.errors import LogError

Serve = Callable[..., Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serves an application with uvicorn and returns its URL."""
    servers: list[ASGIServer] = []

    async def start(app: ASGIApp, **options: Any) -> str:
        server = ASGIServer(app, **options)
        port = await server.start()
        servers.append(server)
        return f"http://127.0.0.1:{port}"

    yield start
    for server in servers:
        await server.stop()


def make_gateway(*namespaces: Namespace, **settings: Any) -> Gateway:
    return Gateway(
        namespaces or [Namespace("/chat")], settings=make_settings(**{"dev": True} | settings)
    )


def echo_namespace() -> Namespace:
    chat = Namespace("/chat")

    @chat.on("echo")
    def echo(client: Client, value: Any) -> Any:
        return value

    return chat


# Where it is mounted


async def test_under_a_prefix_of_fastapi_with_neighbours(serve: Serve, node: NodeDriver) -> None:
    gateway = make_gateway()
    app = fastapi.FastAPI(lifespan=gateway.lifespan)

    @app.post("/orders/{number}")
    async def order(number: int) -> dict[str, int]:
        await gateway.tenant("acme").user("42").emit("ordered", {"number": number})
        return {"number": number}

    @app.websocket("/other")
    async def other(websocket: fastapi.WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("still here")
        await websocket.close()

    app.mount("/realtime", gateway.asgi())
    url = await serve(app)
    options = {"path": "/realtime/socket.io/", "auth": {"token": make_token()}}
    client = node.client("a", f"{url}/chat", **options)
    await client.wait("connect")
    async with httpx.AsyncClient(base_url=url) as http:
        assert (await http.post("/orders/7")).json() == {"number": 7}
        assert (await http.get("/realtime/health/live")).json() == {"status": "live"}
        assert (await http.get("/realtime/nothing")).status_code == 404
        assert (await http.get("/socket.io/?EIO=4&transport=polling")).status_code == 404
        polling = await http.get("/realtime/socket.io/?EIO=4&transport=polling")
    assert polling.status_code == 400 and "WebSocket only" in polling.text
    assert await client.heard("ordered", 1) == [{"number": 7}]
    async with websockets.connect(url.replace("http", "ws") + "/other") as socket:
        assert await socket.recv() == "still here"


@pytest.mark.parametrize(
    "route",
    [
        lambda app: Mount("/socket.io", app),
        lambda app: Mount("/", app),
        lambda app: WebSocketRoute("/socket.io/", app),
    ],
    ids=["mount at the endpoint", "mount at the root", "websocket route"],
)
async def test_at_the_default_path(
    serve: Serve, node: NodeDriver, route: Callable[[ASGIApp], Any]
) -> None:
    gateway = make_gateway()
    url = await serve(Starlette(routes=[route(gateway.asgi())], lifespan=gateway.lifespan))
    client = node.client("a", f"{url}/chat", auth={"token": make_token()})
    await client.wait("connect")


async def test_behind_a_proxy_that_strips_a_prefix(serve: Serve, node: NodeDriver) -> None:
    url = await serve(make_gateway().asgi(), root_path="/api")
    client = node.client("a", f"{url}/chat", auth={"token": make_token()})
    await client.wait("connect")


async def test_a_websocket_elsewhere_finds_nothing(serve: Serve) -> None:
    url = (await serve(make_gateway().asgi())).replace("http", "ws")
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(f"{url}/elsewhere")
    assert refused.value.response.status_code == 404


# Lifespans


async def test_it_joins_a_lifespan_and_is_usable_within(serve: Serve) -> None:
    gateway = make_gateway()
    steps: list[object] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        steps.append(gateway.is_started)
        async with gateway.lifespan(app):
            steps.append(gateway.is_ready)
            await gateway.tenant("acme").emit("tick", 1)
            yield
            steps.append(gateway.is_ready)
        steps.append(gateway.is_ready)

    server = ASGIServer(Starlette(routes=[Mount("/", gateway.asgi())], lifespan=lifespan))
    await server.start()
    await server.stop()
    assert steps == [False, True, True, False]


def test_an_application_under_test_lives_many_times() -> None:
    gateway = make_gateway()
    app = Starlette(routes=[Mount("/", gateway.asgi())], lifespan=gateway.lifespan)

    async def live() -> None:
        server = ASGIServer(app)
        endpoint = f"ws://127.0.0.1:{await server.start()}/socket.io/?EIO=4&transport=websocket"
        async with websockets.connect(endpoint) as socket, asyncio.timeout(5):
            assert str(await socket.recv()).startswith("0{")
            await socket.send(f'40/chat,{{"token":"{make_token()}"}}')
            assert str(await socket.recv()).startswith('40/chat,{"sid"')
        await server.stop()

    for _ in range(2):  # each in an event loop of its own, as test clients do it
        asyncio.run(live())


async def test_without_a_lifespan_nobody_is_let_in_and_the_log_says_why(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    url = await serve(Starlette(routes=[Mount("/", make_gateway().asgi())]))
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(f"{url.replace('http', 'ws')}/socket.io/")
    assert refused.value.response.status_code == 503
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"{url}/socket.io/")).status_code == 503
    assert caplog.text.count("lifespan=gateway.lifespan") == 1


@pytest.mark.parametrize("is_root", [True, False])
async def test_unsafe_settings_do_not_start(
    caplog: pytest.LogCaptureFixture, *, is_root: bool
) -> None:
    caplog.set_level("INFO")
    gateway = make_gateway(dev=False)  # any origin
    app: ASGIApp = gateway.asgi()
    if not is_root:
        app = Starlette(routes=[Mount("/", app)], lifespan=gateway.lifespan)
    with pytest.raises(RuntimeError, match="did not start"):
        await ASGIServer(app).start()
    assert "contains *" in caplog.text


async def test_settings_come_from_the_environment_as_for_serve(
    serve: Serve, node: NodeDriver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tidegate.toml").write_text('namespaces = ["/chat"]\npath = "/rt/"\n')
    monkeypatch.setenv("TIDEGATE_AUTH__SECRET", "kqzFv1uX9wq3pTgYb7Jm2RkLc5Nd8HsW0xVe6ZaE4oQ=")
    gateway = Gateway()
    url = await serve(gateway.asgi())
    assert gateway.settings.path == "/rt/"
    client = node.client("a", f"{url}/chat", path="/rt/", auth={"token": "no"})
    assert (await client.wait("connect_error"))["data"]["code"] == "token_invalid"


async def test_without_a_namespace_it_does_not_start() -> None:
    gateway = Gateway(settings=make_settings(dev=True))
    with pytest.raises(Exception, match="nothing is served"):
        async with gateway.lifespan():
            pass


# The servers' own ways


@pytest.mark.parametrize("ws", ["websockets-sansio", "wsproto"])
async def test_uvicorns_websocket_libraries(serve: Serve, node: NodeDriver, ws: str) -> None:
    gateway = make_gateway(echo_namespace(), limits={"payload": 10_000})
    url = await serve(gateway.asgi(), ws=ws)
    entrance = gateway.listener
    assert entrance is not None
    client = node.client("a", f"{url}/chat", auth={"token": make_token()})
    await client.wait("connect")
    assert await client.ask("echo", {"n": "é€", "raw": {"$bytes": "AAH/"}}) == [
        {"n": "é€", "raw": {"$bytes": "AAH/"}}
    ]
    await gateway.tenant("acme").emit("tick", {"text": "é€", "raw": b"\x00\x01"})
    assert await client.heard("tick", 1) == [{"text": "é€", "raw": {"$bytes": "AAE="}}]
    client.emit("echo", "é" * 5_100)  # 5,100 characters, 10,200 bytes
    await client.wait("disconnect")
    assert entrance.closes["payload too large"] == 1
    assert (await client.wait("connect", 2))["recovered"] is True
    client.disconnect()
    await until(lambda: not entrance.connections, "the connection to end")
    assert entrance.doorkeeper.waiting == 0

    endpoint = f"{url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket"
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(endpoint, origin=websockets.Origin("null"))
    assert refused.value.response.status_code == 403
    assert b"origin_not_allowed" in (refused.value.response.body or b"")
    async with websockets.connect(endpoint) as socket:
        await socket.recv()
        await socket.send("nonsense")
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
    assert (socket.close_code, socket.close_reason) == (1002, "parse error")


async def test_a_refusal_is_no_error_in_the_servers_log(caplog: pytest.LogCaptureFixture) -> None:
    server = ASGIServer(make_gateway().asgi())
    url = f"ws://127.0.0.1:{await server.start()}"
    with pytest.raises(websockets.InvalidStatus):
        await websockets.connect(f"{url}/socket.io/?EIO=4&transport=websocket&token=x")
    await server.stop()  # which waits until uvicorn is done with the refused request
    assert [line for line in caplog.records if line.levelname == "ERROR"] == []


async def test_a_server_without_denial_responses_is_told_to_close() -> None:
    gateway = make_gateway()
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/socket.io/", "query_string": b"", "headers": []}
    async with gateway.lifespan():
        await gateway.asgi()(scope, receive, send)
    assert sent == [{"type": "websocket.close"}]


async def test_a_server_without_websockets_is_named(serve: Serve) -> None:
    url = await serve(make_gateway().asgi(), ws="none")
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(
            f"{url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket"
        )
    assert refused.value.response.status_code == 501


# Ends


async def test_clients_come_back_after_a_shutdown(node: NodeDriver) -> None:
    chat, gone = Namespace("/chat"), []

    @chat.on_disconnect
    async def note(client: Client, reason: str) -> None:
        gone.append(reason)

    gateway = make_gateway(chat)
    server = ASGIServer(gateway.asgi())
    port = await server.start()
    client = node.client("a", f"http://127.0.0.1:{port}/chat", auth={"token": make_token()})
    await client.wait("connect")
    before = asyncio.all_tasks()
    await server.stop()
    lost = await client.wait("disconnect")
    assert (lost["reason"], lost["active"]) == ("transport close", True)
    assert gone == ["going away"]
    assert asyncio.all_tasks() < before
    again = ASGIServer(make_gateway().asgi())
    await again.start(port)
    assert (await client.wait("connect", 2))["recovered"] is False
    await again.stop()


async def test_leaving_the_lifespan_closes_whoever_is_there(serve: Serve) -> None:
    gateway = make_gateway()
    app = gateway.asgi()
    life = gateway.lifespan()
    await life.__aenter__()
    url = await serve(app, lifespan="off")
    endpoint = f"{url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket"
    async with websockets.connect(endpoint) as socket:
        await socket.recv()
        await life.__aexit__(None, None, None)
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
    assert socket.close_code == 1001
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(endpoint)
    assert refused.value.response.status_code == 503


async def test_a_node_that_lost_its_log_sends_its_clients_elsewhere(
    serve: Serve, node: NodeDriver
) -> None:
    gateway = make_gateway()
    url = await serve(gateway.asgi())
    client = node.client("a", f"{url}/chat", reconnection=False, auth={"token": make_token()})
    await client.wait("connect")
    gateway.follower._fail(LogError("lost"))
    assert (await client.wait("disconnect"))["reason"] == "transport close"
    assert gateway.is_ready is False
