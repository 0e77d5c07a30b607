from __future__ import annotations

from typing import Any

import pytest
from pika.spec import BasicProperties

from tidegate.errors import MessageRejected
from tidegate.sources.message import AMQPContent
from tidegate.sources.rabbitmq.dead_letter import letter_properties, retry_properties

REJECTED = MessageRejected("payload_invalid", "Expected `int`, got `str`", "data.id")
OURS = {
    "x-tidegate-reason": "payload_invalid",
    "x-tidegate-error": "Expected `int`, got `str`",
    "x-tidegate-field": "data.id",
    "x-tidegate-queue": "orders",
    "x-tidegate-exchange": "events",
    "x-tidegate-routing-key": "order.made",
    "x-tidegate-time": "2023-11-14T22:13:20+00:00",
}


def letter(headers: dict[str, Any], **properties: Any) -> BasicProperties:
    content = AMQPContent(b"", "events", "order.made", headers, properties)
    return letter_properties(content, REJECTED, "orders", 1_700_000_000)


def test_headers_and_properties_stay_and_ours_are_added() -> None:
    made = letter({"k": [1, None]}, message_id="1", content_type="text/plain", delivery_mode=1)
    assert made.headers == {"k": [1, None]} | OURS
    assert (made.message_id, made.content_type) == ("1", "text/plain")
    assert made.delivery_mode == 2


def test_what_would_act_on_the_letter_moves_to_headers() -> None:
    made = letter({"CC": ["other"], "x-delivery-count": 3}, expiration="5", user_id="guest")
    assert made.headers == OURS | {
        "x-tidegate-cc": ["other"],
        "x-tidegate-expiration": "5",
        "x-tidegate-user-id": "guest",
    }
    assert (made.expiration, made.user_id) == (None, None)


@pytest.mark.parametrize("value", ["x" * 120_000, object(), 2**80, {"deep": object()}])
def test_headers_that_can_not_be_sent_again_are_left_out(value: object) -> None:
    made = letter({"k": value}, message_id="1")
    assert made.headers == OURS | {"x-tidegate-headers-dropped": True}
    assert made.message_id == "1"


def test_a_long_error_is_cut() -> None:
    rejected = MessageRejected("malformed", "x" * 5_000)
    made = letter_properties(AMQPContent(b""), rejected, "orders", 0.0)
    assert len(made.headers["x-tidegate-error"]) == 1_000


def test_a_retried_letter_is_the_message_again() -> None:
    made = letter({"k": 1, "x-tidegate-own": "theirs"}, message_id="1", expiration="5")
    made.headers |= {"x-death": [{}], "x-first-death-queue": "orders", "x-delivery-count": 2}
    back = retry_properties(made, exchange="events", routing_key="order.made")
    assert back.headers == {
        "k": 1,
        "x-tidegate-exchange": "events",
        "x-tidegate-routing-key": "order.made",
    }
    assert (back.message_id, back.expiration) == ("1", "5")
