"""Declared event types: the name on the wire and the shape of the payload in one place."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from tidegate.ids import NamespaceName, has_utf8_form
from tidegate.protocol.socketio import RESERVED_EVENT_NAMES

__all__ = ["Event", "check_event_name", "event_name_of"]

MAX_EVENT_NAME_LENGTH = 200


class _EventMeta(msgspec.StructMeta):
    """Take ``name`` and ``namespace`` from the class line and leave the rest to msgspec."""

    def __new__(
        mcls,
        class_name: str,
        bases: tuple[type, ...],
        attributes: dict[str, Any],
        *,
        name: str | None = None,
        namespace: str | None = None,
        **options: Any,
    ) -> Any:
        cls: Any = super().__new__(mcls, class_name, bases, attributes, **options)
        if name is not None:
            check_event_name(name)
        cls.event_name = name or ""
        cls.event_namespace = namespace
        return cls


class Event(msgspec.Struct, metaclass=_EventMeta):
    """Base of declared events; the fields are the payload, ``name`` is its name on the wire.

    ::

        class NotificationCreated(Event, name="notification.created"):
            id: str
            message: str
            seen: bool = False

    Emit it with ``gateway.tenant("acme").emit(NotificationCreated(...))``. With several
    namespaces, say where it belongs: ``namespace="/notifications"`` on the class line, or by
    listing the class in ``Namespace("/notifications", events=[NotificationCreated])``. Fields of
    type ``bytes`` travel as binary attachments.
    """

    event_name: ClassVar[str]
    event_namespace: ClassVar[NamespaceName | None]

    def __init_subclass__(
        cls, *, name: str | None = None, namespace: str | None = None, **options: Any
    ) -> None:
        """Tell type checkers what the class line takes; the metaclass does the work."""
        super().__init_subclass__(**options)


def check_event_name(name: str) -> None:
    """Raise ValueError if ``name`` can't travel as an application event."""
    if not name:
        raise ValueError("an event name can't be empty")
    if len(name) > MAX_EVENT_NAME_LENGTH:
        raise ValueError(f"an event name has at most {MAX_EVENT_NAME_LENGTH} characters")
    if not has_utf8_form(name):
        raise ValueError(f"{name!r} has no UTF-8 form")
    if name in RESERVED_EVENT_NAMES:
        raise ValueError(f"{name!r} is reserved by the Socket.IO client; choose another event name")
    if name.startswith("tidegate."):
        raise ValueError(f"{name!r}: names starting with 'tidegate.' are kept for the gateway")


def event_name_of(event_type: type) -> str:
    """Return the wire name of a declared event type.

    Raises:
        TypeError: The type is no ``Event``, or was declared without a name.
    """
    name: str = getattr(event_type, "event_name", "")
    if not name:
        raise TypeError(
            f"{event_type.__name__} has no event name: declare it as "
            f'class {event_type.__name__}(Event, name="...")'
        )
    return name
