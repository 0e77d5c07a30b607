"""One namespace while it is read: its types are asked for, their schemas come later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tidegate.app.consume import ConsumeRule
from tidegate.app.forwards import Forward
from tidegate.app.handlers import EventHandler
from tidegate.app.namespace import Namespace
from tidegate.app.settings_tables import BindingSettings
from tidegate.contract.annotations import Ack, first_paragraph, payload_of_answer, read_ack
from tidegate.contract.builtin import builtin_client_events, builtin_server_events
from tidegate.contract.forwarding import event_of_pattern
from tidegate.contract.model import (
    Answer,
    Argument,
    ClientEvent,
    MessageSource,
    NamespaceContract,
    Room,
    Schema,
    ServerEvent,
    Target,
)
from tidegate.contract.types import TypeSchemas
from tidegate.errors import ContractError
from tidegate.events import Event, event_name_of

__all__ = ["NamespaceDraft"]

Schemas = Sequence[Schema]


class NamespaceDraft:
    """Reads one namespace in steps: ``read``, ``read_declared``, ``finish``.

    Args:
        namespace: What is read.
        types: Takes its types; shared with the other namespaces.
    """

    def __init__(self, namespace: Namespace, types: TypeSchemas) -> None:
        self.name = str(namespace.name)
        self._namespace = namespace
        self._types = types
        self._events: dict[str, _Event] = {}
        self._calls: dict[str, _Call] = {}
        self._sources: list[_Source] = []
        self._rooms: list[tuple[str, dict[str, int]]] = []
        self._sent_by_clients: set[Any] = set()

    def read(self, forwards: Mapping[str, Forward], bindings: Iterable[BindingSettings]) -> None:
        """Read what the namespace and the settings say of it."""
        for name, event_type in self._namespace.events.items():
            self._add_event(name, event_type, first_paragraph(event_type))
        for event_name, handler in self._namespace.handlers.items():
            self._add_handler(event_name, handler)
        for event_name, forward in forwards.items():
            self._add_forward(event_name, forward)
        for rule in self._namespace.consume_rules:
            self._add_consume_rule(rule)
        for binding in bindings:
            if binding.namespace == self.name:
                self._add_source(binding.pattern, binding.event, Any, "")
        for room in self._namespace.room_rules:
            where = f"the room {room.pattern!r}"
            tickets = {n: self._ask(t, where, is_input=True) for n, t in room.types.items()}
            self._rooms.append((room.pattern, tickets))

    def read_declared(self, declared: Iterable[type[Event]], *, is_only: bool) -> None:
        """Read event types that the namespace does not list, but that go to it.

        A type that says no namespace goes to the only one, as ``emit`` has it. A type that
        clients send is no event of the server.

        Raises:
            ContractError: Two types have the same event name.
        """
        for event_type in declared:
            home = event_type.event_namespace
            if event_type in self._sent_by_clients or home not in (self.name, None):
                continue
            if home is None and not is_only:
                continue
            name = event_name_of(event_type)
            known = self._events.get(name)
            if known is None or known.kind is Any:
                self._add_event(name, event_type, first_paragraph(event_type))
            elif known.kind is not event_type and name not in self._namespace.events:
                paths = f"{_path(known.kind)} and {_path(event_type)}"
                raise ContractError(f"two types declare the event {name!r}: {paths}")

    def finish(self, schemas: Schemas) -> NamespaceContract:
        """Return the contract, with the schemas that were asked for."""
        rooms = tuple(
            Room(pattern, {name: schemas[ticket] for name, ticket in tickets.items()})
            for pattern, tickets in self._rooms
        )
        events = [
            ServerEvent(name, schemas[event.ticket], event.description)
            for name, event in sorted(self._events.items())
        ]
        calls = [call.finish(name, schemas) for name, call in sorted(self._calls.items())]
        return NamespaceContract(
            self.name,
            server_events=(*events, *builtin_server_events()),
            client_events=(*calls, *builtin_client_events(rooms)),
            rooms=rooms,
            sources=tuple(
                MessageSource(source.pattern, source.event, schemas[source.ticket], source.text)
                for source in self._sources
            ),
        )

    # Parts

    def _add_event(self, name: str, kind: Any, description: str, *, is_input: bool = False) -> None:
        ticket = self._ask(kind, f"the event {name!r}", is_input=is_input)
        self._events[name] = _Event(kind, ticket, description)

    def _add_handler(self, event_name: str, handler: EventHandler) -> None:
        where = f"the handler of {event_name!r}"
        ack = read_ack(handler.answer)
        self._sent_by_clients.update(kind for kind in handler.types if isinstance(kind, type))
        self._calls[event_name] = _Call(
            names=handler.names,
            tickets=[self._ask(kind, where, is_input=True) for kind in handler.types],
            required=handler.required,
            ack=ack,
            ack_tickets=[self._ask(kind, where, is_input=False) for kind in ack.types],
            description=first_paragraph(handler.function),
        )

    def _add_forward(self, event_name: str, forward: Forward) -> None:
        kind = Any if forward.payload is None else forward.payload
        self._sent_by_clients.update([kind] if isinstance(kind, type) else [])
        exchange, routing_key = forward.target
        pattern = event_name if forward.pattern is None else forward.pattern
        self._calls[event_name] = _Call(
            names=["payload"],
            tickets=[self._ask(kind, f"the forward of {event_name!r}", is_input=True)],
            required=1,
            ack=Ack("unknown"),
            ack_tickets=[],
            description=first_paragraph(kind),
            target=Target(exchange, routing_key, forward.envelope, pattern),
        )

    def _add_consume_rule(self, rule: ConsumeRule) -> None:
        description = first_paragraph(rule.function)
        payload = payload_of_answer(rule.function, rule.data_type)
        is_changed = payload is not rule.data_type
        own_name = getattr(payload, "event_name", None) if is_changed else None
        self._add_source(
            rule.pattern.text,
            own_name or rule.event,
            rule.data_type,
            description,
            payload=payload,
            is_input=not is_changed,
        )

    def _add_source(
        self,
        pattern: str,
        event: str | None,
        data: Any,
        description: str,
        *,
        payload: Any = Any,
        is_input: bool = True,
    ) -> None:
        ticket = self._ask(data, f"messages of {pattern!r}", is_input=True)
        name = event or event_of_pattern(pattern)
        self._sources.append(_Source(pattern, event, ticket, description))
        if name is not None and name not in self._events:
            self._add_event(name, payload, first_paragraph(payload), is_input=is_input)

    def _ask(self, kind: Any, where: str, *, is_input: bool) -> int:
        try:
            return self._types.add(kind, is_input=is_input)
        except ContractError as error:
            raise ContractError(f"{self.name}: {where}: {error}") from error


class _Event(NamedTuple):
    kind: Any
    ticket: int
    description: str


class _Source(NamedTuple):
    pattern: str
    event: str | None
    ticket: int
    text: str


class _Call(NamedTuple):
    """A client event whose schemas are still to come."""

    names: Sequence[str]
    tickets: Sequence[int]
    required: int
    ack: Ack
    ack_tickets: Sequence[int]
    description: str
    target: Target | None = None

    def finish(self, event_name: str, schemas: Schemas) -> ClientEvent:
        arguments = tuple(
            Argument(name, schemas[ticket], is_required=index < self.required)
            for index, (name, ticket) in enumerate(zip(self.names, self.tickets, strict=True))
        )
        values = tuple(schemas[ticket] for ticket in self.ack_tickets)
        answer = Answer(self.ack.kind, values, is_optional=self.ack.is_optional)
        return ClientEvent(event_name, arguments, answer, self.description, self.target)


def _path(kind: Any) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
