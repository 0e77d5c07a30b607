"""What a publisher says in JSON is checked whole."""

from __future__ import annotations

import pytest

from tidegate.errors import PayloadError
from tidegate.sources.request import read_requests, to_entries, to_entry

BODY = b'{"tenant":"acme","namespace":"/n","event":"e","data":%s}'


@pytest.mark.parametrize("data", [b'"\xff"', b'{"\xc3\x28":1}', b'{"a":["\xed\xa0\x80"]}'])
def test_a_payload_that_is_no_utf8_never_reaches_a_browser(data: bytes) -> None:
    with pytest.raises(PayloadError, match="UTF-8"):
        read_requests(BODY % data)


def test_a_name_that_is_no_utf8() -> None:
    with pytest.raises(PayloadError, match="UTF-8"):
        read_requests(b'{"tenant":"\xff","namespace":"/n","event":"e"}')


def test_utf8_passes_byte_for_byte() -> None:
    data = '{ "a": "é\u2028😀" }'.encode()
    requests, is_list = read_requests(BODY % data)
    entry = to_entry(requests[0], {"/n": {}}, max_payload=100, time=5.0, trace="t")
    assert (entry.data, entry.time, entry.trace, is_list) == (data, 5.0, "t", False)


def test_the_path_of_what_is_wrong_in_a_batch() -> None:
    requests, is_list = read_requests(b"[" + BODY % b"1" + b"," + BODY % b"22" + b"]")
    with pytest.raises(PayloadError) as caught:
        to_entries(requests, {"/n": {}}, max_payload=1, is_list=is_list)
    assert caught.value.field == "$[1].data"


def test_a_field_of_a_wrong_type() -> None:
    with pytest.raises(PayloadError) as caught:
        read_requests(b'{"tenant":5}')
    assert caught.value.field == "$.tenant"


def test_a_body_that_is_no_object() -> None:
    with pytest.raises(PayloadError) as caught:
        read_requests(b"5")
    assert caught.value.field == "$"
