"""A router as the tests need it, and messages for it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, cast

import pytest

from tidegate import Namespace
from tidegate.app.publisher import Publisher
from tidegate.app.routing import Router
from tidegate.app.settings_tables import BindingSettings
from tidegate.errors import MessageRejected
from tidegate.log import EventEntry
from tidegate.sources.envelopes import open_envelope
from tidegate.sources.message import AMQPContent, IncomingMessage

NO_PUBLISHER = cast("Publisher", None)  # rules only address; none of the tests emits


def router(*namespaces: Namespace, bindings: Sequence[dict[str, Any]] = ()) -> Router:
    return Router(
        {namespace.name: namespace for namespace in namespaces},
        [BindingSettings(**{"namespace": "/n"} | binding) for binding in bindings],
        NO_PUBLISHER,
        max_payload=1_000,
        clock=lambda: 5.0,
    )


def message(data: str, pattern: str = "p", **content: Any) -> IncomingMessage:
    return open_envelope(AMQPContent(data.encode(), routing_key=pattern, **content), "plain")


def routed(router: Router, incoming: IncomingMessage) -> Sequence[EventEntry]:
    entries = router.route(incoming)
    assert not isinstance(entries, Awaitable)
    return entries


def rejection(router: Router, incoming: IncomingMessage) -> MessageRejected:
    with pytest.raises(MessageRejected) as caught:
        router.route(incoming)
    return caught.value
