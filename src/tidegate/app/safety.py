"""Settings that must not reach production: each with what to change."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from tidegate.app.config import LoadedSettings
from tidegate.auth.keys import HMAC_KEY_SIZES
from tidegate.errors import ConfigError

__all__ = ["is_loopback", "unsafe_settings"]

_WELL_KNOWN = frozenset({"secret", "changeme", "change-me", "password", "test", "dev", "demo"})
_KEYS = ("secret", "secret_file", "jwks_url", "public_key", "public_key_file")
NEW_SECRET = "export TIDEGATE_AUTH__SECRET=$(openssl rand -hex 32)"  # noqa: S105 - a command


def unsafe_settings(loaded: LoadedSettings) -> list[ConfigError]:
    """Return what is unsafe about the settings; ``serve`` refuses to start with any of it.

    With ``dev`` it starts all the same and says so, except without any way to verify tokens.
    """
    return [
        *_no_key(loaded),
        *_weak_secret(loaded),
        *_any_origin(loaded),
        *_no_audience(loaded),
        *_plain_jwks(loaded),
        *_open_api(loaded),
    ]


def is_loopback(host: str) -> bool:
    """Tell whether an address can only be reached from this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _no_key(loaded: LoadedSettings) -> list[ConfigError]:
    auth = loaded.settings.auth
    if any(getattr(auth, key) is not None for key in _KEYS):
        return []
    return [
        ConfigError(
            "auth.secret",
            "there is no key to verify tokens with",
            remedy=f"Set auth.secret, auth.jwks_url or auth.public_key, for example: {NEW_SECRET}",
        )
    ]


def _weak_secret(loaded: LoadedSettings) -> list[ConfigError]:
    auth = loaded.settings.auth
    key = "auth.secret" if auth.secret is not None else "auth.secret_file"
    if auth.secret is not None:
        secret = auth.secret.get_secret_value()
    elif auth.secret_file is not None:
        secret = _read_quietly(auth.secret_file)
    else:
        return []
    needed = max((HMAC_KEY_SIZES.get(name, 0) for name in auth.algorithms), default=32) or 32
    size = len(secret.encode())
    if secret.lower() in _WELL_KNOWN or len(set(secret)) < 8:
        problem = "is easy to guess"
    elif size < needed:
        problem = f"is {size} bytes long"
    else:
        return []
    remedy = f"Use at least {needed} random bytes, for example: {NEW_SECRET}"
    return [ConfigError(key, problem, remedy=remedy, source=loaded.source_of(key))]


def _any_origin(loaded: LoadedSettings) -> list[ConfigError]:
    if "*" not in loaded.settings.origins:
        return []
    problem = "lets any page connect with its visitor's token"
    remedy = "List the origins of your pages, such as https://app.example.com"
    return [ConfigError("origins", problem, remedy=remedy, source=loaded.source_of("origins"))]


def _no_audience(loaded: LoadedSettings) -> list[ConfigError]:
    auth = loaded.settings.auth
    keys = [key for key in ("jwks_url", "public_key", "public_key_file") if getattr(auth, key)]
    if not keys or auth.audience:
        return []
    problem = f"is not set beside auth.{keys[0]}: tokens that the issuer made for others pass"
    remedy = "Set it to the name that your issuer gives this service (the aud claim)"
    return [ConfigError("auth.audience", problem, remedy=remedy)]


def _plain_jwks(loaded: LoadedSettings) -> list[ConfigError]:
    url = loaded.settings.auth.jwks_url
    parts = urlsplit(url or "")
    if url is None or parts.scheme == "https" or is_loopback(parts.hostname or ""):
        return []
    problem = "is fetched over plain http: whoever is on the way can sign tokens"
    source = loaded.source_of("auth.jwks_url")
    return [ConfigError("auth.jwks_url", problem, remedy="Use its https URL", source=source)]


def _open_api(loaded: LoadedSettings) -> list[ConfigError]:
    api = loaded.settings.api
    if api.key is not None or is_loopback(api.host):
        return []
    problem = f"is missing while the private port is bound to {api.host}"
    remedy = "Set it, or bind api.host to 127.0.0.1"
    return [ConfigError("api.key", problem, remedy=remedy, source=loaded.source_of("api.host"))]


def _read_quietly(path: Path) -> str:
    try:
        return path.read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        return ""
