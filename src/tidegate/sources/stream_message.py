"""Messages that services published into a stream: AMQP 1.0 sections, whoever wrote them.

A message that came through an exchange was AMQP 0-9-1; RabbitMQ keeps its exchange and routing key
as annotations, its headers as application properties.
"""

from __future__ import annotations

from typing import Any

from tidegate.errors import MessageRejected
from tidegate.sources.amqp10 import (
    APPLICATION_PROPERTIES,
    DATA,
    MESSAGE_ANNOTATIONS,
    PROPERTIES,
    VALUE,
    read_sections,
)
from tidegate.sources.message import AMQPContent

__all__ = ["read_stream_message"]

_PROPERTIES = {
    0: "message_id",
    1: "user_id",
    5: "correlation_id",
    6: "content_type",
    7: "content_encoding",
}
"""Names of those that are of use, by their place in the section (3.2.4)."""


def read_stream_message(data: bytes) -> AMQPContent:
    """Return what a message in a stream holds.

    Raises:
        MessageRejected: It is no AMQP 1.0 message, or has no binary body.
    """
    try:
        sections = read_sections(data)
        annotations = sections.get(MESSAGE_ANNOTATIONS) or {}
        properties = sections.get(PROPERTIES) or ()
        return AMQPContent(
            _body_of(sections),
            exchange=str(_plain(annotations.get("x-exchange", ""))),
            routing_key=str(_plain(annotations.get("x-routing-key", ""))),
            headers=_texts(sections.get(APPLICATION_PROPERTIES)),
            properties={
                _PROPERTIES[place]: _plain(value)
                for place, value in enumerate(properties)
                if value is not None and place in _PROPERTIES
            },
        )
    except Exception as error:  # the decoder raises what it stumbles over
        reason = f"not a message of AMQP 1.0: {type(error).__name__}: {error}"
        raise MessageRejected("malformed", reason) from None


def _body_of(sections: dict[int, Any]) -> bytes:
    """Return a message's data sections, or the text or bytes that are its value."""
    if DATA in sections:
        return b"".join(sections[DATA])
    value = sections.get(VALUE)
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes):
        return value
    raise TypeError("its body is not binary")


def _texts(values: Any) -> dict[str, Any]:
    return {_plain(key): _plain(value) for key, value in values.items()} if values else {}


def _plain(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
