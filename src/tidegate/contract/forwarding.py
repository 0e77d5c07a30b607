"""Forwards and bindings of the settings, as far as a contract tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidegate.app.forwards import Forward
from tidegate.app.namespace import Namespace
from tidegate.app.settings import Settings
from tidegate.errors import ContractError
from tidegate.events import check_event_name

__all__ = ["all_forwards", "event_of_pattern"]


def all_forwards(
    namespaces: Sequence[Namespace], settings: Settings
) -> Mapping[str, Mapping[str, Forward]]:
    """Return forwards by namespace and event: those of the namespaces and of the settings.

    Unlike ``forwards_of`` it wants no broker: a contract is made where none is configured.

    Raises:
        ContractError: The settings name a namespace that is not served.
    """
    found = {str(namespace.name): dict(namespace.forwards) for namespace in namespaces}
    tables = [("forwards", table.namespace) for table in settings.forwards]
    tables += [("bindings", table.namespace) for table in settings.bindings]
    for key, name in tables:
        if name not in found:
            raise ContractError(f"the settings' {key} name {name}, which is not served")
    for table in settings.forwards:
        forward = Forward(**table.model_dump(exclude={"namespace"}))
        found[table.namespace].setdefault(table.event, forward)
    return found


def event_of_pattern(pattern: str) -> str | None:
    """Return the event that messages of a pattern are named after, if it can be told before.

    It can't with wildcards, and a NestJS object pattern is no name.
    """
    if pattern.startswith("{") or {"*", "#"} & set(pattern.split(".")):
        return None
    try:
        check_event_name(pattern)
    except ValueError:
        return None
    return pattern
