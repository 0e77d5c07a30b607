"""What stops ``serve`` without ``--dev``, and what only warns."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.app.config import LoadedSettings, load_settings
from tidegate.app.safety import api_is_on, is_loopback, setting_warnings, unsafe_settings
from tidegate.app.settings import Settings

SECRET = "4f9c1be07a2d86355e30c8b1f7a96d24"
SAFE_AUTH = {"secret": SECRET}
JWKS = {"jwks_url": "https://login.example.com/jwks", "audience": ["live"]}


def unsafe(**tree: Any) -> list[str]:
    loaded = LoadedSettings.of(Settings.model_validate({"auth": SAFE_AUTH} | tree))
    return [error.key for error in unsafe_settings(loaded)]


def warned(**tree: Any) -> list[str]:
    tree = {"auth": SAFE_AUTH, "origins": ["https://a.example"]} | tree
    loaded = LoadedSettings.of(Settings.model_validate(tree))
    return [error.key for error in setting_warnings(loaded)]


def test_random_secret_and_listed_origins_are_safe_and_silent() -> None:
    assert unsafe(origins=["https://app.example.com"]) == []
    assert warned() == []


def test_short_secret_is_told_with_source_and_remedy() -> None:
    loaded = load_settings(file=None, environ={"TIDEGATE_AUTH__SECRET": "7fQ-x9Lz_w2K"}, flags={})
    assert [str(error) for error in unsafe_settings(loaded)] == [
        "auth.secret (from environment variable TIDEGATE_AUTH__SECRET): is 12 bytes long, so it "
        "can be guessed offline. Use at least 32 random bytes, for example: "
        "openssl rand -base64 32"
    ]


@pytest.mark.parametrize(("algorithm", "needed"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_secret_must_be_as_long_as_its_hash(algorithm: str, needed: int) -> None:
    secret = (SECRET + "b6Zt0YkWnE5sLr8HxVuQ3mPcJ1DgFoTa")[:needed]
    assert unsafe(auth={"secret": secret, "algorithms": [algorithm]}) == []
    assert unsafe(auth={"secret": secret[1:], "algorithms": [algorithm]}) == ["auth.secret"]


def test_the_strongest_algorithm_decides_the_length() -> None:
    auth = {"secret": SECRET, "algorithms": ["HS256", "HS512"]}
    assert unsafe(auth=auth) == ["auth.secret"]


def test_length_counts_bytes_not_characters() -> None:
    assert unsafe(auth={"secret": "äöüßéèêñçøåæłžšđ"}) == []


@pytest.mark.parametrize(
    "secret",
    [
        "secret",
        "changeme",
        "a" * 64,
        "0123456789abcdef" * 2,
        "aabbaabbabababbbaaababbbababbbaaab",
        "your-256-bit-secret-your-company-name",
        "a-string-secret-at-least-256-bits-long",
        "your-super-secret-jwt-token-with-at-least-32-characters-long",
        "please-CHANGE_ME-before-going-live-0123",
        "tidegate-dev-4f9c1be07a2d86355e30c8b1f7a96d24",
    ],
)
def test_well_known_and_repetitive_secrets_are_unsafe_at_any_length(secret: str) -> None:
    loaded = LoadedSettings.of(Settings.model_validate({"auth": {"secret": secret}}))
    [error] = unsafe_settings(loaded)
    assert error.key == "auth.secret"
    assert "well-known" in error.problem


def test_unsafe_secret_is_not_in_the_message() -> None:
    loaded = LoadedSettings.of(Settings.model_validate({"auth": {"secret": "hunter2"}}))
    assert "hunter2" not in "".join(str(error) for error in unsafe_settings(loaded))


def test_no_authentication_is_unsafe_unless_the_gateway_brings_its_own() -> None:
    loaded = LoadedSettings.of(Settings())
    [error] = unsafe_settings(loaded)
    assert error.key == "auth.secret"
    assert "TIDEGATE_AUTH__SECRET" in error.remedy
    assert unsafe_settings(loaded, has_authenticator=True) == []


def test_any_origin_is_unsafe() -> None:
    assert unsafe(origins=["https://app.example.com", "*"]) == ["origins"]


def test_no_origin_is_safe_but_worth_a_word() -> None:
    assert unsafe(origins=[]) == []
    assert warned(origins=[]) == ["origins"]


def test_keys_of_an_issuer_need_an_audience() -> None:
    assert unsafe(auth=JWKS) == []
    assert unsafe(auth=JWKS | {"audience": []}) == ["auth.audience"]


def test_jwks_over_plain_http_is_unsafe_except_on_loopback() -> None:
    assert unsafe(auth=JWKS | {"jwks_url": "http://login.example.com/jwks"}) == ["auth.jwks_url"]
    assert unsafe(auth=JWKS | {"jwks_url": "http://localhost:9000/jwks"}) == []
    assert unsafe(auth=JWKS | {"jwks_url": "http://[::1]:9000/jwks"}) == []


def test_private_port_on_the_network_needs_a_key() -> None:
    assert unsafe(api={"host": "0.0.0.0"}) == ["api.host"]
    assert unsafe(api={"host": "0.0.0.0", "key": SECRET}) == []


def test_everything_unsafe_is_found_at_once() -> None:
    auth = {"jwks_url": "http://login.example.com/jwks"}
    assert unsafe(auth=auth, origins=["*"], api={"host": "10.0.0.1"}) == [
        "auth.audience",
        "auth.jwks_url",
        "origins",
        "api.host",
    ]


@pytest.mark.parametrize(
    ("tree", "key"),
    [
        ({"host": "0.0.0.0"}, "tls.certificate"),
        ({"origins": ["null"]}, "origins"),
        ({"trusted_proxies": ["0.0.0.0/0"]}, "trusted_proxies"),
        ({"trusted_proxies": ["10.0.0.0/8", "::/0"]}, "trusted_proxies"),
        ({"api": {"key": "k3y"}}, "api.key"),
        ({"auth": JWKS}, "auth.issuer"),
    ],
)
def test_doubtful_settings_are_permitted_with_a_warning(tree: dict[str, Any], key: str) -> None:
    assert unsafe(**tree) == []
    assert warned(**tree) == [key]


@pytest.mark.parametrize(
    ("api", "dev", "is_on"),
    [
        ({"key": SECRET}, False, True),
        ({"key": SECRET, "host": "0.0.0.0"}, False, True),
        ({}, False, False),
        ({}, True, True),
        ({"host": "0.0.0.0"}, True, False),
    ],
)
def test_private_port_opens_with_a_key_or_in_development_on_loopback(
    api: dict[str, str], dev: bool, is_on: bool
) -> None:
    assert api_is_on(Settings.model_validate({"api": api, "dev": dev})) is is_on


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LOCALHOST"]
)
def test_loopback_hosts(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.1", "example.com", "localhost.evil.com", ""]
)
def test_other_hosts_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)
