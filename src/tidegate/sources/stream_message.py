"""Messages that services published into a stream: AMQP 1.0 sections, whoever wrote them.

A message that came through an exchange was AMQP 0-9-1; RabbitMQ keeps its exchange and routing key
as annotations, its headers as application properties.
"""

from __future__ import annotations

from typing import Any

from rstream import AMQPMessage, amqp_decoder

from tidegate.errors import MessageRejected
from tidegate.sources.message import AMQPContent

__all__ = ["read_stream_message"]

_PROPERTIES = ("message_id", "user_id", "correlation_id", "content_type", "content_encoding")


def read_stream_message(data: bytes) -> AMQPContent:
    """Return what a message in a stream holds.

    Raises:
        MessageRejected: It is no AMQP 1.0 message, or has no binary body.
    """
    try:
        message = amqp_decoder(data)
        annotations = _texts(message.message_annotations)
        return AMQPContent(
            _body_of(message),
            exchange=str(annotations.get("x-exchange", "")),
            routing_key=str(annotations.get("x-routing-key", "")),
            headers=_texts(message.application_properties),
            properties=_properties_of(message),
        )
    except Exception as error:  # the decoder raises what it stumbles over
        reason = f"not a message of AMQP 1.0: {type(error).__name__}: {error}"
        raise MessageRejected("malformed", reason) from None


def _body_of(message: AMQPMessage) -> bytes:
    """Return a message's data sections, or the text or bytes that are its value."""
    body = message.body
    if isinstance(body, list | tuple):
        return b"".join(body)
    value = message.value if body is None else body
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes):
        return value
    raise TypeError("its body is not binary")


def _properties_of(message: AMQPMessage) -> dict[str, Any]:
    values = {name: getattr(message.properties, name, None) for name in _PROPERTIES}
    return {name: _plain(value) for name, value in values.items() if value is not None}


def _texts(values: Any) -> dict[str, Any]:
    return {_plain(key): _plain(value) for key, value in (values or {}).items()}


def _plain(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
