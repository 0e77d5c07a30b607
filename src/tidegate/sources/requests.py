"""Messages to services, and their replies: what forwarding needs of a broker.

What every implementation promises:

- ``publish`` and ``request`` send a message once, at most 10,000 of them unanswered at a time.
- A call that fails may have sent its message all the same, unless its error says otherwise;
  the message id lets the service tell.
- Messages of a caller that waits for each call arrive at a queue in that order.
- Waiting is bounded: by ``within``, and by the connection, whose loss ends it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

__all__ = ["OnReply", "OutgoingMessage", "RequestClient"]

OnReply = Callable[[bytes], bool]
"""Takes the body of a reply and tells whether it was the last one; must not raise."""


class OutgoingMessage(msgspec.Struct, frozen=True, gc=False):
    """A message for a service.

    Attributes:
        exchange: Empty for the default exchange, where the routing key is a queue's name.
        routing_key: At most 255 bytes.
        body: JSON.
        headers: AMQP headers.
        message_id: The idempotency id: the same for each sending of the same event.
        correlation_id: Of this sending alone; the reply carries it.
    """

    exchange: str
    routing_key: str
    body: bytes
    headers: Mapping[str, Any]
    message_id: str
    correlation_id: str


class RequestClient(Protocol):
    """What sends messages to services."""

    async def publish(self, message: OutgoingMessage, *, within: float) -> None:
        """Send a message; returns when the broker has taken responsibility for it.

        Args:
            within: Seconds to wait.

        Raises:
            RequestFailed: ``unavailable``: no broker, no queue that gets it, refused, or not
                confirmed in time. ``try_again``: too many wait already; it was not sent.
        """

    async def request(self, message: OutgoingMessage, on_reply: OnReply, *, within: float) -> None:
        """Send a message and hand each reply to ``on_reply``; returns after the last one.

        Args:
            within: Seconds from now to the last reply.

        Raises:
            RequestFailed: As with ``publish``; ``timeout`` if the last reply did not come in time,
                ``unavailable`` also if the connection was lost before it came.
        """
