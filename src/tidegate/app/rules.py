"""Entries out of messages: the maker that checks them, and bindings that read paths.

Every rule ends in `EntryMaker`, which nothing passes that may not be published: no reserved event
name, no payload over the limit, none that the namespace's declared type refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tidegate.app.namespace import Namespace
from tidegate.app.paths import MessageParts, Path, PayloadFields
from tidegate.errors import MessageRejected, PayloadError
from tidegate.events import check_event_name, decode_argument
from tidegate.ids import NamespaceName, RoomName, TenantId, UserId
from tidegate.log import EventEntry
from tidegate.sources.message import IncomingMessage

__all__ = ["BindingRule", "Entries", "EntryMaker"]

Entries = Sequence[EventEntry]


class EntryMaker:
    """Makes the entries of one namespace, and checks what goes into them.

    Args:
        namespace: Where the events go; its declared event types are a contract.
        max_payload: Bytes that a payload may have.
        clock: Unix seconds.
    """

    def __init__(
        self, namespace: Namespace, *, max_payload: int, clock: Callable[[], float]
    ) -> None:
        self.namespace: NamespaceName = namespace.name
        self._declared = namespace.events
        self._max_payload = max_payload
        self._clock = clock

    def check(self, name: str, data: bytes, *, known: Any = None, place: str = "data") -> None:
        """Check an event's name and payload.

        Args:
            known: A type that the payload is known to fit.
            place: Where the payload is in the message, for the path in the error.

        Raises:
            MessageRejected: ``unknown_pattern``, ``too_large`` or ``payload_invalid``.
        """
        try:
            check_event_name(name)
        except ValueError as error:
            raise MessageRejected(
                "unknown_pattern", f"No event can have its name: {error}"
            ) from None
        if len(data) > self._max_payload:
            detail = f"The payload has {len(data)} bytes, over {self._max_payload}"
            raise MessageRejected("too_large", detail)
        declared = self._declared.get(name)
        if declared is not None and declared is not known:
            try:
                decode_argument(data, (), declared)
            except PayloadError as error:
                path = place + error.field[1:]
                raise MessageRejected("payload_invalid", error.message, path) from None

    def make(
        self,
        message: IncomingMessage,
        name: str,
        data: bytes,
        *,
        tenant: str,
        user: str | None,
        room: str | None,
        message_id: str | None,
    ) -> EventEntry:
        """Return the entry for one audience; ``check`` comes first."""
        return EventEntry(
            tenant=TenantId(tenant),
            namespace=self.namespace,
            name=name,
            data=data,
            time=self._clock(),
            user=None if user is None else UserId(user),
            room=None if room is None else RoomName(room),
            message_id=message_id,
            trace=message.trace,
        )


class BindingRule:
    """Reads the audience out of the message by paths.

    Args:
        maker: Makes the entries.
        event: Name of the event; default: the message's pattern.
        tenant, user, room, message_id: Where to look, in order; empty if not at all.
        payload: The part of the data that is the payload; default: all of it.
    """

    def __init__(
        self,
        maker: EntryMaker,
        *,
        tenant: Sequence[Path],
        event: str | None = None,
        user: Sequence[Path] = (),
        room: Sequence[Path] = (),
        payload: Path | None = None,
        message_id: Sequence[Path] = (),
    ) -> None:
        self._maker = maker
        self._event = event
        self._tenant, self._user, self._room = tenant, user, room
        self._payload = payload
        self._message_id = message_id
        paths = [*tenant, *user, *room, *message_id, *((payload,) if payload else ())]
        self._fields = PayloadFields(paths)

    def __call__(self, message: IncomingMessage) -> Entries:
        """Return the one entry.

        Raises:
            MessageRejected: Something is missing or wrong; ``field`` is its path.
        """
        parts = MessageParts(message, self._fields)
        tenant = parts.name(self._tenant, "tenant_missing", "tenant")
        assert tenant is not None  # noqa: S101  # the paths of a tenant are never optional
        user = parts.name(self._user, "audience_missing", "user") if self._user else None
        room = parts.name(self._room, "audience_missing", "room") if self._room else None
        if user is not None and room is not None:
            detail = "It names a user and a room; an event goes to one of them"
            raise MessageRejected("audience_missing", detail, str(self._room[-1]))
        message_id = (
            parts.name(self._message_id, "malformed", "message id") if self._message_id else None
        )
        name = self._event or message.pattern
        data, place = message.data, "data"
        if self._payload is not None:
            data, place = self._slice_payload(parts, self._payload), str(self._payload)
        self._maker.check(name, data, place=place)
        entry = self._maker.make(
            message,
            name,
            data,
            tenant=tenant,
            user=user,
            room=room,
            message_id=message.message_id if message_id is None else message_id,
        )
        return (entry,)

    def _slice_payload(self, parts: MessageParts, path: Path) -> bytes:
        raw = parts.find(path)
        if raw is not None:
            return bytes(raw)
        if path.is_optional:
            return b"null"
        raise MessageRejected("payload_invalid", "The payload is missing", str(path))
