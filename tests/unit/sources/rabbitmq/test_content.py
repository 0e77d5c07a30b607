from __future__ import annotations

from typing import Any

from pika.spec import Basic, BasicProperties

from tidegate.sources.message import AMQPContent
from tidegate.sources.rabbitmq.content import content_of, fingerprint


def deliver(**fields: Any) -> Basic.Deliver:
    return Basic.Deliver("tag", 1, **fields)


def test_only_properties_that_are_set_are_there() -> None:
    properties = BasicProperties(message_id="1", content_type="text/plain", headers={"k": 1})
    method = deliver(exchange="events", routing_key="order.made")
    assert content_of(method, properties, b"body") == AMQPContent(
        b"body",
        "events",
        "order.made",
        {"k": 1},
        {"content_type": "text/plain", "message_id": "1"},
    )


def test_a_retried_message_has_the_exchange_and_key_it_was_published_with() -> None:
    headers = {"x-tidegate-exchange": "events", "x-tidegate-routing-key": "order.made"}
    content = content_of(
        deliver(exchange="", routing_key="queue"), BasicProperties(headers=headers), b""
    )
    assert (content.exchange, content.routing_key) == ("events", "order.made")


def test_headers_say_nothing_about_what_came_through_an_exchange() -> None:
    headers = {"x-tidegate-exchange": "other", "x-tidegate-routing-key": "forged"}
    content = content_of(
        deliver(exchange="events", routing_key="order.made"), BasicProperties(headers=headers), b""
    )
    assert (content.exchange, content.routing_key) == ("events", "order.made")


def test_a_fingerprint_is_the_same_on_every_node_and_delivery() -> None:
    content = AMQPContent(b"body", "events", "order.made", {"k": 1}, {"type": "order"})
    again = AMQPContent(
        b"body", "events", "order.made", {"k": 1, "x-delivery-count": 2}, {"type": "order"}
    )
    assert fingerprint("orders", content) == fingerprint("orders", again)
    assert fingerprint("orders", AMQPContent(b"a")) == 272829799757926794


def test_each_part_changes_the_fingerprint() -> None:
    contents = [
        AMQPContent(b"a", "e", "k"),
        AMQPContent(b"b", "e", "k"),
        AMQPContent(b"a", "f", "k"),
        AMQPContent(b"a", "e", "l"),
        AMQPContent(b"a", "ek", ""),
        AMQPContent(b"a", "e", "k", {"h": 1}),
        AMQPContent(b"a", "e", "k", {"h": 2}),
        AMQPContent(b"a", "e", "k", {}, {"h": 1}),
    ]
    prints = {fingerprint("q", content) for content in contents} | {fingerprint("r", contents[0])}
    assert len(prints) == len(contents) + 1
    assert all(0 <= each < 2**64 for each in prints)
