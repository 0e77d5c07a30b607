"""Shared parts: a running gateway, tokens, and waiting for conditions."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import jwt
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from tests.asgi_server import ASGIServer
from tests.broker import PrivateBroker
from tidegate import Gateway, Namespace, Settings

if TYPE_CHECKING:
    from tests.interop.official_client import NodeDriver

SECRET = "a secret for tests that is long enough: 0123456789abcdef"
PATIENCE = 10.0

StartGateway = Callable[..., Awaitable["Running"]]


class Running:
    """A started gateway, where it listens, and how to stop it."""

    def __init__(self, gateway: Gateway, port: int, stop: Callable[[], Awaitable[None]]) -> None:
        self.gateway = gateway
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.stop = stop


class Broker(NamedTuple):
    """A RabbitMQ that tests share; names in it are theirs alone if they are random."""

    url: str
    stream_url: str


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """The broker that TIDEGATE_TEST_AMQP_URL names (its streams on port 5552, or as
    TIDEGATE_TEST_STREAM_URL says), else a private one."""
    url = os.environ.get("TIDEGATE_TEST_AMQP_URL")
    if url is not None:
        user = urlsplit(url).netloc.rpartition("@")[0] or "guest:guest"
        stream = f"rabbitmq-stream://{user}@{urlsplit(url).hostname}:5552/"
        yield Broker(url, os.environ.get("TIDEGATE_TEST_STREAM_URL", stream))
    else:
        with PrivateBroker() as private:
            yield Broker(private.url, private.stream_url)


@pytest.fixture
async def node() -> AsyncIterator[NodeDriver]:
    """Official clients in a Node process."""
    from tests.interop.official_client import NodeDriver

    driver = NodeDriver()
    await driver.start()
    yield driver
    await driver.stop()


def make_settings(**changes: Any) -> Settings:
    auth = {"secret": SECRET} | changes.pop("auth", {})
    values = {"port": 0, "origins": ["*"], "auth": auth, "drain_seconds": 0.0, **changes}
    return Settings.model_validate(values)


def make_token(tenant: str = "acme", user: str = "42", *, ttl: float = 60, **claims: Any) -> str:
    now = time.time()
    return jwt.encode(
        {"sub": user, "tenantId": tenant, "exp": now + ttl, "iat": int(now), **claims},
        SECRET,
        algorithm="HS256",
    )


async def until(condition: Callable[[], Any], what: str = "the condition") -> Any:
    """Return the condition's value once it is true."""
    end = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {PATIENCE} s for {what}"
        await asyncio.sleep(0.005)
    return value


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "own_server: the test is about the gateway's own server")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of a module with ``SERVERS`` on each of them."""
    if "server" in metafunc.fixturenames:
        servers = getattr(metafunc.module, "SERVERS", ("own",))
        if metafunc.definition.get_closest_marker("own_server"):
            servers = ("own",)
        metafunc.parametrize("server", servers)


@pytest.fixture
async def start_gateway(server: str) -> AsyncIterator[StartGateway]:
    """Starts gateways on a server: their own, or uvicorn with the gateway in a Starlette app."""
    running: list[Running] = []
    run = {"own": _run_own, "asgi": _run_mounted}[server]

    async def start(*namespaces: Namespace, **settings: Any) -> Running:
        gateway = Gateway(namespaces or [Namespace("/chat")], settings=make_settings(**settings))
        running.append(await run(gateway))
        return running[-1]

    yield start
    for each in running:
        await each.stop()


async def _run_own(gateway: Gateway) -> Running:
    try:
        await gateway.start()
        return Running(gateway, await gateway.listen(), gateway.stop)
    except BaseException:
        await gateway.stop()
        raise


async def _run_mounted(gateway: Gateway) -> Running:
    # Tests allow any origin, which only development permits.
    gateway.configure(gateway.settings.model_copy(update={"dev": True}))
    app = Starlette(routes=[Mount("/", gateway.asgi())], lifespan=gateway.lifespan)
    server = ASGIServer(app)
    return Running(gateway, await server.start(gateway.settings.port), server.stop)
