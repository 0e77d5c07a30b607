"""Sections of AMQP 1.0 messages, byte by byte; and what rstream encodes, read back."""

from __future__ import annotations

import struct
from typing import Any
from uuid import UUID

import pytest
from rstream import AMQPMessage

from tidegate.errors import MessageRejected
from tidegate.sources.amqp10 import (
    APPLICATION_PROPERTIES,
    DATA,
    MESSAGE_ANNOTATIONS,
    PROPERTIES,
    VALUE,
    read_sections,
)
from tidegate.sources.stream_message import read_stream_message

IDENTIFIER = UUID("f81d4fae-7dec-11d0-a765-00a0c91e6bf6")


def section(descriptor: int, value: bytes) -> bytes:
    return b"\x00\x53" + bytes([descriptor]) + value


@pytest.mark.parametrize(
    ("encoded", "value"),
    [
        (b"\x40", None),
        (b"\x41", True),
        (b"\x42", False),
        (b"\x56\x01", True),
        (b"\x43", 0),
        (b"\x44", 0),
        (b"\x50\xff", 255),
        (b"\x51\xff", -1),
        (b"\x52\x07", 7),
        (b"\x53\x07", 7),
        (b"\x54\xfe", -2),
        (b"\x55\xfe", -2),
        (b"\x60\x01\x00", 256),
        (b"\x61\xff\xff", -1),
        (b"\x70\x00\x01\x00\x00", 65536),
        (b"\x71\xff\xff\xff\xff", -1),
        (b"\x72\x3f\x00\x00\x00", 0.5),
        (b"\x73\x00\x00\x20\xac", "€"),
        (b"\x74\x01\x02\x03\x04", b"\x01\x02\x03\x04"),
        (b"\x80" + (2**63).to_bytes(8, "big"), 2**63),
        (b"\x81" + b"\xff" * 8, -1),
        (b"\x82" + struct.pack(">d", 0.1), 0.1),
        (b"\x83" + (1_700_000_000_000).to_bytes(8, "big"), 1_700_000_000_000),
        (b"\x84" + bytes(8), bytes(8)),
        (b"\x94" + bytes(16), bytes(16)),
        (b"\x98" + IDENTIFIER.bytes, IDENTIFIER),
        (b"\xa0\x02\x00\xff", b"\x00\xff"),
        (b"\xb0\x00\x00\x00\x02\x00\xff", b"\x00\xff"),
        (b"\xa1\x03\xe2\x82\xac", "€"),
        (b"\xb1\x00\x00\x00\x03\xe2\x82\xac", "€"),
        (b"\xa1\x01\xff", "�"),
        (b"\xa3\x01a", "a"),
        (b"\xb3\x00\x00\x00\x01a", "a"),
        (b"\x45", []),
        (b"\xc0\x03\x02\x40\x41", [None, True]),
        (b"\xd0\x00\x00\x00\x06\x00\x00\x00\x02\x40\x41", [None, True]),
        (b"\xc1\x05\x02\xa1\x01a\x41", {"a": True}),
        (b"\xd1\x00\x00\x00\x08\x00\x00\x00\x02\xa1\x01a\x41", {"a": True}),
        (b"\xe0\x04\x02\x50\x01\x02", [1, 2]),
        (b"\xf0\x00\x00\x00\x07\x00\x00\x00\x02\x50\x01\x02", [1, 2]),
        (b"\xe0\x02\x00\x40", []),
        (b"\x00\xa3\x03x:y\x52\x07", 7),
    ],
)
def test_value(encoded: bytes, value: Any) -> None:
    assert read_sections(section(VALUE, encoded)) == {VALUE: value}


def test_data_sections_stay_apart() -> None:
    message = section(DATA, b"\xa0\x01a") + section(DATA, b"\xa0\x01b")
    assert read_sections(message) == {DATA: [b"a", b"b"]}
    assert read_stream_message(message).body == b"ab"


@pytest.mark.parametrize("descriptor", [b"\x80" + bytes(7) + b"\x75", b"\x44"])
def test_descriptor_of_another_size(descriptor: bytes) -> None:
    message = b"\x00" + descriptor + b"\xa0\x01a"
    if descriptor == b"\x44":
        with pytest.raises(ValueError, match="no section"):
            read_sections(message)
    else:
        assert read_sections(message) == {DATA: [b"a"]}


def message_of_rabbitmq() -> bytes:
    """What RabbitMQ 3.10 stores of an AMQP 0-9-1 message."""
    annotations = b"\xa3\x0ax-exchange\xa1\x06orders\xa3\x0dx-routing-key\xa1\x07created"
    properties = b"\xa1\x04id-1" + b"\x40" * 5 + b"\xa3\x10application/json"
    headers = b"\xa1\x08tenantId\xa1\x04acme\xa1\x01n\x55\x05"
    return (
        section(0x70, b"\xc0\x02\x01\x41")
        + section(0x72, b"\xc1" + bytes([len(annotations) + 1, 4]) + annotations)
        + section(0x73, b"\xc0" + bytes([len(properties) + 1, 7]) + properties)
        + section(0x74, b"\xc1" + bytes([len(headers) + 1, 4]) + headers)
        + section(0x75, b"\xa0\x02{}")
    )


def test_message_that_came_through_an_exchange() -> None:
    content = read_stream_message(message_of_rabbitmq())
    assert content.body == b"{}"
    assert (content.exchange, content.routing_key) == ("orders", "created")
    assert content.headers == {"tenantId": "acme", "n": 5}
    assert content.properties == {"message_id": "id-1", "content_type": "application/json"}


def test_message_that_was_cut_off_anywhere() -> None:
    whole = message_of_rabbitmq()
    ends = [end for end in range(len(whole)) if end not in section_ends(whole)]
    for end in ends:
        with pytest.raises(MessageRejected):
            read_stream_message(whole[:end])


def section_ends(message: bytes) -> set[int]:
    """Return where a prefix is a message of its own: such are refused only for want of a body."""
    return {end for end in range(len(message)) if _is_readable(message[:end])}


def _is_readable(message: bytes) -> bool:
    try:
        return DATA in read_sections(message)
    except (ValueError, IndexError, KeyError, struct.error):
        return False


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"{}",
        b"\x00",
        b"\x00\x53\x75",
        b"\x00\x53\x75\xa0\x05ab",
        b"\x00\x53\x75\xb0\xff\xff\xff\xffab",
        b"\x00\x53\x75\x99",
        section(0x79, b"\x40"),
        section(VALUE, b"\x52\x07"),
        section(VALUE, b"\xf0\x00\x00\x00\x05\xff\xff\xff\xff\x40"),
        section(VALUE, b"\xc0\x02\x01" * 100_000),
        section(0x72, b"\xc1\x02\x01\x40") + section(DATA, b"\xa0\x00"),
        section(0x76, b"\x45"),
    ],
)
def test_what_is_no_message_with_a_binary_body(message: bytes) -> None:
    with pytest.raises(MessageRejected) as caught:
        read_stream_message(message)
    assert caught.value.reason == "malformed"


def test_what_rstream_encodes() -> None:
    message = AMQPMessage(
        body=b"text",
        message_annotations={"x-routing-key": "a.b"},
        application_properties={"tenantId": "acme", "count": 300, "is_new": True, "rest": None},
    )
    sections = read_sections(bytes(message))
    assert sections[MESSAGE_ANNOTATIONS] == {"x-routing-key": "a.b"}
    headers = {"tenantId": "acme", "count": 300, "is_new": True, "rest": None}
    assert sections[APPLICATION_PROPERTIES] == headers
    assert PROPERTIES not in sections
    assert read_stream_message(bytes(message)).body == b"text"
