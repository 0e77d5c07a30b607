"""What a gateway under test runs with: the settings it is given, and tokens that they take."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import jwt
from pydantic import SecretStr

from tidegate.app.settings import AuthSettings, Settings

__all__ = ["in_memory", "make_token"]


def in_memory(settings: Settings, secret: str) -> Settings:
    """Return settings without broker, keys and waiting; all that decides on clients is kept.

    Args:
        settings: Those of production, or others.
        secret: What the tests' tokens are signed with, in place of all configured keys.
    """
    keys = {
        "secret": SecretStr(secret),
        "secret_file": None,
        "jwks_url": None,
        "public_key": None,
        "public_key_file": None,
        "algorithms": ["HS256"],
        "leeway": 0.0,  # there is one clock
    }
    return settings.model_copy(
        update={
            "auth": settings.auth.model_copy(update=keys),
            "rabbitmq": settings.rabbitmq.model_copy(update={"url": None, "stream_url": None}),
            "log": settings.log.model_copy(update={"kind": "memory"}),
            "drain_seconds": 0.0,
        }
    )


def make_token(
    auth: AuthSettings,
    *,
    tenant: str | None,
    user: str | None,
    claims: Mapping[str, Any],
    expires_in: float,
) -> str:
    """Return a token that these settings take, with tenant and user where they look for them.

    Args:
        auth: With a secret.
        tenant: Left out if None.
        user: Left out if None.
        claims: Others, and those that shall be otherwise.
        expires_in: Seconds from now; negative for one that has expired.
    """
    now = time.time()
    payload: dict[str, Any] = {"iat": min(now, now + expires_in), "exp": now + expires_in}
    if auth.issuer is not None:
        payload["iss"] = auth.issuer
    if auth.audience:
        payload["aud"] = auth.audience[0]
    for path, value in ((auth.tenant_claim, tenant), (auth.user_claim, user)):
        if value is not None:
            _put(payload, path, value)
    payload.update(claims)
    secret = "" if auth.secret is None else auth.secret.get_secret_value()
    return jwt.encode(payload, secret, algorithm="HS256")


def _put(payload: dict[str, Any], path: str, value: str) -> None:
    """Put a claim at a dotted path; the dots of a name that is a URL are none of the path's."""
    url, slash, rest = path.rpartition("/")
    first, *others = rest.split(".")
    names = [url + slash + first, *others]
    for name in names[:-1]:
        payload = payload.setdefault(name, {})
    payload[names[-1]] = value
