"""Compression of single messages; the examples are those of RFC 7692, section 7.2.3."""

from __future__ import annotations

import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import RemoteProtocolError
from tidegate.protocol.deflate import WINDOW_BITS, compress, decompress

PLENTY = 1_000_000


@pytest.mark.parametrize(
    "compressed",
    [
        pytest.param("f248cdc9c90700", id="one compressed block"),
        pytest.param("000500faff48656c6c6f00", id="a block that is not compressed"),
        pytest.param("f348cdc9c9070000", id="a final block"),
        pytest.param("f248050000 00ffffcac9c90700", id="two blocks"),
    ],
)
def test_examples_of_the_standard(compressed: str) -> None:
    assert decompress(bytes.fromhex(compressed), PLENTY) == b"Hello"


def test_hello_is_compressed_as_in_the_standard() -> None:
    assert compress(b"Hello") == bytes.fromhex("f248cdc9c90700")


def test_empty_message() -> None:
    assert decompress(b"\x00", PLENTY) == b""
    assert decompress(compress(b""), PLENTY) == b""


@given(st.binary(max_size=300), st.integers(0, 300))
def test_what_was_compressed_comes_back(piece: bytes, times: int) -> None:
    assert decompress(compress(piece * times), PLENTY) == piece * times


def test_a_message_does_not_depend_on_those_before_it() -> None:
    assert compress(b"again and again") == compress(b"again and again")


def test_the_window_is_the_one_that_is_promised() -> None:
    """A client with a window of that size, and no larger one, can read everything."""
    far_apart = b"x" * 40 + bytes(range(256)) * 64 + b"x" * 40
    data = (far_apart + bytes(reversed(far_apart))) * 8
    inflater = zlib.decompressobj(-WINDOW_BITS)
    assert inflater.decompress(compress(data) + b"\x00\x00\xff\xff") == data


def test_a_message_may_be_as_large_as_the_bound() -> None:
    assert decompress(compress(b"a" * 100_000), 100_000) == b"a" * 100_000
    assert decompress(compress(b"a" * 100_001), 100_000) is None


def test_a_bomb_takes_no_more_memory_than_the_bound() -> None:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = b"\0" * 1_000_000
    bomb = b"".join([deflater.compress(block) for _ in range(300)]) + deflater.flush()
    assert len(bomb) < 300_000
    tracemalloc.start()
    try:
        assert decompress(bomb, PLENTY) is None
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.5 * PLENTY + len(bomb)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b"\xff\xff\xff", id="no such block"),
        pytest.param(b"\x00\x05\x00\xfa\xfe", id="a length and its complement that differ"),
        pytest.param(bytes.fromhex("f348cdc9c90700") * 2, id="data after a final block"),
        pytest.param(bytes.fromhex("f348cdc9c90700") + b"x" * 9_000, id="much data after it"),
    ],
)
def test_what_is_not_compressed_data_is_refused(broken: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decompress(broken, PLENTY)
