"""Client events that are forwarded, and functions that play their services."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate import ConfigError, Gateway, Namespace, Settings
from tidegate.testing import Forwarded, TestGateway

orders = Namespace("/orders")
orders.forward("order.place", queue="orders", payload=dict[str, int])
orders.forward("order.plain", exchange="events", envelope="plain")
gateway = Gateway([orders])


async def test_the_reply_of_a_service_is_the_ack() -> None:
    def place(forwarded: Forwarded) -> Any:
        return {"placed": forwarded.data["n"], "for": forwarded.headers["x-tidegate-user"]}

    async with TestGateway(gateway) as world:
        world.on_forward("order.place", place)
        world.on_forward("order.plain", lambda forwarded: [forwarded.data])
        ada = await world.connect(tenant="acme", user="ada")
        assert await ada.call("order.place", {"n": 1}) == {"placed": 1, "for": "ada"}
        assert await ada.call("order.plain", {"pattern": "p", "data": 2}) == [
            {"pattern": "p", "data": 2}
        ]
        assert (await ada.call("order.place", {"n": "x"}))["error"]["code"] == "invalid_payload"
        await ada.emit("order.place", {"n": 3})
        await world.settle()
    assert [(sent.event, sent.data) for sent in world.forwarded] == [
        ("order.place", {"n": 1}),
        ("order.plain", {"pattern": "p", "data": 2}),
        ("order.place", {"n": 3}),
    ]
    assert (world.forwarded[0].message.exchange, world.forwarded[0].message.routing_key) == (
        "",
        "orders",
    )


async def test_without_a_service_the_client_is_told() -> None:
    async with TestGateway(gateway) as world:
        ada = await world.connect(tenant="acme", user="ada")
        refused = await ada.call("order.place", {"n": 1})
    assert refused["error"]["code"] == "unavailable"
    assert "on_forward" in refused["error"]["message"]
    assert world.forwarded == []


async def test_forwards_of_the_settings_count() -> None:
    table = {"namespace": "/news", "event": "read", "queue": "q"}
    settings = Settings.model_validate(
        {"namespaces": ["/news"], "forwards": [table], "rabbitmq": {"url": "amqp://nowhere.test/"}}
    )
    async with TestGateway(Gateway(settings=settings)) as world:
        world.on_forward("read", lambda forwarded: None)
        ada = await world.connect(tenant="acme", user="ada")
        assert await ada.call("read", 1) is None


async def test_outside_of_a_test_a_forward_needs_its_broker() -> None:
    async with TestGateway(gateway):
        pass
    with pytest.raises(ConfigError, match=r"rabbitmq\.url"):
        await gateway.start()
    await gateway.stop()
