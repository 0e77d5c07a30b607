"""Bodies and replies, in literals."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.app.forward_envelopes import encode_body, new_reply
from tidegate.app.forwards import Forward
from tidegate.errors import Refused

NEST = Forward(event="message.send", queue="q")
PLAIN = Forward(event="message.send", queue="q", envelope="plain")


@pytest.mark.parametrize(
    ("forward", "request_id", "body"),
    [
        (NEST, None, b'{"pattern":"message.send","data":{ "a": 1.0 }}'),
        (NEST, "r-1", b'{"pattern":"message.send","data":{ "a": 1.0 },"id":"r-1"}'),
        (
            Forward(event="e", queue="q", pattern={"cmd": "send"}),
            None,
            b'{"pattern":{"cmd":"send"},"data":{ "a": 1.0 }}',
        ),
        (
            Forward(event="e", queue="q", pattern='say "hi"'),
            None,
            b'{"pattern":"say \\"hi\\"","data":{ "a": 1.0 }}',
        ),
        (PLAIN, "r-1", b'{ "a": 1.0 }'),
    ],
)
def test_the_payload_is_in_the_body_byte_for_byte(
    forward: Forward, request_id: str | None, body: bytes
) -> None:
    assert encode_body(forward, b'{ "a": 1.0 }', request_id) == body


def read(forward: Forward, *bodies: bytes) -> Any:
    reply = new_reply(forward)
    assert [reply.feed(body) for body in bodies] == [False] * (len(bodies) - 1) + [True]
    result = reply.result()
    return None if result is None else bytes(result)


@pytest.mark.parametrize(
    ("bodies", "result"),
    [
        ([b'{"response":{ "a": 1.0 },"isDisposed":true}'], b'{ "a": 1.0 }'),
        ([b'{"response":null,"isDisposed":true}'], b"null"),
        ([b'{"isDisposed":true}'], None),
        ([b'{"err":null,"response":1,"isDisposed":true}'], b"1"),
        ([b'{"response":1}', b'{"response":2}', b'{"isDisposed":true}'], b"2"),
        ([b'{"response":1}', b'{"response":2,"isDisposed":true}'], b"2"),
    ],
)
def test_nest_replies(bodies: list[bytes], result: bytes | None) -> None:
    assert read(NEST, *bodies) == result


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"err":"No such order","isDisposed":true}', "No such order"),
        (b'{"err":{"status":"error","message":"No such order"}}', "No such order"),
        (b'{"err":{"message":["a is missing","b is missing"]}}', "a is missing; b is missing"),
        (b'{"err":{"code":7}}', "The service failed."),
        (b'{"err":""}', "The service failed."),
        (b"[]", "The service's reply can't be read."),
        (b'{"response":', "The service's reply can't be read."),
        (b'{"response":"\xff","isDisposed":true}', "The service's reply can't be read."),
        (b"[" * 100_000, "The service's reply can't be read."),
    ],
)
def test_errors_of_nest_are_the_services_own_words(body: bytes, message: str) -> None:
    with pytest.raises(Refused) as refusal:
        read(NEST, body)
    assert (refusal.value.code, refusal.value.message) == ("service_error", message)


def test_a_plain_reply_is_the_ack() -> None:
    assert read(PLAIN, b' {"ok": true} ') == b'{"ok": true}'
    for body in (b"", b"ok", b'"\xff"', b"[" * 100_000):
        with pytest.raises(Refused, match="can't be read"):
            read(PLAIN, body)
