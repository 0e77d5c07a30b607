"""Frames that we wrote come apart into the messages that they were made of."""

from __future__ import annotations

import pytest

from tidegate.errors import LocalProtocolError
from tidegate.protocol.server_frames import Message, message_of, split_frames
from tidegate.protocol.websocket import encode_binary, encode_close, encode_text


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 100_000])
def test_frames_of_every_length_form(size: int) -> None:
    data = encode_text(b"x" * size) + encode_binary(b"\xff" * size) + encode_text(b"end")
    assert split_frames(data) == [
        Message("x" * size, size),
        Message(b"\xff" * size, size),
        Message("end", 3),
    ]


def test_text_is_decoded_and_counted_in_bytes() -> None:
    assert split_frames(encode_text("é€".encode())) == [Message("é€", 5)]
    assert message_of("é€") == Message("é€", 5)
    assert message_of("2") == Message("2", 1)
    assert message_of(b"\xff\xff") == Message(b"\xff\xff", 2)


def test_nothing_is_no_message() -> None:
    assert split_frames(b"") == []


@pytest.mark.parametrize(
    "data",
    [encode_close(1000), encode_text(b"cut off")[:-1], b"\x01\x01x", encode_text(b"x" * 200)[:3]],
)
def test_anything_else_is_our_mistake(data: bytes) -> None:
    with pytest.raises(LocalProtocolError):
        split_frames(data)
