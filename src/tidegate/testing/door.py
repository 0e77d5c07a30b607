"""Where a client of a test connects to, and what it is told there when it is not let in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from starlette.types import ASGIApp

from tidegate.ids import NamespaceName
from tidegate.testing.errors import ConnectError
from tidegate.transports.memory import HTTPRefusal, MemoryWebSocket

__all__ = ["Door"]

_QUERY = "EIO=4&transport=websocket"


class Door(msgspec.Struct, frozen=True):
    """Where a client connects to.

    Attributes:
        app: The gateway as an ASGI application.
        path: Of the Socket.IO endpoint.
        address: The client's IP address.
        origin: The page's, if it is one.
        namespace: To connect to.
        hint: Said in a refusal to who wrote the test.
    """

    app: ASGIApp
    path: str
    address: str
    origin: str | None
    namespace: NamespaceName
    hint: str

    def websocket(
        self, on_message: Callable[[str | bytes], None], on_close: Callable[[int, str], None]
    ) -> MemoryWebSocket:
        """Return a WebSocket that is not open yet; `MemoryWebSocket` tells of the functions."""
        return MemoryWebSocket(self.app, on_message=on_message, on_close=on_close)

    async def open(self, websocket: MemoryWebSocket) -> None:
        """Open a WebSocket of this door.

        Raises:
            ConnectError: The upgrade was refused.
        """
        headers = {} if self.origin is None else {"origin": self.origin}
        refusal = await websocket.open(self.path, _QUERY, headers, self.address)
        if refusal is not None:
            raise _refused_upgrade(refusal)

    def refused_connect(self, error: Mapping[str, Any]) -> ConnectError:
        """Return what a CONNECT_ERROR means.

        Args:
            error: Its payload, the official client's ``err``.
        """
        data = error.get("data") or {}
        code, message = data.get("code", ""), error.get("message", "")
        hint = self.hint if code == "forbidden" and message == "Invalid namespace" else ""
        return ConnectError(code, message, retry=data.get("retry", False), hint=hint)


def _refused_upgrade(refusal: HTTPRefusal) -> ConnectError:
    try:
        body = msgspec.json.decode(refusal.body, type=dict[str, Any])
    except msgspec.DecodeError:
        body = {}
    error = body.get("error", body)
    message = error.get("message", f"HTTP status {refusal.status}")
    return ConnectError(str(error.get("code", refusal.status)), message)
