"""A gateway under test: its life, who gets in, and what it takes to be sure of a silence."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvloop

from tidegate import (
    AuthError,
    Client,
    Event,
    Gateway,
    Handshake,
    Identity,
    Namespace,
    Refused,
    Settings,
    TenantId,
    UserId,
)
from tidegate.testing import ConnectError, TestGateway


class Created(Event, name="created"):
    id: str


news = Namespace("/news", events=[Created])
gateway = Gateway([news])
gone: list[tuple[str, str]] = []


@news.on_connect
def enter(client: Client) -> None:
    if client.claims.get("suspended"):
        raise Refused("suspended")


@news.on_disconnect
async def leave(client: Client, reason: str) -> None:
    await asyncio.sleep(0)
    gone.append((client.user_id, reason))


@news.on("publish")
async def publish(client: Client, number: str) -> None:
    for _ in range(3):
        await asyncio.sleep(0)
    await client.tenant.emit(Created(number))


@news.on("wait")
async def wait(client: Client) -> None:
    await asyncio.Event().wait()


@pytest.fixture
async def world() -> AsyncIterator[TestGateway]:
    gone.clear()
    async with TestGateway(gateway) as world:
        yield world


# Its life


async def test_a_gateway_can_be_tested_again_and_is_as_it_was() -> None:
    settings, log = gateway.settings, gateway._log
    for _ in range(2):
        async with TestGateway(gateway) as world:
            client = await world.connect(tenant="acme", user="ada")
            await gateway.tenant("acme").emit(Created("1"))
            assert await client.receive(Created) == Created("1")
        assert not client.is_connected
        assert (gateway.settings, gateway._log) == (settings, log)
        assert not gateway.tasks


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_it_needs_no_pytest_and_no_special_loop(run: Callable[..., None]) -> None:
    async def story() -> None:
        async with TestGateway(gateway) as world:
            client = await world.connect(tenant="acme", user="ada")
            await client.call("publish", "1")
            assert await client.receive("created") == {"id": "1"}

    run(story())
    run(story())


def test_it_does_not_import_pytest() -> None:
    code = "import sys, tidegate.testing; print('pytest' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert said.stdout == b"False\n"


async def test_a_gateway_that_runs_is_not_tested(world: TestGateway) -> None:
    with pytest.raises(RuntimeError, match="runs already"):
        await TestGateway(gateway).__aenter__()
    assert gateway.is_ready


async def test_outside_of_the_block_the_error_says_what_to_do() -> None:
    with pytest.raises(RuntimeError, match="async with TestGateway"):
        await TestGateway(gateway).connect(tenant="acme", user="ada")


async def test_no_broker_and_no_key_of_the_settings_is_needed() -> None:
    settings = Settings.model_validate(
        {
            "log": {"kind": "rabbitmq"},
            "rabbitmq": {"url": "amqp://nowhere.invalid:1/", "queues": ["q"]},
            "auth": {
                "jwks_url": "https://nowhere.invalid/keys",
                "issuer": "https://issuer.example.com/",
                "audience": ["web", "app"],
                "tenant_claim": "https://example.com/claims.org.id",
            },
            "limits": {"user_connections": 1},
        }
    )
    namespace = Namespace("/n")

    @namespace.on("claims")
    def claims(client: Client) -> dict[str, Any]:
        return client.claims

    async with TestGateway(Gateway([namespace], settings=settings)) as world:
        client = await world.connect(tenant="acme", user="ada", claims={"role": "admin"})
        told = await client.call("claims")
        with pytest.raises(ConnectError) as refused:
            await world.connect(tenant="acme", user="ada")
    del told["iat"], told["exp"]
    assert told == {
        "iss": "https://issuer.example.com/",
        "aud": "web",
        "https://example.com/claims": {"org": {"id": "acme"}},
        "sub": "ada",
        "role": "admin",
    }
    assert (refused.value.code, refused.value.retry) == ("limit_reached", True)


async def test_settings_may_be_others_than_the_gateways() -> None:
    bare = Gateway()
    for names in (["/a", "/b"], ["/b", "/c"]):
        settings = Settings.model_validate({"namespaces": names})
        async with TestGateway(bare, settings=settings) as world:
            with pytest.raises(ValueError, match=f"served are {', '.join(names)}"):
                await world.connect(tenant="acme", user="ada")
            assert (await world.connect("/b", tenant="acme", user="ada")).namespace == "/b"
    assert bare.namespaces == {}


# Who gets in


@pytest.mark.parametrize(
    ("presented", "code", "message"),
    [
        ({"auth": {}}, "token_missing", "Unauthorized"),
        ({"auth": {"token": "forged"}}, "token_invalid", "Unauthorized"),
        ({"tenant": "acme", "user": "ada", "expires_in": -1}, "token_expired", "Unauthorized"),
        ({"tenant": "acme", "user": "ada", "claims": {"suspended": 1}}, "forbidden", "suspended"),
        ({"tenant": "acme", "user": "ada", "origin": "https://evil.com"}, "origin_not_allowed", ""),
        ({"namespace": "/nwes", "auth": {}}, "forbidden", "Invalid namespace"),
    ],
)
async def test_the_door_is_that_of_production(
    world: TestGateway, presented: dict[str, Any], code: str, message: str
) -> None:
    with pytest.raises(ConnectError) as refused:
        await world.connect(**presented)
    assert (refused.value.code, refused.value.retry) == (code, False)
    assert refused.value.message.startswith(message)


async def test_an_unknown_namespace_names_those_that_are_served(world: TestGateway) -> None:
    with pytest.raises(ConnectError, match=r"Invalid namespace \(served are /news\)"):
        await world.connect("/nwes", tenant="acme", user="ada")


async def test_a_token_without_a_tenant_is_refused(world: TestGateway) -> None:
    with pytest.raises(ConnectError) as refused:
        await world.connect(auth={"token": world.token(tenant=None, user="ada")})
    assert refused.value.code == "tenant_missing"


async def test_a_revoked_token_is_refused(world: TestGateway) -> None:
    await gateway.tenant("acme").revoke(token_id="t1")
    with pytest.raises(ConnectError) as refused:
        await world.connect(tenant="acme", user="ada", claims={"jti": "t1"})
    assert refused.value.code == "token_revoked"


async def test_who_connects_must_be_said_once(world: TestGateway) -> None:
    with pytest.raises(ValueError, match="say who connects"):
        await world.connect(tenant="acme")
    with pytest.raises(ValueError, match="leave out the others"):
        await world.connect(tenant="acme", auth={})


async def test_an_authenticator_of_its_own_is_asked() -> None:
    class Sessions:
        async def authenticate(self, handshake: Handshake) -> Identity:
            if handshake.auth.get("token") != "s1":
                raise AuthError("token_invalid", "unknown session")
            return Identity(TenantId("acme"), UserId("ada"))

    namespace = Namespace("/n")
    namespace.on("whoami")(lambda client: client.user_id)
    own = Gateway([namespace], authenticator=Sessions())
    async with TestGateway(own) as world:
        client = await world.connect(auth={"token": "s1"})
        assert await client.call("whoami") == "ada"
        with pytest.raises(ConnectError, match="unknown session"):
            await world.connect(auth={"token": "s2"})
        with pytest.raises(ValueError, match="authenticator of its own"):
            await world.connect(tenant="acme", user="ada")
        await world.settle()


async def test_a_hook_that_waits_for_ever_is_named() -> None:
    namespace = Namespace("/n")

    @namespace.on_connect
    async def stuck(client: Client) -> None:
        await asyncio.Event().wait()

    async with TestGateway(Gateway([namespace]), timeout=0.1) as world:
        with pytest.raises(AssertionError, match="CONNECT was not answered within"):
            await world.connect(tenant="acme", user="ada")


async def test_a_crowd_comes_in_at_once(world: TestGateway) -> None:
    crowd = await asyncio.gather(
        *(world.connect(tenant="acme", user=str(number)) for number in range(200))
    )
    await gateway.tenant("acme").emit(Created("1"))
    await world.settle()
    assert all(client.events == [("created", {"id": "1"})] for client in crowd)


# Settling


async def test_what_has_settled_has_arrived_and_nothing_else_has(world: TestGateway) -> None:
    ada = await world.connect(tenant="acme", user="ada")
    eve = await world.connect(tenant="globex", user="ada")
    await ada.emit("publish", "1")  # its handler takes its time
    await gateway.tenant("acme").user("bob").emit(Created("2"))
    await world.settle()
    assert ada.events == [("created", {"id": "1"})]
    assert eve.events == []


async def test_hooks_have_run_when_it_has_settled(world: TestGateway) -> None:
    ada = await world.connect(tenant="acme", user="ada")
    bob = await world.connect(tenant="acme", user="bob")
    await ada.disconnect()
    await gateway.tenant("acme").user("bob").disconnect()
    await world.settle()
    assert bob.disconnect_reason == "io server disconnect"
    assert sorted(gone) == [
        ("ada", "client namespace disconnect"),
        ("bob", "disconnected by the service"),
    ]


async def test_what_answers_a_listener_is_waited_for_too(world: TestGateway) -> None:
    """One event leads to the next: the listener sends, the handler emits, and so on."""
    ada = await world.connect(tenant="acme", user="ada")

    def go_on(created: dict[str, str]) -> None:
        if int(created["id"]) < 5:
            task = asyncio.ensure_future(ada.emit("publish", str(int(created["id"]) + 1)))
            tasks.append(task)

    tasks: list[asyncio.Future[None]] = []
    ada.on("created", go_on)
    await ada.emit("publish", "1")
    await world.settle()
    assert [event.data["id"] for event in ada.events] == ["1", "2", "3", "4", "5"]


async def test_a_handler_without_an_end_is_no_silence(world: TestGateway) -> None:
    ada = await world.connect(tenant="acme", user="ada")
    await ada.emit("wait")
    with pytest.raises(AssertionError, match=r"not settled within 0.1 s: 1 handlers or hooks"):
        await world.settle(timeout=0.1)
