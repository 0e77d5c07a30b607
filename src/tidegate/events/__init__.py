"""Declared event types and their payloads."""

from tidegate.events.event import Event, check_event_name, event_name_of
from tidegate.events.payload import EncodedPayload, decode_argument, encode_payload

__all__ = [
    "EncodedPayload",
    "Event",
    "check_event_name",
    "decode_argument",
    "encode_payload",
    "event_name_of",
]
