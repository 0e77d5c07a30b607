"""The HTTP request that opens a WebSocket: read within bounds and checked strictly.

Parsing is `httptools` (llhttp); what a request must be to become a WebSocket is decided here.

Source: RFC 6455, section 4.2; RFC 9112, sections 3.2 (Host) and 6 (bodies).
"""

from __future__ import annotations

import base64
import hashlib
import http
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from urllib.parse import parse_qs

import httptools
import msgspec

__all__ = [
    "BadRequest",
    "Request",
    "RequestReader",
    "check_host",
    "check_upgrade",
    "encode_http_response",
    "encode_upgrade_response",
    "make_request",
]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SINGLE_HEADERS = frozenset(
    {"host", "origin", "sec-websocket-key", "sec-websocket-version", "content-length"}
)
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(?::[0-9]{1,5})?")
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")  # 16 bytes
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
MAX_HEADERS = 100
MAX_QUERY_FIELDS = 100
_SHORT_QUERY = 100


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
    query: Mapping[str, list[str]]
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
    """Reads one request; the bytes after it are a WebSocket's or none.

    Args:
        max_request_size: Bytes of the head: request line and headers.
        max_body_size: Bytes of a POST's body; 0 refuses any. No other method may have a body.
    """

    __slots__ = ("_collector", "_max_size", "_parser", "_size")

    def __init__(self, *, max_request_size: int = 16 * 1024, max_body_size: int = 0) -> None:
        self._max_size = max_request_size
        self._size = 0
        # Parser and collector don't know this reader: a cycle here would be one per connection.
        self._collector = _Collector(max_body_size)
        self._parser = httptools.HttpRequestParser(self._collector)

    def receive_data(self, data: bytes) -> Request | BadRequest | None:
        """Feed bytes; None until the request is whole. Afterwards the reader is used up."""
        collector = self._collector
        self._size += len(data)
        rest = b""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
        except httptools.HttpParserError:
            return collector.problem or _bad("This is not HTTP/1.1.")
        return self._judge(rest)

    def _judge(self, rest: bytes) -> Request | BadRequest | None:
        collected = self._collector
        method = self._parser.get_method().decode("ascii")
        if collected.has_body and method != "POST":
            return _bad(f"A {method} request has no body here.")
        if collected.problem is not None:
            return collected.problem
        if self._size - len(rest) - len(collected.body) > self._max_size:
            return _too_large(f"The head of the request has over {self._max_size} bytes.")
        if not collected.is_complete:
            return None
        if collected.has_body and not collected.body:  # httptools takes it for the new protocol's
            return _bad("A request to upgrade has no body.")
        return _request(collected, method, self._parser.get_http_version(), rest)


class _Collector:
    """What httptools calls.

    It notes the first problem instead of raising it: an exception would lose its reason on the way
    through the parser.
    """

    __slots__ = (
        "body",
        "count",
        "has_body",
        "headers",
        "is_complete",
        "max_body_size",
        "problem",
        "target",
    )

    def __init__(self, max_body_size: int) -> None:
        self.max_body_size = max_body_size
        self.target = b""
        self.headers: dict[str, str] = {}
        self.count = 0
        self.has_body = False
        self.body = b""
        self.is_complete = False
        self.problem: BadRequest | None = None

    def on_message_begin(self) -> None:
        """Refuse a second request: the parser would mix it with the first."""
        if self.is_complete:
            self.refuse(_bad("One request is served per connection."))

    def on_url(self, url: bytes) -> None:
        """Collect the target; it may come in pieces."""
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        key, text = name.decode("latin-1").lower(), value.decode("latin-1").strip(" \t")
        self.count += 1
        if self.count > MAX_HEADERS:
            self.refuse(_too_large(f"The request has over {MAX_HEADERS} headers."))
        elif _CONTROL_CHARACTERS.search(text):
            self.refuse(_bad("A header has control characters."))
        elif key not in self.headers:
            self.headers[key] = text
        elif key in _SINGLE_HEADERS:
            self.refuse(_bad(f"The header {key} is repeated."))
        else:
            self.headers[key] += f", {text}"

    def on_headers_complete(self) -> None:
        """Refuse a body that is not wanted before it is read."""
        length = self.headers.get("content-length", "0")
        if "transfer-encoding" in self.headers or not (length.isascii() and length.isdigit()):
            self.refuse(_bad("The body has no fixed length."))
        elif len(length) > 18 or int(length) > self.max_body_size:
            self.refuse(BadRequest(413, "body_too_large", "The body is too large."))
        self.has_body = length.strip("0") != ""

    def on_body(self, body: bytes) -> None:
        """Collect the body; its length was checked."""
        if self.problem is None:
            self.body += body

    def on_message_complete(self) -> None:
        """Note that the request is whole."""
        self.is_complete = True

    def refuse(self, problem: BadRequest) -> None:
        """Note a problem, unless there is one already."""
        self.problem = self.problem or problem


def _request(
    collected: _Collector, method: str, http_version: str, rest: bytes
) -> Request | BadRequest:
    target = collected.target.decode("latin-1")
    path, _, query = target.partition("?")
    if not path.startswith("/"):
        return _bad("The target is not a path.")
    try:
        read = _fields_of_short if len(query) <= _SHORT_QUERY else _fields_of
        fields = read(query)
    except ValueError:
        return _bad(f"The query has over {MAX_QUERY_FIELDS} fields.")
    return Request(
        method=method,
        target=target,
        path=path,
        query=fields,
        headers=collected.headers,
        http_version=http_version,
        body=collected.body,
        rest=rest,
    )


def _fields_of(query: str) -> Mapping[str, list[str]]:
    return parse_qs(query, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS)


_fields_of_short = lru_cache(maxsize=256)(_fields_of)
"""All clients of one version ask for the same; ``parse_qs`` is Python."""


def make_request(
    method: str, target: str, headers: Iterable[tuple[bytes, bytes]], http_version: str
) -> Request | BadRequest:
    """Return a request that somebody else has read, held to our rules for targets and headers.

    Its body is left out; the size of its head is the reader's business.
    """
    collector = _Collector(0)
    collector.on_url(target.encode("latin-1"))
    for name, value in headers:
        collector.on_header(name, value)
    return collector.problem or _request(collector, method, http_version, b"")


def check_host(request: Request, allowed_hosts: frozenset[str] | None = None) -> BadRequest | None:
    """Return why the Host header is not served, if so.

    Args:
        request: A whole request.
        allowed_hosts: Lower-case names without ports; None for any.
    """
    host = request.headers.get("host", "")
    if _HOST.fullmatch(host) and _is_allowed(host, allowed_hosts):
        return None
    return BadRequest(400, "bad_host", "The Host header is missing, malformed or not ours.")


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
    bad_host = check_host(request, allowed_hosts)
    if bad_host is not None:
        return bad_host
    if "websocket" not in _tokens(headers.get("upgrade", "")):
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}
        return BadRequest(426, "bad_upgrade", "Upgrade: websocket is missing.", upgrade)
    if "upgrade" not in _tokens(headers.get("connection", "")):
        return BadRequest(400, "bad_upgrade", "Connection: Upgrade is missing.")
    if headers.get("sec-websocket-version") != "13":
        version = {"Sec-WebSocket-Version": "13"}
        return BadRequest(426, "bad_version", "Only WebSocket version 13 is spoken.", version)
    key = headers.get("sec-websocket-key", "")
    if not _KEY.fullmatch(key):
        return BadRequest(400, "bad_upgrade", "Sec-WebSocket-Key is not 16 bytes in base64.")
    digest = hashlib.sha1(key.encode("latin-1") + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


def encode_upgrade_response(accept: str, extensions: str = "") -> bytes:
    """Return the 101 response, with the extensions agreed on; frames follow it directly."""
    agreed = f"Sec-WebSocket-Extensions: {extensions}\r\n" if extensions else ""
    return (
        "HTTP/1.1 101 Switching Protocols\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n{agreed}\r\n"
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


def _bad(message: str) -> BadRequest:
    return BadRequest(400, "bad_request", message)


def _too_large(message: str) -> BadRequest:
    return BadRequest(431, "request_too_large", message)


@lru_cache(maxsize=256)
def _tokens(value: str) -> frozenset[str]:
    return frozenset(token.strip().lower() for token in value.split(","))


def _is_allowed(host: str, allowed: frozenset[str] | None) -> bool:
    return allowed is None or re.sub(r":[0-9]+$", "", host).lower() in allowed
