from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.broker import free_port
from tests.conftest import make_settings, make_token

from tidegate.app.settings import Settings
from tidegate.doctor.finding import Finding
from tidegate.doctor.token import check_token

if TYPE_CHECKING:
    from tests.unit.auth.conftest import Issuer, KeyServer


async def found(token: str, **auth: Any) -> Finding:
    [finding] = [each async for each in check_token(make_settings(auth=auth), token)]
    assert not token or token not in str(finding)
    return finding


async def test_a_good_token_tells_who_it_is_for() -> None:
    finding = await found(make_token("acme", "42", ttl=60))
    assert finding.result == "ok"
    assert finding.text.startswith("tenant 'acme', user '42'; it ends 20")
    assert (await found("Bearer " + make_token())).result == "ok"


async def test_an_expired_one_is_told_so() -> None:
    finding = await found(make_token(ttl=-60))
    assert finding.result == "failed" and finding.text.startswith("token_expired")


async def test_another_audience_issuer_or_key_is_named() -> None:
    finding = await found(make_token(aud="billing"), audience=["realtime"])
    assert finding.result == "failed" and "its aud is 'billing'" in finding.text
    finding = await found(make_token(iss="https://b.example"), issuer="https://a.example")
    assert "its iss is 'https://b.example'" in finding.text
    finding = await found(make_token(), secret="another secret: 0123456789abcdef0123456789")
    assert "none of the keys signed it" in finding.text


async def test_a_missing_tenant_names_the_setting() -> None:
    finding = await found(make_token(), tenant_claim="org.id")
    assert finding.text.startswith("tenant_missing") and "org.id" in finding.text
    assert "auth.tenant_claim" in finding.remedy


async def test_what_is_no_token_fails() -> None:
    assert (await found("")).text.startswith("token_missing")
    assert (await found("nonsense")).text.startswith("token_invalid")


async def test_keys_of_an_issuer_are_fetched(key_server: KeyServer, rsa_issuer: Issuer) -> None:
    key_server.publish(rsa_issuer)
    now = time.time()
    token = rsa_issuer.token(iat=now, exp=now + 60, aud="realtime")
    auth = {"jwks_url": key_server.url, "audience": ["realtime"]}
    settings = Settings.model_validate({"auth": auth})
    [finding] = [each async for each in check_token(settings, token)]
    assert finding.result == "ok"
    auth["jwks_url"] = f"http://127.0.0.1:{free_port()}/"
    settings = Settings.model_validate({"auth": auth})
    [finding] = [each async for each in check_token(settings, token)]
    assert finding.text.startswith("try_again") and "see `keys`" in finding.remedy


async def test_without_any_key_it_can_not_be_verified() -> None:
    [finding] = [each async for each in check_token(Settings(), make_token())]
    assert finding.result == "failed" and "no key" in finding.text
