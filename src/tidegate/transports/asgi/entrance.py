"""The way in through an ASGI server: requests checked, connections accepted, all of them closed."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.types import Receive, Scope, Send

from tidegate.protocol.server_frames import Message, split_frames
from tidegate.protocol.upgrade import BadRequest, Request
from tidegate.transports.asgi.connection import ASGIConnection
from tidegate.transports.asgi.requests import paths_of, request_of, send_refusal, send_response
from tidegate.transports.doorkeeper import bad_request_response
from tidegate.transports.entrance import Entrance, Wiring
from tidegate.transports.http import (
    HTTPResponse,
    error_response,
    not_found,
    serve_route,
    token_in_query,
    unavailable,
)

__all__ = ["ASGIEntrance"]

PARTING_SECONDS = 1.0
"""For the close frames of connections that are still there when the gateway stops."""


class ASGIEntrance(Entrance[ASGIConnection]):
    """Serves the requests and WebSockets that an ASGI server hands over.

    Args:
        wiring: What its connections are wired to.
    """

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring, ASGIConnection.due)
        self._is_closed = False
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._frames = b""
        self._messages: list[Message] = []

    def start(self) -> None:
        """Begin to keep deadlines; needs a running event loop."""
        self.wheel.start()

    def messages_of(self, data: bytes) -> list[Message]:
        """Return the messages of complete frames, taken apart once for all who get the same.

        The hub writes the same bytes object to one socket after the other, so remembering the last
        one is enough.
        """
        if data is not self._frames:
            self._messages = split_frames(data)
            self._frames = data
        return self._messages

    async def serve_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a plain request: the endpoint's refusals, liveness, or 404."""
        path = self._path(scope)
        request = request_of(scope, path)
        if isinstance(request, BadRequest):
            response = bad_request_response(request)
        elif not self.doorkeeper.is_endpoint_path(path):
            response = await serve_route({}, request)
        else:
            accept = self.doorkeeper.check(request)
            response = accept if isinstance(accept, HTTPResponse) else _no_websockets()
            _hide_token(scope, request)
        await send_response(send, response)

    async def serve_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Accept a client and converse with it to the end, or refuse it."""
        await receive()  # websocket.connect
        refusal = self.doorkeeper.arrive()
        if refusal is not None:
            await send_refusal(scope, receive, send, refusal)
            return
        address = self._admit(scope)
        if isinstance(address, HTTPResponse):
            self.doorkeeper.leave(None)
            await send_refusal(scope, receive, send, address)
            return
        try:
            await send({"type": "websocket.accept"})
        except BaseException:
            self.doorkeeper.leave(address)
            raise
        await self._converse(ASGIConnection(self, address), receive, send)

    async def drain(self, seconds: float) -> None:
        """Refuse newcomers, and close the connections spread over ``seconds``."""
        self._is_closed = True
        await self.close_all(seconds)

    async def stop(self) -> None:
        """Close what is left, cut what does not go, and let go of everything."""
        self._is_closed = True
        await self.close_all(0)
        await self._emptied()
        for connection in list(self.connections):
            connection.abort("going away")
        await self._emptied()
        self.wheel.stop()

    async def _emptied(self) -> None:
        """Wait for a while until no connection is left."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PARTING_SECONDS):
                await self._is_empty.wait()

    def _path(self, scope: Scope) -> str:
        """Return the path to go by: the endpoint's if it may be, else the one below the mount."""
        paths = list(paths_of(scope))
        return next(filter(self.doorkeeper.is_endpoint_path, paths), paths[0])

    def _admit(self, scope: Scope) -> str | HTTPResponse:
        """Return the client's address, counted as waiting, or the refusal."""
        path, doorkeeper = self._path(scope), self.doorkeeper
        request = request_of(scope, path)
        if isinstance(request, BadRequest):
            return bad_request_response(request)
        if self._is_closed:
            return unavailable()
        if not doorkeeper.is_endpoint_path(path):
            return not_found()
        refusal = doorkeeper.check_foreign(request)
        if refusal is not None:
            _hide_token(scope, request)
            return refusal
        peer = scope.get("client")
        address = doorkeeper.client_address(str(peer[0]) if peer else "", request)
        return doorkeeper.identify(address) or address

    async def _converse(self, connection: ASGIConnection, receive: Receive, send: Send) -> None:
        self.connections.add(connection)
        self._is_empty.clear()
        self.wheel.add(connection, self.clock() + self.first_look)
        try:
            await connection.run(receive, send)
        finally:
            self.connections.discard(connection)
            if not self.connections:
                self._is_empty.set()


def _no_websockets() -> HTTPResponse:
    return error_response(
        501,
        "no_websocket",
        "The ASGI server took the upgrade for a plain request: is its WebSocket library installed?",
    )


def _hide_token(scope: Scope, request: Request) -> None:
    # uvicorn logs the URL when it answers, from this very dictionary.
    if token_in_query(request):
        scope["query_string"] = b""
