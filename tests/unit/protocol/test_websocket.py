from __future__ import annotations

import itertools
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.protocol.deflate import compress
from tidegate.protocol.websocket import (
    CloseReceived,
    DeflateFrameReader,
    FrameReader,
    Ping,
    Pong,
    Violation,
    WebSocketEvent,
    encode_binary,
    encode_close,
    encode_compressed_text,
    encode_ping,
    encode_pong,
    encode_text,
)

MASK = b"\x37\xfa\x21\x3d"
FRAGMENTS_OUT_OF_ORDER = Violation(1002, "fragments are out of order")
NOT_UTF8 = Violation(1007, "text is not UTF-8")


def frame(first: int, payload: bytes = b"", mask: bytes = MASK) -> bytes:
    """A client's frame; ``first`` holds FIN (0x80) and the opcode."""
    length = len(payload)
    if length < 126:
        head = bytes([first, 0x80 | length])
    elif length < 65_536:
        head = bytes([first, 0xFE]) + length.to_bytes(2, "big")
    else:
        head = bytes([first, 0xFF]) + length.to_bytes(8, "big")
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def read(data: bytes, max_message_size: int = 1_000_000) -> list[WebSocketEvent]:
    return FrameReader(max_message_size).receive_data(data)


def read_in(pieces: list[bytes], max_message_size: int = 1_000_000) -> list[WebSocketEvent]:
    reader = FrameReader(max_message_size)
    return [event for piece in pieces for event in reader.receive_data(piece)]


# Messages


def test_masked_text_of_the_standards_example() -> None:
    assert read(bytes.fromhex("818537fa213d7f9f4d5158")) == ["Hello"]


def test_fragmented_text_is_joined() -> None:
    assert read(frame(0x01, b"Hel") + frame(0x80, b"lo")) == ["Hello"]


def test_binary_message() -> None:
    assert read(frame(0x82, b"\x00\xff\x80")) == [b"\x00\xff\x80"]


def test_fragmented_binary_is_not_checked_for_utf8() -> None:
    assert read(frame(0x02, b"\xff") + frame(0x00, b"\xfe") + frame(0x80, b"\xfd")) == [
        b"\xff\xfe\xfd"
    ]


def test_empty_messages() -> None:
    assert read(frame(0x81) + frame(0x82)) == ["", b""]


def test_message_of_empty_fragments() -> None:
    assert read(frame(0x01) + frame(0x00) + frame(0x80)) == [""]


def test_several_messages_in_one_chunk_keep_their_order() -> None:
    data = frame(0x81, b"a") + frame(0x89, b"p") + frame(0x82, b"b") + frame(0x8A, b"q")

    assert read(data) == ["a", Ping(b"p"), b"b", Pong(b"q")]


def test_ping_between_fragments_is_answered_first() -> None:
    data = frame(0x01, b"Hel") + frame(0x89, b"?") + frame(0x80, b"lo")

    assert read(data) == [Ping(b"?"), "Hello"]


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 125, 126, 127, 65_535, 65_536, 65_537, 70_003])
def test_payloads_of_every_length_form(size: int) -> None:
    payload = (b"0123456789" * (size // 10 + 1))[:size]

    assert read(frame(0x82, payload)) == [payload]


def test_text_cut_inside_a_character_between_fragments() -> None:
    snowman = "☃".encode()

    assert read(frame(0x01, snowman[:1]) + frame(0x80, snowman[1:])) == ["☃"]


# Arriving in pieces


def test_nothing_comes_of_half_a_head() -> None:
    assert read(b"\x81") == []


def test_frame_that_arrives_byte_by_byte() -> None:
    data = frame(0x81, b"Hello") + frame(0x89, b"p") + frame(0x88, b"\x03\xe8")

    assert read_in([bytes([byte]) for byte in data]) == [
        "Hello",
        Ping(b"p"),
        CloseReceived(1000, ""),
    ]


def test_large_message_in_small_reads_goes_on_into_the_next() -> None:
    data = frame(0x82, b"x" * 100_000) + frame(0x81, b"next")

    assert read_in([data[i : i + 1399] for i in range(0, len(data), 1399)]) == [
        b"x" * 100_000,
        "next",
    ]


def test_the_reader_keeps_no_buffer_between_frames() -> None:
    reader = FrameReader(1_000_000)
    reader.receive_data(frame(0x81, b"Hello"))

    assert (reader._pending, reader._message) == (b"", None)


def test_a_frame_under_way_is_buffered_only_as_far_as_it_has_come() -> None:
    reader = FrameReader(1_000_000)
    reader.receive_data(frame(0x82, b"x" * 900_000)[:1000])

    assert reader._message is not None
    assert len(reader._message.payload) == 1000 - 14


# Frames that break the rules


@pytest.mark.parametrize("bits", [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70])
@pytest.mark.parametrize("opcode", [0x1, 0x2, 0x8, 0x9, 0xA])
def test_reserved_bits_are_refused(bits: int, opcode: int) -> None:
    assert read(frame(0x80 | bits | opcode)) == [Violation(1002, "reserved bits are set")]


@pytest.mark.parametrize("opcode", [0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF])
def test_reserved_opcodes_are_refused(opcode: int) -> None:
    assert read(frame(0x80 | opcode)) == [Violation(1002, "the opcode is reserved")]


def test_unmasked_frame_is_refused() -> None:
    assert read(b"\x81\x05Hello") == [Violation(1002, "a frame is not masked")]


@pytest.mark.parametrize("opcode", [0x8, 0x9, 0xA])
def test_fragmented_control_frame_is_refused(opcode: int) -> None:
    assert read(frame(opcode)) == [Violation(1002, "a control frame is fragmented")]


@pytest.mark.parametrize("opcode", [0x8, 0x9, 0xA])
def test_control_frame_over_125_bytes_is_refused(opcode: int) -> None:
    violation = Violation(1002, "a control frame is longer than 125 bytes")

    assert read(frame(0x80 | opcode, b"x" * 126)) == [violation]


def test_control_frame_of_125_bytes_is_fine() -> None:
    assert read(frame(0x89, b"x" * 125)) == [Ping(b"x" * 125)]


@pytest.mark.parametrize("first", [0x80, 0x00])
def test_continuation_of_nothing_is_refused(first: int) -> None:
    assert read(frame(first, b"x")) == [FRAGMENTS_OUT_OF_ORDER]


@pytest.mark.parametrize("first", [0x81, 0x01, 0x82, 0x02])
def test_new_message_inside_a_fragmented_one_is_refused(first: int) -> None:
    assert read(frame(0x01, b"x") + frame(first, b"y")) == [FRAGMENTS_OUT_OF_ORDER]


@pytest.mark.parametrize(
    "head",
    [
        pytest.param("82fe007d", id="125 in 16 bits"),
        pytest.param("82ff000000000000ffff", id="65535 in 64 bits"),
        pytest.param("82ff8000000000000000", id="top bit set"),
    ],
)
def test_length_that_is_not_in_its_shortest_form_is_refused(head: str) -> None:
    assert read(bytes.fromhex(head)) == [Violation(1002, "a length is not in its shortest form")]


def test_messages_before_a_violation_are_returned() -> None:
    assert read(frame(0x81, b"good") + b"\x83") == ["good"]
    assert read(frame(0x81, b"good") + frame(0x83) + frame(0x81, b"lost")) == [
        "good",
        Violation(1002, "the opcode is reserved"),
    ]


def test_the_reader_lets_go_of_its_buffers_at_the_end() -> None:
    reader = FrameReader(1_000_000)
    reader.receive_data(frame(0x02, b"x" * 1000) + frame(0x88))

    assert (reader._pending, reader._message) == (b"", None)


def test_everything_after_a_violation_is_ignored() -> None:
    assert read_in([frame(0x83), frame(0x81, b"lost")]) == [
        Violation(1002, "the opcode is reserved")
    ]


# The bound on messages


TOO_BIG = Violation(1009, "a message has over 10 bytes")


def test_message_of_the_largest_size_is_fine() -> None:
    assert read(frame(0x82, b"x" * 10), 10) == [b"x" * 10]


def test_too_big_is_told_from_the_head_alone() -> None:
    assert read(bytes.fromhex("828b"), 10) == [TOO_BIG]
    assert read(bytes.fromhex("82ff7fffffffffffffff"), 10) == [TOO_BIG]


def test_fragments_count_together() -> None:
    assert read(frame(0x02, b"x" * 6) + bytes.fromhex("8085"), 10) == [TOO_BIG]
    assert read(frame(0x02, b"x" * 6) + frame(0x80, b"x" * 4), 10) == [b"x" * 10]


def test_control_frames_between_fragments_do_not_count() -> None:
    data = frame(0x02, b"x" * 6) + frame(0x89, b"p" * 100) + frame(0x80, b"x" * 4)

    assert read(data, 10) == [Ping(b"p" * 100), b"x" * 10]


def test_empty_fragments_without_end_take_no_memory() -> None:
    reader = FrameReader(10)
    reader.receive_data(frame(0x02) + frame(0x00) * 1000)

    assert reader._message is not None
    assert reader._message.payload == b""


# UTF-8


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"\x80", id="continuation byte alone"),
        pytest.param(b"\xc0\xaf", id="overlong"),
        pytest.param(b"\xed\xa0\x80", id="surrogate"),
        pytest.param(b"\xf4\x90\x80\x80", id="beyond U+10FFFF"),
        pytest.param(b"ok \xe2\x98", id="last character incomplete"),
    ],
)
def test_text_that_is_not_utf8_is_refused(payload: bytes) -> None:
    assert read(frame(0x81, payload)) == [NOT_UTF8]
    assert read(frame(0x01, payload) + frame(0x80)) == [NOT_UTF8]


def test_wrong_byte_in_a_fragment_is_refused_before_the_message_ends() -> None:
    assert read(frame(0x01, b"ok") + frame(0x00, b"\xff")) == [NOT_UTF8]


def test_wrong_byte_is_refused_before_its_frame_ends() -> None:
    data = frame(0x81, b"ok \xf4\x90 and a long rest")

    assert read(data[:10]) == []  # up to and with the f4
    assert read(data[:11]) == [NOT_UTF8]


# Close


def test_close_without_code() -> None:
    assert read(frame(0x88)) == [CloseReceived(None, "")]


def test_close_with_code_and_reason() -> None:
    assert read(frame(0x88, b"\x0f\xa0bye \xe2\x98\x83")) == [CloseReceived(4000, "bye ☃")]


def test_everything_after_a_close_is_ignored() -> None:
    assert read(frame(0x88) + frame(0x81, b"lost") + b"\xff\xff") == [CloseReceived(None, "")]


def test_close_with_half_a_code_is_refused() -> None:
    assert read(frame(0x88, b"\x03")) == [Violation(1002, "the close code is not valid")]


@pytest.mark.parametrize("code", [1000, 1003, 1007, 1011, 1012, 1014, 3000, 3999, 4000, 4999])
def test_close_codes_that_may_be_sent(code: int) -> None:
    assert read(frame(0x88, code.to_bytes(2, "big"))) == [CloseReceived(code, "")]


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535])
def test_close_codes_that_may_not_be_sent(code: int) -> None:
    violation = Violation(1002, "the close code is not valid")

    assert read(frame(0x88, code.to_bytes(2, "big"))) == [violation]


def test_close_reason_that_is_not_utf8_is_refused() -> None:
    assert read(frame(0x88, b"\x03\xe8\xff")) == [NOT_UTF8]


# Encoding


def test_server_frames_are_unmasked() -> None:
    assert encode_text(b"Hello") == bytes.fromhex("810548656c6c6f")
    assert encode_binary(b"\x01\x02") == bytes.fromhex("82020102")
    assert encode_ping(b"Hello") == bytes.fromhex("890548656c6c6f")
    assert encode_pong(b"Hello") == bytes.fromhex("8a0548656c6c6f")


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, "8100"),
        (125, "817d"),
        (126, "817e007e"),
        (65_535, "817effff"),
        (65_536, "817f0000000000010000"),
    ],
)
def test_lengths_are_written_in_their_shortest_form(size: int, head: str) -> None:
    payload = b"x" * size

    assert encode_text(payload) == bytes.fromhex(head) + payload
    assert encode_binary(payload) == b"\x82" + bytes.fromhex(head)[1:] + payload


def test_close_frames() -> None:
    assert encode_close(None) == bytes.fromhex("8800")
    assert encode_close(1000) == bytes.fromhex("880203e8")
    assert encode_close(1002, "no") == bytes.fromhex("880403ea6e6f")


def test_long_close_reason_is_cut_between_characters() -> None:
    encoded = encode_close(1000, "x" * 122 + "é and more")

    assert encoded == b"\x88\x7c\x03\xe8" + b"x" * 122


# Whatever comes, however it is cut


def fragmented(opcode: int, pieces: list[bytes]) -> bytes:
    last = len(pieces) - 1
    return b"".join(
        frame((0x80 if i == last else 0) | (0 if i else opcode), piece)
        for i, piece in enumerate(pieces)
    )


conversations = st.lists(
    st.one_of(
        st.text(max_size=200).map(lambda text: frame(0x81, text.encode())),
        st.binary(max_size=200).map(lambda payload: frame(0x82, payload)),
        st.binary(max_size=125).map(lambda payload: frame(0x89, payload)),
        st.binary(max_size=125).map(lambda payload: frame(0x8A, payload)),
        st.lists(st.text(max_size=9).map(str.encode), min_size=1, max_size=4).map(
            lambda pieces: fragmented(0x1, pieces)
        ),
        st.lists(st.binary(max_size=9), min_size=1, max_size=4).map(
            lambda pieces: fragmented(0x2, pieces)
        ),
    ),
    max_size=6,
).map(b"".join)
# Bytes that get beyond the first head, so that the fuzzing reaches every branch.
plausible_frames = st.lists(
    st.builds(
        frame, st.integers(0, 255), st.binary(max_size=140), st.binary(min_size=4, max_size=4)
    ),
    max_size=5,
).map(b"".join)


@given(data=conversations, cuts=st.lists(st.integers(0, 2000)))
def test_any_cutting_of_a_valid_stream_gives_the_same_messages(
    data: bytes, cuts: list[int]
) -> None:
    whole = read(data)

    assert not any(isinstance(event, Violation) for event in whole)
    assert read_in(_cut(data, cuts)) == whole


@given(data=st.binary() | plausible_frames, cuts=st.lists(st.integers(0, 700)))
def test_arbitrary_bytes_never_raise_and_end_alike_however_they_are_cut(
    data: bytes, cuts: list[int]
) -> None:
    whole = read(data, 100)

    assert read_in(_cut(data, cuts), 100) == whole
    assert not any(isinstance(event, Violation | CloseReceived) for event in whole[:-1])


def _cut(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


# Compressed messages (RFC 7692, section 6)

HELLO = bytes.fromhex("f248cdc9c90700")
RESERVED_BITS = Violation(1002, "reserved bits are set")


def inflate(data: bytes, max_message_size: int = 1_000_000) -> list[WebSocketEvent]:
    return DeflateFrameReader(max_message_size).receive_data(data)


def test_compressed_text_of_the_standards_example() -> None:
    assert inflate(frame(0xC1, HELLO)) == ["Hello"]
    assert encode_compressed_text(b"Hello") == bytes.fromhex("c107f248cdc9c90700")


def test_compressed_text_in_fragments_of_the_standards_example() -> None:
    assert inflate(frame(0x41, HELLO[:3]) + frame(0x80, HELLO[3:])) == ["Hello"]


def test_compressed_binary_message() -> None:
    assert inflate(frame(0xC2, compress(b"\xff\xfe" * 50))) == [b"\xff\xfe" * 50]


def test_empty_compressed_message() -> None:
    assert inflate(frame(0xC1, b"\x00")) == [""]


def test_compressed_and_plain_messages_in_turn() -> None:
    data = frame(0xC1, HELLO) + frame(0x81, b"plain") + frame(0xC1, HELLO) + frame(0x82, b"b")
    assert inflate(data) == ["Hello", "plain", "Hello", b"b"]


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_compressed_messages_cut_anywhere(size: int) -> None:
    text = "äöü and more " * 200
    packed = compress(text.encode())
    data = frame(0x41, packed[:7]) + frame(0x89, b"p") + frame(0x00, b"") + frame(0x80, packed[7:])
    data += frame(0xC1, HELLO)
    reader = DeflateFrameReader(10_000)
    pieces = [data[i : i + size] for i in range(0, len(data), size)]
    events = [event for piece in pieces for event in reader.receive_data(piece)]
    assert events == [Ping(b"p"), text, "Hello"]


def test_compressed_frame_without_agreement_is_refused() -> None:
    assert read(frame(0xC1, HELLO)) == [RESERVED_BITS]


@pytest.mark.parametrize("first", [0xC8, 0xC9, 0xCA])
def test_control_frame_is_never_compressed(first: int) -> None:
    assert inflate(frame(first)) == [RESERVED_BITS]


@pytest.mark.parametrize("first", [0x61, 0x51, 0xE1, 0xA1, 0xB2])
def test_other_reserved_bits_mean_nothing_with_compression_either(first: int) -> None:
    assert inflate(frame(first, HELLO)) == [RESERVED_BITS]


@pytest.mark.parametrize("begin", [0x41, 0x02])
def test_continuation_must_not_say_compressed(begin: int) -> None:
    assert inflate(frame(begin, HELLO[:3]) + frame(0xC0, HELLO[3:])) == [RESERVED_BITS]


def test_compressed_message_inside_another_is_refused() -> None:
    data = frame(0x41, HELLO[:3]) + frame(0xC1, HELLO)
    assert inflate(data) == [FRAGMENTS_OUT_OF_ORDER]


def test_what_compressed_text_hides_is_checked_for_utf8() -> None:
    assert inflate(frame(0xC1, compress(b"ab\xff"))) == [NOT_UTF8]


def test_data_that_is_not_compressed_as_it_says() -> None:
    (event,) = inflate(frame(0xC1, b"\xff\xff\xff"))
    assert event == Violation(1007, "a message is not compressed as it says")


def test_bound_holds_for_what_a_message_decompresses_to() -> None:
    too_big = Violation(1009, "a message has over 1000 bytes")
    assert inflate(frame(0xC2, compress(b"a" * 1_000)), 1_000) == [b"a" * 1_000]
    assert inflate(frame(0xC2, compress(b"a" * 1_001)), 1_000) == [too_big]


def test_bound_holds_for_what_is_sent_of_a_compressed_message() -> None:
    too_big = Violation(1009, "a message has over 10 bytes")
    assert inflate(frame(0x41, b"x" * 6) + frame(0x80, b"x" * 5)[:8], 10) == [too_big]


def test_nothing_is_kept_of_a_compressed_message() -> None:
    reader = DeflateFrameReader(1_000)
    reader.receive_data(frame(0x41, HELLO[:3]))
    assert reader.receive_data(frame(0x80, HELLO[3:])) == ["Hello"]
    fresh = DeflateFrameReader(1_000)
    assert [getattr(reader, slot) for slot in FrameReader.__slots__] == [
        getattr(fresh, slot) for slot in FrameReader.__slots__
    ]
    assert sys.getsizeof(reader) == sys.getsizeof(FrameReader(1_000))
