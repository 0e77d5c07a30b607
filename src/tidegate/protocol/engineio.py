"""Engine.IO v4 packets as one WebSocket message each: a type digit, then the payload.

A binary WebSocket message has no type digit: it is the payload of a message packet as it stands,
which Socket.IO uses for attachments. Only WebSocket is spoken here, so there is no payload
separator, no base64 and nothing to upgrade to.

Source: Engine.IO protocol v4, "Packet encoding".
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import msgspec

from tidegate.ids import EngineSid

__all__ = ["CLOSE", "MESSAGE", "NOOP", "OPEN", "PING", "PONG", "UPGRADE", "encode_open"]

OPEN: Final = "0"
CLOSE: Final = "1"
PING: Final = "2"
PONG: Final = "3"
MESSAGE: Final = "4"
UPGRADE: Final = "5"
NOOP: Final = "6"


def encode_open(sid: EngineSid, ping_interval: float, ping_timeout: float, max_payload: int) -> str:
    """Return the open packet: the first thing a server says on a connection.

    Args:
        sid: Engine.IO session id; as `random_id` makes them it needs no escaping.
        ping_interval: Seconds between two pings.
        ping_timeout: Seconds the client has for a pong; it gives up on us after the sum of both.
        max_payload: Largest message in bytes.
    """
    return f'{OPEN}{{"sid":"{sid}",{_rest_of_open(ping_interval, ping_timeout, max_payload)}'


@lru_cache(maxsize=16)
def _rest_of_open(ping_interval: float, ping_timeout: float, max_payload: int) -> str:
    """Return what is the same for all connections of a server."""
    rest = {
        "upgrades": [],
        "pingInterval": round(ping_interval * 1000),
        "pingTimeout": round(ping_timeout * 1000),
        "maxPayload": max_payload,
    }
    return msgspec.json.encode(rest).decode().removeprefix("{")
