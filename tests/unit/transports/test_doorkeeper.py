"""What the doorkeeper tells of those it refuses; whom it refuses is told in tests/interop."""

from __future__ import annotations

import pytest

from tidegate.auth.addresses import TrustedProxies
from tidegate.auth.origins import OriginPolicy
from tidegate.protocol.upgrade import Request
from tidegate.transports.doorkeeper import TOLD_AT_MOST, Doorkeeper


@pytest.fixture
def doorkeeper() -> Doorkeeper:
    return Doorkeeper(
        path="/socket.io/",
        origins=OriginPolicy(["https://app.example.com"]),
        allowed_hosts=frozenset(),
        proxies=TrustedProxies([]),
        max_waiting=10,
        max_waiting_per_address=10,
    )


def request(origin: str | None = None, **query: str) -> Request:
    given = {"EIO": "4", "transport": "websocket"} | query
    return Request(
        method="GET",
        target="/socket.io/",
        path="/socket.io/",
        query={name: [value] for name, value in given.items()},
        headers={} if origin is None else {"origin": origin},
        http_version="1.1",
    )


def test_a_page_that_is_not_listed_is_told_of_once(
    doorkeeper: Doorkeeper, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        doorkeeper.check(request("http://localhost:5173"))
    (record,) = caplog.records
    assert "a page of 'http://localhost:5173' (origin_not_allowed)" in record.getMessage()
    assert "`origins`" in record.getMessage()
    assert doorkeeper.refusals["origin_not_allowed"] == 3


def test_strangers_do_not_fill_the_log(
    doorkeeper: Doorkeeper, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(100):
        doorkeeper.check(request(f"https://{number}.example.net/\x1b[31m" + "x" * 10_000))
    assert len(caplog.records) == TOLD_AT_MOST
    assert all(len(text) < 400 and text.isprintable() for text in caplog.messages)
    doorkeeper.check(request(transport="polling"))
    assert len(caplog.records) == TOLD_AT_MOST + 1


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"transport": "polling"}, 'transports: ["websocket"]'),
        ({"token": "eyJ.secret.x"}, "`auth` option"),
        ({"EIO": "3"}, "EIO=4"),
    ],
)
def test_what_a_client_does_wrong_is_told_with_the_remedy(
    doorkeeper: Doorkeeper, caplog: pytest.LogCaptureFixture, query: dict[str, str], text: str
) -> None:
    doorkeeper.check(request(**query))
    assert text in caplog.text and "secret" not in caplog.text


def test_who_is_let_in_is_not_told_of(
    doorkeeper: Doorkeeper, caplog: pytest.LogCaptureFixture
) -> None:
    doorkeeper.check(request("https://app.example.com"))
    assert not caplog.records
