"""The gateway class by itself, without a client."""

from __future__ import annotations

import pytest
from tests.conftest import make_settings

from tidegate import Gateway, Namespace


async def test_nobody_can_be_addressed_before_the_start() -> None:
    gateway = Gateway([Namespace("/chat")], settings=make_settings())
    with pytest.raises(RuntimeError, match="has not started"):
        gateway.tenant("acme")
    await gateway.start()
    assert await gateway.tenant("acme").emit("tick")
    await gateway.stop()
