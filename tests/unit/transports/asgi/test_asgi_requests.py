"""A server's scopes become requests, held to our own rules."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.protocol.upgrade import BadRequest, Request
from tidegate.transports.asgi.requests import paths_of, request_of


def scope(**changes: Any) -> dict[str, Any]:
    return {"type": "websocket", "path": "/a", "query_string": b"", "headers": []} | changes


@pytest.mark.parametrize(
    ("path", "root", "paths"),
    [
        ("/socket.io/", "", ["/socket.io/"]),
        ("/rt/socket.io/", "/rt", ["/socket.io/", "/rt/socket.io/"]),
        ("/socket.io/", "/socket.io", ["/", "/socket.io/"]),
        ("/rtx/socket.io/", "/rt", ["/rtx/socket.io/"]),
        ("/socket.io/", "/", ["/socket.io/"]),
    ],
)
def test_paths_below_and_above_the_mount(path: str, root: str, paths: list[str]) -> None:
    assert list(paths_of(scope(path=path, root_path=root))) == paths


def test_headers_and_query_are_read_as_on_our_own_port() -> None:
    headers = [(b"Host", b"x"), (b"x-forwarded-for", b"a"), (b"x-forwarded-for", b"b")]
    request = request_of(scope(query_string=b"EIO=4&x=%20", headers=headers), "/é?/")
    assert isinstance(request, Request)
    assert request.path == "/%C3%A9%3F/"
    assert request.query == {"EIO": ["4"], "x": [" "]}
    assert request.headers == {"host": "x", "x-forwarded-for": "a, b"}
    assert request.method == "GET"


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": [(b"origin", b"a"), (b"origin", b"b")]},
        {"headers": [(b"host", b"a\x00")]},
        {"headers": [(b"x", b"y")] * 101},
        {"query_string": b"&".join([b"a=b"] * 101)},
    ],
)
def test_what_our_own_port_refuses_is_refused(changes: dict[str, Any]) -> None:
    assert isinstance(request_of(scope(**changes), "/a"), BadRequest)
