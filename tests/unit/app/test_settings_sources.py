"""Reading each source: what is taken, what is passed over, what is refused and how."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidegate.app.settings_sources import (
    Layer,
    flag_name,
    read_environment,
    read_file,
    read_flags,
    variable_name,
)


def values(layer: Layer) -> dict[str, object]:
    assert layer.errors == []
    return {key: given.value for key, given in layer.values.items()}


def only_error(layer: Layer) -> str:
    assert len(layer.errors) == 1
    return str(layer.errors[0])


def toml(folder: Path, text: str) -> Path:
    path = folder / "tidegate.toml"
    path.write_text(text)
    return path


# The file.


def test_file_gives_values_by_dotted_key(tmp_path: Path) -> None:
    path = toml(tmp_path, 'port = 9000\norigins = ["https://a.example"]\n[auth]\nissuer = "me"\n')
    expected = {"port": 9000, "origins": ["https://a.example"], "auth.issuer": "me"}
    assert values(read_file(path)) == expected


def test_file_is_the_source_with_its_path(tmp_path: Path) -> None:
    path = toml(tmp_path, "port = 9000\n")
    assert read_file(path).values["port"].source == str(path)


def test_paths_in_the_file_are_relative_to_it(tmp_path: Path) -> None:
    path = toml(tmp_path, '[auth]\nsecret_file = "secret"\n[tls]\nkey = "/etc/key.pem"\n')
    expected = {"auth.secret_file": tmp_path / "secret", "tls.key": Path("/etc/key.pem")}
    assert values(read_file(path)) == expected


def test_the_table_of_the_review_is_passed_over(tmp_path: Path) -> None:
    path = toml(tmp_path, 'port = 9000\n[review]\nselect = ["auth"]\n')
    assert values(read_file(path)) == {"port": 9000}
    assert "review" in only_error(read_file(toml(tmp_path, "review = true\n")))


def test_default_file_is_read_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml(tmp_path, "port = 9000\n")
    monkeypatch.chdir(tmp_path)
    layer = read_file(None)
    assert values(layer) == {"port": 9000}
    assert layer.values["port"].source == "tidegate.toml"


def test_default_file_need_not_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert values(read_file(None)) == {}


def test_named_file_must_exist(tmp_path: Path) -> None:
    path = tmp_path / "live.toml"
    assert only_error(read_file(path)) == (
        f"config (from flag --config): there is no file {path}. "
        "Name a file that exists, or leave the flag out."
    )


def test_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    assert "the file can't be read: Is a directory" in only_error(read_file(tmp_path))


def test_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tidegate.toml"
    path.write_bytes(b'issuer = "\xff"')
    assert "it is not UTF-8 text" in only_error(read_file(path))


def test_syntax_error_gives_file_and_line(tmp_path: Path) -> None:
    path = toml(tmp_path, "port = 9000\nhost = localhost\n")
    error = only_error(read_file(path))
    assert error.startswith(f"config (from {path}, line 2): is not valid TOML: ")


def test_syntax_error_at_the_end_gives_the_last_line(tmp_path: Path) -> None:
    path = toml(tmp_path, 'port = 9000\nhost = "local')
    assert f"{path}, line 2" in only_error(read_file(path))


@pytest.mark.parametrize(
    ("text", "key", "suggestion"),
    [
        ('[auth]\nsecert = "x"\n', "auth.secert", "Did you mean auth.secret?"),
        ('secret = "x"\n', "secret", "Did you mean auth.secret?"),
        ("ping-interval = 1\n", "ping-interval", "Did you mean ping_interval?"),
        ("[limit]\npayload = 1\n", "limit", "Did you mean limits?"),
        ("[limit]\n", "limit", "Did you mean limits?"),
        ("[zzz.yyy]\nxxx = 1\n", "zzz", "Remove it; `tidegate check` lists all settings."),
    ],
)
def test_unknown_key_in_the_file_gets_a_suggestion(
    tmp_path: Path, text: str, key: str, suggestion: str
) -> None:
    path = toml(tmp_path, text)
    assert only_error(read_file(path)) == f"{key} (from {path}): is not a setting. {suggestion}"


@pytest.mark.parametrize("text", ["auth = 'hunter2'\n", "[[auth]]\nsecret = 'hunter2'\n"])
def test_section_that_is_no_table_is_refused_without_its_value(tmp_path: Path, text: str) -> None:
    error = only_error(read_file(toml(tmp_path, text)))
    assert "Write its settings below a line [auth], such as auth.secret." in error
    assert "hunter2" not in error


# The environment.


def test_variables_name_settings_with_two_underscores_between_levels() -> None:
    environ = {"TIDEGATE_PING_INTERVAL": "5", "TIDEGATE_AUTH__JWKS_URL": "https://x", "HOME": "/"}
    assert values(read_environment(environ)) == {
        "ping_interval": "5",
        "auth.jwks_url": "https://x",
    }


def test_variable_is_the_source() -> None:
    layer = read_environment({"TIDEGATE_API__KEY": "k"})
    assert layer.values["api.key"].source == "environment variable TIDEGATE_API__KEY"


def test_empty_variable_counts_as_not_set() -> None:
    assert values(read_environment({"TIDEGATE_AUTH__SECRET": "", "TIDEGATE_NONSENSE": ""})) == {}


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("TIDEGATE_AUTH_SECRET", "TIDEGATE_AUTH__SECRET"),
        ("TIDEGATE_ORIGIN", "TIDEGATE_ORIGINS"),
        ("TIDEGATE_port", "TIDEGATE_PORT"),
        ("TIDEGATE_LIMITS__ROOM", "TIDEGATE_LIMITS__ROOMS"),
    ],
)
def test_unknown_variable_gets_a_suggestion_without_its_value(name: str, suggestion: str) -> None:
    error = only_error(read_environment({name: "hunter2"}))
    assert f"(from environment variable {name}): is not a setting." in error
    assert error.endswith(f"Did you mean {suggestion}?")
    assert "hunter2" not in error


def test_kubernetes_service_links_are_passed_over() -> None:
    links = {
        "TIDEGATE_SERVICE_HOST": "10.0.0.1",
        "TIDEGATE_SERVICE_PORT": "8000",
        "TIDEGATE_SERVICE_PORT_HTTP": "8000",
        "TIDEGATE_PORT": "tcp://10.0.0.1:8000",
        "TIDEGATE_PORT_8000_TCP": "tcp://10.0.0.1:8000",
        "TIDEGATE_PORT_8000_TCP_PROTO": "tcp",
        "TIDEGATE_PORT_8000_TCP_PORT": "8000",
        "TIDEGATE_PORT_8000_TCP_ADDR": "10.0.0.1",
    }
    assert values(read_environment(links)) == {}


# The flags.


def test_flags_that_were_not_used_are_passed_over() -> None:
    assert values(read_flags({"port": 9000, "host": None, "dev": False})) == {
        "port": 9000,
        "dev": False,
    }


def test_flag_is_the_source() -> None:
    assert read_flags({"api.port": 9001}).values["api.port"].source == "flag --api-port"


def test_unknown_flag_is_refused() -> None:
    assert only_error(read_flags({"prot": 1})) == (
        "prot (from flag --prot): is not a setting. Did you mean --port?"
    )


def test_names_of_variables_and_flags() -> None:
    assert variable_name("limits.tenant_connections") == "TIDEGATE_LIMITS__TENANT_CONNECTIONS"
    assert flag_name("limits.tenant_connections") == "--limits-tenant-connections"


def test_given_values_are_not_in_the_repr_of_a_layer() -> None:
    assert "hunter2" not in repr(read_environment({"TIDEGATE_AUTH__SECRET": "hunter2"}))
