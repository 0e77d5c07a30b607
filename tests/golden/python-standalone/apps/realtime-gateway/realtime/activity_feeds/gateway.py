# Made by `tidegate new` from python/gateway.py; yours to change.
"""The namespace of activity feeds, its commands and rooms.

Who gets here was verified at the door: ``client.tenant_id`` and ``client.user_id`` are
the token's. Everybody is in the rooms of their tenant and of themselves from the start.
"""

import logging

from tidegate import Client, Namespace

from .events import (
    Accepted,
    ActivityFeedCleared,
    ActivityFeedItemAdded,
    ActivityFeedMarkEverythingAsRead,
    ActivityFeedMute,
)

logger = logging.getLogger(__name__)

activity_feeds = Namespace(
    "/activity-feeds",
    events=[
        ActivityFeedItemAdded,
        ActivityFeedCleared,
    ],
)


@activity_feeds.on("activityFeed.markEverythingAsRead")
async def mark_everything_as_read(
    client: Client,
    command: ActivityFeedMarkEverythingAsRead,
) -> Accepted:
    """Answer with `Accepted`; a payload that does not fit never gets here."""
    # TODO: call the service, for this tenant and user; raise Refused to decline.
    logger.info(
        "activityFeed.markEverythingAsRead",
        extra={"tenant": client.tenant_id, "user": client.user_id},
    )
    return Accepted()


@activity_feeds.on("activityFeed.mute")
async def mute(client: Client, command: ActivityFeedMute) -> Accepted:
    """Answer with `Accepted`; a payload that does not fit never gets here."""
    # TODO: call the service, for this tenant and user; raise Refused to decline.
    logger.info(
        "activityFeed.mute",
        extra={"tenant": client.tenant_id, "user": client.user_id},
    )
    return Accepted()


@activity_feeds.room("feed:{feed_id}")
async def may_join_feed(client: Client, feed_id: str) -> bool:
    """Decide who may join; asked again when a dropped client comes back."""
    # TODO: ask the service, for this tenant and user. Until then nobody may.
    return False
