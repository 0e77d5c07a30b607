"""When nothing is under way any more: what it takes to be sure of a silence.

All that clients have sent has to be taken, each task that came of it to end, and the log to be
followed to its end. Then a marker goes to each client through the log, behind all that was emitted
before. If anything new came of all that, it begins anew.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from tidegate.app.gateway import Gateway
from tidegate.ids import Sid, TenantId
from tidegate.log import EventEntry
from tidegate.testing.client_socket import MARKER, ClientSocket

__all__ = ["Settling"]


class Settling:
    """Waits for what is under way in a gateway.

    Attributes:
        lasting: The tasks that end with the gateway only; to be set each time that it has started.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.lasting: frozenset[asyncio.Task[Any]] = frozenset()
        self._markers = itertools.count(1)  # over all starts: a client may come back in a later one

    def passing(self) -> list[asyncio.Task[Any]]:
        """Return the handlers, hooks and CONNECTs that are not done."""
        return [task for task in self._gateway.tasks - self.lasting if not task.done()]

    async def is_settled(self, sockets: Sequence[ClientSocket]) -> bool:
        """Wait for what is under way, and tell whether nothing new came of it."""
        for socket in sockets:
            await socket.drain()
        while passing := self.passing():
            await asyncio.wait(passing)
        await self._gateway.follower.synchroniser.caught_up()
        publisher = self._gateway.publisher
        published = publisher.published
        for socket in sockets:
            published += await self._mark(socket)
        is_idle = all(socket.is_idle for socket in sockets)
        return is_idle and not self.passing() and publisher.published == published

    async def _mark(self, socket: ClientSocket) -> bool:
        """Return when all that was emitted to a client has arrived, and whether a mark was sent."""
        tenant = self._tenant_of(socket)
        if tenant is None:
            return False
        number = next(self._markers)
        marker = EventEntry(
            tenant=tenant,
            namespace=socket.namespace,
            name=MARKER,
            data=msgspec.json.encode(number),
            time=time.time(),
            sid=Sid(socket.sid),
        )
        await self._gateway.publish((marker,))
        await socket.marked(number)
        return True

    def _tenant_of(self, socket: ClientSocket) -> TenantId | None:
        """Return the tenant of a client that is connected."""
        entrance = self._gateway.listener
        connections = () if entrance is None else entrance.connections
        for connection in connections:
            for served in connection.sockets:
                if served.sid == socket.sid and socket.is_connected:
                    tenant: TenantId = served.identity.tenant
                    return tenant
        return None
