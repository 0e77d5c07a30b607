"""How sockets leave: by themselves, by a service's word, or because their token ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from tidegate.app.client import Client
from tidegate.app.limits import ConnectionQuota
from tidegate.app.namespace import Namespace
from tidegate.hub import Hub, Socket
from tidegate.ids import NamespaceName
from tidegate.log import Disconnection
from tidegate.transports.base import Connection, socket_of

__all__ = ["Departures"]

log = logging.getLogger("tidegate.gateway")


class Departures:
    """Takes sockets out of hub, quota and connection, and tells the user's hooks.

    Args:
        hub: Knows the sockets.
        quota: Counts the connections.
        namespaces: Their ``on_disconnect`` hooks.
        client_of: Gives the client object of a socket.
        spawn: Runs a hook as a task.
    """

    def __init__(
        self,
        hub: Hub,
        quota: ConnectionQuota,
        namespaces: Mapping[str, Namespace],
        *,
        client_of: Callable[[Socket], Client],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self._hub = hub
        self._quota = quota
        self._namespaces = namespaces
        self._client_of = client_of
        self._spawn = spawn

    def apply(self, entry: Disconnection) -> None:
        """Disconnect whom a control entry names."""
        for socket in self._hub.sockets_of(entry.tenant, entry.user):
            if entry.sid is None or entry.sid == socket.sid:
                self.disconnect(socket, "disconnected by the service")

    def disconnect(self, socket: Socket, reason: str) -> None:
        """Send DISCONNECT and end the session; the last socket takes the connection with it.

        What was published before comes before it.
        """
        connection: Connection | None = socket.link  # type: ignore[assignment]  # one of ours
        self._hub.finish(socket)
        if connection is None:
            return
        self._take_off(connection, socket)
        if connection.is_open:
            connection.core.send_disconnect(socket.namespace)
            connection.flush()
            if not connection.sockets:
                connection.close(reason)
        self._tell_gone(socket, reason)

    def disconnect_all(self, connection: Connection, reason: str) -> None:
        """Disconnect all sockets of a connection."""
        for socket in connection.sockets:
            self.disconnect(socket, reason)

    def namespace_left(self, connection: Connection, namespace: NamespaceName) -> None:
        """End the session of a socket whose client left it."""
        socket = socket_of(connection, namespace)
        if socket is None:
            return
        self._take_off(connection, socket)
        self._hub.end(socket)
        self._tell_gone(socket, "client namespace disconnect")
        if not connection.sockets:
            connection.wait_again()

    def connection_lost(self, connection: Connection, reason: str) -> None:
        """Keep the sessions of a lost connection for their return."""
        if connection.sockets:
            self._quota.leave(connection.sockets[0].identity.tenant)
        for socket in connection.sockets:
            if socket.link is connection:
                self._hub.drop(socket)
                self._tell_gone(socket, reason)
            elif socket.link is None:  # the hub gave it up, and cut the connection for that
                self._tell_gone(socket, reason)
            else:  # its client came back before it was noticed that this connection is dead
                self._run_hook(socket, reason)

    def _take_off(self, connection: Connection, socket: Socket) -> None:
        rest = tuple(other for other in connection.sockets if other is not socket)
        connection.sockets = rest
        if not rest:
            self._quota.leave(socket.identity.tenant)

    def _tell_gone(self, socket: Socket, reason: str) -> None:
        if socket.client is not None:
            socket.client.connection_gone()
        self._run_hook(socket, reason)

    def _run_hook(self, socket: Socket, reason: str) -> None:
        hook = self._namespaces[socket.namespace].disconnect_hook
        if hook is not None:
            self._spawn(_call(hook, self._client_of(socket), reason))


async def _call(hook: Callable[..., Any], client: Client, reason: str) -> None:
    try:
        answer: Awaitable[None] | None = hook(client, reason)
        if answer is not None:
            await answer
    except Exception:
        log.exception("the on_disconnect hook failed")
