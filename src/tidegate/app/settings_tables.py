"""Settings that come as lists of tables: queues, bindings of patterns, and forwards.

In the file they are ``[[rabbitmq.queues]]``, ``[[bindings]]`` and ``[[forwards]]``; in the
environment, JSON. Queues may also be plain names.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator

from tidegate.app.paths import parse_path
from tidegate.app.settings_types import Count, Seconds, Size, split_commas, wrong
from tidegate.events import check_event_name

__all__ = [
    "BindingSettings",
    "Bindings",
    "ExchangeSettings",
    "ForwardSettings",
    "Forwards",
    "QueueSettings",
    "Queues",
    "describe_table",
]

Envelope = Literal["auto", "nestjs", "cloudevents", "plain", "tidegate"]


class _Table(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )


def _name(value: str) -> str:
    if not value or len(value.encode()) > 255:
        raise wrong("is empty or longer than 255 bytes", "Use a name that AMQP can carry.")
    return value


def _namespace(value: str) -> str:
    if not re.fullmatch(r"/[A-Za-z0-9._~/-]*", value):
        raise wrong(f"is {value!r}, which is not a namespace", "Start it with a slash: /chat.")
    return value


def _event(value: str) -> str:
    try:
        check_event_name(value)
    except ValueError as error:
        raise wrong(f"can't be an event's name ({error})", "Choose another name.") from None
    return value


def _path(value: str) -> str:
    try:
        parse_path(value)
    except ValueError:
        raise wrong(
            f"is {value!r}, which is not a path",
            "Use names with dots between, such as tenantId, data.owner.id or headers.x-tenant; "
            "a ? at the end says that it may be missing.",
        ) from None
    return value


Name = Annotated[str, AfterValidator(_name)]
NamespaceName = Annotated[str, AfterValidator(_namespace)]
EventName = Annotated[str, AfterValidator(_event)]
Path = Annotated[str, AfterValidator(_path)]


class ExchangeSettings(_Table):
    """An exchange that a queue is bound to; it is declared, durable, unless it is ``passive``."""

    exchange: Name
    """Name of the exchange."""
    type: Literal["topic", "direct", "fanout"] = "topic"
    """Kind of exchange."""
    routing_key: str = "#"
    """Binding key; `#` is everything for a topic exchange, and is left out for a fanout one."""
    passive: bool = False
    """The exchange exists already and is not declared."""


class QueueSettings(_Table):
    """One queue that events are consumed from."""

    name: Name
    """Name of the queue."""
    type: Literal["quorum", "classic"] = "quorum"
    """Kind of queue; both are durable unless `durable` says otherwise."""
    durable: bool = True
    """Whether the queue outlives a restart of the broker (quorum queues always do)."""
    passive: bool = False
    """The queue exists already: it is neither declared nor bound, whatever its arguments are."""
    single_active_consumer: bool = True
    """One node at a time consumes the queue, so that its order is kept; the others stand by."""
    arguments: dict[str, str | int | bool] = {}
    """Arguments of the declaration, over and above ours; publishers must use the same."""
    exchanges: list[ExchangeSettings] = []
    """Exchanges that the queue is bound to."""
    envelope: Envelope = "auto"
    """Form of the messages; `auto` tells them apart one by one."""
    prefetch: Count | None = None
    """Messages taken before the first is acknowledged; default: `rabbitmq.prefetch`."""
    dead_letter_exchange: Name = "tidegate.dead-letters"
    """Direct exchange that bad messages are published to."""
    dead_letter_queue: str = ""
    """Queue that keeps them; default: the queue's name and `.dead-letters`."""

    @property
    def dead_letters(self) -> str:
        """Return the name of the dead-letter queue; it is also the routing key to it."""
        return self.dead_letter_queue or f"{self.name}.dead-letters"


class BindingSettings(_Table):
    """What becomes of messages whose pattern matches; the first binding that matches counts.

    A path names a part of the message: ``data.…`` (the payload; also without the prefix),
    ``headers.…``, ``properties.…`` or ``attributes.…`` (of a CloudEvent). A ``?`` at the end says
    that it may be missing.
    """

    pattern: str
    """Pattern or routing key; `*` stands for one word between dots, `#` for any number."""
    namespace: NamespaceName
    """Namespace that the event goes to."""
    event: EventName | None = None
    """Name of the event; default: the message's own pattern."""
    tenant: Path | None = None
    """Where the tenant is; default: `tenantId` in headers, CloudEvents attributes or payload."""
    user: Path | None = None
    """Where the user is; default: the whole tenant."""
    room: Path | None = None
    """Where the room is; default: no room."""
    payload: Path | None = None
    """Where the payload of the event is; default: all of the data."""
    message_id: Path | None = None
    """Where the message id is; default: the envelope's, or the AMQP property's."""


class ForwardSettings(_Table):
    """A client event that goes to a service by RabbitMQ."""

    event: EventName
    """The client's event."""
    namespace: NamespaceName
    """Namespace that the client is in."""
    queue: Name | None = None
    """Queue that it goes to, through the default exchange."""
    exchange: Name | None = None
    """Exchange that it goes to, instead of a queue."""
    routing_key: str | None = None
    """Routing key for the exchange; default: the event's name."""
    envelope: Literal["nestjs", "plain"] = "nestjs"
    """`nestjs` is `{"pattern","data"}`, as NestJS services expect; `plain` is the payload alone."""
    pattern: str | None = None
    """Pattern in the NestJS envelope; default: the event's name."""
    timeout: Seconds = 10.0
    """Seconds that an ack waits for the service's reply."""
    max_size: Size = 65_536
    """Largest payload that is forwarded."""
    id: Path | None = None
    """Where the client's own idempotency id is; default: one made from session and content."""

    @model_validator(mode="after")
    def _one_target(self) -> ForwardSettings:
        if (self.queue is None) == (self.exchange is None):
            raise wrong("names not exactly one of queue and exchange", "Name one of the two.")
        return self


def _from_json(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise wrong("is not JSON", "Write the tables as a JSON list, or use the file.") from None


def _queues(value: object) -> object:
    is_json = isinstance(value, str) and value.lstrip().startswith("[")
    listed = _from_json(value) if is_json else split_commas(value)
    if not isinstance(listed, list):
        return listed
    return [{"name": item} if isinstance(item, str) else item for item in listed]


def _distinct(queues: list[QueueSettings]) -> list[QueueSettings]:
    names = [queue.name for queue in queues]
    for name in names:
        if names.count(name) > 1:
            raise wrong(f"contains the queue {name!r} twice", "Name each queue once.")
    return queues


Queues = Annotated[list[QueueSettings], BeforeValidator(_queues), AfterValidator(_distinct)]
Bindings = Annotated[list[BindingSettings], BeforeValidator(_from_json)]
Forwards = Annotated[list[ForwardSettings], BeforeValidator(_from_json)]


def describe_table(table: Any) -> str:
    """Return one line that names a table of a list, for ``tidegate check``."""
    match table:
        case QueueSettings():
            return table.name
        case BindingSettings():
            return f"{table.pattern} → {table.namespace}"
        case ForwardSettings():
            target = table.queue or f"{table.exchange} ({table.routing_key or table.event})"
            return f"{table.namespace} {table.event} → {target}"
        case _:
            return str(table)
