"""Checks and counts at the public port, before anyone has presented a token."""

from __future__ import annotations

import logging
from collections import Counter

from tidegate.auth.addresses import TrustedProxies, address_group
from tidegate.auth.origins import OriginPolicy
from tidegate.protocol.extensions import agree_on_deflate
from tidegate.protocol.upgrade import BadRequest, Request, check_host, check_upgrade
from tidegate.transports.http import HTTPResponse, error_response, json_response, token_in_query

__all__ = ["Doorkeeper", "bad_request_response"]

log = logging.getLogger("tidegate.transports")

TOLD_AT_MOST = 10
"""Pages told of in the log for each reason: who is refused may be anybody, and come for ever."""

WEBSOCKET_ONLY = (
    "This server speaks WebSocket only: give the client the option "
    '{ transports: ["websocket"] } (long-polling is not served).'
)


class Doorkeeper:
    """Decides on upgrades, and bounds connections that have not been let in yet.

    Args:
        path: Of the Socket.IO endpoint, with or without the slash at its end.
        origins: Pages that may connect.
        allowed_hosts: Host headers served; empty for any.
        proxies: Whose ``X-Forwarded-For`` is believed.
        max_waiting: Connections that have not been let in, in all.
        max_waiting_per_address: The same for one address (IPv6: one /64).
        compresses: Whether compression is agreed to where a client offers it.
    """

    def __init__(
        self,
        *,
        path: str,
        origins: OriginPolicy,
        allowed_hosts: frozenset[str],
        proxies: TrustedProxies,
        max_waiting: int,
        max_waiting_per_address: int,
        compresses: bool = False,
    ) -> None:
        self._path = path.rstrip("/")
        self._origins = origins
        self._allowed_hosts = allowed_hosts or None
        self._proxies = proxies
        self._max_waiting = max_waiting
        self._max_waiting_per_address = max_waiting_per_address
        self._compresses = compresses
        self._waiting = 0
        self._waiting_by_address: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self._told: dict[str, set[str | None]] = {}

    @property
    def waiting(self) -> int:
        """Connections that have not been let in yet."""
        return self._waiting

    # Counting

    def arrive(self) -> HTTPResponse | None:
        """Count a new TCP connection, or return why there is no place for it."""
        if self._waiting >= self._max_waiting:
            self.refusals["unauthenticated"] += 1
            return _busy("Too many connections are waiting to be let in.", 503)
        self._waiting += 1
        return None

    def identify(self, address: str) -> HTTPResponse | None:
        """Count a waiting connection's address, or return why there is no place for it."""
        key = address_group(address)
        if self._waiting_by_address[key] >= self._max_waiting_per_address:
            self.refusals["unauthenticated_per_address"] += 1
            return _busy("Too many connections of this address wait to be let in.", 429)
        self._waiting_by_address[key] += 1
        return None

    def wait_again(self, address: str) -> bool:
        """Count a client that was let in as waiting; False if there is no place for it."""
        if self.arrive() is not None:
            return False
        if self.identify(address) is not None:
            self.leave(None)
            return False
        return True

    def leave(self, address: str | None) -> None:
        """Uncount a connection that was let in or is gone; ``address`` if it was identified."""
        self._waiting -= 1
        if address is not None:
            key = address_group(address)
            self._waiting_by_address[key] -= 1
            if self._waiting_by_address[key] <= 0:
                del self._waiting_by_address[key]

    # Deciding

    def is_endpoint(self, request: Request) -> bool:
        """Tell whether the request is for the Socket.IO endpoint."""
        return self.is_endpoint_path(request.path)

    def is_endpoint_path(self, path: str) -> bool:
        """Tell whether a path is the Socket.IO endpoint's, with or without a slash at its end."""
        return path.rstrip("/") == self._path

    def client_address(self, peer: str, request: Request) -> str:
        """Return the client's address: the peer's, or what a trusted proxy says."""
        return self._proxies.client_address(peer, request.headers.get("x-forwarded-for"))

    def check(self, request: Request) -> str | HTTPResponse:
        """Return the Sec-WebSocket-Accept value for an upgrade, or the refusal."""
        refusal = self._check_request(request)
        if refusal is not None:
            return refusal
        accept = check_upgrade(request, self._allowed_hosts)
        return self._refuse_bad(accept) if isinstance(accept, BadRequest) else accept

    def agree(self, request: Request) -> str | HTTPResponse:
        """Return the Sec-WebSocket-Extensions of the answer to an upgrade, or the refusal."""
        if not self._compresses:
            return ""
        extensions = agree_on_deflate(request.headers.get("sec-websocket-extensions", ""))
        return self._refuse_bad(extensions) if isinstance(extensions, BadRequest) else extensions

    def check_foreign(self, request: Request) -> HTTPResponse | None:
        """Return the refusal of an upgrade, if so, when another server does the handshake."""
        refusal = self._check_request(request)
        if refusal is not None:
            return refusal
        bad_host = check_host(request, self._allowed_hosts)
        return None if bad_host is None else self._refuse_bad(bad_host)

    def _check_request(self, request: Request) -> HTTPResponse | None:
        if token_in_query(request):
            message = "A token in the URL ends up in logs; pass it in the client's `auth` option."
            self._tell("token_in_query", request, message)
            return self._refuse(400, "token_in_query", message)
        origin = request.headers.get("origin")
        if not self._origins.allows(origin):
            self._tell("origin_not_allowed", request, "If the page is yours, list it in `origins`.")
            return self._refuse(403, "origin_not_allowed", "This origin is not allowed.")
        transport = request.query.get("transport", ["polling"])[-1]
        if transport != "websocket":
            self._tell("polling", request, WEBSOCKET_ONLY)
            return self._refuse_polling(origin)
        if request.query.get("EIO") != ["4"]:
            self.refusals["protocol_version"] += 1
            message = "Unsupported protocol version: use socket.io-client 3 or later (EIO=4)."
            self._tell("protocol_version", request, message)
            return json_response(400, {"code": 5, "message": message})
        return None

    def _refuse_polling(self, origin: str | None) -> HTTPResponse:
        """Answer in the shape of the official server, readable by the page that asked."""
        self.refusals["polling"] += 1
        headers = {"Access-Control-Allow-Origin": origin, "Vary": "Origin"} if origin else {}
        return json_response(400, {"code": 0, "message": WEBSOCKET_ONLY}, headers)

    def _tell(self, code: str, request: Request, remedy: str) -> None:
        """Log what a browser keeps from its page, whose developer sees "websocket error" only."""
        origin = request.headers.get("origin")
        told = self._told.setdefault(code, set())
        if origin in told or len(told) >= TOLD_AT_MOST:
            return
        told.add(origin)
        page = "a client" if origin is None else f"a page of {origin[:200]!r}"
        log.warning("refused %s (%s), told once: %s", page, code, remedy)

    def _refuse_bad(self, bad: BadRequest) -> HTTPResponse:
        self.refusals["bad_upgrade"] += 1
        return bad_request_response(bad)

    def _refuse(self, status: int, code: str, message: str) -> HTTPResponse:
        self.refusals[code] += 1
        return error_response(status, code, message)


def bad_request_response(bad: BadRequest) -> HTTPResponse:
    """Return a protocol refusal in our error shape."""
    body = error_response(bad.status, bad.code, bad.message).body
    return HTTPResponse(bad.status, body, headers=dict(bad.headers or {}))


def _busy(message: str, status: int) -> HTTPResponse:
    body = error_response(status, "limit_reached", message).body
    return HTTPResponse(status, body, headers={"Retry-After": "5"})
