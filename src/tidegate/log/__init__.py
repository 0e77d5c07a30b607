"""The event log, its entries, and the window that clients catch up from."""

from tidegate.log.base import EventLog
from tidegate.log.entry import Disconnection, Entry, EventEntry, Record, Revocation
from tidegate.log.memory import MemoryLog
from tidegate.log.window import Window

__all__ = [
    "Disconnection",
    "Entry",
    "EventEntry",
    "EventLog",
    "MemoryLog",
    "Record",
    "Revocation",
    "Window",
]
