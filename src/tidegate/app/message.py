"""What a ``consume`` function gets: one message from the broker, inside its tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tidegate.app.paths import MessageParts, Path
from tidegate.app.targets import Room, Tenant, User, tenant_target
from tidegate.errors import MessageRejected, PayloadError
from tidegate.events import decode_argument
from tidegate.ids import NamespaceName, TenantId, UserId

if TYPE_CHECKING:
    from tidegate.app.publisher import Publisher

__all__ = ["Audience", "Message"]

T_co = TypeVar("T_co", covariant=True)

Audience = Tenant | User | Room
"""Who gets the event: ``message.tenant``, or a user or room of it."""

_UNREAD: Any = object()


class Message(Generic[T_co]):
    """A message from the broker; ``Message[NotificationCreated]`` decodes its payload into that.

    The type may be an `Event`, another msgspec struct, a pydantic model, a dataclass or a builtin;
    a bare ``Message`` gives plain values. Everything that is asked of a message may raise
    `MessageRejected`; let it pass, and the message goes to the dead letters with the reason.
    """

    __slots__ = ("_data", "_parts", "_publisher", "_sources", "_tenant", "_type", "namespace")

    def __init__(
        self,
        parts: MessageParts,
        sources: MessageSources,
        data_type: Any,
        namespace: NamespaceName,
        publisher: Publisher,
    ) -> None:
        self._parts = parts
        self._sources = sources
        self._type = data_type
        self._publisher = publisher
        self._data: Any = _UNREAD
        self._tenant: Tenant | None = None
        self.namespace = namespace

    def __repr__(self) -> str:
        return f"<Message {self.pattern!r} {self.id or 'without an id'}>"

    @property
    def pattern(self) -> str:
        """NestJS pattern (JSON with sorted keys for an object), CloudEvent type, or routing key."""
        return self._parts.message.pattern

    @property
    def id(self) -> str | None:
        """The publisher's message id, if it gave one.

        Raises:
            MessageRejected: ``malformed``: the rule says where it is, and it is not there.
        """
        paths = self._sources.message_id
        found = self._parts.name(paths, "malformed", "message id") if paths else None
        return self._parts.message.message_id if found is None else found

    @property
    def raw(self) -> bytes:
        """The payload, JSON as it came."""
        return self._parts.message.data

    @property
    def data(self) -> T_co:
        """The payload as the declared type, decoded once.

        Raises:
            MessageRejected: ``payload_invalid``: it does not fit; ``field`` is the path.
        """
        if self._data is _UNREAD:
            try:
                self._data = decode_argument(self.raw, (), self._type)
            except PayloadError as error:
                path = "data" + error.field[1:]
                raise MessageRejected("payload_invalid", error.message, path) from None
        data: T_co = self._data
        return data

    @property
    def headers(self) -> Mapping[str, Any]:
        """AMQP headers, or application properties."""
        return self._parts.message.content.headers

    @property
    def properties(self) -> Mapping[str, Any]:
        """The other AMQP properties that were set, such as ``content_type`` and ``user_id``."""
        return self._parts.message.content.properties

    @property
    def attributes(self) -> Mapping[str, Any]:
        """A CloudEvent's attributes; empty for other envelopes."""
        return self._parts.message.attributes

    @property
    def tenant_id(self) -> TenantId:
        """The tenant's name.

        Raises:
            MessageRejected: ``tenant_missing``: it is not where the rule looks for it.
        """
        return self.tenant.tenant_id

    @property
    def tenant(self) -> Tenant:
        """The tenant as an address: return it, or ``.user(...)`` or ``.room(...)`` of it.

        Raises:
            MessageRejected: ``tenant_missing``: it is not where the rule looks for it.
        """
        if self._tenant is None:
            name = self._parts.name(self._sources.tenant, "tenant_missing", "tenant")
            self._tenant = tenant_target(self._publisher, name or "", self.namespace)
        return self._tenant

    @property
    def user_id(self) -> UserId | None:
        """The user that the message names, if it does.

        Raises:
            MessageRejected: ``audience_missing``: it is no name; or the rule says where it is,
                without a ``?``, and it is not there.
        """
        found = self._parts.name(self._sources.user, "audience_missing", "user")
        return None if found is None else UserId(found)


class MessageSources:
    """Where a rule finds what a message says of itself; each is looked up in order."""

    __slots__ = ("message_id", "tenant", "user")

    def __init__(
        self, tenant: Sequence[Path], user: Sequence[Path], message_id: Sequence[Path]
    ) -> None:
        self.tenant = tenant
        self.user = user
        self.message_id = message_id
