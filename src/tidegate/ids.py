"""Identifiers with types of their own, and the one place that draws random ones.

A room name never travels without its tenant: whatever takes a ``RoomName`` takes a ``TenantId``
beside it, or hangs off an object that belongs to one tenant.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from typing import NewType

__all__ = [
    "EngineSid",
    "NamespaceName",
    "RoomName",
    "Sid",
    "TenantId",
    "UserId",
    "has_utf8_form",
    "random_id",
]

TenantId = NewType("TenantId", str)
UserId = NewType("UserId", str)
RoomName = NewType("RoomName", str)
NamespaceName = NewType("NamespaceName", str)
"""Starts with ``/``; the main namespace is ``/`` itself."""

Sid = NewType("Sid", str)
"""Socket.IO session id: one per socket (one namespace of a connection)."""

EngineSid = NewType("EngineSid", str)
"""Engine.IO session id: one per connection; differs from every ``Sid`` on it."""


def random_id() -> str:
    """Return 20 URL-safe characters holding 120 random bits."""
    return urlsafe_b64encode(os.urandom(15)).decode()  # as `secrets` does, without its detours


def has_utf8_form(text: str) -> bool:
    """Tell whether a text can be sent: one with half of a surrogate pair can't."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
