"""The way into the log for whatever publishes: Python, HTTP, and later the broker."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tidegate.app.namespace import Namespace
from tidegate.app.targets import checked_name
from tidegate.errors import PayloadError
from tidegate.events import EncodedPayload, Event, check_event_name, encode_payload, event_name_of
from tidegate.hub import Hub
from tidegate.ids import NamespaceName, Sid, TenantId, UserId
from tidegate.log import Disconnection, EventEntry, EventLog, Revocation
from tidegate.log.offset import format_offset

if TYPE_CHECKING:
    from tidegate.app.targets import Target

__all__ = ["Publisher"]


MAX_ATTACHMENTS = 10
"""The official client closes its connection at an event with more (socket.io-parser 4.2)."""


class Publisher:
    """Turns events into log entries and appends them.

    Args:
        log: Where entries go.
        hub: This node's, whose backlog holds publishers back.
        namespaces: The namespaces that are served.
        revocation_seconds: How long a revocation is remembered.
        clock: Unix seconds.
    """

    def __init__(
        self,
        log: EventLog,
        hub: Hub,
        namespaces: dict[str, Namespace],
        *,
        revocation_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._log = log
        self._hub = hub
        self._namespaces = namespaces
        self._revocation_seconds = revocation_seconds
        self._clock = clock
        self._homes = _homes_of_events(namespaces)
        self.published = 0

    async def emit(
        self,
        target: Target,
        event: Event | str,
        data: Any,
        *,
        namespace: str | None,
        exclude: Sid | None,
        message_id: str | None,
        sid: Sid | None = None,
    ) -> str:
        """Append one event; see ``Target.emit``."""
        if message_id is not None:
            checked_name(message_id, "message id")
        name, payload, home = self._read(event, data, namespace)
        if len(payload.attachments) > MAX_ATTACHMENTS:
            raise PayloadError(f"An event has at most {MAX_ATTACHMENTS} binary attachments")
        entry = EventEntry(
            tenant=target.tenant_id,
            namespace=home,
            name=name,
            data=payload.json,
            attachments=payload.attachments,
            time=self._clock(),
            user=target.user_id,
            room=target.room_name,
            sid=sid,
            exclude=exclude,
            message_id=message_id,
        )
        return (await self.publish((entry,)))[0]

    async def publish(self, entries: Sequence[EventEntry]) -> list[str]:
        """Append a batch, all or nothing, and return the offsets as clients see them.

        Waits while this node is too far behind with one of the tenants, or can't reach the log.

        Raises:
            PayloadError: One of them is larger than the log takes; nothing was appended.
            LogError: The log is closed.
        """
        await self._admit(entries)
        offsets = await self._log.append(entries)
        self.published += len(entries)
        epoch = self._log.epoch
        return [format_offset(epoch, offset) for offset in offsets]

    async def store(self, entries: Sequence[EventEntry]) -> None:
        """As ``publish``, for a source that has no use for offsets: it returns a little earlier."""
        await self._admit(entries)
        await self._log.store(entries)
        self.published += len(entries)

    async def _admit(self, entries: Sequence[EventEntry]) -> None:
        """Wait until this node can take more of the tenants' events."""
        limit = self._log.max_entry_size
        for entry in entries:
            size = len(entry.data) + sum(map(len, entry.attachments))
            if size > limit:
                raise PayloadError(f"An event has at most {limit} bytes here, not {size}")
            if self._hub.is_full(entry.tenant):
                await self._hub.wait_for_room(entry.tenant)

    async def disconnect(
        self, tenant: TenantId, *, user: UserId | None = None, sid: Sid | None = None
    ) -> None:
        """Disconnect sockets on every node."""
        await self._log.append((Disconnection(tenant, user=user, sid=sid),))

    async def revoke(
        self, tenant: TenantId, *, user: UserId | None = None, token_id: str | None = None
    ) -> None:
        """Refuse tokens on every node from now on, and disconnect who came in by them."""
        now = self._clock()
        until = now + self._revocation_seconds
        await self._log.append((Revocation(tenant, now, until, user=user, token_id=token_id),))

    def namespace_of(self, event_name: str, namespace: str | None) -> NamespaceName:
        """Return the namespace that an event goes to.

        Raises:
            ValueError: It can't be told, or is not served.
        """
        name = namespace or self._homes.get(event_name)
        if name is None and len(self._namespaces) == 1:
            name = next(iter(self._namespaces))
        if name is None:
            raise ValueError(
                f"the namespace of {event_name!r} can't be told: pass namespace=..., or list the "
                f"event's type in Namespace(..., events=[...]); served are {self._served()}"
            )
        if name not in self._namespaces:
            raise ValueError(f"no namespace {name!r} is served; served are {self._served()}")
        return NamespaceName(name)

    def _read(
        self, event: Event | str, data: Any, namespace: str | None
    ) -> tuple[str, EncodedPayload, NamespaceName]:
        if isinstance(event, str):
            check_event_name(event)
            return event, encode_payload(data), self.namespace_of(event, namespace)
        if data is not None:
            raise ValueError("a declared event is its own payload; leave out `data`")
        name = event_name_of(type(event))
        home = self.namespace_of(name, namespace or event.event_namespace)
        return name, encode_payload(event), home

    def _served(self) -> str:
        return ", ".join(sorted(self._namespaces)) or "none"


def _homes_of_events(namespaces: dict[str, Namespace]) -> dict[str, str]:
    """Return the namespace of each declared event that has exactly one."""
    homes: dict[str, str] = {}
    shared: set[str] = set()
    for namespace in namespaces.values():
        for event_name in namespace.events:
            if homes.setdefault(event_name, namespace.name) != namespace.name:
                shared.add(event_name)
    return {name: home for name, home in homes.items() if name not in shared}
