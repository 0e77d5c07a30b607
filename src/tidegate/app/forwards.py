"""Which client events go to services, and where: declared in Python or in the settings.

The rules, and what services and clients see of them: ``docs/topics/forwards.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from tidegate.errors import ConfigError

if TYPE_CHECKING:
    from tidegate.app.namespace import Namespace
    from tidegate.app.settings import Settings
    from tidegate.app.settings_tables import ForwardSettings

__all__ = ["Forward", "ForwardTable", "forwards_of"]

_MAX_NAME_BYTES = 255  # AMQP 0-9-1, short string


class Forward(msgspec.Struct, frozen=True, kw_only=True):
    """A client event that goes to a service; made by ``Namespace.forward`` or from the settings.

    Attributes:
        event: The client's event.
        queue: Where it goes, through the default exchange; or else ``exchange``.
        exchange: Where it goes, instead of a queue.
        routing_key: For the exchange; default: the event's name.
        envelope: ``nestjs`` is ``{"pattern","data"}``, ``plain`` is the payload alone.
        pattern: In the NestJS envelope, a text or an object; default: the event's name.
        payload: Type that the argument must fit; None takes any JSON. What is sent is what came,
            byte for byte.
        timeout: Seconds that an ack waits for the service's reply.
        max_size: Bytes of the largest argument.
        id: Dotted path of the client's own idempotency id in the argument; with a ``?`` at the
            end it may be missing. Without one an id is made from session and content.

    Raises:
        ValueError: The parts contradict each other.
    """

    event: str
    queue: str | None = None
    exchange: str | None = None
    routing_key: str | None = None
    envelope: Literal["nestjs", "plain"] = "nestjs"
    pattern: str | dict[str, Any] | None = None
    payload: Any = None
    timeout: float = 10.0
    max_size: int = 65_536
    id: str | None = None

    def __post_init__(self) -> None:
        if bool(self.queue) == bool(self.exchange):
            raise ValueError("name exactly one of queue and exchange")
        if self.queue and self.routing_key is not None:
            raise ValueError("a routing key goes with an exchange, not with a queue")
        for name in (*self.target, self.queue or ""):
            if len(name.encode()) > _MAX_NAME_BYTES:
                raise ValueError(f"{name[:40]!r}… is longer than {_MAX_NAME_BYTES} bytes")
        if self.envelope not in ("nestjs", "plain"):
            raise ValueError(f"envelope is nestjs or plain, not {self.envelope!r}")
        if self.envelope == "plain" and self.pattern is not None:
            raise ValueError("the plain envelope has no pattern; the routing key says what it is")
        if self.timeout <= 0 or self.max_size <= 0:
            raise ValueError("timeout and max_size are greater than 0")

    @property
    def target(self) -> tuple[str, str]:
        """Return exchange and routing key as AMQP has them."""
        if self.queue:
            return "", self.queue
        return self.exchange or "", self.event if self.routing_key is None else self.routing_key


ForwardTable = Mapping[tuple[str, str], Forward]
"""Forwards by namespace and event name."""


def forwards_of(
    namespaces: Mapping[str, Namespace], settings: Settings, *, needs_broker: bool = True
) -> ForwardTable:
    """Return the forwards of both sources, the namespaces' own and the settings'.

    Args:
        namespaces: What is served, by name.
        settings: May hold more of them.
        needs_broker: Whether they go by RabbitMQ, so that without a URL there can be none.

    Raises:
        ConfigError: A setting names a namespace that is not served, or an event that is handled or
            forwarded already, or contradicts itself; or there is no broker to forward to.
    """
    table = {
        (name, event): forward
        for name, namespace in namespaces.items()
        for event, forward in namespace.forwards.items()
    }
    for index, table_settings in enumerate(settings.forwards):
        namespace = _namespace_of(table_settings, index, namespaces)
        place = (str(namespace.name), table_settings.event)
        if table_settings.event in namespace.handlers:
            problem = f"{namespace.name} handles {table_settings.event!r} in Python already"
            raise _wrong(index, problem, "Remove the handler or the forward.")
        if place in table:
            problem = f"{namespace.name} forwards {table_settings.event!r} already"
            raise _wrong(index, problem, "Forward each event once.")
        table[place] = _forward(table_settings, index)
    if table and needs_broker and settings.rabbitmq.url is None:
        events = ", ".join(f"{event} of {name}" for name, event in sorted(table))
        raise ConfigError(
            "rabbitmq.url",
            f"is not set, but client events are forwarded: {events}",
            remedy="Set TIDEGATE_RABBITMQ__URL to amqp://user:password@host:5672/vhost.",
        )
    return table


def _namespace_of(
    settings: ForwardSettings, index: int, namespaces: Mapping[str, Namespace]
) -> Namespace:
    namespace = namespaces.get(settings.namespace)
    if namespace is None:
        served = ", ".join(sorted(namespaces)) or "none"
        raise _wrong(
            index,
            f"{settings.event!r} names {settings.namespace}, which is not served; served: {served}",
            "Correct the name, or serve the namespace.",
        )
    return namespace


def _forward(settings: ForwardSettings, index: int) -> Forward:
    try:
        return Forward(**settings.model_dump(exclude={"namespace"}))
    except ValueError as error:
        problem = f"{settings.event!r} can't be forwarded so: {error}"
        raise _wrong(index, problem, "Correct the table.") from None


def _wrong(index: int, problem: str, remedy: str) -> ConfigError:
    return ConfigError(f"forwards[{index}]", problem, remedy=remedy, source="settings")
