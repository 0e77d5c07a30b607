"""The private HTTP port: publish, administer, watch."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tidegate.api.openapi import openapi_document
from tidegate.api.views import GatewayViews, Views, require_start, tenant_in
from tidegate.errors import LogError, PayloadError
from tidegate.log import EventEntry, Record
from tidegate.log.offset import format_offset
from tidegate.sources.request import check_name, check_utf8, misfit, read_requests, to_entries

if TYPE_CHECKING:
    from tidegate.app.gateway import Gateway

__all__ = ["make_api"]

MAX_BODY = 8 * 1024 * 1024
TAIL_QUEUE = 1_000
TAIL_HEARTBEAT = 15.0

PUBLISH_SECONDS = 10.0
"""A publisher is told after this time that the log has not confirmed its events."""

Endpoint = Callable[[Request], Awaitable[Response]]


class _AdminRequest(msgspec.Struct, forbid_unknown_fields=True):
    user: str | None = None
    token_id: str | None = None


def make_api(gateway: Gateway, key: str | None, views: Views | None = None) -> Starlette:
    """Return the ASGI application of the private port.

    Args:
        gateway: Until it has started, the port tells only its health.
        key: Bearer key; None serves everybody (development on loopback only: the caller checks).
        views: What tells of the node, if it is more than this gateway.
    """
    api = _API(gateway, key)
    views = views or GatewayViews(gateway)
    return Starlette(
        routes=[
            Route("/health/live", api.live),
            Route("/health/ready", views.ready),
            Route("/openapi.json", api.openapi),
            Route("/metrics", api.keyed(views.metrics)),
            Route("/v1/events", api.guarded(api.publish), methods=["POST"]),
            Route("/v1/tenants", api.keyed(views.tenants)),
            Route("/v1/tenants/{tenant}", api.keyed(views.tenant)),
            Route("/v1/tenants/{tenant}/events", api.guarded(api.tail)),
            Route("/v1/tenants/{tenant}/disconnect", api.guarded(api.disconnect), methods=["POST"]),
            Route("/v1/tenants/{tenant}/revoke", api.guarded(api.revoke), methods=["POST"]),
        ],
        exception_handlers={
            HTTPException: _http_error,  # type: ignore[dict-item]  # Starlette's type is too narrow
            PayloadError: _payload_error,  # type: ignore[dict-item]
            LogError: _log_error,  # type: ignore[dict-item]
        },
    )


class _API:
    """The endpoints; each returns its response or raises what the handlers above answer."""

    def __init__(self, gateway: Gateway, key: str | None) -> None:
        self._gateway = gateway
        self._key = None if key is None else key.encode()

    def guarded(self, endpoint: Endpoint) -> Endpoint:
        """Return the endpoint behind the bearer key, for a gateway that has started."""

        async def check_first(request: Request) -> Response:
            require_start(self._gateway)
            return await endpoint(request)

        return self.keyed(check_first)

    def keyed(self, endpoint: Endpoint) -> Endpoint:
        """Return the endpoint behind the bearer key."""

        async def check_first(request: Request) -> Response:
            if self._key is not None:
                scheme, _, given = request.headers.get("authorization", "").partition(" ")
                is_right = hmac.compare_digest(given.strip().encode(), self._key)
                if scheme.lower() != "bearer" or not is_right:
                    raise HTTPException(
                        401, "Send the API key as Authorization: Bearer <key>.", _CHALLENGE
                    )
            return await endpoint(request)

        return check_first

    async def live(self, request: Request) -> Response:
        """Tell that the process answers."""
        return JSONResponse({"status": "live"})

    async def openapi(self, request: Request) -> Response:
        """Describe this API."""
        return JSONResponse(openapi_document())

    async def publish(self, request: Request) -> Response:
        """Publish one event or a list of them, all or nothing."""
        gateway = self._gateway
        requests, is_list = read_requests(await _body(request))
        contracts = {name: namespace.events for name, namespace in gateway.namespaces.items()}
        entries = to_entries(
            requests, contracts, max_payload=gateway.settings.limits.payload, is_list=is_list
        )
        try:
            async with asyncio.timeout(PUBLISH_SECONDS):
                offsets = await gateway.publish(entries) if entries else []
        except TimeoutError:
            raise LogError(
                f"not confirmed within {PUBLISH_SECONDS:g} s; send them again, with the same ids "
                "so that none comes twice"
            ) from None
        return JSONResponse({"offsets": offsets}, 202)

    async def disconnect(self, request: Request) -> Response:
        """Disconnect a tenant's sockets, or one user's, on every node."""
        target, body = await self._admin(request)
        if body.token_id is not None:
            raise PayloadError("Only `revoke` takes a token id", "$.token_id")
        await (target.user(body.user) if body.user is not None else target).disconnect()
        return JSONResponse({"ok": True}, 202)

    async def revoke(self, request: Request) -> Response:
        """Refuse tokens of a tenant, of one user, or one token, and disconnect their sockets."""
        target, body = await self._admin(request)
        if body.user is not None and body.token_id is not None:
            raise PayloadError("Name a user or a token id, not both", "$.token_id")
        if body.user is not None:
            await target.user(body.user).revoke()
        else:
            await target.revoke(token_id=body.token_id)
        return JSONResponse({"ok": True}, 202)

    async def tail(self, request: Request) -> Response:
        """Stream a tenant's events as they come, one JSON object a line."""
        tenant = self._gateway.tenant(tenant_in(request)).tenant_id
        lines = self._tail_lines(tenant, request.query_params.get("namespace"))
        return StreamingResponse(lines, media_type="application/x-ndjson")

    async def _tail_lines(self, tenant: str, namespace: str | None) -> AsyncIterator[bytes]:
        queue: asyncio.Queue[Record[EventEntry]] = asyncio.Queue(TAIL_QUEUE)
        is_lagging = False

        def tap(record: Record[EventEntry]) -> None:
            nonlocal is_lagging
            entry = record.entry
            if entry.tenant != tenant or (namespace and entry.namespace != namespace):
                return
            try:
                queue.put_nowait(record)
            except asyncio.QueueFull:
                is_lagging = True

        hub = self._gateway.hub
        hub.taps.add(tap)
        try:
            while not (is_lagging and queue.empty()) and not self._gateway.is_draining:
                try:
                    async with asyncio.timeout(TAIL_HEARTBEAT):
                        record = await queue.get()
                except TimeoutError:
                    yield b"\n"  # tells a proxy, and us, whether the reader is still there
                else:
                    yield _tail_line(record, self._gateway.log.epoch)
            if is_lagging:
                yield b'{"error":{"code":"lagging","message":"Events came faster than read."}}\n'
        finally:
            hub.taps.discard(tap)

    async def _admin(self, request: Request) -> tuple[Any, _AdminRequest]:
        body = await _body(request)
        try:
            check_utf8(body)
            decoded = msgspec.json.decode(body or b"{}", type=_AdminRequest)
        except msgspec.ValidationError as error:
            raise PayloadError(*misfit(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise PayloadError(f"The body is not valid JSON: {error}") from None
        check_name("user", decoded.user)
        check_name("token_id", decoded.token_id)
        return self._gateway.tenant(tenant_in(request)), decoded


_CHALLENGE = {"WWW-Authenticate": "Bearer"}


async def _body(request: Request) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            raise HTTPException(413, f"The body has over {MAX_BODY} bytes.")
        chunks.append(chunk)
    return b"".join(chunks)


def _tail_line(record: Record[EventEntry], epoch: str) -> bytes:
    entry = record.entry
    shown = {
        "offset": format_offset(epoch, record.offset),
        "time": entry.time,
        "namespace": entry.namespace,
        "event": entry.name,
        "user": entry.user,
        "room": entry.room,
        "sid": entry.sid,
        "id": entry.message_id,
        "data": msgspec.Raw(entry.data),
    }
    kept = {key: value for key, value in shown.items() if value is not None}
    return msgspec.json.encode(kept) + b"\n"


_CODES = {401: "unauthorized", 404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}


def _error(
    status: int, code: str, message: str, field: str | None = None, headers: Any = None
) -> Response:
    error = {"code": code, "message": message}
    if field is not None:
        error["field"] = field
    return JSONResponse({"error": error}, status, headers)


async def _http_error(request: Request, error: HTTPException) -> Response:
    code = _CODES.get(error.status_code, "http_error")
    return _error(error.status_code, code, error.detail, headers=error.headers)


async def _payload_error(request: Request, error: PayloadError) -> Response:
    return _error(422, "invalid", error.message, error.field)


async def _log_error(request: Request, error: LogError) -> Response:
    return _error(503, "try_again", f"The log did not take the events: {error}")
