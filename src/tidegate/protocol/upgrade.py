"""The HTTP request that opens a WebSocket: read within bounds and checked strictly.

Parsing is `httptools` (llhttp); what a request must be to become a WebSocket is decided here.

Source: RFC 6455, section 4.2; RFC 9112, sections 3.2 (Host) and 6 (bodies).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import http
import re
from collections.abc import Mapping
from urllib.parse import parse_qs

import httptools
import msgspec

__all__ = [
    "BadRequest",
    "Request",
    "RequestReader",
    "check_upgrade",
    "encode_http_response",
    "encode_upgrade_response",
]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SINGLE_HEADERS = frozenset(
    {"host", "origin", "sec-websocket-key", "sec-websocket-version", "content-length"}
)
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(?::[0-9]{1,5})?")
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
MAX_HEADERS = 100


class Request(msgspec.Struct, frozen=True):
    """One whole HTTP request.

    Attributes:
        target: As it stood in the request line.
        path: The target without the query, not decoded.
        headers: Lower-case names; repeated ones joined by ``", "``.
        rest: Bytes that followed it, such as an early frame.
    """

    method: str
    target: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    http_version: str
    body: bytes = b""
    rest: bytes = b""


class BadRequest(msgspec.Struct, frozen=True):
    """A request that is not served, and the answer to give."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str] | None = None


class RequestReader:
    """Reads one request.

    Args:
        max_request_size: Bytes of head and body together.
        max_body_size: Bytes of body; 0 refuses any.
    """

    def __init__(self, *, max_request_size: int = 16 * 1024, max_body_size: int = 0) -> None:
        self._max_size = max_request_size
        self._max_body_size = max_body_size
        self._size = 0
        self._target = b""
        self._headers: dict[str, str] = {}
        self._header_count = 0
        self._body = b""
        self._is_complete = False
        self._problem: BadRequest | None = None
        self._parser = httptools.HttpRequestParser(self)

    def receive_data(self, data: bytes) -> Request | BadRequest | None:
        """Feed bytes; None until the request is whole."""
        self._size += len(data)
        rest = b""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
            self._is_complete = True
        except httptools.HttpParserError:
            return self._problem or BadRequest(400, "bad_request", "This is not HTTP/1.1.")
        if self._problem is not None:
            return self._problem
        if self._is_complete:
            return self._request(rest)
        if self._size > self._max_size + self._max_body_size:
            return _too_large(f"The request has over {self._max_size} bytes.")
        return None

    # Called by httptools; an exception in here would lose its reason, so problems are noted.

    def on_url(self, url: bytes) -> None:
        """Collect the target; it may come in pieces."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        key, text = name.decode("latin-1").lower(), value.decode("latin-1").strip()
        self._header_count += 1
        if self._header_count > MAX_HEADERS:
            self._problem = _too_large(f"The request has over {MAX_HEADERS} headers.")
        elif _CONTROL_CHARACTERS.search(text):
            self._problem = BadRequest(400, "bad_request", "A header has control characters.")
        elif key in self._headers:
            if key in _SINGLE_HEADERS:
                self._problem = BadRequest(400, "bad_request", f"The header {key} is repeated.")
            self._headers[key] += f", {text}"
        else:
            self._headers[key] = text

    def on_headers_complete(self) -> None:
        """Refuse a body that is not wanted before it is read."""
        length = self._headers.get("content-length", "0")
        if "transfer-encoding" in self._headers or not length.isdigit():
            self._problem = BadRequest(400, "bad_request", "The body has no fixed length.")
        elif int(length) > self._max_body_size:
            self._problem = BadRequest(413, "body_too_large", "The body is too large.")

    def on_body(self, body: bytes) -> None:
        """Collect the body; its length was checked."""
        self._body += body

    def on_message_complete(self) -> None:
        """Note that the request is whole."""
        self._is_complete = True

    def _request(self, rest: bytes) -> Request | BadRequest:
        if self._size - len(rest) - len(self._body) > self._max_size:
            return _too_large(f"The request has over {self._max_size} bytes.")
        target = self._target.decode("latin-1")
        path, _, query = target.partition("?")
        if not path.startswith("/"):
            return BadRequest(400, "bad_request", "The target is not a path.")
        try:
            fields = parse_qs(query, keep_blank_values=True, max_num_fields=100)
        except ValueError:
            return BadRequest(400, "bad_request", "The query has over 100 fields.")
        return Request(
            method=self._parser.get_method().decode("latin-1"),
            target=target,
            path=path,
            query=fields,
            headers=self._headers,
            http_version=self._parser.get_http_version(),
            body=self._body,
            rest=rest,
        )


def check_upgrade(
    request: Request, allowed_hosts: frozenset[str] | None = None
) -> str | BadRequest:
    """Return the Sec-WebSocket-Accept value, or why the request can't become a WebSocket.

    Args:
        request: A whole request.
        allowed_hosts: Lower-case names without ports; None for any.
    """
    headers = request.headers
    if request.method != "GET" or request.http_version != "1.1":
        return BadRequest(400, "bad_upgrade", "A WebSocket is opened by an HTTP/1.1 GET.")
    host = headers.get("host", "")
    if not _HOST.fullmatch(host) or not _is_allowed(host, allowed_hosts):
        return BadRequest(400, "bad_host", "The Host header is missing, malformed or not ours.")
    if "websocket" not in _tokens(headers.get("upgrade", "")):
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}
        return BadRequest(426, "bad_upgrade", "Upgrade: websocket is missing.", upgrade)
    if "upgrade" not in _tokens(headers.get("connection", "")):
        return BadRequest(400, "bad_upgrade", "Connection: Upgrade is missing.")
    if headers.get("sec-websocket-version") != "13":
        version = {"Sec-WebSocket-Version": "13"}
        return BadRequest(426, "bad_version", "Only WebSocket version 13 is spoken.", version)
    key = headers.get("sec-websocket-key", "")
    if not _is_key(key):
        return BadRequest(400, "bad_upgrade", "Sec-WebSocket-Key is not 16 bytes in base64.")
    digest = hashlib.sha1(key.encode("latin-1") + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


def encode_upgrade_response(accept: str) -> bytes:
    """Return the 101 response; frames follow it directly."""
    return (
        "HTTP/1.1 101 Switching Protocols\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
    ).encode("ascii")


def encode_http_response(
    status: int, body: bytes, content_type: str, headers: Mapping[str, str] | None = None
) -> bytes:
    """Return a whole response after which the connection is closed."""
    fields = {
        "Content-Type": content_type,
        "Content-Length": str(len(body)),
        "Connection": "close",
        "X-Content-Type-Options": "nosniff",
        **(headers or {}),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    head = f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\n{lines}\r\n"
    return head.encode("latin-1") + body


def _too_large(message: str) -> BadRequest:
    return BadRequest(431, "request_too_large", message)


def _tokens(value: str) -> set[str]:
    return {token.strip().lower() for token in value.split(",")}


def _is_key(key: str) -> bool:
    try:
        return len(key) == 24 and len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def _is_allowed(host: str, allowed: frozenset[str] | None) -> bool:
    return allowed is None or re.sub(r":[0-9]+$", "", host).lower() in allowed
