"""The event log, its entries, and the window that clients catch up from."""

from tidegate.log.base import Batch, EventLog
from tidegate.log.entry import (
    Control,
    Disconnection,
    Entry,
    EventEntry,
    Record,
    Revocation,
    RoomsOfSession,
)
from tidegate.log.memory import MemoryLog
from tidegate.log.window import Window

__all__ = [
    "Batch",
    "Control",
    "Disconnection",
    "Entry",
    "EventEntry",
    "EventLog",
    "MemoryLog",
    "Record",
    "Revocation",
    "RoomsOfSession",
    "Window",
]
