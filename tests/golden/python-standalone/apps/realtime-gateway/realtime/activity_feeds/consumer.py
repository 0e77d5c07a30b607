# Made by `tidegate new` from python/consumer.py; yours to change.
"""From RabbitMQ to activity feeds: each function says who gets an event.

A message is acknowledged once its event is in the log. One that fails, here or before,
goes to the dead letters with the reason, and is never requeued.
"""

from tidegate import Audience, Message

from .events import ActivityFeedCleared, ActivityFeedItemAdded
from .gateway import activity_feeds


@activity_feeds.consume("activityFeed.itemAdded")
def activity_feed_item_added(message: Message[ActivityFeedItemAdded]) -> Audience:
    """Go to the user that the message names, else to the feed."""
    if message.user_id:
        return message.tenant.user(message.user_id)
    return message.tenant.room(f"feed:{message.data.feed_id}")


@activity_feeds.consume("activityFeed.cleared")
def activity_feed_cleared(message: Message[ActivityFeedCleared]) -> Audience:
    """Go to the user that the message names, else to the whole tenant."""
    return message.tenant.user(message.user_id) if message.user_id else message.tenant
