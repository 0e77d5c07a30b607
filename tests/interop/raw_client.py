"""A Socket.IO client that does what the official one never would."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Self

import websockets
from websockets.asyncio.client import ClientConnection

from tests.conftest import PATIENCE, make_token

__all__ = ["RawClient"]


class RawClient:
    """One WebSocket, over which packets go as they are given; pings are answered."""

    def __init__(self, port: int) -> None:
        self._url = f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"
        self._socket: ClientConnection | None = None

    async def __aenter__(self) -> Self:
        self._socket = await websockets.connect(self._url)
        assert (await self.next()).startswith("0")
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.socket.close()

    @property
    def socket(self) -> ClientConnection:
        assert self._socket is not None
        return self._socket

    async def send(self, *packets: str) -> None:
        for packet in packets:
            await self.socket.send(packet)

    async def connect(self, namespace: str = "/chat", **claims: Any) -> None:
        """Send CONNECT without waiting for the answer."""
        await self.send(f"40{namespace},{json.dumps({'token': make_token(**claims)})}")

    async def next(self) -> str:
        """Return the next packet."""
        async with asyncio.timeout(PATIENCE):
            while (packet := await self.socket.recv()) == "2":
                await self.socket.send("3")
        assert isinstance(packet, str)
        return packet

    async def closed(self) -> None:
        """Wait until the server has closed the connection."""
        async with asyncio.timeout(PATIENCE):
            await self.socket.wait_closed()
