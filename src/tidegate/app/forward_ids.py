"""Idempotency ids of forwarded events; the rules are in ``docs/topics/forwards.md``."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec

from tidegate.app.client import Client
from tidegate.app.forwards import Forward
from tidegate.app.resends import Resends, Ticket
from tidegate.errors import PayloadError
from tidegate.protocol.events import EventReceived
from tidegate.transports.base import Connection

__all__ = ["identify"]

_MAX_ID_LENGTH = 256


def identify(
    connection: Connection, client: Client, event: EventReceived, forward: Forward, payload: bytes
) -> tuple[str, Ticket]:
    """Return an arriving event's id, and the ticket that says whether it is a resend.

    If the event wants an ack, call the ticket's ``finish`` when it is done.

    Raises:
        PayloadError: The client's own id is missing, or none.
    """
    own_id = _own_id(forward, payload)
    content = _digest(client, event, payload, own_id)
    if client.resends is None:
        client.resends = Resends()
    ticket = client.resends.note(
        content,
        connection.core.sid,
        wants_ack=event.ack_id is not None,
        has_own_id=own_id is not None,
    )
    if own_id is not None:
        return content.hex(), ticket
    # The first event that wants an ack has the same id on every node: a client that lost its node
    # resends it to another. All others are told apart by the count, which each node begins anew.
    is_first = ticket.number == 0 and event.ack_id is not None
    suffix = "0" if is_first else f"{client.resends.epoch}-{ticket.number}"
    return f"{content.hex()}-{suffix}", ticket


def _own_id(forward: Forward, payload: bytes) -> str | None:
    """Return the id that the client gave, None if it need not give one."""
    if forward.id is None:
        return None
    value = _decoded(payload)
    for name in forward.id.removesuffix("?").split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if value is None and forward.id.endswith("?"):
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_ID_LENGTH:
        path = forward.id.removesuffix("?")
        raise PayloadError(f"Expected an id of 1 to {_MAX_ID_LENGTH} characters", f"$.{path}")
    return value


def _decoded(payload: bytes) -> Any:
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise PayloadError("The payload can't be read") from None


def _digest(client: Client, event: EventReceived, payload: bytes, own_id: str | None) -> bytes:
    """Return 16 bytes that stand for the event.

    An id of the client's own choice counts for its user alone: services drop what has an id that
    they know, and one user must not be able to suppress another's events.
    """
    if own_id is None:
        parts = [client.sid.encode(), event.event_name.encode(), payload]
    else:
        names = [client.tenant_id, client.user_id, client.namespace, event.event_name, own_id]
        parts = [name.encode() for name in names]
    digest = blake2b(digest_size=16)
    for part in parts:  # with lengths, so that no two lists of parts run into one text
        digest.update(b"%d:%b" % (len(part), part))
    return digest.digest()
