"""A message as it came from a broker, whatever its envelope: what bindings look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

__all__ = ["AMQPContent", "IncomingMessage"]


class AMQPContent(msgspec.Struct, frozen=True, gc=False):
    """What a broker hands over, before its envelope is opened.

    Attributes:
        body: The message's body.
        exchange: Where it was published; empty for the default exchange.
        routing_key: With what it was published.
        headers: AMQP headers, or application properties.
        properties: The other AMQP properties that were set, by their AMQP names:
            ``content_type``, ``message_id``, ``correlation_id``, ``timestamp``, ``type``, ...
    """

    body: bytes
    exchange: str = ""
    routing_key: str = ""
    headers: Mapping[str, Any] = {}
    properties: Mapping[str, Any] = {}


class IncomingMessage(msgspec.Struct, frozen=True, gc=False):
    """A message with its envelope opened.

    Attributes:
        pattern: What it is about: the NestJS pattern (canonical JSON for an object), the
            CloudEvent's type, or the routing key.
        data: The payload, JSON as it came, byte for byte.
        content: What the broker handed over.
        attributes: A CloudEvent's attributes; empty for other envelopes.
        message_id: The publisher's id, if it gave one.
        trace: W3C ``traceparent``, if it gave one.
        tenant, user, room, namespace: Set only by the ``tidegate`` envelope, which says them.
    """

    pattern: str
    data: bytes
    content: AMQPContent
    attributes: Mapping[str, Any] = {}
    message_id: str | None = None
    trace: str | None = None
    tenant: str | None = None
    user: str | None = None
    room: str | None = None
    namespace: str | None = None
