from __future__ import annotations

import gc
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.protocol.upgrade import (
    BadRequest,
    Request,
    RequestReader,
    check_upgrade,
    encode_http_response,
    encode_upgrade_response,
)

HANDSHAKE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
    b"Host: example.com:8000\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: keep-alive, Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"\r\n"
)
NOT_HTTP = BadRequest(400, "bad_request", "This is not HTTP/1.1.")


def read(data: bytes, **limits: int) -> Request | BadRequest | None:
    return RequestReader(**limits).receive_data(data)


def head(*lines: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} / HTTP/1.1", "Host: x", *lines, "", ""]).encode("latin-1")


def handshake(**headers: str | None) -> Request:
    """The standard's example with headers replaced, or left out if None."""
    fields: dict[str, str | None] = {
        "host": "example.com",
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-version": "13",
    }
    fields.update({name.replace("_", "-"): value for name, value in headers.items()})
    kept = {name: value for name, value in fields.items() if value is not None}
    return Request("GET", "/", "/", {}, kept, "1.1")


def refusal(request: Request, hosts: frozenset[str] | None = None) -> BadRequest:
    answer = check_upgrade(request, hosts)
    assert isinstance(answer, BadRequest)
    return answer


# Reading


def test_handshake_is_read() -> None:
    assert read(HANDSHAKE) == Request(
        method="GET",
        target="/socket.io/?EIO=4&transport=websocket",
        path="/socket.io/",
        query={"EIO": ["4"], "transport": ["websocket"]},
        headers={
            "host": "example.com:8000",
            "upgrade": "websocket",
            "connection": "keep-alive, Upgrade",
            "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
            "sec-websocket-version": "13",
        },
        http_version="1.1",
    )


def test_early_frame_is_the_rest() -> None:
    request = read(HANDSHAKE + b"\x81\x80abcd")

    assert isinstance(request, Request)
    assert request.rest == b"\x81\x80abcd"


def test_request_that_arrives_byte_by_byte() -> None:
    reader = RequestReader()
    answers = [reader.receive_data(bytes([byte])) for byte in HANDSHAKE]

    assert answers == [None] * (len(HANDSHAKE) - 1) + [read(HANDSHAKE)]


def test_query_keeps_blank_and_repeated_fields() -> None:
    request = read(b"GET /p?a=1&a=%202&b= HTTP/1.1\r\nHost: x\r\n\r\n")

    assert isinstance(request, Request)
    assert request.query == {"a": ["1", " 2"], "b": [""]}


def test_header_values_are_latin_1_and_joined() -> None:
    request = read(head("X-A: caf\xe9", "x-a: \t two ", "X-B:"))

    assert isinstance(request, Request)
    assert request.headers == {"host": "x", "x-a": "caf\xe9, two", "x-b": ""}


@pytest.mark.parametrize(
    "line",
    [
        "Host: y",
        "Sec-WebSocket-Key: a\r\nSec-WebSocket-Key: a",
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 8",
        "Origin: https://a\r\nOrigin: https://b",
    ],
)
def test_headers_that_stand_once_may_not_be_repeated(line: str) -> None:
    name = line.partition(":")[0].lower()

    assert read(head(line)) == BadRequest(400, "bad_request", f"The header {name} is repeated.")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01", id="TLS hello"),
        pytest.param(b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", id="space before the colon"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", id="folded header"),
        pytest.param(b"GET / HTTP/1.1\r\nA: b\x01c\r\n\r\n", id="control character"),
        pytest.param(b"GET / HTTP/1.1\r\nA: b\x00c\r\n\r\n", id="NUL"),
        pytest.param(b"GET / HTTP/1.1\r\nA: b\x7fc\r\n\r\n", id="delete character"),
        pytest.param(b"GET / HTTP/1.1\nHost: x\n\n", id="bare line feeds"),
        pytest.param(b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", id="unknown version"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="HTTP/2"),
    ],
)
def test_what_is_not_http(data: bytes) -> None:
    assert read(data) == NOT_HTTP


@pytest.mark.parametrize("target", ["http://x/a", "*"])
def test_target_that_is_not_a_path(target: str) -> None:
    data = f"OPTIONS {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode()

    assert read(data) == BadRequest(400, "bad_request", "The target is not a path.")


def test_second_request_is_not_mixed_with_the_first() -> None:
    data = head() + b"GET /other HTTP/1.1\r\nHost: y\r\n\r\n"

    assert read(data) == BadRequest(400, "bad_request", "One request is served per connection.")


def test_the_reader_is_freed_without_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            read(HANDSHAKE)
        assert gc.collect() == 0
    finally:
        gc.enable()


# Bounds


def test_head_of_the_largest_size_is_fine() -> None:
    assert isinstance(read(HANDSHAKE, max_request_size=len(HANDSHAKE)), Request)


def test_head_that_is_too_large_is_refused() -> None:
    size = len(HANDSHAKE) - 1
    problem = BadRequest(
        431, "request_too_large", f"The head of the request has over {size} bytes."
    )

    assert read(HANDSHAKE, max_request_size=size) == problem


def test_head_without_end_is_refused_when_it_passes_the_bound() -> None:
    reader = RequestReader(max_request_size=100)
    assert reader.receive_data(b"GET /" + b"a" * 95) is None

    answer = reader.receive_data(b"a")

    assert isinstance(answer, BadRequest)
    assert answer.status == 431


def test_bytes_after_the_head_do_not_count() -> None:
    assert isinstance(read(HANDSHAKE + b"x" * 9000, max_request_size=len(HANDSHAKE)), Request)


def test_a_hundred_headers_are_fine_and_no_more() -> None:
    lines = [f"X-{i}: v" for i in range(99)]

    assert isinstance(read(head(*lines)), Request)
    assert read(head(*lines, "X-99: v")) == BadRequest(
        431, "request_too_large", "The request has over 100 headers."
    )


def test_query_of_too_many_fields_is_refused() -> None:
    data = b"GET /?" + b"a&" * 101 + b" HTTP/1.1\r\nHost: x\r\n\r\n"

    assert read(data) == BadRequest(400, "bad_request", "The query has over 100 fields.")


# Bodies


def test_body_of_a_post_within_its_bound() -> None:
    request = read(head("Content-Length: 5", method="POST") + b"hello", max_body_size=5)

    assert isinstance(request, Request)
    assert request.body == b"hello"


def test_body_that_arrives_later() -> None:
    reader = RequestReader(max_body_size=5)

    assert reader.receive_data(head("Content-Length: 5", method="POST") + b"he") is None
    request = reader.receive_data(b"llo")
    assert isinstance(request, Request)
    assert request.body == b"hello"


@pytest.mark.parametrize("length", ["6", "06", "999999999999999999"])
def test_body_that_is_too_large_is_refused_at_the_head(length: str) -> None:
    data = head(f"Content-Length: {length}", method="POST")
    problem = BadRequest(413, "body_too_large", "The body is too large.")

    assert read(data, max_body_size=5) == problem


def test_body_length_beyond_64_bits_is_not_http() -> None:
    data = head("Content-Length: 99999999999999999999", method="POST")

    assert read(data, max_body_size=5) == NOT_HTTP


def test_body_is_refused_unless_it_is_asked_for() -> None:
    data = head("Content-Length: 1", method="POST")

    assert read(data) == BadRequest(413, "body_too_large", "The body is too large.")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_a_post_has_a_body(method: str) -> None:
    data = head("Content-Length: 1", method=method)
    problem = BadRequest(400, "bad_request", f"A {method} request has no body here.")

    assert read(data, max_body_size=5) == problem
    assert read(data) == problem


def test_body_without_a_length_is_refused() -> None:
    data = head("Transfer-Encoding: chunked", method="POST")

    assert read(data, max_body_size=5) == BadRequest(
        400, "bad_request", "The body has no fixed length."
    )


def test_upgrade_with_a_body_is_refused() -> None:
    data = head("Upgrade: websocket", "Connection: Upgrade", "Content-Length: 2", method="POST")

    assert read(data + b"{}", max_body_size=5) == BadRequest(
        400, "bad_request", "A request to upgrade has no body."
    )


def test_content_length_of_zero_is_no_body() -> None:
    assert isinstance(read(head("Content-Length: 0")), Request)


# Checking


def test_accept_value_of_the_standards_example() -> None:
    assert check_upgrade(handshake()) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize("connection", ["upgrade", "keep-alive, Upgrade", "close ,UPGRADE"])
def test_connection_header_is_a_list_of_tokens(connection: str) -> None:
    assert isinstance(check_upgrade(handshake(connection=connection)), str)


@pytest.mark.parametrize("host", ["example.com", "example.com:80", "127.0.0.1:8000", "[::1]:8000"])
def test_hosts_that_are_well_formed(host: str) -> None:
    assert isinstance(check_upgrade(handshake(host=host)), str)


@pytest.mark.parametrize(
    "host", [None, "", "a b", "user@example.com", "example.com:port", "a, b", "a/b"]
)
def test_hosts_that_are_not(host: str | None) -> None:
    assert refusal(handshake(host=host)).code == "bad_host"


@pytest.mark.parametrize("host", ["Example.com", "example.com:8000", "[::1]:8000"])
def test_allowed_host_with_any_port(host: str) -> None:
    assert isinstance(check_upgrade(handshake(host=host), frozenset({"example.com", "[::1]"})), str)


def test_host_that_is_not_ours() -> None:
    answer = refusal(handshake(host="evil.example"), frozenset({"example.com"}))

    assert (answer.status, answer.code) == (400, "bad_host")


@pytest.mark.parametrize(("method", "version"), [("POST", "1.1"), ("HEAD", "1.1"), ("GET", "1.0")])
def test_only_an_http_1_1_get_upgrades(method: str, version: str) -> None:
    request = Request(method, "/", "/", {}, handshake().headers, version)

    assert (refusal(request).status, refusal(request).code) == (400, "bad_upgrade")


@pytest.mark.parametrize("upgrade", [None, "h2c", "websockets"])
def test_request_without_upgrade(upgrade: str | None) -> None:
    answer = refusal(handshake(upgrade=upgrade))

    assert (answer.status, answer.code) == (426, "bad_upgrade")
    assert answer.headers == {"Upgrade": "websocket", "Connection": "Upgrade"}


@pytest.mark.parametrize("connection", [None, "keep-alive", "upgraded"])
def test_request_without_connection_upgrade(connection: str | None) -> None:
    answer = refusal(handshake(connection=connection))

    assert (answer.status, answer.code) == (400, "bad_upgrade")


@pytest.mark.parametrize("version", [None, "8", "13, 8"])
def test_other_versions_learn_ours(version: str | None) -> None:
    answer = refusal(handshake(sec_websocket_version=version))

    assert (answer.status, answer.code) == (426, "bad_version")
    assert answer.headers == {"Sec-WebSocket-Version": "13"}


@pytest.mark.parametrize(
    "key",
    [
        None,
        "",
        "c2hvcnQ=",
        "dGhlIHNhbXBsZSBub25jZSE=",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhl!HNhbXBsZSBub25jZQ==",
        "\xe9" * 24,
    ],
)
def test_keys_that_are_not_16_bytes_in_base64(key: str | None) -> None:
    answer = refusal(handshake(sec_websocket_key=key))

    assert (answer.status, answer.code) == (400, "bad_upgrade")


# Answering


def test_upgrade_response() -> None:
    assert encode_upgrade_response("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        b"\r\n"
    )


def test_http_response() -> None:
    encoded = encode_http_response(404, b"{}", "application/json", {"Retry-After": "5"})

    assert encoded == (
        b"HTTP/1.1 404 Not Found\r\n"
        b"Content-Type: application/json\r\n"
        b"Content-Length: 2\r\n"
        b"Connection: close\r\n"
        b"X-Content-Type-Options: nosniff\r\n"
        b"Retry-After: 5\r\n"
        b"\r\n"
        b"{}"
    )


# Whatever comes, however it is cut

LINES = [
    b"GET / HTTP/1.1\r\n", b"POST /x?a=1 HTTP/1.1\r\n", b"Host: x\r\n", b"Upgrade: websocket\r\n",
    b"Connection: Upgrade\r\n", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n",
    b"\r\n", b"abc", b"\x81\x80", b"\xff", b":", b"\n",
]  # fmt: skip


@given(
    data=st.binary() | st.lists(st.sampled_from(LINES), max_size=12).map(b"".join),
    size=st.integers(1, 50),
)
def test_arbitrary_bytes_never_raise(data: bytes, size: int) -> None:
    reader = RequestReader(max_request_size=60, max_body_size=3)

    for start in range(0, len(data), size):
        answer = reader.receive_data(data[start : start + size])
        if isinstance(answer, Request):
            assert isinstance(check_upgrade(answer), str | BadRequest)
        if answer is not None:
            break


@given(cuts=st.lists(st.integers(0, len(HANDSHAKE)), max_size=8))
def test_any_cutting_of_a_request_gives_the_same_request(cuts: list[int]) -> None:
    reader = RequestReader()
    edges = [0, *sorted(cuts), len(HANDSHAKE)]
    answers = [
        answer
        for a, b in itertools.pairwise(edges)
        if a < b and (answer := reader.receive_data(HANDSHAKE[a:b])) is not None
    ]

    assert answers == [read(HANDSHAKE)]
