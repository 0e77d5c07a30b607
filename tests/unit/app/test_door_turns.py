"""Many clients at the door at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from tidegate import Gateway, Namespace, Settings
from tidegate.app.door import CONNECTS_PER_TURN
from tidegate.app.settings import AuthSettings
from tidegate.hub import Socket
from tidegate.ids import EngineSid, TenantId
from tidegate.protocol.connection import ConnectionConfig, ServerConnection
from tidegate.protocol.events import ConnectRequested

SECRET = "a secret of this test, long enough for HS256"
CONFIG = ConnectionConfig()


class Client:
    """A connection without a network."""

    def __init__(self, number: int) -> None:
        self.core = ServerConnection(EngineSid(str(number)), CONFIG, 0.0)
        self.core.data_to_send()
        self.sockets: tuple[Socket, ...] = ()
        self.address = "192.0.2.7"
        self.bucket: Any = None
        self.is_writable = self.is_open = True
        self.takes_compressed = False
        self.received: list[str | bytes] = []
        claims = {"tenantId": "acme", "sub": f"user-{number}", "exp": 4_000_000_000}
        self.token = jwt.encode(claims, SECRET, algorithm="HS256")

    def ask(self, gateway: Gateway) -> None:
        (event,) = self.core.receive_text(f'40/news,{{"token":"{self.token}"}}', 0.0)
        assert isinstance(event, ConnectRequested)
        gateway.reception.connect_requested(self, event)

    @property
    def transport(self) -> Client:
        return self

    def write(self, data: bytes) -> None:
        self.received.append(data)

    def let_in(self) -> None:
        """Take it: nobody counts."""

    def flush(self) -> None:
        self.received += self.core.data_to_send()

    def close(self, reason: str, code: int = 1000) -> None:
        self.is_open = False

    def abort(self, reason: str) -> None:
        self.is_open = False


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    settings = Settings(auth=AuthSettings(secret=SecretStr(SECRET)))
    gateway = Gateway([Namespace("/news")], settings=settings)
    await gateway.start()
    yield gateway
    await gateway.stop()


async def test_a_crowd_is_let_in_by_turns(gateway: Gateway) -> None:
    crowd = [Client(number) for number in range(3 * CONNECTS_PER_TURN)]
    for client in crowd:
        client.ask(gateway)

    assert sum(1 for client in crowd if client.sockets) == CONNECTS_PER_TURN
    await _until_answered(crowd[-1])

    assert all(len(client.sockets) == 1 for client in crowd)


async def test_who_goes_before_their_turn_leaves_nothing_behind(gateway: Gateway) -> None:
    crowd = [Client(number) for number in range(CONNECTS_PER_TURN + 2)]
    for client in crowd:
        client.ask(gateway)
    gone, last = crowd[-2:]

    gone.is_open = False
    gateway.reception.connection_lost(gone, "transport close")
    await _until_answered(last)

    assert not gone.sockets
    assert not gone.received
    assert len(gateway.hub.sockets_of(TenantId("acme"))) == CONNECTS_PER_TURN + 1


async def _until_answered(client: Client) -> None:
    for _ in range(1_000):
        if client.received:
            return
        await asyncio.sleep(0)
    raise AssertionError("no answer came in 1,000 turns of the loop")
