"""Which namespace an event goes to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from tidegate import Event
from tidegate.app.publisher import Publisher
from tidegate.app.targets import tenant_target
from tidegate.ids import NamespaceName


class Declared(Event, name="declared", namespace="/declared"):
    """Says where it belongs."""


class Open(Event, name="open"):
    """Does not."""


async def _namespace_of(event: Event | str, **options: Any) -> object:
    """Return the namespace that a target asks the publisher for, for a client of ``/own``."""
    asked: list[object] = []

    async def emit(*_: object, namespace: str | None, **__: object) -> str:
        asked.append(namespace)
        return "e.1"

    publisher = cast("Publisher", SimpleNamespace(emit=emit))
    await tenant_target(publisher, "acme", NamespaceName("/own")).emit(event, **options)
    return asked[0]


async def test_what_the_call_says_comes_first() -> None:
    assert await _namespace_of(Declared(), namespace="/said") == "/said"


async def test_what_the_event_declares_comes_before_the_clients_own() -> None:
    assert await _namespace_of(Declared()) == "/declared"


async def test_else_the_clients_own_is_meant() -> None:
    assert await _namespace_of(Open()) == "/own"
    assert await _namespace_of("open") == "/own"
