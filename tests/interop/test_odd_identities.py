"""A custom authenticator that does not keep to its types refuses, and breaks nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conftest import make_settings
from tests.interop.raw_client import RawClient
from tidegate import Gateway, Handshake, Identity, Namespace


class Odd:
    """Takes everybody in, as the same one."""

    def __init__(self, *parts: Any) -> None:
        self._identity = Identity(*parts)

    def authenticate(self, handshake: Handshake) -> Identity:
        return self._identity


class OddLater(Odd):
    async def authenticate(self, handshake: Handshake) -> Identity:  # type: ignore[override]
        return self._identity


NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("kind", [Odd, OddLater])
@pytest.mark.parametrize(
    "parts",
    [
        ("acme", 7),
        ("acme", ""),
        ("acme", "half of a \ud83d pair"),
        (None, "ann"),
        ("acme", "ann", NOON),
        ("acme", "ann", float("nan")),
        ("acme", "ann", None, NOON),
    ],
    ids=["number", "empty", "surrogate", "none", "end", "nan", "begin"],
)
async def test_an_identity_that_is_none_is_refused(kind: type[Odd], parts: tuple[Any, ...]) -> None:
    gateway = Gateway([Namespace("/chat")], settings=make_settings(), authenticator=kind(*parts))
    await gateway.start()
    port = await gateway.listen()
    async with RawClient(port) as client:
        await client.connect()
        assert '"try_again"' in await client.next()
        assert not gateway.hub.tenants()
        await gateway.tenant("acme").disconnect()
        await client.closed()
    await gateway.tenant("acme").revoke()
    await gateway.tenant("acme").emit("tick")
    assert gateway.is_ready
    await gateway.stop()
