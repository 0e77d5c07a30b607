"""The two NestJS services that other tests rely on understand each other."""

from __future__ import annotations

from tests.conftest import Broker
from tests.interop.nest_services import NestPublisher, NestResponder
from tidegate.ids import random_id


async def test_the_publisher_asks_and_the_responder_answers(broker: Broker) -> None:
    queue = f"nest.{random_id()}"
    async with (
        NestResponder(broker.url, queue) as responder,
        NestPublisher(broker.url, queue) as publisher,
    ):
        headers = {"x-tenant": "acme"}
        answer = await publisher.ask("echo", {"n": 1}, headers=headers, messageId="m-1")
        assert answer == {"data": {"n": 1}, "headers": headers}
        assert await publisher.ask({"cmd": "echo"}, [1]) == {"data": [1], "headers": {}}
        assert responder.heard("echo")[0]["messageId"] == "m-1"
        await publisher.emit("note", "hello")
        assert (await responder.wait("note"))["data"] == "hello"


async def test_wildcards_and_fanout_reach_the_responder(broker: Broker) -> None:
    topic, fanout = f"nest.{random_id()}", f"nest.{random_id()}"
    through_fanout = {"exchange": fanout, "exchangeType": "fanout"}
    async with (
        NestResponder(broker.url, topic, wildcards=True) as by_topic,
        NestPublisher(broker.url, topic, wildcards=True) as topic_publisher,
        NestResponder(broker.url, f"{fanout}.a", **through_fanout) as first,
        NestResponder(broker.url, f"{fanout}.b", **through_fanout) as second,
        NestPublisher(broker.url, "unused", **through_fanout) as fanout_publisher,
    ):
        await topic_publisher.emit("note", 1)
        assert (await by_topic.wait("note"))["data"] == 1
        await fanout_publisher.emit("note", 2)
        assert (await first.wait("note"))["data"] == (await second.wait("note"))["data"] == 2
