from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import httpx
import pytest

from tidegate.auth.jwks_client import MAX_DOCUMENT_SIZE, JWKSClient
from tidegate.errors import ConfigError

if TYPE_CHECKING:
    from tests.unit.auth.conftest import KeyServer


@pytest.fixture
async def client(key_server: KeyServer) -> AsyncIterator[JWKSClient]:
    client = JWKSClient(key_server.url, timeout=5.0, allow_http=False)
    yield client
    await client.aclose()


async def test_fetches_the_document(client: JWKSClient, key_server: KeyServer) -> None:
    key_server.body = b'{"keys":[]}'
    assert await client.fetch() == b'{"keys":[]}'


@pytest.mark.parametrize("status", [201, 204, 304, 401, 404, 500, 503])
async def test_only_status_200_counts(
    status: int, client: JWKSClient, key_server: KeyServer
) -> None:
    key_server.status, key_server.body = status, b""
    with pytest.raises(ValueError, match=f"the answer has status {status}"):
        await client.fetch()


async def test_a_document_up_to_the_limit_is_read(
    client: JWKSClient, key_server: KeyServer
) -> None:
    key_server.body = b" " * MAX_DOCUMENT_SIZE
    assert len(await client.fetch()) == MAX_DOCUMENT_SIZE


async def test_a_longer_one_is_refused(client: JWKSClient, key_server: KeyServer) -> None:
    key_server.body = b" " * (MAX_DOCUMENT_SIZE + 1)
    with pytest.raises(ValueError, match="longer"):
        await client.fetch()


async def test_a_compressed_one_is_refused(client: JWKSClient, key_server: KeyServer) -> None:
    key_server.headers["Content-Encoding"] = "gzip"
    with pytest.raises(ValueError, match="compressed"):
        await client.fetch()


async def test_a_redirect_to_plain_http_elsewhere_is_refused(
    client: JWKSClient, key_server: KeyServer
) -> None:
    key_server.status, key_server.headers["Location"] = 302, "http://localhost:1/jwks.json"
    with pytest.raises(httpx.UnsupportedProtocol):
        await client.fetch()
    assert key_server.requests == 1


async def test_an_https_url_is_never_left_for_plain_http() -> None:
    client = JWKSClient("https://login.example.com/jwks.json", timeout=5.0, allow_http=True)
    with pytest.raises(httpx.UnsupportedProtocol):
        await client._refuse_downgrade(httpx.Request("GET", "http://login.example.com/jwks.json"))


async def test_redirects_in_a_circle_end(client: JWKSClient, key_server: KeyServer) -> None:
    key_server.status, key_server.headers["Location"] = 302, key_server.url
    with pytest.raises(httpx.TooManyRedirects):
        await client.fetch()
    assert key_server.requests == 4


async def test_a_server_that_does_not_answer_is_given_up(key_server: KeyServer) -> None:
    client = JWKSClient(key_server.url, timeout=0.05, allow_http=False)
    key_server.may_answer.clear()
    with pytest.raises((TimeoutError, httpx.TimeoutException)):
        await client.fetch()
    await client.aclose()


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.com/jwks.json",
        "http://127.0.0.1.evil.example/jwks.json",
        "ftp://login.example.com/jwks.json",
        "login.example.com/jwks.json",
        "https://",
        "",
        "https://[::1",
        "https://user:hunter2@login.example.com/jwks.json",
    ],
)
def test_a_url_that_is_not_https_is_refused_with_a_remedy(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        JWKSClient(url, timeout=5.0, allow_http=False)
    assert caught.value.key == "auth.jwks_url"
    assert "https" in caught.value.remedy
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:8080"])
def test_plain_http_to_this_machine_is_fine(host: str) -> None:
    assert JWKSClient(f"http://{host}/jwks.json", timeout=5.0, allow_http=False).host in host


def test_plain_http_can_be_permitted() -> None:
    client = JWKSClient("http://keys.internal/", timeout=5.0, allow_http=True)
    assert client.host == "keys.internal"


async def test_the_server_tells_its_time(client: JWKSClient, key_server: KeyServer) -> None:
    await client.fetch()
    assert client.server_time is not None
    assert abs(time.time() - client.server_time) < 2


async def test_an_answer_that_a_cache_kept_is_older_than_it_comes(
    client: JWKSClient, key_server: KeyServer
) -> None:
    key_server.headers["Age"] = "3600"
    await client.fetch()
    assert client.server_time is not None
    assert 3598 < client.server_time - time.time() < 3602


async def test_an_odd_age_tells_no_time(client: JWKSClient, key_server: KeyServer) -> None:
    key_server.headers["Age"] = "old"
    await client.fetch()
    assert client.server_time is None
