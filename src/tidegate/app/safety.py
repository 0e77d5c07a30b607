"""What is usable but unsafe, and what is safe but worth a word.

``unsafe_settings`` stops ``tidegate serve``, ``tidegate check`` and a mounted gateway; with ``dev``
it is permitted, loudly. ``setting_warnings`` only ever warns.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from tidegate.app.config import LoadedSettings
from tidegate.app.settings import Settings
from tidegate.app.settings_checks import Finding
from tidegate.app.settings_errors import ConfigErrors
from tidegate.auth.keys import HMAC_KEY_SIZES
from tidegate.errors import ConfigError

__all__ = ["api_is_on", "is_loopback", "require_safe", "setting_warnings", "unsafe_settings"]

_MIN_DISTINCT_CHARACTERS = 8
"""32 random hexadecimal digits have fewer once in 28 million times."""

_MIN_API_KEY_BYTES = 16

# Found in documentation, templates and playgrounds, so the first that an attacker tries. Of random
# base64 secrets, less than one in 10**9 contains one.
_PLACEHOLDERS = (
    "changeme",
    "dontusethis",
    "exampleonly",
    "examplesecret",
    "jwtsecret",
    "mysecret",
    "notsecret",
    "placeholder",
    "replaceme",
    "secretkey",
    "stringsecret",
    "supersecret",
    "tidegatedev",
    "yoursecret",
    "yoursupersecret",
    "yourbitsecret",
    "256bitsecret",
    "384bitsecret",
    "512bitsecret",
)


def unsafe_settings(
    loaded: LoadedSettings, *, has_authenticator: bool = False
) -> list[ConfigError]:
    """Return why these settings must not serve the public, most telling first; empty if they may.

    Args:
        loaded: Settings that can be used.
        has_authenticator: The gateway brings an authenticator of its own, so ``auth`` is idle.
    """
    checks = [_any_origin, _open_api]
    if not has_authenticator:
        checks = [_no_authentication, _guessable_secret, _no_audience, _plain_jwks, *checks]
    return [loaded.error(finding) for check in checks for finding in check(loaded.settings)]


def require_safe(loaded: LoadedSettings, *, has_authenticator: bool = False) -> list[ConfigError]:
    """Return what is unsafe but permitted by ``dev``, for the caller to tell loudly.

    Args:
        loaded: Settings that can be used.
        has_authenticator: The gateway brings an authenticator of its own.

    Raises:
        ConfigErrors: They are unsafe without ``dev``, or have nothing to verify tokens with.
    """
    problems = unsafe_settings(loaded, has_authenticator=has_authenticator)
    auth = loaded.settings.auth
    has_key = has_authenticator or any((auth.secret, auth.jwks_url, auth.public_key))
    if problems and not (loaded.settings.dev and has_key):
        raise ConfigErrors(problems)
    return problems


def setting_warnings(loaded: LoadedSettings) -> list[ConfigError]:
    """Return what deserves a word in the log although it may be meant."""
    checks = (_no_origins, _null_origin, _no_tls, _anyone_is_a_proxy, _short_api_key, _no_issuer)
    return [loaded.error(finding) for check in checks for finding in check(loaded.settings)]


def api_is_on(settings: Settings) -> bool:
    """Say whether the private port opens: with a key, or in development on loopback."""
    return settings.api.key is not None or (settings.dev and is_loopback(settings.api.host))


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches ``host``; names other than localhost don't count."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


# Unsafe.


def _no_authentication(settings: Settings) -> Iterator[Finding]:
    auth = settings.auth
    if not (auth.secret or auth.jwks_url or auth.public_key):
        yield Finding(
            "auth.secret",
            "is not set, and there is no key of another kind to verify tokens with",
            "Set it, auth.jwks_url or auth.public_key; for example TIDEGATE_AUTH__SECRET to the "
            f"output of: {_random_text(32)}",
        )


def _guessable_secret(settings: Settings) -> Iterator[Finding]:
    if settings.auth.secret is None:
        return
    secret = settings.auth.secret.get_secret_value()
    needed = max(HMAC_KEY_SIZES.get(name, 32) for name in settings.auth.algorithms)
    remedy = f"Use at least {needed} random bytes, for example: {_random_text(needed)}"
    if _is_well_known(secret):
        yield Finding("auth.secret", "is a well-known or repetitive text, easily guessed", remedy)
    elif len(secret.encode()) < needed:
        size = len(secret.encode())
        yield Finding("auth.secret", f"is {size} bytes long, so it can be guessed offline", remedy)


def _is_well_known(secret: str) -> bool:
    letters = "".join(character for character in secret.lower() if character.isalnum())
    is_repetition = (secret + secret).find(secret, 1) < len(secret)
    is_monotonous = len(secret) >= 16 and len(set(secret)) < _MIN_DISTINCT_CHARACTERS
    is_placeholder = any(text in letters for text in _PLACEHOLDERS)
    return is_repetition or is_monotonous or is_placeholder or letters in {"secret", "password"}


def _random_text(size: int) -> str:
    # A command, not a value: a secret that was printed is in a log by tomorrow.
    return f"openssl rand -base64 {size}"


def _no_audience(settings: Settings) -> Iterator[Finding]:
    auth = settings.auth
    if (auth.jwks_url or auth.public_key) and not auth.audience:
        yield Finding(
            "auth.audience",
            "is not set, so tokens that the issuer made for any other application are accepted",
            "Set it to the aud claim of the tokens made for this gateway.",
        )


def _plain_jwks(settings: Settings) -> Iterator[Finding]:
    url = urlsplit(settings.auth.jwks_url or "")
    if url.scheme.lower() == "http" and not is_loopback(url.hostname or ""):
        yield Finding(
            "auth.jwks_url",
            "is plain http: whoever is on the way could put keys of their own there",
            "Use the issuer's https URL.",
        )


def _any_origin(settings: Settings) -> Iterator[Finding]:
    if any(origin.strip() == "*" for origin in settings.origins):
        yield Finding(
            "origins",
            "contains *, so the page of any site may connect",
            "List the origins of your own pages, such as https://app.example.com.",
        )


def _open_api(settings: Settings) -> Iterator[Finding]:
    if settings.api.key is None and not is_loopback(settings.api.host):
        yield Finding(
            "api.host",
            f"is {settings.api.host}, which other machines reach, and api.key is not set",
            f"Set api.key, for example to the output of: {_random_text(32)}",
        )


# Worth a word.


def _no_origins(settings: Settings) -> Iterator[Finding]:
    if not settings.origins:
        yield Finding(
            "origins",
            "is empty, so no browser can connect; other clients can",
            "List the origins of your pages, such as https://app.example.com.",
        )


def _null_origin(settings: Settings) -> Iterator[Finding]:
    if any(origin.strip().lower() == "null" for origin in settings.origins):
        yield Finding(
            "origins",
            "contains null, which any sandboxed frame of any site has",
            "Serve your pages from an origin of their own, and list that.",
        )


def _no_tls(settings: Settings) -> Iterator[Finding]:
    if settings.tls.certificate is None and not is_loopback(settings.host):
        yield Finding(
            "tls.certificate",
            f"is not set and host is {settings.host}, so tokens cross the network readable",
            "Set tls.certificate and tls.key, unless a proxy in front speaks TLS.",
        )


def _anyone_is_a_proxy(settings: Settings) -> Iterator[Finding]:
    for network in settings.trusted_proxies:
        if ip_network(network).prefixlen == 0:
            yield Finding(
                "trusted_proxies",
                f"contains {network}, so clients choose the address that limits count",
                "List the addresses of your proxies only.",
            )


def _short_api_key(settings: Settings) -> Iterator[Finding]:
    if settings.api.key is None:
        return
    key = settings.api.key.get_secret_value()
    if len(key.encode()) < _MIN_API_KEY_BYTES or _is_well_known(key):
        yield Finding(
            "api.key",
            "is short or well known; who has it may publish to every tenant",
            f"Use random text, for example: {_random_text(32)}",
        )


def _no_issuer(settings: Settings) -> Iterator[Finding]:
    if settings.auth.jwks_url and not settings.auth.issuer:
        yield Finding(
            "auth.issuer",
            "is not set, so the iss claim of tokens is not looked at",
            "Set it to the iss claim of your issuer's tokens.",
        )
