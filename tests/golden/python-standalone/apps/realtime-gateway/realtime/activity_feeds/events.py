# Made by `tidegate new` from python/events.py; yours to change.
"""Events of activity feeds: their names on the wire, and their payloads."""

from datetime import datetime
from typing import Any, Literal

import msgspec
from tidegate import Event


class Actor(msgspec.Struct, rename="camel"):
    """Part of a payload."""

    id: str
    display_name: str
    kind: Literal["person", "bot"] | None = None


class ActivityFeedItemAdded(
    Event,
    name="activityFeed.itemAdded",
    rename="camel",
    kw_only=True,
):
    """To the client."""

    id: str
    feed_id: str
    note: str | None = None
    actor: Actor
    others: list[Actor]
    at: datetime
    tags: list[str]
    count: int
    score: float | None = None
    seen: bool
    data: Any
    from_: str
    url_path: str | None = msgspec.field(default=None, name="URLPath")


class ActivityFeedCleared(Event, name="activityFeed.cleared"):
    """To the client."""


class ActivityFeedMarkEverythingAsRead(
    Event,
    name="activityFeed.markEverythingAsRead",
    rename="camel",
):
    """From the client."""

    feed_id: str
    up_to: datetime


class ActivityFeedMute(Event, name="activityFeed.mute"):
    """From the client."""


class Accepted(msgspec.Struct):
    """The ack of a command that succeeded."""

    ok: Literal[True] = True
