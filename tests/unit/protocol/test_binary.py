from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import RemoteProtocolError
from tidegate.protocol.binary import (
    AttachmentBuffer,
    check_placeholders,
    deconstruct,
    reconstruct,
)

FIRST = {"_placeholder": True, "num": 0}
SECOND = {"_placeholder": True, "num": 1}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text().filter(lambda key: key != "_placeholder"), inner)
    ),
)


def test_bytes_leave_the_payload_in_order() -> None:
    value = {"a": b"\x01", "b": [1, (bytearray(b"\x02"), "x")], "c": None}

    assert deconstruct(value) == (
        {"a": FIRST, "b": [1, [SECOND, "x"]], "c": None},
        [b"\x01", b"\x02"],
    )


def test_the_value_given_stays_as_it_is() -> None:
    value = {"a": [b"\x01"]}

    deconstruct(value)

    assert value == {"a": [b"\x01"]}


def test_a_value_without_bytes_has_no_attachments() -> None:
    assert deconstruct(["a", {"b": 1}]) == (["a", {"b": 1}], [])


def test_placeholders_become_attachments() -> None:
    value = {"a": dict(SECOND), "b": [dict(FIRST), 7], "c": {"d": dict(FIRST)}}

    assert reconstruct(value, [b"\x01", b"\x02"]) == {
        "a": b"\x02",
        "b": [b"\x01", 7],
        "c": {"d": b"\x01"},
    }


def test_the_value_itself_may_be_a_placeholder() -> None:
    assert reconstruct(dict(FIRST), [b"\x01"]) == b"\x01"


@pytest.mark.parametrize("mark", [False, 1, "true", None])
def test_only_true_marks_a_placeholder(mark: object) -> None:
    assert reconstruct([{"_placeholder": mark, "num": 0}], [b"\x01"]) == [
        {"_placeholder": mark, "num": 0}
    ]


@pytest.mark.parametrize("index", [-1, 1, 0.0, "0", True, None, 10**30])
def test_placeholder_without_an_attachment_is_refused(index: object) -> None:
    with pytest.raises(RemoteProtocolError, match="placeholder without an attachment"):
        reconstruct([{"_placeholder": True, "num": index}], [b"\x01"])


def test_placeholder_without_a_number_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="placeholder without an attachment"):
        reconstruct({"_placeholder": True}, [b"\x01"])


def test_deep_nesting_is_reconstructed_without_recursion() -> None:
    value: list[Any] = [dict(FIRST)]
    for _ in range(100_000):
        value = [value]

    result = reconstruct(value, [b"\x01"])

    for _ in range(100_000):
        result = result[0]
    assert result == [b"\x01"]


@given(json_values)
def test_what_is_taken_out_comes_back(value: Any) -> None:
    json_ready, attachments = deconstruct(value)

    assert reconstruct(json_ready, attachments) == value


def test_check_passes_placeholders_that_name_an_attachment() -> None:
    check_placeholders([b'{"_placeholder":true,"num":1}', b'"x"'], 2)


@pytest.mark.parametrize(
    "argument",
    [
        b'{"_placeholder":true,"num":2}',
        b'{"a":[{"_\\u0070laceholder":true,"num":2}]}',
    ],
)
def test_check_finds_placeholders_that_name_none(argument: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="placeholder without an attachment"):
        check_placeholders([b"1", argument], 2)


@pytest.mark.parametrize("argument", [b"1e999", b"[" * 5000, b'"\xff"', b""])
def test_check_refuses_what_cannot_be_decoded(argument: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="not valid JSON"):
        check_placeholders([argument], 1)


def test_buffer_tells_when_the_last_attachment_came() -> None:
    buffer = AttachmentBuffer(2, max_size=4)

    assert buffer.add(b"\x01\x02") is False
    assert buffer.add(b"\x03\x04") is True
    assert buffer.parts == (b"\x01\x02", b"\x03\x04")


def test_buffer_bounds_all_attachments_together() -> None:
    buffer = AttachmentBuffer(2, max_size=4)
    buffer.add(b"\x01\x02\x03")

    with pytest.raises(RemoteProtocolError, match="over max_payload") as refused:
        buffer.add(b"\x04\x05")

    assert refused.value.close_code == 1009
