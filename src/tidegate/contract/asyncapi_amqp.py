"""RabbitMQ in an AsyncAPI document: what is consumed, and where client events are forwarded.

Source: AsyncAPI 3.0.0; AMQP 0-9-1 bindings 0.3.0; ``docs/topics/forwards.md``.
"""

from __future__ import annotations

from typing import Any

from tidegate.contract.asyncapi_parts import Document, Keys, draft_7, point
from tidegate.contract.model import (
    ClientEvent,
    Contract,
    MessageSource,
    NamespaceContract,
    Queue,
    Schema,
    Target,
)

__all__ = ["BrokerSide"]

_TEXT: Schema = {"type": "string"}

_HEADERS: Schema = {
    "type": "object",
    "properties": {
        "x-tidegate-tenant": {"type": "string", "description": "Tenant, from the verified token."},
        "x-tidegate-user": {"type": "string", "description": "User, from the verified token."},
        "x-tidegate-claims": {"type": "string", "description": "The token's claims as JSON."},
        "x-tidegate-namespace": _TEXT,
        "x-tidegate-sid": _TEXT,
        "x-tidegate-event": _TEXT,
        "x-tidegate-resent": {"type": "boolean", "description": "The client sent it before."},
    },
    "required": [
        *("x-tidegate-tenant", "x-tidegate-user", "x-tidegate-claims"),
        *("x-tidegate-namespace", "x-tidegate-sid", "x-tidegate-event"),
    ],
}


class BrokerSide:
    """The parts of the document that are about RabbitMQ; empty if nothing goes through it.

    Messages are consumed from the settings' queues. Without any there, each pattern has a channel
    of its own, since where they come from is told elsewhere.
    """

    def __init__(self, contract: Contract, keys: Keys) -> None:
        self._keys = keys
        sources = [(space, source) for space in contract.namespaces for source in space.sources]
        self._consumed: list[tuple[str, str, Queue | None, list[_Consumed]]] = []
        for queue in contract.queues:
            key = keys.make(["rabbitmq", queue.name])
            self._consumed.append((key, queue.name, queue, sources))
        if not contract.queues:
            for space, source in sources:
                key = keys.make(["rabbitmq", space.name, source.pattern])
                self._consumed.append((key, source.pattern, None, [(space, source)]))
        self._forwarded = [
            (keys.make(["rabbitmq", space.name, event.name]), space, event, event.target)
            for space in contract.namespaces
            for event in space.client_events
            if event.target is not None
        ]

    @property
    def _is_used(self) -> bool:
        return bool(self._consumed or self._forwarded)

    def servers(self) -> Document:
        """Return the broker."""
        if not self._is_used:
            return {}
        server = {
            "host": "{host}",
            "protocol": "amqp",
            "protocolVersion": "0.9.1",
            "description": "RabbitMQ, between the gateway and the services.",
            "variables": {"host": {"default": "localhost:5672", "description": "Host and port."}},
            "security": [point("components", "securitySchemes", "broker")],
        }
        return {"rabbitmq": server}

    def security_schemes(self) -> Document:
        """Return how the gateway and services sign in at the broker."""
        if not self._is_used:
            return {}
        return {"broker": {"type": "userPassword", "description": "User and password of AMQP."}}

    def channels(self) -> Document:
        """Return queues and patterns that are consumed, and targets of forwards."""
        found: Document = {}
        for key, address, queue, sources in self._consumed:
            messages = {m: _consumed_message(*pair) for m, pair in _keyed(sources)}
            exchange = {"is": "routingKey", "exchange": {"type": "topic"}}
            found[key] = _channel(address, messages, exchange if queue is None else _queue(queue))
        for key, _, event, target in self._forwarded:
            messages = {"request": _forwarded_message(event, target)}
            found[key] = _channel(target.routing_key, messages, _target(target))
        return found

    def operations(self) -> Document:
        """Return an operation for each channel; services answer to the ``reply_to`` address."""
        found: Document = {}
        for key, _, _, sources in self._consumed:
            found[self._keys.make([key, "receive"])] = {
                "action": "receive",
                "channel": point("channels", key),
                "summary": "Turn messages of services into events.",
                "messages": [point("channels", key, "messages", m) for m, _ in _keyed(sources)],
            }
        for key, space, event, _ in self._forwarded:
            found[self._keys.make([key, "send"])] = {
                "action": "send",
                "channel": point("channels", key),
                "summary": f"Forward `{event.name}` of {space.name} to a service.",
                "messages": [point("channels", key, "messages", "request")],
                "bindings": {"amqp": {"deliveryMode": 2, "ack": True, "bindingVersion": "0.3.0"}},
                "reply": {"address": {"location": "$message.header#/reply_to"}},
            }
        return found


_Consumed = tuple[NamespaceContract, MessageSource]


def _keyed(sources: list[_Consumed]) -> list[tuple[str, _Consumed]]:
    keys = Keys()
    return [(keys.make([space.name, source.pattern]), (space, source)) for space, source in sources]


def _channel(address: str, messages: Document, binding: Document) -> Document:
    # Braces would be read as parameters, and NestJS object patterns have them.
    is_plain = bool(address) and "{" not in address
    return {
        "address": address if is_plain else None,
        "title": f"{address} in RabbitMQ",
        "servers": [point("servers", "rabbitmq")],
        "messages": messages,
        "bindings": {"amqp": binding | {"bindingVersion": "0.3.0"}},
    }


def _queue(queue: Queue) -> Document:
    return {
        "is": "queue",
        "queue": {"name": queue.name, "durable": queue.durable, "exclusive": False},
    }


def _target(target: Target) -> Document:
    if target.exchange:
        return {"is": "routingKey", "exchange": {"name": target.exchange}}
    return {"is": "queue", "queue": {"name": target.routing_key}}


def _consumed_message(space: NamespaceContract, source: MessageSource) -> Document:
    told: dict[str, Any] = {"pattern": source.pattern, "namespace": space.name}
    if source.event is not None:
        told["event"] = source.event
    return {
        "name": source.pattern,
        "title": source.pattern,
        "summary": source.description or f"Becomes an event of {space.name}.",
        "description": "The data; around it may be the envelope of NestJS or of CloudEvents.",
        "payload": draft_7(source.payload),
        "x-tidegate": told,
    }


def _forwarded_message(event: ClientEvent, target: Target) -> Document:
    data = event.arguments[0].schema if event.arguments else {}
    payload: Schema = data
    if target.envelope == "nestjs":
        pattern = {"const": target.pattern}
        properties = {"pattern": pattern, "data": data, "id": {"type": "string"}}
        payload = {"type": "object", "properties": properties, "required": ["pattern", "data"]}
    return {
        "name": event.name,
        "title": event.name,
        "headers": _HEADERS,
        "payload": draft_7(payload),
        "x-tidegate": {"envelope": target.envelope},
    }
