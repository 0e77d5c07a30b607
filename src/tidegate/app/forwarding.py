"""Client events to services: checked, given the verified identity, sent, and answered.

Nothing that a client sends becomes a header: its argument is the payload and nothing else.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from hashlib import blake2b
from typing import Any

import msgspec

from tidegate.app.client import Client
from tidegate.app.forward_envelopes import encode_body, new_reply
from tidegate.app.forwards import Forward, ForwardTable
from tidegate.app.resends import Resends, Ticket
from tidegate.errors import PayloadError, Refused, RequestFailed
from tidegate.events import decode_argument
from tidegate.ids import random_id
from tidegate.protocol.events import EventReceived
from tidegate.sources.requests import OutgoingMessage, RequestClient
from tidegate.transports.base import Connection

__all__ = ["Forwarder"]

_logger = logging.getLogger("tidegate.forwards")

MAX_CLAIMS = 65_536
"""Bytes of claims that travel in a header; RabbitMQ takes 128 KB of headers, no more."""

_MAX_ID_LENGTH = 256


class Forwarder:
    """Sends the events of a table to services.

    Args:
        forwards: What goes where, see ``forwards_of``.
        requests: Sends the messages.

    Attributes:
        counts: Events by outcome: ``published``, ``answered``, or the error's code; and
            ``resent``, those among them that the client sent again.
    """

    def __init__(self, forwards: ForwardTable, requests: RequestClient) -> None:
        self._forwards = forwards
        self._requests = requests
        self._failing: set[str] = set()  # events whose failure the log tells already
        self.counts: Counter[str] = Counter()

    def accept(
        self, connection: Connection, client: Client, event: EventReceived
    ) -> Callable[[], Awaitable[msgspec.Raw | None]] | None:
        """Take an event that is forwarded, at the moment it arrives; None if it is not.

        Whether it is a resend is decided here, for by its turn the earlier one is answered.

        Returns:
            What sends it, to be called when it is its turn. It returns the ack's argument, None
            for none, and raises `Refused` with the code that the client sees.
        """
        forward = self._forwards.get((event.namespace, event.event_name))
        if forward is None:
            return None
        try:
            payload = _payload_of(forward, event)
            own_id = _own_id(forward, payload)
        except Refused as refusal:
            return partial(self._refuse, event, refusal)
        content = _digest(client, event, payload, own_id)
        if client.resends is None:
            client.resends = Resends()
        ticket = client.resends.note(
            content,
            connection.core.sid,
            wants_ack=event.ack_id is not None,
            has_own_id=own_id is not None,
        )
        message_id = content.hex() if own_id is not None else f"{content.hex()}-{ticket.number}"
        message = partial(self._message, client, forward, payload, message_id, ticket)
        return partial(self._send, connection, event, forward, message, ticket)

    async def _send(
        self,
        connection: Connection,
        event: EventReceived,
        forward: Forward,
        message: Callable[[bool], OutgoingMessage],
        ticket: Ticket,
    ) -> msgspec.Raw | None:
        wants_ack, is_answered = event.ack_id is not None, False
        self.counts["resent"] += ticket.is_resend
        try:
            result = await self._exchange(forward, message(wants_ack), wants_ack)
            is_answered = True
        except RequestFailed as failure:
            self._count_failure(event, failure.code, str(failure.__cause__ or failure))
            raise Refused(failure.detail, code=failure.code) from failure
        except Refused as refusal:  # the service's own answer, or too many claims
            is_answered = True
            self._count_failure(event, refusal.code, refusal.message)
            raise
        finally:
            if wants_ack:
                is_sent = is_answered and connection.is_open
                ticket.finish(connection.core.sid if is_sent else None)
        self.counts["answered" if wants_ack else "published"] += 1
        self._failing.discard(event.event_name)
        return result

    async def _exchange(
        self, forward: Forward, message: OutgoingMessage, wants_ack: bool
    ) -> msgspec.Raw | None:
        if not wants_ack:
            await self._requests.publish(message, within=forward.timeout)
            return None
        reply = new_reply(forward)
        await self._requests.request(message, reply.feed, within=forward.timeout)
        return reply.result()

    async def _refuse(self, event: EventReceived, refusal: Refused) -> None:
        self._count_failure(event, refusal.code, refusal.message)
        raise refusal

    def _message(
        self,
        client: Client,
        forward: Forward,
        payload: bytes,
        message_id: str,
        ticket: Ticket,
        wants_ack: bool,
    ) -> OutgoingMessage:
        """Build the message when it is sent, so that it has the claims of the newest token."""
        exchange, routing_key = forward.target
        correlation_id = random_id()
        return OutgoingMessage(
            exchange=exchange,
            routing_key=routing_key,
            body=encode_body(forward, payload, correlation_id if wants_ack else None),
            headers=_headers(client, forward, ticket),
            message_id=message_id,
            correlation_id=correlation_id,
        )

    def _count_failure(self, event: EventReceived, code: str, reason: str) -> None:
        """Count it, and log it if the client can't be told: once until it goes well again."""
        self.counts[code] += 1
        if event.ack_id is None:
            is_known = event.event_name in self._failing
            self._failing.add(event.event_name)
            level = logging.DEBUG if is_known else logging.WARNING
            text = "%r of %s, which wants no ack, was not forwarded for certain: %s"
            _logger.log(level, text, event.event_name, event.namespace, reason)


def _payload_of(forward: Forward, event: EventReceived) -> bytes:
    """Return the argument as it came, if it may go out; ``null`` for none."""
    if event.attachments:
        raise Refused("This event can't carry binary data.", code="invalid")
    if len(event.args) > 1:
        text = f"Expected 1 argument after the event name, got {len(event.args)}"
        raise Refused(text, code="invalid")
    payload = event.args[0] if event.args else b"null"
    if len(payload) > forward.max_size:
        text = f"The payload has {len(payload)} bytes; at most {forward.max_size} are taken."
        raise Refused(text, code="too_large")
    if forward.payload is not None:
        try:
            decode_argument(payload, (), forward.payload)
        except PayloadError as error:
            raise Refused(str(error), code="invalid") from None
    return payload


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
        text = f"Expected an id of 1 to {_MAX_ID_LENGTH} characters (at $.{path})"
        raise Refused(text, code="invalid")
    return value


def _decoded(payload: bytes) -> Any:
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused("The payload can't be read.", code="invalid") from None


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


def _headers(client: Client, forward: Forward, ticket: Ticket) -> dict[str, Any]:
    claims = client.identity.raw_claims
    if len(claims) > MAX_CLAIMS:
        raise Refused("The token's claims are too large to be forwarded.", code="too_large")
    headers: dict[str, Any] = {
        "x-tidegate-tenant": str(client.tenant_id),
        "x-tidegate-user": str(client.user_id),
        "x-tidegate-claims": claims.decode(),
        "x-tidegate-namespace": str(client.namespace),
        "x-tidegate-sid": str(client.sid),
        "x-tidegate-event": forward.event,
    }
    if ticket.is_resend:
        headers["x-tidegate-resent"] = True
    return headers
