"""Many nodes on one log: what dies, and what nobody notices of it.

``pytest -s tests/rabbitmq/test_nodes.py`` prints what was sent, received, doubled and out of order.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.broker import PrivateBroker
from tests.conftest import Broker, make_token, until
from tests.interop.official_client import NodeDriver, OfficialClient
from tests.rabbitmq.cluster import Cluster, Load, cluster, heard_all, numbers, report

TENANTS = ["acme", "globex", "initech"]
CLIENTS = 30


async def connect(node: NodeDriver, url: str, count: int = CLIENTS) -> dict[OfficialClient, str]:
    clients = {}
    for number in range(count):
        tenant = TENANTS[number % len(TENANTS)]
        token = make_token(tenant=tenant, user=f"u{number}", ttl=600)
        client = node.client(
            f"c{number}", f"{url}/chat", auth={"token": token}, forceNew=True, timeout=5000
        )
        clients[client] = tenant
    for client in clients:
        await client.wait("connect")
    return clients


async def test_an_event_reaches_the_clients_of_all_nodes(
    broker: Broker, node: NodeDriver, tmp_path: Path
) -> None:
    async with cluster(broker, tmp_path, nodes=2) as nodes:
        first, second = nodes.nodes
        token = {"token": make_token()}
        one = node.client("one", f"http://127.0.0.1:{first.port}/chat", auth=token)
        two = node.client("two", f"http://127.0.0.1:{second.port}/chat", auth=token)
        await one.wait("connect")
        await two.wait("connect")
        event = {"tenant": "acme", "namespace": "/chat", "event": "tick", "data": {"n": 1}}
        assert (await second.post("/v1/events", event)).status_code == 202
        assert await one.heard("tick", 1) == [{"n": 1}]
        assert await two.heard("tick", 1) == [{"n": 1}]


async def test_a_killed_node_costs_its_clients_nothing(
    broker: Broker, node: NodeDriver, tmp_path: Path
) -> None:
    async with cluster(broker, tmp_path, nodes=2) as nodes:
        clients = await connect(node, await nodes.balancer.start())
        load = Load(broker.url, nodes.queue, TENANTS)
        load.start()
        await load.sent_at_least(200)
        await nodes.nodes[0].kill()  # the first is the one that consumes the queue
        await load.sent_at_least(600)
        await load.stop()
        counts = await heard_all(clients, load.sent)
        back = [client for client in clients if len(client.said("connect")) > 1]
        recovered = [client.said("connect")[1]["recovered"] for client in back]
        report("node killed", counts, reconnected=len(back), recovered=sum(recovered))
        assert len(back) == CLIENTS // 2
        assert all(recovered)
        assert all(count.is_right for count in counts)


async def test_a_rolling_restart_costs_nothing(
    broker: Broker, node: NodeDriver, tmp_path: Path
) -> None:
    async with cluster(broker, tmp_path, nodes=2) as nodes:
        clients = await connect(node, await nodes.balancer.start())
        load = Load(broker.url, nodes.queue, TENANTS)
        load.start()
        await load.sent_at_least(100)
        for old in list(nodes.nodes):
            await nodes.add()
            assert await old.stop() == 0
            nodes.nodes.remove(old)
            await load.sent_at_least(min(load.sent.values()) + 100)
        await load.stop()
        counts = await heard_all(clients, load.sent)
        connects = [line for client in clients for line in client.said("connect")[1:]]
        recovered = sum(line["recovered"] for line in connects)
        report("rolling restart", counts, reconnected=len(connects), recovered=recovered)
        assert len(connects) >= CLIENTS
        assert recovered == len(connects)
        assert all(count.is_right for count in counts)


@pytest.mark.parametrize("is_killed", [True, False], ids=["killed", "stopped"])
async def test_a_restarted_broker_costs_nothing_that_was_confirmed(
    node: NodeDriver, tmp_path: Path, *, is_killed: bool
) -> None:
    with PrivateBroker() as private:
        broker = Broker(private.url, private.stream_url)
        async with cluster(broker, tmp_path, nodes=2) as nodes:
            clients = await connect(node, await nodes.balancer.start())
            load = Load(broker.url, nodes.queue, TENANTS, has_ids=True)
            load.start()
            await load.sent_at_least(100)
            await asyncio.to_thread(private.kill if is_killed else private.stop)
            for each in nodes.nodes:
                await each.wait_ready(is_ready=False)
            await asyncio.to_thread(private.start)
            for each in nodes.nodes:
                await each.wait_ready(is_ready=True)
            await load.sent_at_least(min(load.sent.values()) + 100)
            await load.stop()
            counts = await heard_all(clients, load.sent)
            connects = sum(len(client.said("connect")) for client in clients)
            what = f"broker {'killed' if is_killed else 'stopped'}"
            report(what, counts, published_again=load.retried, reconnected=connects - CLIENTS)
            assert connects == CLIENTS
            assert all(count.is_right for count in counts)
            for each in nodes.nodes:
                assert "Traceback" not in each.said()


async def test_resource_rooms_come_back_on_another_node(
    broker: Broker, node: NodeDriver, tmp_path: Path
) -> None:
    module = tmp_path / "rooms.py"
    module.write_text(
        "from tidegate import Client, Gateway, Namespace\n"
        "chat = Namespace('/chat')\n"
        "@chat.room('talk:{number}')\n"
        "async def may_join(client: Client, number: str) -> bool:\n"
        "    return True\n"
        "gateway = Gateway([chat])\n"
    )
    async with cluster(broker, tmp_path, nodes=0, PYTHONPATH=str(tmp_path)) as nodes:
        nodes.arguments = ["rooms:gateway"]
        first, second = await nodes.add(), await nodes.add()
        url = await nodes.balancer.start()
        client = node.client("a", f"{url}/chat", auth={"token": make_token()})
        await client.wait("connect")
        assert (await client.ask("tidegate.join", "talk:1"))[0]["ok"] is True
        here = first if (await first.metrics())["tidegate_connections"] else second
        there = second if here is first else first
        await here.kill()
        event = {"tenant": "acme", "namespace": "/chat", "event": "tick", "room": "talk:1"}
        for number in range(3):
            await there.post("/v1/events", {**event, "data": {"n": number}})
        await client.heard("tick", 3)
        assert numbers(client) == [0, 1, 2]
        assert (await client.wait("connect", 2))["recovered"] is True
        assert (await client.ask("tidegate.leave", "talk:1"))[0]["ok"] is True
        await there.post("/v1/events", {**event, "data": {"n": 3}})
        await there.post("/v1/events", {**event, "data": {"n": 4}, "room": None})
        await client.heard("tick", 4)
        assert numbers(client) == [0, 1, 2, 4]


async def test_control_reaches_all_nodes_also_those_that_start_later(
    broker: Broker, node: NodeDriver, tmp_path: Path
) -> None:
    async with cluster(broker, tmp_path, nodes=2, TIDEGATE_WINDOW__AGE="1") as nodes:
        first, second = nodes.nodes
        token = make_token(user="42", ttl=600)
        client = node.client("a", f"http://127.0.0.1:{first.port}/chat", auth={"token": token})
        await client.wait("connect")
        answer = await second.post("/v1/tenants/acme/revoke", {"user": "42"})
        assert answer.status_code == 202
        gone = await client.wait("disconnect")
        assert gone["reason"] == "io server disconnect"
        await asyncio.sleep(0)
        third = await nodes.add()
        again = node.client("b", f"http://127.0.0.1:{third.port}/chat", auth={"token": token})
        refused = await again.wait("connect_error")
        assert refused["data"]["code"] == "token_revoked"


async def test_a_node_waits_for_a_broker_that_is_not_there(tmp_path: Path) -> None:
    nowhere = Broker("amqp://guest:guest@127.0.0.1:1/", "rabbitmq-stream://127.0.0.1:1/")
    nodes = Cluster(nowhere, tmp_path)
    waiting = await nodes.add_unready()
    try:
        await until(lambda: "can't be reached" in waiting.said(), "the log line")
        assert not await waiting.is_ready()
        event = {"tenant": "acme", "namespace": "/chat", "event": "tick"}
        assert (await waiting.post("/v1/events", event)).status_code == 503
        assert await waiting.stop() == 0
    finally:
        await nodes.close()
    assert "Traceback" not in waiting.said()


@pytest.mark.parametrize("port", ["amqp", "stream"])
async def test_wrong_credentials_are_an_error_at_once(
    broker: Broker, tmp_path: Path, port: str
) -> None:
    wrong = broker.url.replace("guest:guest", "guest:wrong")
    wrong_stream = broker.stream_url.replace("guest:guest", "guest:wrong")
    address = (
        Broker(wrong, broker.stream_url) if port == "amqp" else Broker(broker.url, wrong_stream)
    )
    nodes = Cluster(address, tmp_path)
    refused = await nodes.add_unready()
    try:
        assert await refused.exited() == 2
    finally:
        await nodes.close()
    assert "rabbitmq." in refused.said()
    assert "wrong" not in refused.said().replace("wrong credentials", "")
    assert "Traceback" not in refused.said()
