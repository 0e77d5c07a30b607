"""A WebSocket without a network, for tests: an ASGI server for one client, in memory.

The gateway's end of it is the one that it has in any ASGI server (`ASGIConnection`), with the same
checks at the door, the same protocol core, the same outbox; here is the other end.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

from starlette.types import ASGIApp, Scope
from starlette.types import Message as ASGIMessage

__all__ = ["HTTPRefusal", "MemoryWebSocket"]

NO_CLOSE_FRAME = 1006
"""RFC 6455, section 7.4.1: the connection went without a word."""


class HTTPRefusal(NamedTuple):
    """The answer to an upgrade that was not accepted."""

    status: int
    body: bytes


class MemoryWebSocket:
    """One client's WebSocket to an ASGI application in the same event loop.

    Args:
        app: The application.
        on_message: Called with each message of the application, in order; must not raise.
        on_close: Called once with close code and reason, when the application or the client has
            ended the connection; not if it was refused.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        on_message: Callable[[str | bytes], None],
        on_close: Callable[[int, str], None],
    ) -> None:
        self._app = app
        self._on_message = on_message
        self._on_close = on_close
        self._sent: deque[ASGIMessage] = deque([{"type": "websocket.connect"}])
        self._disconnect: ASGIMessage | None = None
        self._reader: asyncio.Future[None] | None = None
        self._idle = asyncio.Event()
        self._status = 0
        self._answer: asyncio.Future[HTTPRefusal | None]
        self._task: asyncio.Task[None] | None = None
        self.is_open = False

    async def open(
        self, path: str, query: str, headers: Mapping[str, str], address: str
    ) -> HTTPRefusal | None:
        """Ask for the connection; None means that it is open.

        Args:
            path: Begins with a slash.
            query: Without the question mark.
            headers: Of the upgrade request; ``Host`` is added.
            address: The client's IP address.
        """
        fields = {"host": "memory.test", **headers}
        scope: Scope = {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.5"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode("latin-1"),
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1"))
                for name, value in fields.items()
            ],
            "client": (address, 50_000),
            "server": ("memory.test", 80),
            "subprotocols": [],
            "state": {},
            "extensions": {"websocket.http.response": {}},
        }
        loop = asyncio.get_running_loop()
        self._answer = loop.create_future()
        self._task = loop.create_task(self._run(scope))
        return await self._answer

    @property
    def is_idle(self) -> bool:
        """Whether the application has taken all that was sent and waits for more, or is gone."""
        return self._idle.is_set()

    async def drain(self) -> None:
        """Return when the application is idle."""
        await self._idle.wait()

    def send(self, message: str | bytes) -> None:
        """Send a message; one for a connection that is gone is lost, as on a network."""
        kind = "text" if isinstance(message, str) else "bytes"
        if self.is_open:
            self._put({"type": "websocket.receive", kind: message})

    async def close(self, code: int = NO_CLOSE_FRAME) -> None:
        """End the connection, and return when the application has noticed.

        Args:
            code: Of the close frame; the default stands for a connection that is just gone.
        """
        if self._task is None:
            return
        self._leave(code)
        self._ended(code, "")
        await asyncio.wait([self._task])

    # What the application calls

    async def _receive(self) -> ASGIMessage:
        while not self._sent:
            if self._disconnect is not None:
                return self._disconnect  # as often as it asks
            self._idle.set()
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        return self._sent.popleft()

    async def _send(self, message: ASGIMessage) -> None:
        kind = message["type"]
        if kind == "websocket.send":
            if not self.is_open:
                raise OSError("the client is gone")  # ASGI specification, "Disconnected Client"
            text = message.get("text")
            self._on_message(message["bytes"] if text is None else text)
        elif kind == "websocket.accept":
            self.is_open = True
            self._answered(None)
        elif kind == "websocket.http.response.start":
            self._status = message["status"]
        elif kind == "websocket.http.response.body":
            self._refuse(HTTPRefusal(self._status, message["body"]))
        elif not self.is_open:
            self._refuse(HTTPRefusal(403, b""))
        else:
            self._ended(message.get("code", 1000), message.get("reason") or "")

    # Small parts

    async def _run(self, scope: Scope) -> None:
        try:
            await self._app(scope, self._receive, self._send)
        except Exception as error:
            if self._answer.done():
                raise
            self._answer.set_exception(error)
        finally:
            self._ended(NO_CLOSE_FRAME, "")

    def _put(self, message: ASGIMessage) -> None:
        self._sent.append(message)
        self._idle.clear()
        self._wake()

    def _leave(self, code: int) -> None:
        self._disconnect = self._disconnect or {"type": "websocket.disconnect", "code": code}
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _refuse(self, refusal: HTTPRefusal) -> None:
        self._answered(refusal)
        self._leave(NO_CLOSE_FRAME)

    def _answered(self, refusal: HTTPRefusal | None) -> None:
        if not self._answer.done():  # it is if nobody waits any more
            self._answer.set_result(refusal)

    def _ended(self, code: int, reason: str) -> None:
        self._idle.set()
        if self.is_open:
            self.is_open = False
            self._on_close(code, reason)
