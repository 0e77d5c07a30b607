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

from tests.broker import PrivateBroker
from tidegate import Gateway, Namespace, Settings

if TYPE_CHECKING:
    from tests.interop.official_client import NodeDriver

SECRET = "a secret for tests that is long enough: 0123456789abcdef"
PATIENCE = 10.0

StartGateway = Callable[..., Awaitable["Running"]]


class Running:
    """A started gateway and where it listens."""

    def __init__(self, gateway: Gateway, port: int) -> None:
        self.gateway = gateway
        self.port = port
        self.url = f"http://127.0.0.1:{port}"


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


@pytest.fixture
async def start_gateway() -> AsyncIterator[StartGateway]:
    running: list[Gateway] = []

    async def start(*namespaces: Namespace, **settings: Any) -> Running:
        gateway = Gateway(namespaces or [Namespace("/chat")], settings=make_settings(**settings))
        await gateway.start()
        running.append(gateway)
        return Running(gateway, await gateway.listen())

    yield start
    for gateway in running:
        await gateway.stop()
