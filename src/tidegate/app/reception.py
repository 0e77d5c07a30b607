"""What a connection meets in the application: the door, its events' handlers, its end.

One per life of a gateway. Its parts have modules of their own; here is how they hang together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from tidegate.app.builtin_events import BuiltinEvents
from tidegate.app.client import Client
from tidegate.app.departures import Departures
from tidegate.app.dispatch import Dispatcher
from tidegate.app.door import Door
from tidegate.app.forwarding import Forwarder
from tidegate.app.limits import ConnectionQuota
from tidegate.app.namespace import Namespace
from tidegate.app.publisher import Publisher
from tidegate.app.settings import Settings
from tidegate.app.token_life import TokenLife
from tidegate.auth.authenticator import Authenticator
from tidegate.auth.revocation import RevocationList
from tidegate.hub import Hub, Socket
from tidegate.log import Control, Disconnection, Revocation
from tidegate.protocol.events import AckReceived, ConnectRequested, EventReceived, NamespaceLeft
from tidegate.transports.base import Connection, socket_of

__all__ = ["Reception"]


class Reception:
    """Takes what the transport tells of connections; it is their `ConnectionHandler`.

    Args:
        namespaces: What is served.
        settings: Limits, and when tokens are warned of.
        authenticator: Who a token speaks for.
        hub: Where sockets go.
        publisher: What clients' handlers emit through.
        spawn: Runs a coroutine as a task.
        forwarder: Takes the events that go to services; None without a broker.
        synchronise: Waits until this node has read all of a log that it shares with others; None
            if it does not.
        rooms_told: Waits until other nodes know the rooms of this node's sockets; None without
            other nodes.
    """

    def __init__(
        self,
        namespaces: dict[str, Namespace],
        settings: Settings,
        authenticator: Authenticator,
        hub: Hub,
        publisher: Publisher,
        *,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        forwarder: Forwarder | None = None,
        synchronise: Callable[[], Awaitable[None]] | None = None,
        rooms_told: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        limits, auth = settings.limits, settings.auth
        self._hub = hub
        self._publisher = publisher
        self.quota = ConnectionQuota(
            hub,
            tenant_connections=limits.tenant_connections,
            user_connections=limits.user_connections,
        )
        self.departures = Departures(
            hub, self.quota, namespaces, client_of=self.client_of, spawn=spawn
        )
        self.token_life = TokenLife(
            hub,
            RevocationList(),
            self.departures.disconnect,
            warning=auth.expiry_warning,
            leeway=auth.leeway,
        )
        self.door = Door(
            namespaces,
            authenticator,
            hub,
            self.token_life,
            self.quota,
            max_namespaces=limits.namespaces,
            client_of=self.client_of,
            spawn=spawn,
            synchronise=synchronise,
        )
        self.builtin = BuiltinEvents(
            namespaces,
            self.token_life,
            self.door.identify,
            max_rooms=limits.rooms,
            rooms_told=rooms_told,
        )
        self.dispatcher = Dispatcher(
            namespaces,
            self.builtin,
            client_of=self.client_of,
            disconnect=self.departures.disconnect_all,
            spawn=spawn,
            rate=limits.events_per_second,
            burst=limits.event_burst,
            forwarder=forwarder,
        )

    def client_of(self, socket: Socket) -> Client:
        """Return the client object of a socket, made at its first use."""
        if socket.client is None:
            socket.client = Client(socket, self._hub, self._publisher)
        client: Client = socket.client
        return client

    def apply(self, entry: Control) -> None:
        """Do to this node's sockets what a control entry says."""
        if isinstance(entry, Revocation):
            self.token_life.revoke(entry)
        elif isinstance(entry, Disconnection):
            self.departures.apply(entry)

    # What the transport calls (see `ConnectionHandler`)

    def connect_requested(self, connection: Connection, event: ConnectRequested) -> None:
        """Hand a CONNECT to the door."""
        self.door.connect_requested(connection, event)

    def event_received(self, connection: Connection, event: EventReceived) -> None:
        """Hand a client's event to its handler."""
        self.dispatcher.event_received(connection, event)

    def ack_received(self, connection: Connection, event: AckReceived) -> None:
        """Hand a client's ack to whoever waits for it."""
        socket = socket_of(connection, event.namespace)
        if socket is not None and socket.client is not None:
            socket.client.resolve_ack(event)

    def namespace_left(self, connection: Connection, event: NamespaceLeft) -> None:
        """End the session of a socket whose client left it."""
        self.departures.namespace_left(connection, event.namespace)

    def connection_lost(self, connection: Connection, reason: str) -> None:
        """Keep the sessions of a lost connection for their return."""
        self.departures.connection_lost(connection, reason)
