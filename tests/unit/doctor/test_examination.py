from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.conftest import make_settings

from tidegate.app.config import LoadedSettings
from tidegate.doctor import Finding, examine
from tidegate.doctor import examination as module
from tidegate.doctor.finding import ok


def loaded(**settings: object) -> LoadedSettings:
    return LoadedSettings.of(make_settings(origins=["https://a.example"], **settings))


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


async def test_what_is_not_configured_is_not_tried() -> None:
    findings = await examine(loaded())
    checks = [each.check for each in findings]
    assert checks == ["settings", "public port", "private port", "open files", "event loop"]


async def test_a_check_that_breaks_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> AsyncIterator[Finding]:
        yield ok("event loop", "so far")
        raise RuntimeError("with a secret")

    monkeypatch.setattr(module, "check_event_loop", broken)
    findings = await examine(loaded())
    *_, first, second = findings
    assert (first.text, second.result) == ("so far", "failed")
    assert "RuntimeError" in second.text and "secret" not in str(second)
    assert findings[0].result == "ok"


async def test_a_broker_and_an_issuer_that_say_nothing_take_ten_seconds_at_most(
    silent: int,
) -> None:
    broker = {
        "url": f"amqp://user:hidden@127.0.0.1:{silent}/",
        "stream_url": f"rabbitmq-stream://user:hidden@127.0.0.1:{silent}/",
        "queues": [{"name": "a"}],
    }
    auth = {"secret": None, "jwks_url": f"http://127.0.0.1:{silent}/", "audience": ["a"]}
    settings = loaded(rabbitmq=broker, log={"kind": "rabbitmq"}, auth=auth)
    begin = time.monotonic()
    findings = await examine(settings, token="a.b.c")
    assert time.monotonic() - begin < 10
    failures = {each.check for each in findings if each.result == "failed"}
    assert failures >= {"broker", "stream port", "keys"}
    assert "hidden" not in str(findings)


async def test_a_check_that_does_not_end_does_not_hold_up_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    freed = asyncio.Event()

    async def stubborn() -> AsyncIterator[Finding]:
        yield ok("event loop", "so far")
        while not freed.is_set():
            try:
                await freed.wait()
            except asyncio.CancelledError:
                continue

    monkeypatch.setattr(module, "check_event_loop", stubborn)
    monkeypatch.setattr(module, "CHECK_SECONDS", 0.2)
    monkeypatch.setattr(module, "MAX_SECONDS", 0.4)
    *_, first, second = await examine(loaded())
    freed.set()
    assert (first.result, second.result) == ("ok", "failed")
    assert "no answer within 0.4 s" in second.text
