"""What every transport does with the protocol core of a connection, whatever carries the bytes."""

from __future__ import annotations

from tidegate.protocol.events import (
    AckReceived,
    ConnectionClosed,
    ConnectRequested,
    EventReceived,
    ProtocolEvent,
)
from tidegate.transports.base import Connection, ConnectionHandler

__all__ = ["hand_over", "keep_deadlines"]


def hand_over(
    connection: Connection, events: list[ProtocolEvent], handler: ConnectionHandler
) -> None:
    """Give the core's events to the application, in order, for as long as the connection is open.

    Afterwards call ``connection.flush``.
    """
    for event in events:
        if isinstance(event, EventReceived):
            handler.event_received(connection, event)
        elif isinstance(event, ConnectRequested):
            handler.connect_requested(connection, event)
        elif isinstance(event, AckReceived):
            handler.ack_received(connection, event)
        elif isinstance(event, ConnectionClosed):
            connection.close(event.reason, event.close_code)
            return
        else:
            handler.namespace_left(connection, event)
        if not connection.is_open:
            return


def keep_deadlines(
    connection: Connection, now: float, handler: ConnectionHandler, look_again: float
) -> float:
    """Send the ping that is due or close what is late, and return when to look again.

    Args:
        connection: An open one.
        now: Monotonic seconds.
        handler: Told if the connection closes.
        look_again: Most seconds until the next look: a pong can bring the next ping nearer than
            the timeout that it answers.
    """
    deadline = connection.core.next_deadline()
    if deadline is not None and deadline <= now:
        hand_over(connection, connection.core.handle_deadline(now), handler)
        connection.flush()
        deadline = connection.core.next_deadline()
    latest = now + look_again
    return latest if deadline is None else min(deadline, latest)
