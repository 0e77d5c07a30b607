"""The configuration as a whole: precedence, sources, all errors at once, showing it."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import SecretStr

from tidegate.app.config import ConfigErrors, LoadedSettings, describe, load_settings
from tidegate.app.settings import FIELDS, AuthSettings, Settings
from tidegate.errors import ConfigError

SECRET = "4f9c1be07a2d86355e30c8b1f7a96d24"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loaded(
    environ: Mapping[str, str] | None = None,
    *,
    file: Path | None = None,
    flags: Mapping[str, object] | None = None,
) -> LoadedSettings:
    variables = {f"TIDEGATE_{name}": value for name, value in (environ or {}).items()}
    return load_settings(file=file, environ=variables, flags=flags or {})


def errors(
    environ: Mapping[str, str] | None = None,
    *,
    file: Path | None = None,
    flags: Mapping[str, object] | None = None,
) -> list[str]:
    with pytest.raises(ConfigErrors) as refusal:
        loaded(environ, file=file, flags=flags)
    return [str(error) for error in refusal.value.errors]


# Precedence and sources.


def test_flags_win_over_the_environment_and_that_over_the_file(empty_folder: Path) -> None:
    file = empty_folder / "live.toml"
    file.write_text('port = 1\nhost = "a"\nlog_level = "debug"\n')
    settings = loaded({"PORT": "2", "HOST": "b"}, file=file, flags={"port": 3}).settings
    assert (settings.port, settings.host, settings.log_level) == (3, "b", "debug")


def test_sections_of_different_sources_are_merged(empty_folder: Path) -> None:
    file = empty_folder / "live.toml"
    file.write_text('[auth]\nissuer = "me"\n')
    auth = loaded({"AUTH__SECRET": SECRET}, file=file).settings.auth
    assert auth.issuer == "me"
    assert auth.secret == SecretStr(SECRET)


def test_source_of_each_value_is_known(empty_folder: Path) -> None:
    file = empty_folder / "live.toml"
    file.write_text('host = "a"\n')
    live = loaded({"AUTH__SECRET": SECRET}, file=file, flags={"port": 3})
    assert live.source_of("host") == str(file)
    assert live.source_of("auth.secret") == "environment variable TIDEGATE_AUTH__SECRET"
    assert live.source_of("port") == "flag --port"
    assert live.source_of("api.port") == "default"


def test_source_of_an_unknown_setting_is_a_mistake() -> None:
    with pytest.raises(KeyError, match="prot"):
        loaded().source_of("prot")


def test_secret_file_fills_the_secret_and_is_its_source(empty_folder: Path) -> None:
    file = empty_folder / "secret"
    file.write_text(f"{SECRET}\n")
    live = loaded({"AUTH__SECRET_FILE": str(file)})
    assert live.settings.auth.secret == SecretStr(SECRET)
    assert live.source_of("auth.secret") == (
        f"the file {file}, named by environment variable TIDEGATE_AUTH__SECRET_FILE"
    )


def test_settings_made_in_python_are_checked_too() -> None:
    auth = AuthSettings(secret=SecretStr(SECRET))
    live = LoadedSettings.of(Settings(port=9000, auth=auth))
    assert live.source_of("port") == "Python"
    assert live.source_of("auth.secret") == "Python"
    assert live.source_of("auth.issuer") == "default"
    with pytest.raises(ConfigErrors, match=r"workers \(from Python\): is 2"):
        LoadedSettings.of(Settings(workers=2))


def test_loaded_settings_can_be_checked_again(empty_folder: Path) -> None:
    (empty_folder / "secret").write_text(SECRET)
    settings = loaded({"AUTH__SECRET_FILE": "secret"}).settings
    assert LoadedSettings.of(settings).settings == settings


# Errors.


def test_all_errors_come_together(empty_folder: Path) -> None:
    file = empty_folder / "live.toml"
    file.write_text("workers = 0\n[auth]\nsecert = 1\n")
    assert errors({"PORT": "80x", "ORIGINS": "example.com/a"}, file=file, flags={"prot": 1}) == [
        f"auth.secert (from {file}): is not a setting. Did you mean auth.secret?",
        "prot (from flag --prot): is not a setting. Did you mean --port?",
        "port (from environment variable TIDEGATE_PORT): is '80x', which is not a whole number. "
        "Use a whole number, such as 8000.",
        f"workers (from {file}): is 0, which is less than 1. Use 1 or more, such as 1.",
        *errors({"ORIGINS": "example.com/a"}),
    ]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PORT", "70000", "is '70000', which is more than 65535. Use 65535 or less, such as 8000."),
        ("PING_TIMEOUT", "0", "is '0', which is not more than 0. Use more than 0, such as 20.0."),
        ("PING_TIMEOUT", "soon", "is 'soon', which is not a number. Use a number, such as 20.0."),
        ("DEV", "ja", "is 'ja', which is neither true nor false. Use true or false."),
        (
            "LOG_FORMAT",
            "xml",
            "is 'xml', which is not one of the choices. Use 'text' or 'json'.",
        ),
        (
            "LOG__KIND",
            "kafka",
            "is not a kind of log. Use 'memory' or 'rabbitmq', or leave it out.",
        ),
        (
            "TRUSTED_PROXIES",
            "10.1.2.3/8",
            "contains '10.1.2.3/8', an address inside a network rather than the network. "
            "Use 10.0.0.0/8 for the whole network, or the address alone.",
        ),
        (
            "WINDOW__BYTES",
            "plenty",
            "is 'plenty', which is not a size. "
            "Use a number of bytes, or a number with a unit, such as 64MiB or 500kB.",
        ),
    ],
)
def test_error_names_key_source_and_remedy(name: str, value: str, message: str) -> None:
    key = name.lower().replace("__", ".")
    expected = f"{key} (from environment variable TIDEGATE_{name}): {message}"
    assert errors({name: value}) == [expected]


def test_wrong_value_does_not_cause_errors_about_its_section() -> None:
    # Without the refused URL the section would seem to have HS256 and no key of its kind.
    found = errors({"AUTH__JWKS_URL": "login", "AUTH__SECRET": SECRET, "AUTH__ALGORITHMS": "RS256"})
    assert found == [
        "auth.jwks_url (from environment variable TIDEGATE_AUTH__JWKS_URL): "
        "is not a web address. Use a full URL that starts with https://."
    ]


def test_one_handler_catches_one_error_and_many() -> None:
    with pytest.raises(ConfigError) as refusal:
        loaded({"PORT": "x", "WORKERS": "y"})
    assert refusal.value.key == "port"
    assert str(refusal.value).count("\n") == 1


def test_secret_is_never_in_an_error(empty_folder: Path) -> None:
    file = empty_folder / "live.toml"
    file.write_text('[api]\nkey = ["hunter2"]\n[auth]\nsecret = { value = "hunter2" }\n')
    hunter = "hunter2"
    attempts: list[dict[str, str]] = [
        {"AUTH__SECRET": hunter, "AUTH__JWKS_URL": "https://login.example.com/jwks"},
        {"AUTH__SECRET_FILE": hunter},
        {"AUTH__PUBLIC_KEY": f"-----BEGIN PRIVATE KEY-----\n{hunter}"},
        {"AUTH__SECRET": hunter, "AUTH__ALGORITHMS": "RS256"},
        {"AUTH__SECRET": f"-----BEGIN PUBLIC KEY-----\n{hunter}"},
        {"AUTH__JWKS_URL": f"https://admin:{hunter}@login.example.com/jwks"},
        {"AUTH__SECERT": hunter},
    ]
    for attempt in attempts:
        with pytest.raises(ConfigErrors) as refusal:
            loaded(attempt, file=file)
        assert len(refusal.value.errors) >= 2
        trace = "".join(traceback.format_exception(refusal.value))
        assert hunter not in trace + repr(refusal.value)


# Showing.


def test_description_has_every_setting_once_in_order() -> None:
    assert [row.key for row in describe(loaded())] == list(FIELDS)


def test_description_shows_values_readably_and_sources() -> None:
    live = loaded({"ORIGINS": "https://a.example,https://b.example"}, flags={"dev": True})
    rows = {key: (value, source) for key, value, source in describe(live)}
    origins = "https://a.example, https://b.example"
    assert rows["origins"] == (origins, "environment variable TIDEGATE_ORIGINS")
    assert rows["dev"] == ("true", "flag --dev")
    assert rows["window.bytes"] == ("64MiB", "default")
    assert rows["auth.issuer"] == ("not set", "default")
    assert rows["namespaces"] == ("none", "default")


def test_description_masks_secrets() -> None:
    live = loaded({"AUTH__SECRET": SECRET, "API__KEY": "open-sesame"})
    rows = {row.key: row.value for row in describe(live)}
    assert rows["auth.secret"] == rows["api.key"] == "********"
    assert SECRET not in repr(describe(live)) + repr(live)
