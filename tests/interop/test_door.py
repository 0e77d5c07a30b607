"""Who gets in, by the official client's eyes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.conftest import StartGateway, make_settings, make_token, until
from tests.interop.official_client import NodeDriver
from tidegate import AuthError, Client, Gateway, Handshake, Identity, Namespace, Refused
from tidegate.ids import TenantId, UserId

SERVERS = ("own", "asgi")

# Made when it is their turn: one that is made when tests are collected has expired by then.
REFUSALS = [
    pytest.param(dict, "token_missing", id="no token"),
    pytest.param(lambda: {"token": ""}, "token_missing", id="empty token"),
    pytest.param(lambda: {"token": "nonsense"}, "token_invalid", id="no jwt"),
    pytest.param(lambda: {"token": 7}, "token_invalid", id="a number"),
    pytest.param(lambda: {"token": make_token(ttl=-3600)}, "token_expired", id="expired"),
    pytest.param(lambda: {"token": make_token(tenantId=None)}, "tenant_missing", id="no tenant"),
    pytest.param(lambda: {"token": make_token(sub=None)}, "token_invalid", id="no user"),
]


@pytest.mark.parametrize(("auth", "code"), REFUSALS)
async def test_a_refused_client_learns_why_and_stays_away(
    start_gateway: StartGateway,
    node: NodeDriver,
    auth: Callable[[], dict[str, object]],
    code: str,
) -> None:
    running = await start_gateway()
    client = node.client("a", f"{running.url}/chat", auth=auth())
    refused = await client.wait("connect_error")
    assert refused["data"] == {"code": code, "retry": False}
    assert refused["message"].startswith("Unauthorized: ")
    assert refused["active"] is False
    listener = running.gateway.listener
    assert listener is not None
    await until(lambda: not listener.connections, "the transport to close")
    assert running.gateway.reception.door.refusals[code] == 1


async def test_the_operator_learns_why_a_token_is_not_valid(
    start_gateway: StartGateway, node: NodeDriver, caplog: pytest.LogCaptureFixture
) -> None:
    running = await start_gateway()
    token = make_token(sub=None)
    client = node.client("a", f"{running.url}/chat", auth={"token": token})
    refused = await client.wait("connect_error")
    assert refused["message"] == "Unauthorized: the token is not valid"
    assert "refused a token (token_invalid): it has no claim sub (auth.user_claim)" in caplog.text
    assert token not in caplog.text


async def test_an_unknown_namespace_is_refused_and_the_others_live_on(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    running = await start_gateway()
    auth = {"token": make_token()}
    good = node.client("good", f"{running.url}/chat", auth=auth)
    await good.wait("connect")
    bad = node.client("bad", f"{running.url}/nothing", auth=auth)
    assert (await bad.wait("connect_error"))["message"] == "Invalid namespace"
    await running.gateway.tenant("acme").emit("tick", 1)
    assert await good.heard("tick", 1) == [1]


async def test_several_namespaces_share_a_connection(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    running = await start_gateway(Namespace("/a"), Namespace("/b"))
    auth = {"token": make_token()}
    a = node.client("a", f"{running.url}/a", auth=auth)
    await a.wait("connect")
    b = node.client("b", f"{running.url}/b", auth=auth)
    await b.wait("connect")
    assert running.gateway.listener is not None
    assert len(running.gateway.listener.connections) == 1
    await running.gateway.tenant("acme").emit("tick", "for a", namespace="/a")
    await running.gateway.tenant("acme").emit("tick", "for b", namespace="/b")
    assert await b.heard("tick", 1) == ["for b"]
    assert await a.heard("tick", 1) == ["for a"]


async def test_a_connection_belongs_to_one_tenant_for_life(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    running = await start_gateway(Namespace("/a"), Namespace("/b"))
    a = node.client("a", f"{running.url}/a", auth={"token": make_token("acme")})
    await a.wait("connect")
    b = node.client("b", f"{running.url}/b", auth={"token": make_token("globex")})
    assert (await b.wait("connect_error"))["data"]["code"] == "forbidden"


async def test_a_hook_that_refuses_keeps_the_client_out(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    chat = Namespace("/chat")

    @chat.on_connect
    async def only_admins(client: Client) -> None:
        if client.claims.get("role") != "admin":
            raise Refused("admins only")
        client.join("admins")

    running = await start_gateway(chat)
    guest = node.client("guest", f"{running.url}/chat", auth={"token": make_token()})
    refused = await guest.wait("connect_error")
    assert (refused["message"], refused["data"]["code"]) == ("admins only", "forbidden")
    token = make_token(role="admin")
    admin = node.client("admin", f"{running.url}/chat", forceNew=True, auth={"token": token})
    await admin.wait("connect")
    await running.gateway.tenant("acme").room("admins").emit("tick", 1)
    assert await admin.heard("tick", 1) == [1]


async def test_an_async_authenticator_of_ones_own(node: NodeDriver) -> None:
    class Sessions:
        def authenticate(self, handshake: Handshake) -> Awaitable[Identity]:
            return self._find(str(handshake.auth.get("session")))

        async def _find(self, session: str) -> Identity:
            await asyncio.sleep(0)
            if session == "broken":
                raise RuntimeError("the session store is down")
            if session != "s1":
                raise AuthError("token_invalid", "the session is not known")
            return Identity(TenantId("acme"), UserId("42"))

    gateway = Gateway([Namespace("/chat")], settings=make_settings(), authenticator=Sessions())
    await gateway.start()
    try:
        url = f"http://127.0.0.1:{await gateway.listen()}/chat"
        good = node.client("good", url, auth={"session": "s1"})
        await good.wait("connect")
        bad = node.client("bad", url, forceNew=True, auth={"session": "s2"})
        assert (await bad.wait("connect_error"))["data"]["code"] == "token_invalid"
        broken = node.client("broken", url, forceNew=True, auth={"session": "broken"})
        assert (await broken.wait("connect_error"))["data"] == {"code": "try_again", "retry": True}
    finally:
        await gateway.stop()


# Before the upgrade

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.mark.parametrize(
    ("query", "headers", "status", "text"),
    [
        ("EIO=4&transport=polling", {}, 400, "WebSocket only"),
        ("EIO=3&transport=websocket", UPGRADE, 400, "protocol version"),
        ("EIO=4&transport=websocket&token=x", UPGRADE, 400, "token_in_query"),
        ("EIO=4&transport=websocket&x=eyJhbGciOi.eyJzdWIi.c2ln", UPGRADE, 400, "token_in_query"),
        (
            "EIO=4&transport=websocket",
            {**UPGRADE, "Origin": "https://evil.example"},
            403,
            "origin_not_allowed",
        ),
        ("EIO=4&transport=websocket", {}, 426, "bad_upgrade"),
    ],
)
async def test_bad_upgrades_are_refused_with_a_reason(
    start_gateway: StartGateway, query: str, headers: dict[str, str], status: int, text: str
) -> None:
    running = await start_gateway(origins=["https://app.example.com"])
    async with httpx.AsyncClient() as http:
        response = await http.get(f"{running.url}/socket.io/?{query}", headers=headers)
    assert response.status_code == status
    assert text in response.text


@pytest.mark.own_server
async def test_another_version_of_websocket_is_refused(start_gateway: StartGateway) -> None:
    running = await start_gateway()
    url = f"{running.url}/socket.io/?EIO=4&transport=websocket"
    async with httpx.AsyncClient() as http:
        response = await http.get(url, headers={**UPGRADE, "Sec-WebSocket-Version": "8"})
    assert response.status_code == 426
    assert "13" in response.text


async def test_a_token_in_the_query_is_never_logged(
    start_gateway: StartGateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    caplog.set_level("INFO", logger="uvicorn.error")  # below that it logs whole requests
    running = await start_gateway()
    secret = make_token()
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        lines = [f"GET /socket.io/?EIO=4&transport=websocket&token={secret} HTTP/1.1", "Host: x"]
        lines += [f"{name}: {value}" for name, value in UPGRADE.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert secret not in caplog.text
    assert secret.encode() not in answer


async def test_liveness_is_plain_http(start_gateway: StartGateway) -> None:
    running = await start_gateway()
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"{running.url}/health/live")).json() == {"status": "live"}
        assert (await http.get(f"{running.url}/")).status_code == 404
        assert (await http.post(f"{running.url}/health/live")).status_code == 405


async def test_no_connect_in_time_closes(start_gateway: StartGateway) -> None:
    import websockets

    running = await start_gateway(connect_timeout=0.2)
    url = f"ws://127.0.0.1:{running.port}/socket.io/?EIO=4&transport=websocket"
    async with websockets.connect(url) as websocket, asyncio.timeout(5):
        assert (await websocket.recv())[:1] == "0"
        with pytest.raises(websockets.ConnectionClosed):
            await websocket.recv()
    assert websocket.close_code == 1008


@pytest.mark.own_server
async def test_a_silent_tcp_connection_is_cut(start_gateway: StartGateway) -> None:
    running = await start_gateway(upgrade_timeout=0.2)
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()


# The life of a token


async def test_a_client_is_warned_refreshes_and_stays(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    running = await start_gateway(auth={"leeway": 0})
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token(ttl=3)})
    await client.wait("connect")
    (notice,) = await client.heard("tidegate.token_expiring", 1)
    assert 0 <= notice["expires_in"] <= 3
    fresh = make_token(ttl=600)
    (answer,) = await client.ask("tidegate.refresh_token", {"token": fresh})
    assert answer["ok"] is True
    assert answer["expires_at"] > time.time() + 500
    sockets = running.gateway.hub.sockets_of(TenantId("acme"))
    assert [socket.identity.expires_at for socket in sockets] == [answer["expires_at"]]


async def test_a_token_of_somebody_else_does_not_refresh(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    running = await start_gateway()
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token("acme", "1")})
    await client.wait("connect")
    for token in (make_token("acme", "2"), make_token("globex", "1")):
        (answer,) = await client.ask("tidegate.refresh_token", {"token": token})
        assert answer["error"]["code"] == "forbidden"
    (answer,) = await client.ask("tidegate.refresh_token", {"token": "nonsense"})
    assert answer["error"]["code"] == "token_invalid"


async def test_an_expired_client_is_disconnected_and_stays_away(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    running = await start_gateway(auth={"leeway": 0})
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token(ttl=1.5)})
    await client.wait("connect")
    gone = await client.wait("disconnect")
    assert gone["reason"] == "io server disconnect"
    assert gone["active"] is False


@pytest.mark.parametrize("what", ["user", "token", "tenant"])
async def test_revocation_works_at_once_and_at_the_door(
    start_gateway: StartGateway, node: NodeDriver, what: str
) -> None:
    running = await start_gateway()
    token = make_token("acme", "1", jti="t1")
    client = node.client("a", f"{running.url}/chat", auth={"token": token})
    await client.wait("connect")
    other = node.client(
        "b", f"{running.url}/chat", forceNew=True, auth={"token": make_token("globex", "1")}
    )
    await other.wait("connect")
    tenant = running.gateway.tenant("acme")
    if what == "user":
        await tenant.user("1").revoke()
    else:
        await tenant.revoke(token_id="t1" if what == "token" else None)
    assert (await client.wait("disconnect"))["reason"] == "io server disconnect"
    client.open()
    refused = await client.wait("connect_error")
    assert refused["data"] == {"code": "token_revoked", "retry": False}
    await running.gateway.tenant("globex").emit("tick", 1)
    assert await other.heard("tick", 1) == [1]


async def test_going_away_sends_clients_elsewhere(
    start_gateway: StartGateway, node: NodeDriver
) -> None:
    running = await start_gateway(drain_seconds=0.1)
    client = node.client("a", f"{running.url}/chat", auth={"token": make_token()})
    await client.wait("connect")
    await running.gateway.drain()
    gone = await client.wait("disconnect")
    assert gone["reason"] == "transport close"
    assert gone["active"] is True  # it comes back by itself
