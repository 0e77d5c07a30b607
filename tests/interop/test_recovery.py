"""A dropped client catches up: exactly what it missed, in order, none twice."""

from __future__ import annotations

from tests.conftest import Running, StartGateway, make_token
from tests.interop.official_client import NodeDriver, OfficialClient
from tidegate import Client, Namespace

SERVERS = ("own", "asgi")


async def emit(running: Running, *numbers: int, tenant: str = "acme") -> None:
    for number in numbers:
        await running.gateway.tenant(tenant).emit("tick", {"n": number}, namespace="/chat")


def numbers(client: OfficialClient) -> list[int]:
    return [event["n"] for event in client.events("tick")]


async def drop_while(client: OfficialClient, running: Running, *missed: int) -> None:
    """Cut the connection, and publish before the client is back."""
    times = len(client.said("connect"))
    client.cut()
    await client.wait("disconnect", times)
    await emit(running, *missed)
    await client.wait("connect", times + 1)


async def test_missed_events_come_once_and_in_order(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    running = await start_gateway()
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token()})
    first = await client.wait("connect")
    await emit(running, 1, 2)
    await client.heard("tick", 2)
    await drop_while(client, running, 3, 4, 5)
    await emit(running, 6)
    await client.heard("tick", 6)
    assert numbers(client) == [1, 2, 3, 4, 5, 6]
    back = await client.wait("connect", 2)
    assert back["recovered"] is True
    assert back["sid"] == first["sid"]


async def test_recovery_works_for_a_client_that_had_received_nothing(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    running = await start_gateway()
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token()})
    await client.wait("connect")
    await drop_while(client, running, 1, 2)
    await client.heard("tick", 2)
    assert numbers(client) == [1, 2]
    assert (await client.wait("connect", 2))["recovered"] is True


async def test_recovery_works_the_second_and_third_time(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    running = await start_gateway()
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token()})
    await client.wait("connect")
    for round_ in range(3):
        await drop_while(client, running, 2 * round_, 2 * round_ + 1)
        await client.heard("tick", 2 * round_ + 2)
    assert numbers(client) == [0, 1, 2, 3, 4, 5]
    assert [line["recovered"] for line in client.said("connect")] == [False, True, True, True]


async def test_a_window_that_moved_on_gives_no_part_of_the_gap(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    window = {"bytes": 100_000, "tenant_bytes": 20_000}
    running = await start_gateway(window=window)
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token()})
    await client.wait("connect")
    await emit(running, 0)
    await client.heard("tick", 1)
    await drop_while(client, running, *range(1, 200))
    await emit(running, 1000)
    await client.heard("tick", 2)
    assert numbers(client) == [0, 1000]
    assert (await client.wait("connect", 2))["recovered"] is False


async def test_a_quiet_client_recovers_although_its_tenant_moved_far_on(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    running = await start_gateway(window={"bytes": 100_000, "tenant_bytes": 20_000})
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token()})
    await client.wait("connect")
    other = running.gateway.tenant("acme").user("somebody else")
    for number in range(200):
        await other.emit("tick", {"n": number}, namespace="/chat")
    await drop_while(client, running, 1)
    await client.heard("tick", 1)
    assert numbers(client) == [1]
    assert (await client.wait("connect", 2))["recovered"] is True


async def test_a_gateway_that_lost_its_log_says_so(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    first = await start_gateway()
    client = node.client("a", f"{first.url}/chat", auth={"token": make_token()})
    await client.wait("connect")
    await emit(first, 1)
    await client.heard("tick", 1)
    await first.stop()
    await client.wait("disconnect")
    second = await start_gateway(port=first.port)
    assert (await client.wait("connect", 2))["recovered"] is False
    await emit(second, 2)
    await client.heard("tick", 2)
    assert numbers(client) == [1, 2]


async def test_another_users_token_recovers_nothing(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    running = await start_gateway()
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token(user="1")})
    first = await client.wait("connect")
    await emit(running, 1)
    await client.heard("tick", 1)
    client.present(token=make_token(user="2"))
    await drop_while(client, running, 2)
    await emit(running, 3)
    await client.heard("tick", 2)
    assert numbers(client) == [1, 3]
    back = await client.wait("connect", 2)
    assert back["recovered"] is False
    assert back["sid"] != first["sid"]


async def test_an_expired_token_recovers_nothing(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    running = await start_gateway(auth={"leeway": 0})
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token()})
    await client.wait("connect")
    client.present(token=make_token(ttl=-1))
    client.cut()
    refused = await client.wait("connect_error")
    assert refused["data"] == {"code": "token_expired", "retry": False}
    assert refused["active"] is False


async def test_resource_rooms_come_back_after_their_authorizers_were_asked_again(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    chat = Namespace("/chat")
    allowed = {"1", "2"}

    @chat.room("talk:{number}")
    async def may_join(client: Client, number: str) -> bool:
        return number in allowed

    running = await start_gateway(chat)
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token()})
    await client.wait("connect")
    assert (await client.ask("tidegate.join", {"room": "talk:1"}))[0]["ok"] is True
    assert (await client.ask("tidegate.join", "talk:2"))[0]["ok"] is True
    allowed.remove("2")
    client.cut()
    await client.wait("disconnect")
    tenant = running.gateway.tenant("acme")
    await tenant.room("talk:1").emit("tick", {"n": 1})
    await tenant.room("talk:2").emit("tick", {"n": 2})
    assert (await client.wait("connect", 2))["recovered"] is True
    await tenant.room("talk:2").emit("tick", {"n": 3})
    await tenant.room("talk:1").emit("tick", {"n": 4})
    await client.heard("tick", 2)
    assert numbers(client) == [1, 4]


async def test_rooms_that_the_connect_hook_gives_again_have_no_gap(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    chat = Namespace("/chat")

    @chat.on_connect
    def enter(client: Client) -> None:
        client.join("staff")

    running = await start_gateway(chat)
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token()})
    await client.wait("connect")
    client.cut()
    await client.wait("disconnect")
    staff = running.gateway.tenant("acme").room("staff")
    await staff.emit("tick", {"n": 1})
    assert (await client.wait("connect", 2))["recovered"] is True
    await staff.emit("tick", {"n": 2})
    await client.heard("tick", 2)
    assert numbers(client) == [1, 2]
