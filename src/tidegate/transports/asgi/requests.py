"""Requests of an ASGI server as the doorkeeper knows them, and the answers to them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from urllib.parse import quote

from starlette.types import Receive, Scope, Send

from tidegate.protocol.upgrade import BadRequest, Request, make_request
from tidegate.transports.http import HTTPResponse

__all__ = ["paths_of", "request_of", "send_refusal", "send_response"]

_PARTING_SECONDS = 1.0


def paths_of(scope: Scope) -> Iterator[str]:
    """Yield the path below the mount, then the whole one, as a router may have left either.

    Source: ASGI specification, "HTTP" and "WebSocket" connection scopes: ``path`` includes
    ``root_path``.
    """
    path, root = scope["path"], scope.get("root_path", "").rstrip("/")
    if root and path.startswith(f"{root}/"):
        yield path[len(root) :]
    yield path


def request_of(scope: Scope, path: str) -> Request | BadRequest:
    """Return a scope's request, held to our own rules for headers and queries.

    Args:
        scope: Of an ``http`` or ``websocket`` connection.
        path: One of its ``paths_of``.
    """
    query = scope["query_string"].decode("latin-1")
    target = f"{quote(path)}?{query}" if query else quote(path)
    version = scope.get("http_version", "1.1")
    return make_request(scope.get("method", "GET"), target, scope["headers"], version)


async def send_response(send: Send, response: HTTPResponse, *, kind: str = "http.response") -> None:
    """Send a whole response to an ``http`` request.

    Args:
        send: The server's.
        response: What to send.
        kind: First part of the messages' types.
    """
    fields = {
        "content-type": response.content_type,
        "content-length": str(len(response.body)),
        "x-content-type-options": "nosniff",
        **response.headers,
    }
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in fields.items()
    ]
    await send({"type": f"{kind}.start", "status": response.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": response.body})


async def send_refusal(scope: Scope, receive: Receive, send: Send, response: HTTPResponse) -> None:
    """Answer a ``websocket`` connection that is not accepted; its first message was received.

    Source: ASGI specification, "WebSocket Denial Response"; without that extension the server
    answers the close with an empty 403.
    """
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close"})
        return
    await send_response(send, response, kind="websocket.http.response")
    # uvicorn 0.54 logs an error for each refusal, for any client to fill the log with, unless the
    # application outlives the connection. Its first message says that the answer is on its way.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_PARTING_SECONDS):
            await receive()
            await receive()
