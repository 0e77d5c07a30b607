"""What a transport and the application above it need of each other."""

from __future__ import annotations

from typing import Any, Protocol

from tidegate.hub.socket import Link, Socket
from tidegate.ids import NamespaceName
from tidegate.protocol.connection import ServerConnection
from tidegate.protocol.events import AckReceived, ConnectRequested, EventReceived, NamespaceLeft

__all__ = ["Connection", "ConnectionHandler", "socket_of"]


class Connection(Link, Protocol):
    """One client's connection, whatever carries it.

    Attributes:
        core: The protocol state; after using it, call ``flush``.
        sockets: Its accepted namespaces, oldest first; kept by the handler.
        address: The client's address, behind trusted proxies the forwarded one.
        bucket: The handler's rate limit of this connection, made at its first event.
    """

    core: ServerConnection
    sockets: tuple[Socket, ...]
    address: str
    bucket: Any

    @property
    def is_open(self) -> bool:
        """Whether packets can still be sent."""

    def let_in(self) -> None:
        """Count the client no longer as waiting: one of its CONNECTs was accepted."""

    def wait_again(self) -> None:
        """Count the client as waiting again, since it has left its last namespace; else close."""

    def flush(self) -> None:
        """Write what the core has to send."""

    def close(self, reason: str, code: int = 1000) -> None:
        """Send a close frame, let the write buffer drain for a bounded time, and disconnect."""


class ConnectionHandler(Protocol):
    """What the application does with a connection; called in the order things happened.

    No method blocks or raises; whatever takes time becomes a task.
    """

    def connect_requested(self, connection: Connection, event: ConnectRequested) -> None:
        """Answer a CONNECT, now or later, by ``core.accept`` or ``core.refuse``."""

    def event_received(self, connection: Connection, event: EventReceived) -> None:
        """Handle a client's event."""

    def ack_received(self, connection: Connection, event: AckReceived) -> None:
        """Take the client's answer to an event that asked for one."""

    def namespace_left(self, connection: Connection, event: NamespaceLeft) -> None:
        """The client sent DISCONNECT: it does not come back to this session."""

    def connection_lost(self, connection: Connection, reason: str) -> None:
        """The connection is gone; its client may come back to its sessions."""


def socket_of(connection: Connection, namespace: NamespaceName) -> Socket | None:
    """Return the connection's socket in a namespace, if it was accepted there."""
    for socket in connection.sockets:
        if socket.namespace == namespace:
            return socket
    return None
