"""Whom to address. Every address starts from a tenant; there is none for everybody.

``gateway.tenant("acme")`` from the outside, ``client.tenant`` from a verified token: both give a
`Tenant`, and only a `Tenant` gives users and rooms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidegate.events import Event
from tidegate.ids import NamespaceName, RoomName, Sid, TenantId, UserId, has_utf8_form

if TYPE_CHECKING:
    from tidegate.app.client import Client
    from tidegate.app.publisher import Publisher

__all__ = ["Room", "Target", "Tenant", "User", "checked_name", "tenant_target"]

MAX_NAME_LENGTH = 256


class Target:
    """An audience inside one tenant; `Tenant`, `User` and `Room` are the kinds."""

    __slots__ = ("_namespace", "_publisher", "room_name", "tenant_id", "user_id")

    def __init__(
        self,
        publisher: Publisher,
        tenant: TenantId,
        *,
        user: UserId | None = None,
        room: RoomName | None = None,
        namespace: NamespaceName | None = None,
    ) -> None:
        self._publisher = publisher
        self._namespace = namespace
        self.tenant_id = tenant
        self.user_id = user
        self.room_name = room

    async def emit(
        self,
        event: Event | str,
        data: Any = None,
        *,
        namespace: str | None = None,
        exclude: Client | Sid | None = None,
        message_id: str | None = None,
    ) -> str:
        """Emit an event to this audience and return its offset once the log has confirmed it.

        Args:
            event: A declared `Event`, or an event's name with ``data`` beside it.
            data: The payload: a struct, a pydantic model, or anything with a JSON form; ``bytes``
                inside become binary attachments.
            namespace: Where to; if not given, what the event's type declares, then the client's
                for `client.tenant`, then the one that lists the event, or the only one.
            exclude: A client that does not get it, usually the sender.
            message_id: Delivered once even if emitted again within the window.

        Raises:
            PayloadError: The payload has no JSON form.
            ValueError: The event's name or namespace can't be told, or is not served; or the
                message id is not a string of 1 to 256 characters.
            LogError: The log did not take it; nothing was emitted.
        """
        declared = None if isinstance(event, str) else event.event_namespace
        return await self._publisher.emit(
            self,
            event,
            data,
            namespace=namespace or declared or self._namespace,
            exclude=exclude if exclude is None or isinstance(exclude, str) else exclude.sid,
            message_id=message_id,
        )


class User(Target):
    """One user of a tenant, on all of their connections."""

    __slots__ = ()

    async def disconnect(self) -> None:
        """Disconnect the user's sockets on every node; their clients stay away until told."""
        await self._publisher.disconnect(self.tenant_id, user=self.user_id)

    async def revoke(self) -> None:
        """Refuse the user's tokens issued so far and disconnect their sockets, on every node."""
        await self._publisher.revoke(self.tenant_id, user=self.user_id)


class Room(Target):
    """The sockets that joined a resource room."""

    __slots__ = ()


class Tenant(Target):
    """A whole tenant."""

    __slots__ = ()

    def user(self, user: str) -> User:
        """Return one user of this tenant."""
        user_id = UserId(checked_name(user, "user"))
        return User(self._publisher, self.tenant_id, user=user_id, namespace=self._namespace)

    def room(self, room: str) -> Room:
        """Return one resource room of this tenant."""
        name = RoomName(checked_name(room, "room"))
        return Room(self._publisher, self.tenant_id, room=name, namespace=self._namespace)

    async def disconnect(self) -> None:
        """Disconnect all sockets of the tenant on every node."""
        await self._publisher.disconnect(self.tenant_id)

    async def revoke(self, *, token_id: str | None = None) -> None:
        """Refuse the tenant's tokens issued so far, or the one named, and disconnect its sockets.

        Args:
            token_id: The ``jti`` of one token.
        """
        if token_id is not None:
            checked_name(token_id, "token id")
        await self._publisher.revoke(self.tenant_id, token_id=token_id)


def tenant_target(
    publisher: Publisher, tenant: str, namespace: NamespaceName | None = None
) -> Tenant:
    """Return a tenant as an address.

    Raises:
        ValueError: The name is empty or too long.
    """
    return Tenant(publisher, TenantId(checked_name(tenant, "tenant")), namespace=namespace)


def checked_name(name: str, kind: str) -> str:
    """Return a name that can be written into the log, where every node has to read it.

    Raises:
        ValueError: It is no text, empty, too long, or holds half of a surrogate pair.
    """
    is_text = isinstance(name, str) and has_utf8_form(name)
    if not is_text or not 0 < len(name) <= MAX_NAME_LENGTH:
        raise ValueError(f"a {kind} is a string of 1 to {MAX_NAME_LENGTH} characters, not {name!r}")
    return name
