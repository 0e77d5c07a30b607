"""The issuer's keys, and what its server says of the time."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable

import httpx

from tidegate.app.settings import Settings
from tidegate.auth.jwk_set import usable_keys
from tidegate.auth.jwks_client import JWKSClient
from tidegate.auth.keys import ALGORITHMS, Key
from tidegate.doctor.finding import Finding, failed, ok, refused, warning
from tidegate.errors import ConfigError

__all__ = ["check_keys"]

_FETCH_SECONDS = 4.0

_UNSURE_SECONDS = 2.0
"""A Date header has whole seconds, and travels for a while."""


async def check_keys(
    settings: Settings, *, clock: Callable[[], float] = time.time
) -> AsyncIterator[Finding]:
    """Yield whether the JWKS URL gives keys that fit, and whether the clocks agree."""
    auth = settings.auth
    if auth.jwks_url is None:
        return
    try:
        client = JWKSClient(auth.jwks_url, timeout=_FETCH_SECONDS, allow_http=settings.dev)
    except ConfigError as error:
        yield refused("keys", error)
        return
    try:
        document = await client.fetch()
        yield _judge_keys(client.host, document, auth.algorithms)
    except (httpx.HTTPError, TimeoutError, ValueError) as error:
        reason = str(error) or type(error).__name__
        yield failed(
            "keys",
            f"the keys at {client.host} could not be fetched: {reason}",
            "Open auth.jwks_url from this machine, with curl for example; behind a proxy set "
            "HTTPS_PROXY.",
        )
    finally:
        await client.aclose()
    if client.server_time is not None:
        yield _judge_clock(client.host, clock() - client.server_time, auth.leeway)


def _judge_keys(host: str, document: bytes, algorithms: list[str]) -> Finding:
    keys = usable_keys(document, frozenset(algorithms))
    names = ", ".join(algorithms)
    if keys:
        count = "1 key" if len(keys) == 1 else f"{len(keys)} keys"
        return ok("keys", f"{host} publishes {count} for {names}")
    others = _names_of(usable_keys(document, ALGORITHMS))
    remedy = "Is it the issuer's JWKS URL?"
    if others:
        remedy = f"Its keys are for {others}: set auth.algorithms to what the tokens are signed by."
    return failed("keys", f"{host} publishes no key for {names} (auth.algorithms)", remedy)


def _names_of(keys: Iterable[Key]) -> str:
    return ", ".join(sorted(frozenset().union(*(key.algorithms for key in keys))))


def _judge_clock(host: str, ahead: float, leeway: float) -> Finding:
    difference = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} that of {host}"
    remedy = "Have both machines keep time by NTP; auth.leeway is what tokens are forgiven."
    if abs(ahead) <= _UNSURE_SECONDS:
        return ok("clock", f"agrees with that of {host}")
    if abs(ahead) > leeway + _UNSURE_SECONDS:
        text = f"{difference}, more than auth.leeway ({leeway:g} s): "
        return failed(
            "clock", text + ("tokens end early" if ahead > 0 else "new tokens are refused"), remedy
        )
    return warning("clock", f"{difference}, within auth.leeway ({leeway:g} s)", remedy)
