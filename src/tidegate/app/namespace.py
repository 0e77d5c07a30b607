"""A namespace: the handlers, room rules and event types of one realtime domain."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeVar

from tidegate.app.consume import ConsumeRule
from tidegate.app.forwards import Forward
from tidegate.app.handlers import EventHandler, RoomRule
from tidegate.events import Event, check_event_name, event_name_of
from tidegate.ids import NamespaceName

__all__ = ["Namespace"]

Function = TypeVar("Function", bound=Callable[..., Any])

_NAME = re.compile(r"/[A-Za-z0-9._~/-]*")


class Namespace:
    """What one Socket.IO namespace does; hand it to a `Gateway`.

    ::

        notifications = Namespace("/notifications")

        @notifications.on("notification.markRead")
        async def mark_read(client: Client, event: MarkRead) -> Marked:
            ...

        @notifications.room("conversation:{conversation_id}")
        async def may_join(client: Client, conversation_id: str) -> bool:
            ...

    Args:
        name: As the client names it; starts with ``/``.
        events: Event types that belong here, so that ``emit`` knows the namespace.

    Raises:
        ValueError: The name can't be one.
    """

    def __init__(self, name: str = "/", *, events: Iterable[type[Event]] = ()) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no namespace: it starts with '/', as '/chat' does")
        self.name = NamespaceName(name)
        self.handlers: dict[str, EventHandler] = {}
        self.forwards: dict[str, Forward] = {}
        self.room_rules: list[RoomRule] = []
        self.consume_rules: list[ConsumeRule] = []
        self.connect_hook: Callable[..., Any] | None = None
        self.disconnect_hook: Callable[..., Any] | None = None
        self.events: dict[str, type[Event]] = {}
        for event_type in events:
            self.events[event_name_of(event_type)] = event_type

    def __repr__(self) -> str:
        return f"Namespace({self.name!r})"

    def on(self, event_name: str) -> Callable[[Function], Function]:
        """Handle a client's event; what the function returns is the ack.

        Handlers of one client run one after the other, in the order of its events; those of
        different clients run side by side. A plain ``def`` runs in the event loop at once, without
        the cost of a task: right for what awaits nothing, but it must not block. Raise `Refused` to
        answer with an error; any other exception answers ``internal``.

        Raises:
            ValueError: The name is reserved, or has a handler or a forward already.
            TypeError: The function's parameters can't be filled from an event.
        """
        self._check_is_free(event_name)

        def register(function: Function) -> Function:
            self.handlers[event_name] = EventHandler(event_name, function)
            return function

        return register

    def forward(
        self,
        event_name: str,
        *,
        queue: str | None = None,
        exchange: str | None = None,
        routing_key: str | None = None,
        envelope: Literal["nestjs", "plain"] = "nestjs",
        pattern: str | dict[str, Any] | None = None,
        payload: Any = None,
        timeout: float = 10.0,
        max_size: int = 65_536,
        id: str | None = None,  # noqa: A002  # the same name as in the settings
    ) -> None:
        """Send a client's event to a service by RabbitMQ; the service's reply is the ack.

        The message carries the verified tenant, user and claims in its headers. The arguments are
        those of `Forward`; the rules are in ``docs/topics/forwards.md``.

        Raises:
            ValueError: The name is reserved, or has a handler or a forward already; or the
                arguments contradict each other.
        """
        self._check_is_free(event_name)
        self.forwards[event_name] = Forward(
            event=event_name,
            queue=queue,
            exchange=exchange,
            routing_key=routing_key,
            envelope=envelope,
            pattern=pattern,
            payload=payload,
            timeout=timeout,
            max_size=max_size,
            id=id,
        )

    def room(self, pattern: str) -> Callable[[Function], Function]:
        """Decide who may join resource rooms of a form; a room without a rule can't be joined.

        The function gets the client and the placeholders' values and returns a bool. It is asked
        at ``tidegate.join`` and again for each room when a dropped client comes back.
        """

        def register(function: Function) -> Function:
            self.room_rules.append(RoomRule(pattern, function))
            return function

        return register

    def consume(
        self,
        pattern: str | Mapping[str, Any],
        *,
        event: str | None = None,
        tenant: str | None = None,
        user: str | None = None,
        message_id: str | None = None,
    ) -> Callable[[Function], Function]:
        """Turn messages of the broker into events: the function says who gets one.

        ::

            @notifications.consume("notification.created")
            def audience(message: Message[NotificationCreated]) -> Audience:
                return message.tenant.user(message.user_id) if message.user_id else message.tenant

        It returns ``message.tenant`` or a user or room of it, a list of these, or None for nobody;
        ``(audience, payload)`` if the payload is another than the message's own, which else
        reaches the browser byte for byte. It may be async; a plain ``def`` must not block. Rules
        are asked in order of declaration; the first whose pattern matches decides. An exception
        sends the message to the dead letters as ``handler_failed``.

        Args:
            pattern: NestJS pattern, CloudEvent type or routing key: words between dots, ``*`` for
                one, ``#`` for any number; or a NestJS object pattern.
            event: The event's name; else that of the declared `Event`, else the message's pattern.
            tenant: Path of the tenant, such as ``headers.x-tenant``; else ``tenantId`` in headers,
                CloudEvents attributes (``tenantid``) or payload.
            user: Path of ``message.user_id``; else ``userId`` in the same places.
            message_id: Path of the message id; else the envelope's, or the AMQP property.

        Raises:
            ValueError: The pattern is consumed already, or something can't be what it says.
            TypeError: The function does not take one message.
        """

        def register(function: Function) -> Function:
            rule = ConsumeRule(
                pattern, function, event=event, tenant=tenant, user=user, message_id=message_id
            )
            if any(other.pattern.text == rule.pattern.text for other in self.consume_rules):
                raise ValueError(f"{self.name} consumes {rule.pattern.text!r} already")
            self.consume_rules.append(rule)
            return function

        return register

    def on_connect(self, function: Function) -> Function:
        """Run before a verified client is let in; raise `Refused` to turn it away.

        The client may be put into rooms here (``client.join``); nothing can be emitted to it yet.
        One that comes back passes here again, as a new `Client`: if it is given its session back,
        that one goes on with these rooms and this ``data``.
        """
        self.connect_hook = function
        return function

    def on_disconnect(self, function: Function) -> Function:
        """Run after a client is gone: ``(client, reason)``.

        So also when its connection dropped, whether it comes back or not.
        """
        self.disconnect_hook = function
        return function

    def _check_is_free(self, event_name: str) -> None:
        check_event_name(event_name)
        if event_name in self.handlers:
            raise ValueError(f"{self.name} has a handler for {event_name!r} already")
        if event_name in self.forwards:
            raise ValueError(f"{self.name} forwards {event_name!r} already")
