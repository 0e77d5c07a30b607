"""What Python code names wrongly is refused where it does so, not on every node that reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.conftest import make_settings
from tidegate import Gateway, Identity, Namespace
from tidegate.hub import Socket
from tidegate.ids import NamespaceName, Sid, TenantId, UserId


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    gateway = Gateway([Namespace("/chat")], settings=make_settings())
    await gateway.start()
    yield gateway
    await gateway.stop()


@pytest.mark.parametrize("name", [7, "", "half of a \ud83d pair", "x" * 257])
async def test_names(gateway: Gateway, name: Any) -> None:
    identity = Identity(TenantId("acme"), UserId("ann"))
    socket = Socket(sid=Sid("s"), namespace=NamespaceName("/chat"), identity=identity)
    client = gateway.reception.client_of(socket)
    tenant = gateway.tenant("acme")
    for give in (gateway.tenant, tenant.user, tenant.room, client.join, client.leave):
        with pytest.raises(ValueError, match="is a string of 1 to 256"):
            give(name)
    with pytest.raises(ValueError, match="is a string of 1 to 256"):
        await tenant.revoke(token_id=name)
    assert not client.rooms


@pytest.mark.parametrize("message_id", [7, "half of a \ud83d pair"])
async def test_message_ids(gateway: Gateway, message_id: Any) -> None:
    with pytest.raises(ValueError, match="message id"):
        await gateway.tenant("acme").emit("tick", message_id=message_id)


async def test_event_names(gateway: Gateway) -> None:
    with pytest.raises(ValueError, match="UTF-8"):
        await gateway.tenant("acme").emit("half of a \ud83d pair")
    assert gateway.is_ready
