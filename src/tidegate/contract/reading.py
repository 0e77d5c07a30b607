"""From namespaces and settings to a contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tidegate.app.namespace import Namespace
from tidegate.app.settings import Settings
from tidegate.contract.builtin import BUILTIN_TYPES
from tidegate.contract.draft import NamespaceDraft
from tidegate.contract.forwarding import all_forwards
from tidegate.contract.model import Contract, Queue
from tidegate.contract.types import TypeSchemas
from tidegate.errors import ContractError
from tidegate.events import Event

__all__ = ["declared_events", "read_contract"]


def declared_events(root: type[Event] = Event) -> Iterator[type[Event]]:
    """Yield every event type with a name that is imported now."""
    for event_type in root.__subclasses__():
        if event_type.event_name:
            yield event_type
        yield from declared_events(event_type)


def read_contract(
    namespaces: Iterable[Namespace],
    *,
    title: str,
    settings: Settings | None = None,
    declared: Iterable[type[Event]] = (),
) -> Contract:
    """Return the contract of these namespaces.

    Args:
        namespaces: What the gateway serves.
        title: What the documents are called.
        settings: Whose bindings, forwards, queues and path count; default: none.
        declared: Event types beside those that the namespaces list. They belong where they say,
            or, with one namespace and as ``emit`` has it, there.

    Raises:
        ContractError: A type can't be told as JSON Schema, or two types have the same name.
    """
    settings = settings or Settings()
    served = sorted(namespaces, key=lambda namespace: namespace.name)
    forwards = all_forwards(served, settings)
    types = TypeSchemas()
    drafts = [NamespaceDraft(namespace, types) for namespace in served]
    for draft in drafts:
        draft.read(forwards[draft.name], settings.bindings)
    for event_type in declared:
        for draft in drafts:
            draft.read_declared((event_type,), is_only=len(drafts) == 1)
    schemas, definitions = types.build()
    for name in sorted(definitions.keys() & BUILTIN_TYPES.keys()):
        raise ContractError(f"the type {name} has a name of the gateway's own; rename it")
    return Contract(
        title=title,
        path=settings.path.rstrip("/"),
        namespaces=tuple(draft.finish(schemas) for draft in drafts),
        types=dict(sorted((definitions | BUILTIN_TYPES).items())),
        queues=tuple(Queue(queue.name, queue.durable) for queue in settings.rabbitmq.queues),
    )
