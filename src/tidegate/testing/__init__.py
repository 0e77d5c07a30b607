"""Testing a gateway without network, port, broker or secret.

::

    async with TestGateway(gateway) as world:
        ada = await world.connect("/notifications", tenant="acme", user="ada")
        assert await ada.call("notification.markRead", {"id": "1"}) == {"read": "1"}
        await gateway.tenant("acme").emit(NotificationCreated(id="2", message="hello"))
        assert (await ada.receive(NotificationCreated)).id == "2"

``docs/topics/testing.md`` shows the rest. Works in any test runner, and by ``asyncio.run``.
"""

from tidegate.testing.client import ReceivedEvent, TestClient
from tidegate.testing.errors import ConnectError
from tidegate.testing.gateway import TestGateway
from tidegate.testing.services import Forwarded

__all__ = ["ConnectError", "Forwarded", "ReceivedEvent", "TestClient", "TestGateway"]
