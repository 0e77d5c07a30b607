"""From pika's parts of a delivery to what bindings look at, and to its fingerprint."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, NamedTuple

from pika.spec import Basic, BasicProperties

from tidegate.sources.message import AMQPContent

__all__ = [
    "COUNT_HEADERS",
    "ORIGINAL_EXCHANGE",
    "ORIGINAL_ROUTING_KEY",
    "Delivery",
    "content_of",
    "fingerprint",
]

ORIGINAL_EXCHANGE = "x-tidegate-exchange"
ORIGINAL_ROUTING_KEY = "x-tidegate-routing-key"
"""Where a message that was retried from the dead letters was published at first."""

COUNT_HEADERS = frozenset(("x-delivery-count", "x-acquired-count"))
"""What the broker adds, other at each delivery."""


class Delivery(NamedTuple):
    """What pika hands over."""

    method: Basic.Deliver
    properties: BasicProperties
    body: bytes


def content_of(method: Basic.Deliver, properties: BasicProperties, body: bytes) -> AMQPContent:
    """Return a delivery's content, with the exchange and routing key it was published with first.

    A message retried from the dead letters comes through the default exchange; headers keep where
    it came from, so that its pattern survives.
    """
    headers: dict[str, Any] = properties.headers or {}
    rest = {
        name: value
        for name, value in vars(properties).items()
        if value is not None and name != "headers"
    }
    if ORIGINAL_ROUTING_KEY in headers and not method.exchange:
        exchange = str(headers.get(ORIGINAL_EXCHANGE, ""))
        return AMQPContent(body, exchange, str(headers[ORIGINAL_ROUTING_KEY]), headers, rest)
    return AMQPContent(body, method.exchange, method.routing_key, headers, rest)


def fingerprint(queue: str, content: AMQPContent) -> int:
    """Return 64 bits that are the same on every node and for every delivery of a message.

    Made only for messages without an id; 1 us for one without headers.
    """
    headers = content.headers
    if not COUNT_HEADERS.isdisjoint(headers):
        headers = {name: value for name, value in headers.items() if name not in COUNT_HEADERS}
    place = (queue, content.exchange, content.routing_key, content.properties, headers)
    digest = blake2b(repr(place).encode(errors="surrogatepass"), digest_size=8)
    digest.update(b"\0")
    digest.update(content.body)
    return int.from_bytes(digest.digest())
