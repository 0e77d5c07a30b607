"""Clients that knock at a gateway's door without a network."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import jwt
from pydantic import SecretStr

from tidegate import Gateway, Namespace, Settings
from tidegate.app.settings import AuthSettings
from tidegate.hub import Socket
from tidegate.ids import EngineSid
from tidegate.protocol.connection import ConnectionConfig, ServerConnection
from tidegate.protocol.events import ConnectRequested

__all__ = ["Visitor", "gateway_with"]

SECRET = "a secret of this test, long enough for HS256"
CONFIG = ConnectionConfig()


class Visitor:
    """A connection of one user of the tenant `acme`, and what was written to it."""

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

    def ask(self, gateway: Gateway, **auth: str) -> None:
        """Send CONNECT to `/news`."""
        payload = json.dumps({"token": self.token, **auth})
        (event,) = self.core.receive_text(f"40/news,{payload}", 0.0)
        assert isinstance(event, ConnectRequested)
        gateway.reception.connect_requested(self, event)

    @property
    def reply(self) -> dict[str, Any]:
        """The payload of the packet that it was answered with."""
        text = str(self.received[-1])
        reply: dict[str, Any] = json.loads(text[text.index("{") :])
        return reply

    async def answered(self) -> None:
        """Wait until anything was written to it."""
        for _ in range(1_000):
            if self.received:
                return
            await asyncio.sleep(0)
        raise AssertionError("no answer came in 1,000 turns of the loop")

    @property
    def transport(self) -> Visitor:
        return self

    def write(self, data: bytes) -> None:
        self.received.append(data)

    def let_in(self) -> None:
        """Take it: nobody counts."""

    def wait_again(self) -> None:
        """Take it: nobody counts."""

    def flush(self) -> None:
        self.received += self.core.data_to_send()

    def close(self, reason: str, code: int = 1000) -> None:
        self.is_open = False

    def abort(self, reason: str) -> None:
        self.is_open = False


def gateway_with(namespace: Namespace) -> Gateway:
    """Return a gateway that takes the visitors' tokens."""
    return Gateway([namespace], settings=Settings(auth=AuthSettings(secret=SecretStr(SECRET))))
