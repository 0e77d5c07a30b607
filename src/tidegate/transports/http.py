"""Plain HTTP on the public port: what is answered before, or instead of, an upgrade."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from tidegate.protocol.upgrade import Request, encode_http_response

__all__ = [
    "HTTPResponse",
    "RouteHandler",
    "Routes",
    "error_response",
    "json_response",
    "not_found",
    "serve_route",
    "token_in_query",
    "unavailable",
]

TOKEN_PARAMETERS = frozenset(
    {"token", "access_token", "accesstoken", "id_token", "auth", "auth_token", "authtoken", "jwt"}
    | {"authorization", "bearer", "api_key", "apikey", "auth.token", "auth[token]"}
)


class HTTPResponse(msgspec.Struct, frozen=True):
    """A small, whole response."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}

    def encode(self) -> bytes:
        """Return the bytes for the wire; the connection is closed after them."""
        return encode_http_response(self.status, self.body, self.content_type, self.headers)


RouteHandler = Callable[[Request], Awaitable[HTTPResponse]]
Routes = Mapping[tuple[str, str], RouteHandler]
"""Handlers by method and path; the demo's page uses it."""


def json_response(status: int, value: object, headers: Mapping[str, str] = {}) -> HTTPResponse:
    """Return ``value`` as a JSON response."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return HTTPResponse(status, body, "application/json", headers)


def error_response(status: int, code: str, message: str) -> HTTPResponse:
    """Return the error shape that all our HTTP answers share."""
    return json_response(status, {"error": {"code": code, "message": message}})


def token_in_query(request: Request) -> bool:
    """Tell whether a token stands in the URL, where logs and referrers would keep it.

    Known parameter names count, and any value that has the form of a JWT.
    """
    for name, values in request.query.items():
        if name.lower() in TOKEN_PARAMETERS or any(map(_looks_like_jwt, values)):
            return True
    return False


async def serve_route(routes: Routes, request: Request) -> HTTPResponse:
    """Answer a plain request: liveness, the routes, or 404."""
    if request.path == "/health/live" and request.method in ("GET", "HEAD"):
        return json_response(200, {"status": "live"})
    handler = routes.get((request.method, request.path))
    if handler is not None:
        return await handler(request)
    allowed = sorted(method for method, path in routes if path == request.path)
    if allowed or request.path == "/health/live":
        body = error_response(405, "method_not_allowed", f"{request.method} is not allowed here")
        allow = ", ".join(allowed or ["GET"])
        return HTTPResponse(405, body.body, headers={"Allow": allow})
    return not_found()


def not_found() -> HTTPResponse:
    """Return the answer where there is nothing."""
    return error_response(404, "not_found", "There is nothing at this path.")


def unavailable() -> HTTPResponse:
    """Return the answer of a gateway that stops, or that has not started."""
    body = error_response(503, "unavailable", "The gateway does not serve now; come back.").body
    return HTTPResponse(503, body, headers={"Retry-After": "5"})


def _looks_like_jwt(value: str) -> bool:
    return value.startswith("eyJ") and value.count(".") == 2
