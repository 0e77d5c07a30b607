"""A contract without a format: what travels in each namespace, told in JSON Schema.

Every schema here is JSON Schema 2020-12. Named types are in ``Contract.types``, and others refer to
them as ``{"$ref": "#/$defs/Name"}``. Lists are in the order in which they are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

__all__ = [
    "DEFINITIONS",
    "Answer",
    "Argument",
    "ClientEvent",
    "Contract",
    "MessageSource",
    "NamespaceContract",
    "Queue",
    "Room",
    "Schema",
    "ServerEvent",
    "Target",
]

Schema = dict[str, Any]

DEFINITIONS = "#/$defs/"
"""What references to named types begin with."""


class Argument(msgspec.Struct, frozen=True):
    """One argument of a client event, in the order of the packet."""

    name: str
    schema: Schema
    is_required: bool = True


class Answer(msgspec.Struct, frozen=True):
    """What an ack holds when the call was not refused.

    Attributes:
        kind: ``values`` are given; ``nothing`` is given; or it is ``unknown``.
        values: Schemas of the ack's arguments; a tuple that a handler returns gives several.
        is_optional: The one value may be missing.
    """

    kind: Literal["values", "nothing", "unknown"]
    values: tuple[Schema, ...] = ()
    is_optional: bool = False


class Target(msgspec.Struct, frozen=True):
    """Where a client event goes by RabbitMQ; ``exchange`` is empty for a queue."""

    exchange: str
    routing_key: str
    envelope: Literal["nestjs", "plain"]
    pattern: Any


class ServerEvent(msgspec.Struct, frozen=True):
    """An event from the gateway to clients; the payload is its one argument."""

    name: str
    payload: Schema
    description: str = ""


class ClientEvent(msgspec.Struct, frozen=True):
    """An event from a client, and its ack. ``target`` is None if Python handles it."""

    name: str
    arguments: tuple[Argument, ...]
    answer: Answer
    description: str = ""
    target: Target | None = None


class Room(msgspec.Struct, frozen=True):
    """Resource rooms of one form, such as ``chat:{id}``, with the schema of each placeholder."""

    pattern: str
    placeholders: dict[str, Schema]


class MessageSource(msgspec.Struct, frozen=True):
    """Messages from the broker that become events of the namespace.

    Attributes:
        pattern: Pattern or routing key; a NestJS object pattern is JSON with sorted keys.
        event: The event's name; None if it is the message's own pattern.
        payload: Schema of the message's data.
    """

    pattern: str
    event: str | None
    payload: Schema
    description: str = ""


class NamespaceContract(msgspec.Struct, frozen=True):
    """What travels in one namespace; events in the order of their names, built-in ones last."""

    name: str
    server_events: tuple[ServerEvent, ...]
    client_events: tuple[ClientEvent, ...]
    rooms: tuple[Room, ...] = ()
    sources: tuple[MessageSource, ...] = ()


class Queue(msgspec.Struct, frozen=True):
    """A queue that messages are consumed from."""

    name: str
    durable: bool


class Contract(msgspec.Struct, frozen=True):
    """The contract of a gateway.

    Attributes:
        title: What the documents are called.
        path: Path of the Socket.IO endpoint, without a slash at the end.
        namespaces: In the order of their names.
        types: Named types by name, in the order of their names.
        queues: Queues of the settings.
    """

    title: str
    path: str
    namespaces: tuple[NamespaceContract, ...]
    types: Mapping[str, Schema]
    queues: tuple[Queue, ...] = ()
