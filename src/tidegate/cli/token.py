"""``tidegate token``."""

from __future__ import annotations

import json
import secrets
import time
from pathlib import Path
from typing import Any

import jwt

from tidegate.app.authentication import static_key
from tidegate.app.settings import AuthSettings
from tidegate.cli.loading import load
from tidegate.errors import ConfigError

__all__ = ["make_token", "sign"]


def make_token(config: Path | None, tenant: str, user: str, ttl: float, claims: list[str]) -> str:
    """Return a signed token.

    Raises:
        ConfigError: There is no shared secret to sign with, a name that no gateway would let in, or
            a claim that is not ``k=v``.
    """
    for name, value in (("tenant", tenant), ("user", user)):
        if not value:
            raise ConfigError(
                name,
                "is empty, and no gateway lets that in",
                remedy="Name one.",
                source=f"--{name}",
            )
    loaded = load(config)
    auth = loaded.settings.auth
    if auth.secret is None and auth.secret_file is None:
        raise ConfigError(
            "auth.secret",
            "is not set, and only a shared secret can sign",
            remedy="Set it, or take a token from your issuer.",
            source=loaded.source_of("auth.secret"),
        )
    return sign(auth, tenant, user, ttl, dict(_read_claim(claim) for claim in claims))


def sign(
    auth: AuthSettings, tenant: str, user: str, ttl: float, more: dict[str, Any] | None = None
) -> str:
    """Return a token with the claims that these settings ask for."""
    now = time.time()
    claims: dict[str, Any] = {"iat": int(now), "exp": now + ttl, "jti": secrets.token_urlsafe(9)}
    if auth.issuer is not None:
        claims["iss"] = auth.issuer
    if auth.audience:
        claims["aud"] = auth.audience[0]
    _put(claims, auth.tenant_claim, tenant)
    _put(claims, auth.user_claim, user)
    return jwt.encode(claims | (more or {}), static_key(auth), algorithm=auth.algorithms[0])


def _put(claims: dict[str, Any], path: str, value: str) -> None:
    """Set a claim by dotted path; a name with a scheme, such as a URL, is taken whole."""
    if "://" in path:
        claims[path] = value
        return
    *parents, name = path.split(".")
    for parent in parents:
        claims = claims.setdefault(parent, {})
    claims[name] = value


def _read_claim(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise ConfigError(
            "claim", f"{text!r} is not k=v", remedy="Write --claim role=admin.", source="--claim"
        )
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
