from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from tests.broker import free_port

from tidegate.app.settings import Settings
from tidegate.doctor.finding import Finding
from tidegate.doctor.keys import check_keys

if TYPE_CHECKING:
    from tests.unit.auth.conftest import Issuer, KeyServer


async def found(url: str, ahead: float = 0.0, **auth: object) -> list[Finding]:
    settings = Settings.model_validate({"auth": {"jwks_url": url, "audience": "a", **auth}})
    return [each async for each in check_keys(settings, clock=lambda: time.time() + ahead)]


async def test_keys_that_fit_are_counted(key_server: KeyServer, rsa_issuer: Issuer) -> None:
    key_server.publish(rsa_issuer)
    keys, clock = await found(key_server.url)
    assert (keys.result, keys.text) == ("ok", "127.0.0.1 publishes 1 key for RS256")
    assert (clock.result, clock.text) == ("ok", "agrees with that of 127.0.0.1")


async def test_keys_for_other_algorithms_are_named(
    key_server: KeyServer, ec_issuer: Issuer
) -> None:
    key_server.publish(ec_issuer)
    keys, _ = await found(key_server.url)
    assert keys.result == "failed" and "no key for RS256" in keys.text
    assert "for ES256: set auth.algorithms" in keys.remedy
    key_server.publish()
    keys, _ = await found(key_server.url)
    assert keys.result == "failed" and "Is it the issuer's" in keys.remedy


async def test_what_is_no_document_fails(key_server: KeyServer) -> None:
    key_server.body = b"<html>"
    keys, _ = await found(key_server.url)
    assert keys.result == "failed" and "not a JWKS" in keys.text
    key_server.status = 404
    keys, clock = await found(key_server.url)
    assert keys.result == "failed" and "status 404" in keys.text
    assert clock.result == "ok"


async def test_a_server_that_is_down_fails_without_its_query() -> None:
    [keys] = await found(f"http://127.0.0.1:{free_port()}/jwks.json?key=hidden")
    assert keys.result == "failed" and "could not be fetched" in keys.text
    assert "hidden" not in str(keys)


async def test_a_url_that_nobody_should_trust_fails() -> None:
    [keys] = await found("http://issuer.example/jwks.json")
    assert keys.result == "failed" and "plain http" in keys.text


@pytest.mark.parametrize(
    ("ahead", "result", "text"),
    [
        (60, "failed", "60 s ahead of that of 127.0.0.1, more than auth.leeway (10 s): tokens end"),
        (-60, "failed", "60 s behind that of 127.0.0.1, more than auth.leeway (10 s): new tokens"),
        (6, "warning", "within auth.leeway (10 s)"),
        (1, "ok", "agrees"),
    ],
)
async def test_clocks_that_differ_are_told(
    key_server: KeyServer, rsa_issuer: Issuer, ahead: float, result: str, text: str
) -> None:
    key_server.publish(rsa_issuer)
    _, clock = await found(key_server.url, ahead)
    assert clock.result == result
    # The header has whole seconds.
    assert text.partition(" s ")[2] in clock.text


async def test_without_a_jwks_url_there_is_nothing_to_try() -> None:
    assert [each async for each in check_keys(Settings())] == []
