"""Client events to services: checked, given the verified identity, sent, and answered.

Nothing that a client sends becomes a header: its argument is the payload and nothing else.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple

import msgspec

from tidegate.app.client import Client
from tidegate.app.forward_envelopes import encode_body, new_reply
from tidegate.app.forward_ids import identify
from tidegate.app.forwards import Forward, ForwardTable
from tidegate.app.resends import Ticket
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
            for none, and raises `PayloadError`, or `Refused` with the code that the client sees.
        """
        forward = self._forwards.get((event.namespace, event.event_name))
        if forward is None:
            return None
        try:
            payload = _payload_of(forward, event)
            message_id, ticket = identify(connection, client, event, forward, payload)
        except (PayloadError, Refused) as refusal:
            return partial(self._refuse, event, refusal)
        arrival = _Arrival(connection, client, event, forward, payload, message_id, ticket)
        return partial(self._send, arrival)

    async def _send(self, arrival: _Arrival) -> msgspec.Raw | None:
        event, is_answered = arrival.event, False
        self.counts["resent"] += arrival.ticket.is_resend
        try:
            result = await self._exchange(arrival)
            is_answered = True
        except RequestFailed as failure:
            self._count_failure(event, failure.code, str(failure.__cause__ or failure))
            raise Refused(failure.detail, code=failure.code) from failure
        except (PayloadError, Refused) as refusal:  # the service's own, or nothing was sent
            is_answered = True
            self._count_failure(event, _code_of(refusal), refusal.message)
            raise
        finally:
            if arrival.wants_ack:
                over = arrival.connection
                arrival.ticket.finish(over.core.sid if is_answered and over.is_open else None)
        self.counts["answered" if arrival.wants_ack else "published"] += 1
        self._failing.discard(event.event_name)
        return result

    async def _exchange(self, arrival: _Arrival) -> msgspec.Raw | None:
        forward, message = arrival.forward, _message(arrival)
        if not arrival.wants_ack:
            await self._requests.publish(message, within=forward.timeout)
            return None
        reply = new_reply(forward)
        await self._requests.request(message, reply.feed, within=forward.timeout)
        return reply.result()

    async def _refuse(self, event: EventReceived, refusal: PayloadError | Refused) -> None:
        self._count_failure(event, _code_of(refusal), refusal.message)
        raise refusal

    def _count_failure(self, event: EventReceived, code: str, reason: str) -> None:
        """Count it, and log it if the client can't be told: once until it goes well again."""
        self.counts[code] += 1
        if event.ack_id is None:
            is_known = event.event_name in self._failing
            self._failing.add(event.event_name)
            level = logging.DEBUG if is_known else logging.WARNING
            text = "%r of %s, which wants no ack, was not forwarded for certain: %s"
            _logger.log(level, text, event.event_name, event.namespace, reason)


class _Arrival(NamedTuple):
    """An event that waits for its turn."""

    connection: Connection
    client: Client
    event: EventReceived
    forward: Forward
    payload: bytes
    message_id: str
    ticket: Ticket

    @property
    def wants_ack(self) -> bool:
        return self.event.ack_id is not None


def _code_of(refusal: PayloadError | Refused) -> str:
    return "invalid_payload" if isinstance(refusal, PayloadError) else refusal.code


def _payload_of(forward: Forward, event: EventReceived) -> bytes:
    """Return the argument as it came, if it may go out; ``null`` for none."""
    if event.attachments:
        raise PayloadError("This event can't carry binary data")
    if len(event.args) > 1:
        raise PayloadError(f"Expected 1 argument after the event name, got {len(event.args)}")
    payload = event.args[0] if event.args else b"null"
    if len(payload) > forward.max_size:
        text = f"The payload has {len(payload)} bytes; at most {forward.max_size} are taken."
        raise Refused(text, code="too_large")
    return payload


def _check_type(forward: Forward, payload: bytes) -> None:
    """Check the argument against its declared type, which may run the user's own validators."""
    if forward.payload is not None:
        decode_argument(payload, (), forward.payload)


def _message(arrival: _Arrival) -> OutgoingMessage:
    """Build the message when it is sent, so that it has the claims of the newest token.

    Raises:
        PayloadError: The payload does not fit.
        Refused: The claims are too large.
    """
    forward = arrival.forward
    _check_type(forward, arrival.payload)
    exchange, routing_key = forward.target
    correlation_id = random_id()
    request_id = correlation_id if arrival.wants_ack else None
    return OutgoingMessage(
        exchange=exchange,
        routing_key=routing_key,
        body=encode_body(forward, arrival.payload, request_id),
        headers=_headers(arrival.client, forward, arrival.ticket),
        message_id=arrival.message_id,
        correlation_id=correlation_id,
    )


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
