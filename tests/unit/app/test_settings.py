"""The tree: defaults, ranges, what values may look like, and that it keeps secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from tidegate.app.settings import (
    FIELDS,
    AuthSettings,
    Settings,
    WindowSettings,
    holds_path,
    holds_secret,
    holds_size,
)
from tidegate.app.settings_types import format_size, parse_size


def test_settings_without_arguments_are_the_documented_defaults() -> None:
    settings = Settings()
    assert (settings.host, settings.port, settings.path) == ("127.0.0.1", 8000, "/socket.io/")
    assert (settings.ping_interval, settings.ping_timeout) == (25.0, 20.0)
    assert (settings.api.host, settings.api.port, settings.api.key) == ("127.0.0.1", 8001, None)
    assert (settings.window.bytes, settings.window.tenant_bytes) == (67_108_864, 8_388_608)
    assert settings.limits.payload == 1_000_000
    assert settings.auth.algorithms == ["HS256"]


def test_algorithms_follow_from_the_kind_of_key() -> None:
    assert AuthSettings(secret=SecretStr("s")).algorithms == ["HS256"]
    assert AuthSettings(jwks_url="https://login.example.com/jwks").algorithms == ["RS256"]
    assert AuthSettings(public_key_file=Path("key.pem")).algorithms == ["RS256"]
    assert AuthSettings(public_key="pem", algorithms=["ES256"]).algorithms == ["ES256"]


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 9000


@pytest.mark.parametrize(
    ("text", "size"),
    [("1000", 1000), ("64MB", 64_000_000), ("64 MiB", 67_108_864), ("1.5kB", 1500), (512, 512)],
)
def test_sizes_are_bytes_or_text_with_a_unit(text: str | int, size: int) -> None:
    settings = WindowSettings.model_validate({"bytes": text})
    assert settings.bytes == size


@pytest.mark.parametrize("size", [1, 1000, 1024, 1_000_000, 8 * 1024**2, 3 * 1024**3, 262_144])
def test_a_formatted_size_reads_back(size: int) -> None:
    assert parse_size(format_size(size)) == size


def test_lists_may_be_text_with_commas() -> None:
    tree = {"origins": "https://a.example, https://b.example,", "auth": {"audience": "live"}}
    settings = Settings.model_validate(tree)
    assert settings.origins == ["https://a.example", "https://b.example"]
    assert settings.auth.audience == ["live"]


def test_proxies_become_networks_and_hosts_lower_case() -> None:
    tree = {"trusted_proxies": ["10.0.0.7", "2001:db8::/32"], "allowed_hosts": "Live.Example.com"}
    settings = Settings.model_validate(tree)
    assert settings.trusted_proxies == ["10.0.0.7/32", "2001:db8::/32"]
    assert settings.allowed_hosts == ["live.example.com"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("host", ""),
        ("host", "http://live.example.com"),
        ("port", -1),
        ("port", 65_536),
        ("port", True),
        ("path", "socket.io"),
        ("path", "/"),
        ("ping_interval", 0),
        ("ping_timeout", float("inf")),
        ("ping_timeout", float("nan")),
        ("connect_timeout", -1),
        ("drain_seconds", -0.1),
        ("workers", 0),
        ("namespaces", ["notifications"]),
        ("namespaces", ["/a b"]),
        ("allowed_hosts", ["https://live.example.com"]),
        ("allowed_hosts", ["live.example.com:443"]),
        ("trusted_proxies", ["10.0.0.1/8"]),
        ("trusted_proxies", ["proxy"]),
        ("log_level", "loud"),
        ("log_format", "xml"),
        ("auth.algorithms", []),
        ("auth.algorithms", ["none"]),
        ("auth.algorithms", ["hs256"]),
        ("auth.jwks_url", "ftp://login.example.com/jwks"),
        ("auth.jwks_url", "https://user:pass@login.example.com/jwks"),
        ("auth.tenant_claim", ""),
        ("auth.leeway", 601),
        ("auth.cache_entries", -1),
        ("api.port", "eighty"),
        ("log.kind", "kafka"),
        ("window.age", 0),
        ("window.bytes", "64 loaves"),
        ("window.bytes", True),
        ("limits.payload", 1),
        ("limits.attachments", -1),
        ("limits.write_buffer", 16 * 1024 - 1),
        ("limits.events_per_second", 0),
        ("limits.user_connections", 0),
        ("limits.user_connections", 1.5),
    ],
)
def test_value_out_of_range_is_refused(key: str, value: Any) -> None:
    section, _, name = key.rpartition(".")
    tree = {section: {name: value}} if section else {name: value}
    with pytest.raises(ValidationError) as refusal:
        Settings.model_validate(tree)
    assert refusal.value.errors()[0]["loc"][: key.count(".") + 1] == tuple(key.split("."))


def test_secrets_are_stars_in_repr_and_text() -> None:
    tree = {"auth": {"secret": "hunter2-hunter2"}, "api": {"key": "open-sesame"}}
    settings = Settings.model_validate(tree)
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert "hunter2" not in text
        assert "sesame" not in text


def test_a_secret_under_a_wrong_key_is_not_in_the_validation_error() -> None:
    with pytest.raises(ValidationError) as refusal:
        Settings.model_validate({"auth": {"secret": ["hunter2"], "scret": "hunter2"}})
    assert "hunter2" not in str(refusal.value)


def test_every_setting_is_explained() -> None:
    assert [key for key, field in FIELDS.items() if not field.description] == []


def test_settings_know_what_they_hold() -> None:
    assert [key for key in FIELDS if holds_secret(key)] == [
        "auth.secret",
        "api.key",
        "rabbitmq.url",
        "rabbitmq.stream_url",
    ]
    assert [key for key in FIELDS if holds_path(key)] == [
        "auth.secret_file",
        "auth.public_key_file",
        "tls.certificate",
        "tls.key",
    ]
    assert [key for key in FIELDS if holds_size(key)] == [
        "log.max_bytes",
        "window.bytes",
        "window.tenant_bytes",
        "compression.threshold",
        "limits.payload",
        "limits.write_buffer",
    ]
