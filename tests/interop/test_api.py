"""The private port, over real HTTP, with a real client on the other side."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Running, StartGateway, make_token, until
from tests.interop.official_client import NodeDriver
from tidegate import Event, Namespace
from tidegate.api.http import make_api
from tidegate.api.server import APIServer

KEY = "an api key"


class Created(Event, name="created"):
    id: str


class API:
    def __init__(self, running: Running, http: httpx.AsyncClient) -> None:
        self.running = running
        self.http = http

    async def publish(self, body: Any) -> httpx.Response:
        return await self.http.post("/v1/events", json=body)


@pytest.fixture
async def api(start_gateway: StartGateway) -> AsyncIterator[API]:
    chat = Namespace("/chat", events=[Created])
    running = await start_gateway(chat, limits={"payload": 10_000})
    server = APIServer(make_api(running.gateway, KEY))
    port = await server.start("127.0.0.1", 0)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as http:
        yield API(running, http)
    await server.stop()


def event(**changes: Any) -> dict[str, Any]:
    return {"tenant": "acme", "namespace": "/chat", "event": "tick", "data": {"n": 1}} | changes


async def test_a_published_event_reaches_its_audience(api: API, node: NodeDriver) -> None:
    url = f"{api.running.url}/chat"
    ada = node.client("ada", url, auth={"token": make_token("acme", "ada")})
    cleo = node.client("cleo", url, forceNew=True, auth={"token": make_token("globex", "cleo")})
    await ada.wait("connect")
    await cleo.wait("connect")
    response = await api.publish([event(), event(user="ada", data=2), event(user="ben", data=3)])
    assert response.status_code == 202
    assert len(response.json()["offsets"]) == 3
    await api.publish(event(data="end"))
    await api.publish(event(tenant="globex", data="end"))
    assert await ada.heard("tick", 3) == [{"n": 1}, 2, "end"]
    assert await cleo.heard("tick", 1) == ["end"]


async def test_the_payload_passes_through_byte_for_byte(api: API) -> None:
    seen: list[bytes] = []
    api.running.gateway.hub.taps.add(lambda record: seen.append(record.entry.data))
    data = '{ "n" : 1.50, "e":"\\u00e9"}'
    text = f'{{"tenant":"acme","namespace":"/chat","event":"tick","data":{data}}}'
    assert (await api.http.post("/v1/events", content=text)).status_code == 202
    await until(lambda: seen, "the event")
    assert seen == [data.encode()]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([event(), event(tenant="")], "$[1].tenant"),
        ([event(), event(namespace="/nothing")], "$[1].namespace"),
        ([event(), event(event="connect")], "$[1].event"),
        ([event(), event(event="tidegate.join")], "$[1].event"),
        ([event(), event(user="a", room="b")], "$[1].room"),
        ([event(), event(colour="red")], "$[1]"),
        ([event(), {"tenant": "acme"}], "$[1]"),
        ([event(), event(event="created", data={"id": 7})], "$[1].data.id"),
        ([event(), event(data="x" * 20_000)], "$[1].data"),
        (event(user=7), "$.user"),
        ("nothing", "$"),
    ],
)
async def test_a_bad_batch_is_refused_whole(api: API, body: Any, field: str) -> None:
    before = await api.running.gateway.log.heads()
    response = await api.publish(body)
    assert response.status_code == 422
    assert response.json()["error"]["field"] == field
    assert response.json()["error"]["message"]
    assert await api.running.gateway.log.heads() == before


@pytest.mark.parametrize("header", ["", "Bearer wrong", f"Basic {KEY}"])
async def test_the_key_is_required(api: API, header: str) -> None:
    for path in ("/v1/tenants", "/metrics"):
        response = await api.http.get(path, headers={"Authorization": header})
        assert response.status_code == 401
        assert response.json()["error"]["code"] == "unauthorized"
        assert response.headers["www-authenticate"] == "Bearer"


async def test_health_turns_red_while_draining(api: API) -> None:
    assert (await api.http.get("/health/live")).status_code == 200
    assert (await api.http.get("/health/ready")).status_code == 200
    await api.running.gateway.drain()
    response = await api.http.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["status"] == "not_ready"


async def test_metrics_tell_what_happened(api: API, node: NodeDriver) -> None:
    url = f"{api.running.url}/chat"
    client = node.client("a", url, auth={"token": make_token()})
    await client.wait("connect")
    bad = node.client("bad", url, forceNew=True, auth={"token": "x"})
    await bad.wait("connect_error")
    await api.publish(event())
    await client.heard("tick", 1)
    lines = (await api.http.get("/metrics")).text.splitlines()
    for line in (
        'tidegate_deliveries_total{path="live"} 1.0',
        'tidegate_refusals_total{code="token_invalid"} 1.0',
        'tidegate_log_position{partition="0"} 1.0',
        "tidegate_tenants 1.0",
        'tidegate_batch_events_bucket{le="1"} 1.0',
        "tidegate_slow_clients_total 0.0",
    ):
        assert line in lines


async def test_tenants_are_listed_and_disconnected(api: API, node: NodeDriver) -> None:
    url = f"{api.running.url}/chat"
    client = node.client("a", url, auth={"token": make_token("acme", "ada")})
    sid = (await client.wait("connect"))["sid"]
    listed = (await api.http.get("/v1/tenants")).json()
    assert listed == {"tenants": [{"tenant": "acme", "sockets": 1}]}
    (socket,) = (await api.http.get("/v1/tenants/acme")).json()["sockets"]
    assert (socket["sid"], socket["user"], socket["live"]) == (sid, "ada", True)
    response = await api.http.post("/v1/tenants/acme/disconnect", json={"user": "ada"})
    assert response.status_code == 202
    assert (await client.wait("disconnect"))["reason"] == "io server disconnect"


async def test_a_user_is_revoked_over_http(api: API, node: NodeDriver) -> None:
    url = f"{api.running.url}/chat"
    client = node.client("a", url, auth={"token": make_token("acme", "ada")})
    await client.wait("connect")
    response = await api.http.post("/v1/tenants/acme/revoke", json={"user": "ada"})
    assert response.status_code == 202
    await client.wait("disconnect")
    client.open()
    assert (await client.wait("connect_error"))["data"]["code"] == "token_revoked"


async def test_tail_streams_a_tenants_events(api: API) -> None:
    async with api.http.stream("GET", "/v1/tenants/acme/events?namespace=/chat") as response:
        assert response.status_code == 200
        await until(lambda: api.running.gateway.hub.taps, "the tap")
        published = await api.publish([event(tenant="globex"), event(data={"n": 5}, user="ada")])
        async for line in response.aiter_lines():
            if line:
                break
    assert '"data":{"n":5}' in line.replace(" ", "")
    assert '"user":"ada"' in line
    # The same that publishers and clients see, so that one can be looked up by the other.
    assert json.loads(line)["offset"] == published.json()["offsets"][1]


async def test_openapi_describes_every_route(api: API) -> None:
    document = (await api.http.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    server = make_api(api.running.gateway, KEY)
    paths = {route.path for route in server.routes if hasattr(route, "path")}
    assert paths - {"/openapi.json"} == set(document["paths"])


async def test_the_reference_tells_of_every_route(api: API) -> None:
    text = (Path(__file__).parents[2] / "docs/reference/private-port.md").read_text()
    for path in (await api.http.get("/openapi.json")).json()["paths"]:
        assert f"{path}`" in text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"user":""}', "$.user"),
        (b'{"user":"%b"}' % (257 * b"x"), "$.user"),
        (b'{"token_id":""}', "$.token_id"),
        (b'{"user":7}', "$.user"),
        (b'{"user":"\xff"}', "$"),
        (b"[" * 100_000, "$"),
    ],
    ids=["empty", "long", "token", "number", "utf8", "deep"],
)
async def test_odd_names_of_an_admin_request_are_refused(api: API, body: bytes, field: str) -> None:
    response = await api.http.post("/v1/tenants/acme/revoke", content=body)
    assert response.status_code == 422
    assert response.json()["error"]["field"] == field


async def test_a_tenant_that_is_none_is_refused(api: API) -> None:
    path = f"/v1/tenants/{257 * 'x'}"
    for response in (
        await api.http.get(path),
        await api.http.get(f"{path}/events"),
        await api.http.post(f"{path}/disconnect"),
    ):
        assert response.status_code == 422
        assert response.json()["error"]["field"] == "$.tenant"
