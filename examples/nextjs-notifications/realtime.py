"""The example's gateway: who gets a service's notification, and what a page may send.

tidegate serve realtime:gateway
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from tidegate import Audience, Client, Event, Gateway, Message, Namespace


class NotificationCreated(Event, name="notification.created"):
    """Something happened that a user wants to know."""

    id: str
    message: str
    type: str


class NotificationMarkRead(msgspec.Struct, rename="camel"):
    """The user has seen it."""

    notification_id: Annotated[str, msgspec.Meta(min_length=1)]


notifications = Namespace("/notifications", events=[NotificationCreated])


@notifications.consume("notification.created")
def audience(message: Message[NotificationCreated]) -> Audience:
    """Give it to the user that the message names, else to the whole tenant."""
    return message.tenant.user(message.user_id) if message.user_id else message.tenant


@notifications.on("notification.markRead")
async def mark_read(client: Client, event: NotificationMarkRead) -> dict[str, bool]:
    """Acknowledge; here you would tell the service that owns notifications."""
    return {"ok": True}


gateway = Gateway([notifications])
