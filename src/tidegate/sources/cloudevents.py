"""CloudEvents as AMQP messages: the attributes and the data of one.

Sources: CloudEvents 1.0, "AMQP Protocol Binding" (in RabbitMQ's AMQP 0-9-1 its application
properties are the headers) and "JSON Event Format".
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from tidegate.errors import MessageRejected
from tidegate.sources.message import AMQPContent
from tidegate.sources.request import check_utf8, misfit

__all__ = ["identity", "is_binary_mode", "is_structured_mode", "read_cloudevent"]

MAX_ID_LENGTH = 256
NULL = b"null"

_PREFIXES = ("cloudEvents_", "cloudEvents:")
_PREFIX_LENGTH = len("cloudEvents_")
_REQUIRED = ("specversion", "id", "source", "type")

_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_attribute = msgspec.json.Decoder(str | int | bool | None).decode
_slice = msgspec.json.Decoder(msgspec.Raw).decode


def read_cloudevent(content: AMQPContent) -> tuple[dict[str, Any], bytes]:
    """Return the attributes by their names, and the data as JSON; without data, ``null``.

    Raises:
        MessageRejected: ``malformed``: an attribute is missing or wrong, or the data are no JSON.
        ValueError: The body is no JSON.
        RecursionError: It is nested too deeply.
    """
    if is_binary_mode(content.headers):
        attributes, data = _read_binary_mode(content)
    else:
        attributes, data = _read_structured_mode(content.body)
    for name in _REQUIRED:
        value = attributes.get(name)
        if not isinstance(value, str) or not value:
            detail = f"A CloudEvent needs the attribute {name!r}, a text that is not empty"
            raise MessageRejected("malformed", detail, name)
    if not attributes["specversion"].startswith("1."):
        raise MessageRejected("malformed", "Only CloudEvents 1.x are understood", "specversion")
    return attributes, data


def is_binary_mode(headers: Mapping[str, Any]) -> bool:
    """Tell whether the attributes are in the headers and the data are the body."""
    return "cloudEvents_specversion" in headers or "cloudEvents:specversion" in headers


def is_structured_mode(media_type: object) -> bool:
    """Tell whether the content type says that the body is the whole event."""
    if not isinstance(media_type, str):
        return False
    return media_type.partition(";")[0].strip().lower() == "application/cloudevents+json"


def _read_binary_mode(content: AMQPContent) -> tuple[dict[str, Any], bytes]:
    attributes = {
        name[_PREFIX_LENGTH:]: value
        for name, value in content.headers.items()
        if name.startswith(_PREFIXES)
    }
    media_type = content.properties.get("content_type")
    if media_type:
        attributes["datacontenttype"] = media_type
    return attributes, bytes(_slice(content.body)) if content.body else NULL


def _read_structured_mode(body: bytes) -> tuple[dict[str, Any], bytes]:
    fields = _decode_fields(body)
    data, encoded = fields.pop("data", None), fields.pop("data_base64", None)
    attributes = {}
    for name, raw in fields.items():
        try:
            value = _decode_attribute(raw)
        except msgspec.ValidationError as error:
            raise MessageRejected("malformed", misfit(error)[0], name) from None
        if value is not None:
            attributes[name] = value
    if encoded is None:
        return attributes, NULL if data is None else bytes(data)
    if data is not None:
        raise MessageRejected("malformed", "Expected data or data_base64, not both", "data_base64")
    return attributes, _read_base64(encoded)


def _read_base64(encoded: msgspec.Raw) -> bytes:
    try:
        data = base64.b64decode(msgspec.json.decode(encoded, type=str), validate=True)
        check_utf8(data)
        return bytes(_slice(data))
    except (ValueError, RecursionError):
        detail = "Expected JSON in Base64; a payload can't be anything else than JSON"
        raise MessageRejected("malformed", detail, "data_base64") from None


def identity(attributes: Mapping[str, Any]) -> str:
    """Return what makes the event unique: its source and id, hashed if they are long.

    A URI has no space, so that the two can't run together.

    Source: CloudEvents 1.0, "id".
    """
    source = attributes["source"].replace(" ", "%20")
    both = f"{source} {attributes['id']}"
    if len(both) <= MAX_ID_LENGTH:
        return both
    return "sha256:" + hashlib.sha256(both.encode()).hexdigest()
