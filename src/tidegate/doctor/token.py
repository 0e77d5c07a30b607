"""Whether a token would be let in, and as whom."""

from __future__ import annotations

import datetime
import inspect
import time
from collections.abc import AsyncIterator

from tidegate.app.authentication import jwt_authenticator
from tidegate.app.settings import Settings
from tidegate.auth.authenticator import Handshake
from tidegate.auth.identity import Identity
from tidegate.doctor.finding import Finding, failed, ok, refused
from tidegate.errors import AuthError, ConfigError

__all__ = ["check_token"]

_REMEDIES = {
    "token_missing": "Put a token into what --token names.",
    "token_expired": "Take a fresh one; if it is fresh, compare this machine's clock with its "
    "issuer's.",
    "tenant_missing": "Name the claim in auth.tenant_claim, or have the issuer put it there.",
    "try_again": "Its issuer's keys are missing: see `keys`.",
}


async def check_token(settings: Settings, token: str) -> AsyncIterator[Finding]:
    """Yield who a token is for, or what is wrong with it; never the token."""
    try:
        authenticator = jwt_authenticator(settings.auth, allow_weak=settings.dev)
    except ConfigError as error:
        yield refused("token", error)
        return
    try:
        answer = authenticator.authenticate(Handshake({"token": token}, "/", ""))
        yield ok("token", _told(await answer if inspect.isawaitable(answer) else answer))
    except AuthError as error:
        text = f"{error.code}: {error.detail}" + (f": {error.reason}" if error.reason else "")
        other = "Compare it with the auth settings that `tidegate check` shows."
        yield failed("token", text, _REMEDIES.get(error.code, other))
    finally:
        close = getattr(authenticator, "aclose", None)
        if close is not None:
            await close()


def _told(identity: Identity) -> str:
    who = f"tenant {identity.tenant!r}, user {identity.user!r}"
    if identity.expires_at is None:
        return who
    try:
        end = datetime.datetime.fromtimestamp(identity.expires_at, datetime.UTC)
    except (OverflowError, ValueError, OSError):
        return f"{who}; its end is too far away to tell"
    left = identity.expires_at - time.time()
    return f"{who}; it ends {end:%Y-%m-%d %H:%M:%S} UTC, in {left:,.0f} s"
