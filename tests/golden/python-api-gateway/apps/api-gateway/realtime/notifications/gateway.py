# Made by `tidegate new` from python/gateway.py; yours to change.
"""The namespace of notifications, its commands and rooms.

Who gets here was verified at the door: ``client.tenant_id`` and ``client.user_id`` are
the token's. Everybody is in the rooms of their tenant and of themselves from the start.
"""

import logging

from tidegate import Client, Namespace

from .events import Accepted, NotificationCreated, NotificationMarkRead

logger = logging.getLogger(__name__)

notifications = Namespace("/notifications", events=[NotificationCreated])


@notifications.on("notification.markRead")
async def mark_read(client: Client, command: NotificationMarkRead) -> Accepted:
    """Answer with `Accepted`; a payload that does not fit never gets here."""
    # TODO: call the service, for this tenant and user; raise Refused to decline.
    logger.info(
        "notification.markRead",
        extra={"tenant": client.tenant_id, "user": client.user_id},
    )
    return Accepted()
