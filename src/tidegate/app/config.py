"""Configuration as a whole: what is set, who set it, and everything that is wrong with it.

::

    loaded = load_settings(flags={"port": 9000})
    loaded.settings.port               # 9000
    loaded.source_of("port")           # 'flag --port'
    loaded.source_of("auth.secret")    # 'environment variable TIDEGATE_AUTH__SECRET'

Later sources win: the file, then the environment, then the flags. What is usable may still be
unsafe; see ``tidegate.app.safety``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import SecretStr, ValidationError

from tidegate.app.settings import FIELDS, SECTIONS, Settings, holds_size
from tidegate.app.settings_checks import Finding, find_contradictions, read_key_files
from tidegate.app.settings_errors import ConfigErrors, explain_invalid
from tidegate.app.settings_sources import Given, read_environment, read_file, read_flags
from tidegate.app.settings_tables import describe_table
from tidegate.app.settings_types import format_size
from tidegate.errors import ConfigError

__all__ = ["ConfigErrors", "LoadedSettings", "SettingRow", "describe", "load_part", "load_settings"]


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings that can be used, and where each value comes from.

    Key files have been read: ``auth.secret`` and ``auth.public_key`` hold their content.

    Attributes:
        settings: The values.
        sources: Source by dotted key, of all settings that were given.
    """

    settings: Settings
    sources: Mapping[str, str]

    @classmethod
    def of(cls, settings: Settings) -> LoadedSettings:
        """Check settings that were made in Python.

        Raises:
            ConfigErrors: They can't be used.
        """
        sources = dict.fromkeys(_set_keys(settings), "Python")
        loaded, errors = _check(settings, sources)
        if errors:
            raise ConfigErrors(errors)
        return loaded

    def source_of(self, key: str) -> str:
        """Return who gave a setting its value, or ``default``.

        Raises:
            KeyError: There is no such setting.
        """
        if key not in FIELDS:
            raise KeyError(key)
        return self.sources.get(key, "default")

    def value_of(self, key: str) -> Any:
        """Return the value of a setting by its dotted key."""
        return _value_at(self.settings, key)

    def error(self, finding: Finding) -> ConfigError:
        """Return a finding about these settings as an error that names the source."""
        source = self.sources.get(finding.key, "default")
        return ConfigError(finding.key, finding.problem, remedy=finding.remedy, source=source)


def load_settings(
    *,
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
) -> LoadedSettings:
    """Return the settings of this process: ``load_settings().settings`` is what a service wants.

    Args:
        file: The file that a flag names; ``None`` reads ``tidegate.toml`` if there is one.
        environ: Where ``TIDEGATE_`` variables are looked for; the process's environment if None.
        flags: Values by dotted key; ``None`` stands for a flag that was not used.

    Raises:
        ConfigErrors: All that is wrong, each with key, source and remedy.
    """
    environment = read_environment(os.environ if environ is None else environ)
    layers = (read_file(file), environment, read_flags(flags or {}))
    errors = [error for layer in layers for error in layer.errors]
    given: dict[str, Given] = {}
    for layer in layers:
        given.update(layer.values)
    settings, invalid = _validate(given)
    sources = {key: value.source for key, value in given.items()}
    loaded, contradictions = _check(settings, sources)
    errors += invalid + _unrelated_to(invalid, contradictions)
    if errors:
        raise ConfigErrors(errors)
    return loaded


def load_part(file: Path, keys: Iterable[str]) -> Settings:
    """Return some settings of a file, for work that needs neither secrets nor a broker.

    Whether the settings fit together is not looked at, and key files are not read.

    Args:
        file: The file.
        keys: Dotted names of the settings that count; the others keep their defaults.

    Raises:
        ConfigErrors: The file can't be read, or one of its settings is wrong.
    """
    layer = read_file(file)
    wanted = set(keys)
    given = {key: value for key, value in layer.values.items() if key in wanted}
    settings, invalid = _validate(given)
    if layer.errors or invalid:
        raise ConfigErrors([*layer.errors, *invalid])
    return settings


def _validate(given: Mapping[str, Given]) -> tuple[Settings, list[ConfigError]]:
    """Return the settings, without those that are wrong, and what is wrong with them."""
    try:
        return Settings.model_validate(_tree(given)), []
    except ValidationError as invalid:
        errors = explain_invalid(invalid, given)
    wrong = {error.key for error in errors}
    right = {key: value for key, value in given.items() if key not in wrong}
    return Settings.model_validate(_tree(right)), errors


def _tree(given: Mapping[str, Given]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in given.items():
        section, _, name = key.rpartition(".")
        branch = tree.setdefault(section, {}) if section else tree
        branch[name] = value.value
    return tree


def _check(
    settings: Settings, sources: Mapping[str, str]
) -> tuple[LoadedSettings, list[ConfigError]]:
    settings, filled, findings = read_key_files(settings)
    files = {key: _file_source(settings, sources, key) for key in filled}
    loaded = LoadedSettings(settings, {**sources, **files})
    return loaded, [loaded.error(found) for found in (*findings, *find_contradictions(settings))]


def _file_source(settings: Settings, sources: Mapping[str, str], key: str) -> str:
    path = _value_at(settings, f"{key}_file")
    return f"the file {path}, named by {sources[f'{key}_file']}"


def _unrelated_to(
    invalid: Iterable[ConfigError], contradictions: Iterable[ConfigError]
) -> list[ConfigError]:
    # A refused value was left out, so what its section seems to lack or contradict may be right.
    sections = {error.key.partition(".")[0] for error in invalid}
    return [error for error in contradictions if error.key.partition(".")[0] not in sections]


def _set_keys(settings: Settings) -> Iterator[str]:
    for name in settings.model_fields_set:
        if name in SECTIONS:
            section = getattr(settings, name)
            yield from (f"{name}.{inner}" for inner in section.model_fields_set)
        else:
            yield name


def _value_at(settings: Settings, key: str) -> Any:
    value: Any = settings
    for name in key.split("."):
        value = getattr(value, name)
    return value


# Showing settings.


class SettingRow(NamedTuple):
    """A setting as ``tidegate check`` shows it."""

    key: str
    value: str
    source: str


def describe(loaded: LoadedSettings) -> list[SettingRow]:
    """Return every setting in the order of the reference, with secrets as stars."""
    return [
        SettingRow(key, _shown(key, loaded.value_of(key)), loaded.source_of(key)) for key in FIELDS
    ]


def _shown(key: str, value: object) -> str:
    match value:
        case None:
            return "not set"
        case SecretStr():
            return "********"
        case bool():
            return str(value).lower()
        case int() if holds_size(key):
            return format_size(value)
        case list():
            return ", ".join(map(describe_table, value)) or "none"
        case str() if "\n" in value:
            return f"{value.splitlines()[0]} …"
        case _:
            return str(value)
