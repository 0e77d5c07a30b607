# Made by `tidegate new` from python/consumer.py; yours to change.
"""From RabbitMQ to notifications: each function says who gets an event.

A message is acknowledged once its event is in the log. One that fails, here or before,
goes to the dead letters with the reason, and is never requeued.
"""

from tidegate import Audience, Message

from .events import NotificationCreated
from .gateway import notifications


@notifications.consume("notification.created")
def notification_created(message: Message[NotificationCreated]) -> Audience:
    """Go to the user that the message names, else to the whole tenant."""
    return message.tenant.user(message.user_id) if message.user_id else message.tenant
