"""A client of a test: what it hears, sends, misses, and says when something never comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pydantic
import pytest
from msgspec import Struct

from tidegate import Client, Event, Gateway, Namespace, PayloadError
from tidegate.testing import ConnectError, ReceivedEvent, TestClient, TestGateway


class Avatar(Event, name="avatar.changed", rename="camel"):
    user_id: str
    image: bytes


class Move(Struct):
    x: int


class Model(pydantic.BaseModel):
    title: str


board = Namespace("/board", events=[Avatar])
gateway = Gateway([board])


@board.on("move")
def move(client: Client, move: Move, by: int = 1) -> dict[str, int]:
    return {"x": move.x + by}


@board.on("two")
async def two(client: Client, body: bytes, model: Model) -> tuple[bytes, str]:
    return body[::-1], model.title


@board.on("nothing")
def nothing(client: Client) -> None: ...


@board.on("never")
async def never(client: Client) -> None:
    await asyncio.Event().wait()


@board.on("ask")
async def ask(client: Client) -> Any:
    return await client.call("confirm", {"image": b"\x00"}, within=0.2)


@board.room("game:{number}")
def may_join(client: Client, number: int) -> bool:
    return number in client.claims.get("games", [])


@pytest.fixture
async def world() -> AsyncIterator[TestGateway]:
    async with TestGateway(gateway, timeout=3) as world:
        yield world


@pytest.fixture
async def ada(world: TestGateway) -> TestClient:
    return await world.connect(tenant="acme", user="ada", claims={"games": [7]})


# Hearing


async def test_an_event_is_received_once_the_oldest_first(ada: TestClient) -> None:
    acme = gateway.tenant("acme")
    for number in (1, 2):
        await acme.emit("tick", number)
        await acme.emit("tock", number)
    assert [await ada.receive("tock"), await ada.receive("tick")] == [1, 1]
    assert [await ada.receive("tick"), await ada.receive("tock")] == [2, 2]
    assert ada.events == [("tick", 1), ("tock", 1), ("tick", 2), ("tock", 2)]
    assert ada.events[0] == ReceivedEvent("tick", 1)


async def test_a_receiver_waits_for_what_comes_later(ada: TestClient) -> None:
    waiting = asyncio.ensure_future(ada.receive("tick"))
    await asyncio.sleep(0)
    await gateway.tenant("acme").emit("tick", None)
    assert await waiting is None


async def test_declared_events_come_as_their_type(ada: TestClient) -> None:
    avatar = Avatar(user_id="ada", image=b"\x89PNG")
    await gateway.tenant("acme").emit(avatar)
    await gateway.tenant("acme").emit("avatar.changed", {"userId": 1, "image": b""})
    assert await ada.receive(Avatar) == avatar
    with pytest.raises(PayloadError, match=r"userId"):
        await ada.receive(Avatar)
    assert ada.events[0] == ("avatar.changed", {"userId": "ada", "image": b"\x89PNG"})


async def test_what_never_came_is_told_with_what_came_instead(ada: TestClient) -> None:
    acme = gateway.tenant("acme")
    await acme.emit("before", None)
    await ada.receive("before")
    await acme.emit("tock", {"n": 1})
    with pytest.raises(AssertionError) as failed:
        await ada.receive("tick", timeout=0.1)
    assert str(failed.value) == (
        "/board: no 'tick' came within 0.1 s; not received yet: 'tock' with {'n': 1}; "
        "received before: 1"
    )
    for number in range(9):
        await acme.emit("tock", number)
    with pytest.raises(AssertionError, match="and 5 more"):
        await ada.receive("tick", timeout=0.1)


async def test_nobody_waits_for_a_client_that_was_disconnected(
    world: TestGateway, ada: TestClient
) -> None:
    waiting = asyncio.ensure_future(ada.receive("tick"))
    await gateway.tenant("acme").emit("tock")
    await world.settle()
    await gateway.tenant("acme").user("ada").revoke()
    with pytest.raises(AssertionError, match=r"disconnected \(io server disconnect\); not rec"):
        await waiting
    assert await ada.receive("tock") is None  # it came before the end


# Sending


async def test_calls_return_acks_as_the_browser_gets_them(ada: TestClient) -> None:
    assert await ada.call("move", {"x": 1}) == {"x": 2}
    assert await ada.call("move", Move(1), 5) == {"x": 6}
    assert await ada.call("two", b"abc", Model(title="t")) == [b"cba", "t"]
    assert await ada.call("nothing") is None
    misfit = await ada.call("move", {"x": "1"})
    assert (misfit["error"]["code"], misfit["error"]["field"]) == ("invalid_payload", "$.x")
    assert (await ada.call("tidegate.join", "game:8"))["error"]["code"] == "forbidden"
    assert (await ada.call("tidegate.join", {"room": "game:7"}))["ok"] is True
    with pytest.raises(PayloadError, match="no JSON form"):
        await ada.call("move", object())


async def test_a_call_without_an_answer_says_so(ada: TestClient) -> None:
    with pytest.raises(AssertionError, match=r"'never' was not acknowledged within 0\.1 s"):
        await ada.call("never", timeout=0.1)
    calling = asyncio.ensure_future(ada.call("never"))
    await asyncio.sleep(0)
    await ada.drop()
    with pytest.raises(AssertionError, match=r"not acknowledged: the client is disconnected"):
        await calling


async def test_nothing_is_sent_by_a_client_that_is_gone(ada: TestClient) -> None:
    await ada.drop()
    with pytest.raises(AssertionError, match=r"disconnected \(transport close\); `reconnect` it"):
        await ada.call("nothing")
    with pytest.raises(AssertionError, match="can't be sent"):
        await ada.emit("nothing")


async def test_order_holds_over_many_messages(ada: TestClient) -> None:
    calls = [ada.call("move", {"x": number}) for number in range(50)]
    assert await asyncio.gather(*calls) == [{"x": number + 1} for number in range(50)]


async def test_limits_hold(ada: TestClient) -> None:
    for _ in range(101):
        await ada.emit("nothing")
    assert await ada.wait_disconnected() == "io server disconnect"


# Being called


async def test_a_listener_answers_a_call_of_the_gateway(ada: TestClient) -> None:
    assert (await ada.call("ask"))["error"]["code"] == "internal"  # TimeoutError: nobody listens
    ada.on("confirm", lambda question: [question["image"], "yes"])
    assert await ada.call("ask") == [b"\x00", "yes"]
    assert ada.events == 2 * [("confirm", {"image": b"\x00"})]


async def test_what_a_listener_raises_is_raised_by_the_next_wait(
    world: TestGateway, ada: TestClient
) -> None:
    def fail(data: Any) -> None:
        raise LookupError(data)

    ada.on("tick", fail)
    await gateway.tenant("acme").emit("tick", "a")
    with pytest.raises(LookupError, match="a"):
        await ada.receive("tock")
    await gateway.tenant("acme").emit("tick", "b")
    with pytest.raises(LookupError, match="b"):
        await world.settle()
    assert [event.data for event in ada.events] == ["a", "b"]


async def test_what_a_listener_raises_is_not_lost_at_the_end() -> None:
    def fail(data: Any) -> None:
        raise LookupError(data)

    async def story() -> None:
        async with TestGateway(gateway) as world:
            client = await world.connect(tenant="acme", user="ada")
            client.on("tick", fail)
            await gateway.tenant("acme").emit("tick", "a")
            await world.connect(tenant="acme", user="bob")

    with pytest.raises(LookupError):
        await story()
    assert not gateway.tasks


# Going and coming


async def test_what_was_missed_arrives_after_the_return(ada: TestClient) -> None:
    await ada.call("tidegate.join", "game:7")
    acme, sid = gateway.tenant("acme"), ada.sid
    for round_ in range(2):
        await acme.emit("tick", round_)
        await ada.receive("tick")
        await ada.drop()
        assert (ada.is_connected, ada.disconnect_reason) == (False, "transport close")
        await acme.room("game:7").emit("missed", round_)
        await ada.reconnect()
        assert (ada.is_recovered, ada.sid) == (True, sid)
        assert await ada.receive("missed") == round_
    assert len(ada.events) == 4


async def test_who_left_may_come_back(world: TestGateway, ada: TestClient) -> None:
    await ada.disconnect()
    assert ada.disconnect_reason == "io client disconnect"
    await ada.reconnect()
    await gateway.tenant("acme").emit("tick", 1)
    assert await ada.receive("tick") == 1


async def test_a_connected_client_can_not_come_back(ada: TestClient) -> None:
    with pytest.raises(RuntimeError, match="is connected"):
        await ada.reconnect()


async def test_a_return_may_be_refused_and_tried_with_a_fresh_token(
    world: TestGateway, ada: TestClient
) -> None:
    await ada.drop()
    await gateway.tenant("acme").user("ada").revoke()
    with pytest.raises(ConnectError) as refused:
        await ada.reconnect()
    assert refused.value.code == "token_revoked"
    with pytest.raises(ConnectError) as refused:
        await ada.reconnect(auth={"token": world.token(tenant="acme", user="ada", expires_in=-1)})
    assert refused.value.code == "token_expired"
    await ada.reconnect(auth={"token": world.token(tenant="acme", user="bob")})
    assert not ada.is_recovered


async def test_a_token_is_warned_of_and_ends(world: TestGateway) -> None:
    client = await world.connect(tenant="acme", user="ada", expires_in=1.2)
    notice = await client.receive("tidegate.token_expiring")
    assert 0 < notice["expires_in"] < 0.7
    assert await client.wait_disconnected() == "io server disconnect"


async def test_a_fresh_token_is_taken_in_band(world: TestGateway, ada: TestClient) -> None:
    fresh = world.token(tenant="acme", user="ada")
    assert (await ada.call("tidegate.refresh_token", fresh))["ok"] is True
    foreign = world.token(tenant="globex", user="ada")
    assert "error" in await ada.call("tidegate.refresh_token", foreign)


async def test_a_connection_that_is_cut_by_the_gateway(ada: TestClient) -> None:
    await gateway.drain()
    assert await ada.wait_disconnected() == "transport close"
    with pytest.raises(ConnectError) as refused:
        await ada.reconnect()
    assert refused.value.code


async def test_who_stays_connected_is_told(ada: TestClient) -> None:
    with pytest.raises(AssertionError, match=r"it was not disconnected within 0\.1 s"):
        await ada.wait_disconnected(timeout=0.1)
