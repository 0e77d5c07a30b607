"""A realtime domain: the model that every target makes its files from.

What the targets agree on beyond the model: a command that succeeded is acknowledged with
``{"ok": true}``, one that was refused with ``{"error": {"code", "message"}}``; an event for a user
or a room names it in the message's ``userId``, or in the payload's field that is the room's
parameter.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from tidegate.scaffold.fields import Field, ObjectShape, objects_in, python_name
from tidegate.scaffold.names import Names, snake

__all__ = [
    "API_GATEWAY_ROOT",
    "STANDALONE_ROOT",
    "WEB_ROOT",
    "Domain",
    "EventShape",
    "RoomShape",
    "Target",
]

Target = Literal["python", "nestjs"]

API_GATEWAY_ROOT = PurePosixPath("apps/api-gateway")
STANDALONE_ROOT = PurePosixPath("apps/realtime-gateway")
"""One service for all domains that do not live in the API gateway."""
WEB_ROOT = PurePosixPath("apps/web")


@dataclass(frozen=True)
class EventShape:
    """An event of the server, or a command of the client.

    Attributes:
        name: On the wire, ``notification.created``.
        class_name: Its type in every target, ``NotificationCreated``.
        fields: Its payload; may be empty.
        short_words: The name's words without the domain's in front: ``("mark", "read")``.
    """

    name: str
    class_name: str
    fields: tuple[Field, ...]
    short_words: tuple[str, ...]

    @property
    def function_name(self) -> str:
        """Return ``mark_read``, for functions in Python."""
        return python_name(snake(self.short_words))

    def field(self, name: str) -> Field | None:
        """Return the field with this key, if there is one."""
        return next((field for field in self.fields if field.name == name), None)


@dataclass(frozen=True)
class RoomShape:
    """A resource room, joined on request: ``conversation:{conversationId}``.

    Attributes:
        prefix: ``conversation``.
        parameter: ``conversationId``: an event whose payload has this field goes to its room.
    """

    prefix: str
    parameter: str

    @property
    def pattern(self) -> str:
        """Return ``conversation:{conversationId}``."""
        return f"{self.prefix}:{{{self.parameter}}}"


@dataclass(frozen=True)
class Domain:
    """One realtime domain.

    Attributes:
        names: All that is derived from its name.
        events: Server to client.
        commands: Client to server, each with an ack.
        namespace: The Socket.IO namespace.
        rooms: Resource rooms. The tenant's and the user's room are always joined.
        target: Language of the server side.
        is_standalone: Whether the gateway is a service of its own.
        gateway_root: Folder of the service that holds the gateway, ``apps/api-gateway``.
        has_frontend: Whether the hook and its parts are wanted.
        web_root: Folder of the web app.
    """

    names: Names
    events: tuple[EventShape, ...]
    commands: tuple[EventShape, ...]
    namespace: str
    rooms: tuple[RoomShape, ...] = ()
    target: Target = "python"
    is_standalone: bool = False
    gateway_root: PurePosixPath = API_GATEWAY_ROOT
    has_frontend: bool = True
    web_root: PurePosixPath = WEB_ROOT

    @property
    def python_root(self) -> PurePosixPath:
        """Return the package of all domains, ``apps/api-gateway/realtime``."""
        return self.gateway_root / "realtime"

    @property
    def python_folder(self) -> PurePosixPath:
        """Return ``apps/api-gateway/realtime/activity_feeds``."""
        return self.python_root / self.names.plural_snake

    @property
    def nest_root(self) -> PurePosixPath:
        """Return ``apps/api-gateway/src/realtime``."""
        return self.gateway_root / "src" / "realtime"

    @property
    def nest_folder(self) -> PurePosixPath:
        """Return ``apps/api-gateway/src/realtime/activityFeeds``."""
        return self.nest_root / self.names.plural_camel

    @property
    def web_folder(self) -> PurePosixPath:
        """Return ``apps/web/src/features/activityFeeds/realtime``."""
        return self.web_root / "src" / "features" / self.names.plural_camel / "realtime"

    @property
    def payloads(self) -> tuple[EventShape, ...]:
        """Return events and commands."""
        return self.events + self.commands

    @property
    def objects(self) -> list[ObjectShape]:
        """Return the objects inside payloads, each once, after those that it holds itself."""
        return objects_in(field for shape in self.payloads for field in shape.fields)

    def room_of(self, event: EventShape) -> RoomShape | None:
        """Return the room that an event goes to, because its payload always has the parameter."""
        for room in self.rooms:
            found = event.field(room.parameter)
            if found is not None and found.kind in ("string", "int") and not found.is_optional:
                return None if found.is_array else room
        return None
