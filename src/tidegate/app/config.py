"""Settings from file, environment and flags, with the source of every value kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from tidegate.app.settings import FIELDS, SECTIONS, Settings, holds_secret
from tidegate.app.settings_errors import ConfigErrors, explain_invalid
from tidegate.app.settings_sources import Given, read_environment, read_file, read_flags
from tidegate.errors import ConfigError

__all__ = ["ConfigErrors", "LoadedSettings", "describe", "load_settings"]


class LoadedSettings:
    """Settings, and where each of their values came from."""

    def __init__(self, settings: Settings, given: Mapping[str, Given]) -> None:
        self.settings = settings
        self._given = given

    def source_of(self, key: str) -> str:
        """Return where the value at a dotted key came from; ``default`` if nobody gave one."""
        given = self._given.get(key)
        return "default" if given is None else given.source

    def value_of(self, key: str) -> Any:
        """Return the value at a dotted key."""
        value: Any = self.settings
        for part in key.split("."):
            value = getattr(value, part)
        return value


def load_settings(
    *, file: Path | None, environ: Mapping[str, str], flags: Mapping[str, object]
) -> LoadedSettings:
    """Return the settings: the file, over it the environment, over both the flags.

    Args:
        file: A file that must exist; None for ``tidegate.toml`` if there is one.
        environ: Environment variables.
        flags: Values by dotted key; None for a flag that was not used.

    Raises:
        ConfigErrors: Everything that is wrong, in one go.
    """
    layers = [read_file(file), read_environment(environ), read_flags(flags)]
    given: dict[str, Given] = {}
    for layer in layers:
        given.update(layer.values)
    errors = [error for layer in layers for error in layer.errors]
    try:
        settings = Settings.model_validate(_nest(given))
    except ValidationError as invalid:
        raise ConfigErrors(errors + explain_invalid(invalid, given)) from None
    loaded = LoadedSettings(settings, given)
    errors += _contradictions(loaded)
    if errors:
        raise ConfigErrors(errors)
    return loaded


def describe(loaded: LoadedSettings) -> list[tuple[str, str, str]]:
    """Return key, value and source of every setting, secrets as stars."""
    return [(key, _show(key, loaded.value_of(key)), loaded.source_of(key)) for key in FIELDS]


def _show(key: str, value: Any) -> str:
    if value is None:
        return "-"
    if holds_secret(key) or isinstance(value, SecretStr):
        return "********"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    return str(value)


def _nest(given: Mapping[str, Given]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for key, value in given.items():
        section, _, name = key.rpartition(".")
        target = nested.setdefault(section, {}) if section in SECTIONS else nested
        target[name] = value.value
    return nested


def _contradictions(loaded: LoadedSettings) -> list[ConfigError]:
    """Return what does not go together."""
    settings, errors = loaded.settings, []
    keys = ("secret", "secret_file", "jwks_url", "public_key", "public_key_file")
    named = [f"auth.{key}" for key in keys if getattr(settings.auth, key) is not None]
    if len(named) > 1:
        errors.append(_contradiction(loaded, named[1], f"is set beside {named[0]}", "Keep one."))
    if (settings.tls.certificate is None) != (settings.tls.key is None):
        lone = "tls.key" if settings.tls.certificate is None else "tls.certificate"
        errors.append(
            _contradiction(loaded, lone, "is set alone", "Set tls.certificate and tls.key.")
        )
    if settings.workers > 1 and settings.log.kind == "memory":
        problem = f"is {settings.workers}, but the memory log is one process's"
        errors.append(_contradiction(loaded, "workers", problem, "Use 1 worker."))
    if settings.window.tenant_bytes > settings.window.bytes:
        problem = "is more than window.bytes"
        remedy = "A tenant's share is at most the whole."
        errors.append(_contradiction(loaded, "window.tenant_bytes", problem, remedy))
    return errors


def _contradiction(loaded: LoadedSettings, key: str, problem: str, remedy: str) -> ConfigError:
    return ConfigError(key, problem, remedy=remedy, source=loaded.source_of(key))
