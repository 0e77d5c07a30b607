"""The form of forwarded messages and of the replies to them.

NestJS: ``{"pattern","data"}``, with an ``id`` when a reply is wanted; a reply is
``{"response":x,"isDisposed":true}`` or ``{"err":…}``, or several of the first with ``isDisposed``
only in the last one (a stream), of which the last value counts, as it does for NestJS's own
clients. Plain: the payload alone, and a reply that is the ack alone.

Source: NestJS 11, ``packages/microservices``: ``client/client-rmq.ts``, ``server/server.ts``.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from tidegate.app.forwards import Forward
from tidegate.errors import Refused

__all__ = ["Reply", "encode_body", "new_reply"]

_FAILED = "The service failed."
_UNREADABLE = "The service's reply can't be read."

_encode = msgspec.json.Encoder().encode


def encode_body(forward: Forward, payload: bytes, request_id: str | None) -> bytes:
    """Return the message's body.

    Args:
        forward: Says the envelope and the pattern.
        payload: JSON, put in as it is.
        request_id: Given if a reply is wanted; the NestJS envelope has it as ``id``.
    """
    if forward.envelope == "plain":
        return payload
    pattern = _encode(forward.event if forward.pattern is None else forward.pattern)
    request = b"" if request_id is None else b',"id":' + _encode(request_id)
    return b'{"pattern":%b,"data":%b%b}' % (pattern, payload, request)


class Reply(Protocol):
    """Collects the replies to one request."""

    def feed(self, body: bytes) -> bool:
        """Take one reply, and tell whether it was the last; never raises."""

    def result(self) -> msgspec.Raw | None:
        """Return the ack's argument, JSON; None for none.

        Raises:
            Refused: ``service_error``: the service answered with an error, or not in the form.
        """


def new_reply(forward: Forward) -> Reply:
    """Return what reads the replies to this forward."""
    return _NestReply() if forward.envelope == "nestjs" else _PlainReply()


class _NestPacket(msgspec.Struct):
    response: msgspec.Raw = msgspec.Raw()
    err: Any = None
    is_disposed: bool = msgspec.field(default=False, name="isDisposed")


_decode_packet = msgspec.json.Decoder(_NestPacket).decode
_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode


class _NestReply:
    def __init__(self) -> None:
        self._response: msgspec.Raw | None = None
        self._problem = ""

    def feed(self, body: bytes) -> bool:
        try:
            body.decode()  # msgspec takes any bytes inside strings; a browser would hang up
            packet = _decode_packet(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._problem = _UNREADABLE
            return True
        if packet.err is not None:
            self._problem = _text_of(packet.err)
            return True
        if bytes(packet.response):
            self._response = packet.response
        return packet.is_disposed

    def result(self) -> msgspec.Raw | None:
        if self._problem:
            raise Refused(self._problem, code="service_error")
        return self._response


class _PlainReply:
    def __init__(self) -> None:
        self._response: msgspec.Raw | None = None

    def feed(self, body: bytes) -> bool:
        try:
            body.decode()  # as above
            self._response = _decode_raw(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._response = None
        return True

    def result(self) -> msgspec.Raw | None:
        if self._response is None:
            raise Refused(_UNREADABLE, code="service_error")
        return self._response


def _text_of(error: Any) -> str:
    """Return the service's own words: ``err`` itself, or its ``message`` (a text or several)."""
    message = error.get("message") if isinstance(error, dict) else error
    if isinstance(message, list) and message and all(isinstance(item, str) for item in message):
        return "; ".join(message)
    return message if isinstance(message, str) and message else _FAILED
