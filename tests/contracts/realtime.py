"""A gateway with something of everything that a contract tells."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import uuid
from typing import Annotated, Generic, Literal, NamedTuple, TypedDict, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field, computed_field

from tidegate import Audience, Client, Event, Gateway, Message, Namespace, Room, Settings

T = TypeVar("T")


class Priority(enum.Enum):
    LOW = "low"
    HIGH = "high"


@dataclasses.dataclass
class Link:
    """Where a click leads."""

    url: str
    label: str | None = None


class Point(NamedTuple):
    x: float
    y: float = 0.0


class Labels(TypedDict, total=False):
    color: str
    size: int


class TextPart(msgspec.Struct, tag="text"):
    text: str


class ImagePart(msgspec.Struct, tag="image"):
    url: str
    data: bytes | None = None


class Page(msgspec.Struct, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None = None


class Author(BaseModel):
    """Who wrote it."""

    model_config = ConfigDict(strict=True)

    id: int
    name: str = Field(min_length=1, description="As shown.")
    role: Literal["member", "admin"] = "member"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def initials(self) -> str:
        return self.name[:1]


class NotificationCreated(Event, name="notification.created"):
    """A notification for one user, or for the whole tenant.

    It is told at most once.
    """

    id: str
    message: Annotated[str, msgspec.Meta(max_length=200, description="Plain */ text.")]
    priority: Priority
    kind: Literal["info", "warning"]
    created_at: dt.datetime
    links: list[Link] = msgspec.field(default_factory=list)
    counts: dict[str, int | None] = msgspec.field(default_factory=dict)
    note: str | None = None
    seen: bool = False


class NotificationsCleared(Event, name="notifications.cleared", namespace="/notifications"):
    before: dt.date


class MarkRead(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """Which one was read."""

    notification_id: Annotated[str, msgspec.Meta(min_length=1, pattern="^[a-z0-9-]+$")]
    rank: Annotated[int, msgspec.Meta(ge=0, le=10)] = 0


class Marked(msgspec.Struct):
    unread: int


class NewMessage(msgspec.Struct):
    client_id: uuid.UUID
    parts: list[TextPart | ImagePart]
    at: Point | None = None
    labels: Labels | None = None


class MessagePosted(Event, name="message posted!"):
    id: int
    author: Author
    parts: list[TextPart | ImagePart]


class Presence(BaseModel):
    model_config = ConfigDict(strict=True)

    state: Literal["here", "away"]
    since: dt.datetime | None = None


notifications = Namespace("/notifications", events=[NotificationCreated])
chat = Namespace("/chat", events=[MessagePosted])


@notifications.on("notification.markRead")
async def mark_read(client: Client, event: MarkRead) -> Marked:
    """Mark a notification as read, and tell how many are not."""
    return Marked(0)


@notifications.on("notification.list")
async def list_notifications(
    client: Client, after: str | None = None, limit: int = 20
) -> Page[NotificationCreated]:
    return Page([])


@notifications.on("notification.last")
async def last_notification(client: Client) -> NotificationCreated | None:
    return None


@notifications.consume("notification.created")
def audience(message: Message[NotificationCreated]) -> Audience:
    """Whom a notification is for."""
    return message.tenant


@chat.on("author.rename")
async def rename(client: Client, author: Author) -> tuple[Author, bool]:
    return author, True


@chat.on("typing")
def typing_(client: Client, function: Priority) -> None:
    """Somebody writes."""


@chat.on("debug")
def debug(client: Client):  # type: ignore[no-untyped-def]
    return 1


@chat.consume("presence.*", event="presence")
def presence(message: Message[Presence]) -> Room:
    return message.tenant.room("conversation:1")


@chat.consume({"cmd": "audit"})
def audit(message: Message) -> None:  # type: ignore[type-arg]
    """Nobody hears of it."""


@chat.room("conversation:{conversation_id}")
async def may_join(client: Client, conversation_id: str) -> bool:
    return True


@chat.room("thread:{number}")
async def may_read(client: Client, number: int) -> bool:
    return True


chat.forward("message.send", queue="messages", payload=NewMessage, id="client_id")
chat.forward("report", exchange="reports", routing_key="report.new", envelope="plain")

gateway = Gateway([notifications, chat], settings=Settings())
