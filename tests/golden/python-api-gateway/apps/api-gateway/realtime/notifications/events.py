# Made by `tidegate new` from python/events.py; yours to change.
"""Events of notifications: their names on the wire, and their payloads."""

from typing import Literal

import msgspec
from tidegate import Event


class NotificationCreated(Event, name="notification.created"):
    """To the client."""

    id: str
    message: str
    type: str


class NotificationMarkRead(Event, name="notification.markRead", rename="camel"):
    """From the client."""

    notification_id: str


class Accepted(msgspec.Struct):
    """The ack of a command that succeeded."""

    ok: Literal[True] = True
