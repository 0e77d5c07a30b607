"""From settings to the objects that verify tokens and speak TLS."""

from __future__ import annotations

import ssl
from pathlib import Path

from tidegate.app.settings import AuthSettings, TLSSettings
from tidegate.auth.authenticator import Authenticator
from tidegate.auth.jwks import JWKSKeys
from tidegate.auth.jwt import JWTAuthenticator, JWTConfig
from tidegate.auth.keys import StaticKeys
from tidegate.errors import ConfigError

__all__ = ["jwt_authenticator", "static_key", "tls_context"]


def jwt_authenticator(auth: AuthSettings, *, allow_weak: bool = False) -> Authenticator:
    """Return the JWT authenticator that the settings describe.

    Args:
        auth: The settings.
        allow_weak: Accept short secrets; for development.

    Raises:
        ConfigError: There is no key, or it does not fit the algorithms.
    """
    config = JWTConfig(
        algorithms=tuple(auth.algorithms),
        issuer=auth.issuer,
        audience=tuple(auth.audience) or None,
        tenant_claim=auth.tenant_claim,
        user_claim=auth.user_claim,
        leeway=auth.leeway,
        cache_entries=auth.cache_entries,
    )
    if auth.jwks_url is not None:
        return JWTAuthenticator(config, JWKSKeys(auth.jwks_url, allow_http=allow_weak))
    return JWTAuthenticator(config, StaticKeys(static_key(auth), allow_weak=allow_weak))


def tls_context(tls: TLSSettings) -> ssl.SSLContext | None:
    """Return the server's TLS context, or None without a certificate.

    Raises:
        ConfigError: The files hold no certificate and key that fit.
    """
    if tls.certificate is None or tls.key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.certificate, tls.key, password="")
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(
            "tls.certificate",
            f"the certificate and key can't be used: {error}",
            remedy="Give a PEM certificate chain and its private key.",
        ) from error
    return context


def static_key(auth: AuthSettings) -> str:
    """Return the configured secret or public key.

    Raises:
        ConfigError: There is none, or its file can't be read.
    """
    if auth.secret is not None:
        return auth.secret.get_secret_value()
    if auth.public_key is not None:
        return auth.public_key
    for key, path in (("secret_file", auth.secret_file), ("public_key_file", auth.public_key_file)):
        if path is not None:
            return _read(f"auth.{key}", path)
    raise ConfigError(
        "auth.secret",
        "there is no key to verify tokens with",
        remedy="Set one of auth.secret, auth.jwks_url and auth.public_key.",
    )


def _read(key: str, path: Path) -> str:
    try:
        return path.read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(key, f"can't be read: {error}", remedy="Name a readable file.") from error
