"""The event log that the settings ask for."""

from __future__ import annotations

from tidegate.app.settings import Settings
from tidegate.log import EventLog, MemoryLog
from tidegate.log.rabbitmq_stream import RabbitMQStreamLog, Retention, StreamAddress

__all__ = ["kept_bytes", "make_event_log", "remembered"]

REVOCATION_MARGIN = 2.0
"""Revocations are kept in the log for longer than they count, since retention is coarse."""


REMEMBERED_BYTES = 720
"""What the room of another node's socket takes (measured; each further room 150).

Two sockets that are over and had rooms take as much, and a tenant's floor takes 220.
"""

REMEMBERED_AT_LEAST = 100_000


def make_event_log(settings: Settings, *, revocation_seconds: float) -> EventLog:
    """Return the log, not started."""
    if settings.log.kind == "memory":
        return MemoryLog(max_bytes=kept_bytes(settings, settings.window.bytes))
    broker, kept = settings.rabbitmq, settings.log
    url = broker.stream_url or broker.url
    assert url is not None, "settings with this log and no broker are refused"  # noqa: S101
    return RabbitMQStreamLog(
        StreamAddress.from_url(url.get_secret_value()),
        name=kept.name,
        partitions=kept.partitions,
        retention=Retention(
            age=kept.max_age,
            size=kept.max_bytes,
            revocations=REVOCATION_MARGIN * revocation_seconds,
        ),
        heartbeat=broker.heartbeat,
        retry_delay=broker.retry_delay,
    )


def kept_bytes(settings: Settings, size: int) -> int:
    """Return how much to keep, by ``EventEntry.size``, so that it takes ``size`` bytes of memory.

    An entry counts for its payload and one frame. With compression there may be a second frame,
    at most as large.
    """
    return size * 2 // 3 if settings.compression.enabled else size


def remembered(settings: Settings) -> int:
    """Return how many tenants' floors and how many other nodes' sockets are remembered at most.

    So neither takes more than about the window may, and a node whose window is made larger for
    more sockets and tenants remembers more of them.
    """
    return max(REMEMBERED_AT_LEAST, settings.window.bytes // REMEMBERED_BYTES)
