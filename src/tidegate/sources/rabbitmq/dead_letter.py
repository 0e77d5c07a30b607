"""What a dead letter is: the message as it came, and headers that say why and where from.

Some properties would act on the letter instead of describing the message, so they move to headers:
``expiration`` (the letter would vanish), ``user_id`` (RabbitMQ compares it with the connection's
user) and the header ``CC`` (copies would be sent again).
"""

from __future__ import annotations

import datetime
import struct
from typing import Any

from pika.exceptions import AMQPError
from pika.spec import BasicProperties

from tidegate.errors import MessageRejected
from tidegate.sources.message import AMQPContent
from tidegate.sources.rabbitmq.content import (
    COUNT_HEADERS,
    ORIGINAL_EXCHANGE,
    ORIGINAL_ROUTING_KEY,
)

__all__ = ["HEADERS", "letter_properties", "retry_properties"]

HEADERS = (
    "x-tidegate-reason",
    "x-tidegate-error",
    "x-tidegate-field",
    "x-tidegate-queue",
    ORIGINAL_EXCHANGE,
    ORIGINAL_ROUTING_KEY,
    "x-tidegate-time",
)
"""Our headers on a dead letter; exchange and routing key stay on when it is retried."""

_MOVED = {"expiration": "x-tidegate-expiration", "user_id": "x-tidegate-user-id"}
_CC, _MOVED_CC = "CC", "x-tidegate-cc"
_MAX_TEXT = 1_000
_MAX_HEADERS = 100_000  # bytes; a frame holds 131,072, and headers must fit in one
_PERSISTENT = 2
_DEATHS = ("x-death", "x-first-death-", "x-last-death-")  # what the broker notes of its own


def letter_properties(
    content: AMQPContent, error: MessageRejected, queue: str, now: float
) -> BasicProperties:
    """Return the properties of the dead letter for a message.

    Args:
        content: The message.
        error: Why it is rejected.
        queue: Where it was consumed.
        now: Unix seconds.
    """
    ours = {
        "x-tidegate-reason": error.reason,
        "x-tidegate-error": error.detail[:_MAX_TEXT],
        "x-tidegate-field": error.field[:_MAX_TEXT],
        "x-tidegate-queue": queue,
        ORIGINAL_EXCHANGE: content.exchange,
        ORIGINAL_ROUTING_KEY: content.routing_key,
        "x-tidegate-time": datetime.datetime.fromtimestamp(now, datetime.UTC).isoformat(),
    }
    rest = dict(content.properties)
    for name, header in _MOVED.items():
        if name in rest:
            ours[header] = rest.pop(name)
    headers = {key: value for key, value in content.headers.items() if key not in COUNT_HEADERS}
    if _CC in headers:
        headers[_MOVED_CC] = headers.pop(_CC)
    rest["delivery_mode"] = _PERSISTENT
    return _encodable(rest, headers, ours)


def retry_properties(
    properties: BasicProperties, *, exchange: str, routing_key: str
) -> BasicProperties:
    """Return the properties with which a dead letter goes back to its queue.

    They are the message's own, and the two headers that keep where it was published at first.
    """
    rest = {name: value for name, value in vars(properties).items() if value is not None}
    headers = {
        key: value
        for key, value in (rest.pop("headers", None) or {}).items()
        if not key.startswith(("x-tidegate-", *_DEATHS)) and key not in COUNT_HEADERS
    }
    kept = (properties.headers or {}).get(_MOVED["expiration"])
    if kept is not None:
        rest["expiration"] = kept
    headers |= {ORIGINAL_EXCHANGE: exchange, ORIGINAL_ROUTING_KEY: routing_key}
    return BasicProperties(headers=headers, **rest)


def _encodable(
    rest: dict[str, Any], headers: dict[str, Any], ours: dict[str, Any]
) -> BasicProperties:
    """Leave headers out that can't be sent again: nothing in a message may block the queue."""
    properties = BasicProperties(headers=headers | ours, **rest)
    try:
        if sum(map(len, properties.encode())) <= _MAX_HEADERS:
            return properties
    except (AMQPError, ValueError, TypeError, OverflowError, AssertionError, struct.error):
        pass
    return BasicProperties(headers=ours | {"x-tidegate-headers-dropped": True}, **rest)
