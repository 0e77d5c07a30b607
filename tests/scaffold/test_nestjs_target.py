"""The NestJS target: it compiles strictly, passes its own spec, and does what it should."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aio_pika
import pytest

from tests.broker import Proxy
from tests.conftest import Broker, make_token
from tests.interop.nest_services import NestPublisher
from tests.interop.official_client import NodeDriver, OfficialClient
from tests.scaffold.nestjs_app import AUDIENCE, ISSUER, NestApp, NestProject
from tidegate.errors import PayloadError
from tidegate.events import decode_argument
from tidegate.scaffold.answers import Answers, domain_from
from tidegate.scaffold.plan import MemoryProject
from tidegate.scaffold.targets import python

NOTIFICATION: dict[str, Any] = {
    "name": "Notification",
    "events": ["notification.created:id,message,type"],
    "commands": ["notification.markRead:notificationId"],
}
ACTIVITY_FEED: dict[str, Any] = {
    "name": "ActivityFeed",
    "events": [
        "activity.posted:id,at:datetime,tags:string[],count:int,ratio:float,ok:bool,extra:json,"
        "note?:string,maybe?:json,marks?:int[],times?:datetime[],actor:@actor.json,"
        "lines:@actor.json[]",
        "activityFeed.cleared",
        "activity.moved:activityFeedId,to:int",
    ],
    "commands": ["activityFeed.mute", "activity.rate:stars:float,more:bool[]"],
    "rooms": ["tenantId", "resourceId"],
}
ACTOR = {
    "title": "Actor",
    "type": "object",
    "required": ["name", "role"],
    "properties": {
        "name": {"type": "string"},
        "role": {"enum": ["admin", "it's me"]},
        "roles": {"type": "array", "items": {"enum": ["a", "b"]}},
        "home": {
            "title": "Home",
            "type": "object",
            "required": ["city"],
            "properties": {"city": {"type": "string"}, "floors": {"type": ["integer", "null"]}},
        },
    },
}
CREATED = {"id": "1", "message": "é", "type": "info"}
HAND_MADE = "  // Ours, by hand.\n  providers: [Clock, "


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> NestProject:
    """The host project with two domains, a hand-made change between them, built."""
    made = NestProject(tmp_path_factory.mktemp("nestjs"))
    (made.root / "actor.json").write_text(json.dumps(ACTOR))
    made.new(**NOTIFICATION)
    module = made.root / "apps/api-gateway/src/realtime/realtime.module.ts"
    text = module.read_text().replace("  providers: [", HAND_MADE)
    text = text.replace("\n@Module", "\nclass Clock {}\n\n@Module")
    module.write_text(text)
    made.new(**ACTIVITY_FEED)
    made.run("tsc", "-p", "apps/api-gateway")
    return made


def test_a_second_run_changes_nothing(project: NestProject) -> None:
    for domain in (NOTIFICATION, ACTIVITY_FEED):
        assert {change.status for change in project.new(**domain)} == {"unchanged"}


def test_a_second_domain_leaves_hand_made_changes_alone(project: NestProject) -> None:
    module = project.read("realtime/realtime.module.ts")
    assert "class Clock {}" in module and "// Ours, by hand." in module
    for name in ("Clock", "NotificationsGateway", "ActivityFeedsGateway"):
        assert len(re.findall(rf"providers: \[[^]]*\b{name}\b", module)) == 1
    assert "controllers: [NotificationsWsConsumer, ActivityFeedsWsConsumer]" in module
    assert project.read("main.ts").count("useRealtime(app);") == 1
    assert project.read("app.module.ts").count("    RealtimeModule,") == 1


def test_the_generated_code_reads_as_it_should(project: NestProject) -> None:
    folder = project.root / "apps/api-gateway/src/realtime"
    for file in folder.rglob("*.ts"):
        text = file.read_text()
        assert not re.search(r"\bany\b(?!')|console\.|@ts-|process\.env\.", text), file
    for name in ("notifications", "activityFeeds"):
        assert (folder / name).is_dir()
    assert (folder / "activityFeeds/activity-feeds-ws.consumer.ts").exists()


def test_the_generated_code_is_formatted_as_nest_projects_are(project: NestProject) -> None:
    project.run("prettier", "--check", "apps/api-gateway/src")


def test_the_generated_specs_pass(project: NestProject) -> None:
    assert "2 passed, 2 total" in project.run("jest", "--colors=false")


def test_a_service_of_its_own_compiles_and_passes_its_spec(tmp_path: Path) -> None:
    service = NestProject(tmp_path)
    (service.root / "actor.json").write_text(json.dumps(ACTOR))
    service.new(**ACTIVITY_FEED, gateway="standalone")
    service.run("tsc", "-p", "apps/realtime-gateway", "--noEmit")
    service.run("prettier", "--check", "apps/realtime-gateway/src")
    said = service.run("jest", "--config", "apps/realtime-gateway/package.json", "--colors=false")
    assert "1 passed, 1 total" in said


# Payloads: what the DTOs accept is what the Python structs accept

JUDGE = """
require('reflect-metadata');
const events = require('./apps/api-gateway/dist/realtime/activityFeeds/activity-feeds.events.js');
const { parsePayload } = require('./apps/api-gateway/dist/realtime/payload.js');
const cases = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const judge = ([type, text]) => {
  try {
    parsePayload(events[type], JSON.parse(text));
    return true;
  } catch (error) {
    return error.field;
  }
};
console.log(JSON.stringify(cases.map(judge)));
"""
POSTED = {
    "id": "1",
    "at": "2026-01-31T12:00:00Z",
    "tags": ["a"],
    "count": 1,
    "ratio": 0.5,
    "ok": True,
    "extra": {"deep": [1]},
    "actor": {"name": "x", "role": "admin"},
    "lines": [{"name": "x", "role": "it's me", "roles": ["a"], "home": {"city": "y"}}],
}
VALUES: list[Any] = [
    *(None, True, 0, -1, 1.5, 10**12, "", "text", "1", [], ["a"], [1], [None], [[]], [{}], {}),
    *({"a": 1}, {"name": "x", "role": "admin"}, {"name": "x", "role": "other"}),
    *({"name": "x", "role": "admin", "home": {}}, {"name": 1, "role": "admin"}),
    *({"name": "x", "role": "admin", "roles": ["c"]}, [{"name": "x", "role": "admin"}, None]),
    {"name": "x", "role": "admin", "home": {"city": "y", "floors": None}, "unknown": 1},
    *("2026-02-28T00:00:00Z", "2026-02-29T00:00:00Z", "2028-02-29T23:59:59.5+05:30"),
    *("2026-01-01 00:00:00Z", "2026-01-01T00:00:00", "2026-01-01", "2026-01-01T24:00:00Z"),
    *(
        "2026-01-01t00:00:00z",
        "2026-01-01T00:00:00+0530",
        "2026-01-01T00:00Z",
        "0000-01-01T00:00:00Z",
    ),
    *(
        "2026-01-01T23:59:60Z",
        "2026-13-01T00:00:00Z",
        "2026-01-01T00:00:00.Z",
        "26-01-01T00:00:00Z",
    ),
    ["2026-01-01T00:00:00Z", "tomorrow"],
]


def payload_cases() -> Iterator[tuple[str, Any]]:
    for key in (*POSTED, "note", "maybe", "marks", "times", "unknown"):
        yield "ActivityPosted", {name: value for name, value in POSTED.items() if name != key}
        for value in VALUES:
            yield "ActivityPosted", {**POSTED, key: value}
    for value in VALUES:
        yield "ActivityPosted", value
        yield "ActivityFeedCleared", value
        yield "ActivityFeedMute", value
        yield "ActivityRate", value
        yield "ActivityRate", {"stars": value, "more": []}
        yield "ActivityRate", {"stars": 1, "more": [True, value]}


@pytest.fixture
def structs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of events that the Python target makes of the same answers."""
    answers = Answers(**ACTIVITY_FEED, has_frontend=False)
    domain = domain_from(answers, {"actor.json": json.dumps(ACTOR)}.get)
    made = {file.path.name: file.content for file in python.files(domain, MemoryProject())}
    file = tmp_path / "feed_events.py"
    file.write_text(made["events.py"])
    spec = importlib.util.spec_from_file_location("feed_events", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "feed_events", module)
    spec.loader.exec_module(module)
    return module


def test_dtos_accept_what_the_python_structs_accept(project: NestProject, structs: Any) -> None:
    cases = [(name, json.dumps(value)) for name, value in payload_cases()]
    answers = json.loads(project.node(JUDGE, json.dumps(cases)))
    wrong = []
    for (name, text), field in zip(cases, answers, strict=True):
        try:
            decode_argument(text.encode(), (), getattr(structs, name))
            refused = None
        except PayloadError as error:
            refused = error.field
        if (refused is None) != (field is True):
            wrong.append((name, text, f"Python: {refused}", f"Nest: {field}"))
    assert not wrong
    assert len({answer is True for answer in answers}) == 2
    assert len(cases) > 500


# Running


@pytest.fixture
async def exchange(broker: Broker) -> AsyncIterator[str]:
    """A name for an exchange; it and its dead letters go at the end."""
    name = f"test-{secrets.token_hex(6)}"
    yield name
    connection = await aio_pika.connect(broker.url)
    channel = await connection.channel()
    for one in (name, f"{name}.dead-letters"):
        await channel.exchange_delete(one)
    await channel.queue_delete(f"{name}.dead-letters")
    await connection.close()


def token(tenant: str, user: str, **claims: Any) -> str:
    return make_token(tenant, user, **{"aud": AUDIENCE, "iss": ISSUER, **claims})


async def connected(
    node: NodeDriver, app: NestApp, tenant: str, user: str, namespace: str = "notifications"
) -> OfficialClient:
    name = f"{tenant}-{user}-{secrets.token_hex(4)}"
    client = node.client(
        name,
        f"{app.url}/{namespace}",
        auth={"token": token(tenant, user)},
        extraHeaders={"origin": "https://b.example.com"},
    )
    await client.wait("connect")
    return client


async def dead_letters(broker: Broker, exchange: str, count: int) -> list[bytes]:
    connection = await aio_pika.connect(broker.url)
    async with connection:
        queue = await (await connection.channel()).get_queue(f"{exchange}.dead-letters")
        taken: list[bytes] = []
        async with asyncio.timeout(10):
            while len(taken) < count:
                letter = await queue.get(fail=False, timeout=5)
                if letter is not None:
                    await letter.ack()
                    taken.append(letter.body)
        assert await queue.get(fail=False, timeout=5) is None
    return taken


async def publish(
    broker: Broker,
    exchange: str,
    *bodies: bytes,
    key: str = "notification.created",
    **headers: Any,
) -> None:
    connection = await aio_pika.connect(broker.url)
    async with connection:
        channel = await connection.channel()
        there = await channel.get_exchange(exchange)
        for body in bodies:
            await there.publish(aio_pika.Message(body, headers=headers), key)


async def test_two_nodes_serve_tenants_and_users_and_nobody_else(
    project: NestProject, broker: Broker, node: NodeDriver, exchange: str
) -> None:
    first, second = (NestApp(project, broker.url, exchange) for _ in range(2))
    async with first, second, NestPublisher(broker.url, exchange, wildcards=True) as service:
        own = await connected(node, first, "acme", "42")
        tab = await connected(node, second, "acme", "42")
        colleague = await connected(node, second, "acme", "43")
        stranger = await connected(node, first, "globex", "42")
        await service.emit("order.created", {"tenantId": "acme"})
        await service.emit("notification.created", {**CREATED, "tenantId": "acme", "userId": 42})
        await service.emit("notification.created", {**CREATED, "tenantId": "acme", "id": "2"})
        for client in (own, tab):
            assert await client.heard("notification.created", 2) == [
                CREATED,
                {**CREATED, "id": "2"},
            ]
        assert await colleague.heard("notification.created", 1) == [{**CREATED, "id": "2"}]

        bad = [
            b"{not json",
            b"null",
            b'"text"',
            b'{"pattern":"nobody.knows","data":{"tenantId":"acme"}}',
            b'{"pattern":{"cmd":1},"data":{"tenantId":"acme"}}',
            json.dumps({"pattern": "notification.created", "data": CREATED}).encode(),
            json.dumps(
                {
                    "pattern": "notification.created",
                    "data": {**CREATED, "tenantId": "acme", "id": 5},
                }
            ).encode(),
            json.dumps(
                {
                    "pattern": "notification.created",
                    "data": {**CREATED, "tenantId": "acme", "userId": {}},
                }
            ).encode(),
        ]
        # With an id it is a request to Nest; nobody waits for an answer, but it is a fine event.
        odd = {
            "pattern": "notification.created",
            "id": "7",
            "data": {**CREATED, "tenantId": "globex"},
        }
        await publish(broker, exchange, *bad, json.dumps(odd).encode())
        assert await stranger.heard("notification.created", 1) == [CREATED]
        letters = await dead_letters(broker, exchange, 2 * len(bad))
        assert sorted(letters) == sorted(bad * 2), "one from each node"
        bare = json.dumps({**CREATED, "id": "3"}).encode()
        await publish(broker, exchange, bare, tenantId="acme")
        for client, count in ((own, 3), (tab, 3), (colleague, 2)):
            assert len(await client.heard("notification.created", count)) == count
        assert len(stranger.said("event")) == 1
    for app in (first, second):
        assert app.status == -signal.SIGTERM, app.log
        assert "notification.created" in app.log
        assert "order heard" not in app.log
    assert "ERROR" not in first.log + second.log, first.log


async def test_events_leave_in_the_order_in_which_they_came(
    project: NestProject, broker: Broker, node: NodeDriver, exchange: str
) -> None:
    async with NestApp(project, broker.url, exchange) as app:
        client = await connected(node, app, "acme", "42", "activity-feeds")
        envelopes: list[dict[str, Any]] = [
            {"pattern": name, "data": data}
            for number in range(50)
            for name, data in (
                ("activity.posted", {**POSTED, "count": number}),
                ("activityFeed.cleared", {}),
            )
        ]
        bodies = [json.dumps(envelope).encode() for envelope in envelopes]
        await publish(broker, exchange, *bodies, key="activity.posted", tenantId="acme")
        await client.heard("activityFeed.cleared", 50)
        heard = [(line["event"], line["args"][0].get("count")) for line in client.said("event")]
        sent = [(envelope["pattern"], envelope["data"].get("count")) for envelope in envelopes]
        assert heard == sent


async def test_who_gets_in_and_what_clients_may_ask(
    project: NestProject, broker: Broker, node: NodeDriver, exchange: str
) -> None:
    async with NestApp(project, broker.url, exchange) as app:
        refusals = {
            "token_missing": {},
            "token_invalid": {"token": make_token()},
            "token_expired": {"token": token("acme", "42", ttl=-60)},
            "tenant_missing": {"token": token("", "42")},
        }
        for code, auth in refusals.items():
            client = node.client(code, f"{app.url}/notifications", auth=auth)
            refused = await client.wait("connect_error")
            assert refused["message"].startswith("Unauthorized: ")
            assert refused["data"] == {"code": code, "retry": False}
            assert refused["active"] is False
        good = {"token": token("acme", "42")}
        doors: dict[str, dict[str, Any]] = {
            "foreign": {"extraHeaders": {"origin": "https://app.example.com.evil.com"}},
            "query": {"query": good},
            "polling": {"transports": ["polling"]},
        }
        for name, options in doors.items():
            client = node.client(name, f"{app.url}/notifications", auth=good, **options)
            await client.wait("connect_error")
            assert not client.said("connect")
            client.disconnect()

        client = await connected(node, app, "acme", "42")
        assert await client.ask("notification.markRead", {"notificationId": "1"}) == [{"ok": True}]
        [answer] = await client.ask("notification.markRead", {"notificationId": 1, "more": 2})
        assert answer["error"]["code"] == "invalid_payload"
        assert answer["error"]["field"] == "$.notificationId"
        [answer] = await client.ask("tidegate.refresh_token", {"token": token("globex", "42")})
        assert answer["error"]["code"] == "forbidden"
        [answer] = await client.ask(
            "tidegate.refresh_token", {"token": token("acme", "42", ttl=90)}
        )
        assert answer["ok"] is True

        feed = await connected(node, app, "acme", "42", "activity-feeds")
        [answer] = await feed.ask("tidegate.join", {"room": "activity-feed:7"})
        assert answer["error"]["code"] == "forbidden"
        [answer] = await feed.ask("tidegate.join", {"room": 7})
        assert answer["error"]["code"] == "invalid_payload"

        brief = node.client(
            "brief", f"{app.url}/notifications", auth={"token": token("acme", "42", ttl=1)}
        )
        await brief.wait("connect")
        await brief.heard("tidegate.token_expiring", 1)
        ended = await brief.wait("disconnect")
        assert ended["reason"] == "io server disconnect"
    assert app.status == -signal.SIGTERM, app.log
    # Neither a refusal nor a farewell: clients come back, to another node.
    left = await client.wait("disconnect")
    assert left["reason"] == "transport close" and left["active"] is True
    assert "ERROR" not in app.log, app.log


async def test_a_node_that_had_lost_rabbitmq_lets_its_clients_fetch_again(
    project: NestProject, broker: Broker, node: NodeDriver, exchange: str
) -> None:
    url = urlsplit(broker.url)
    line = Proxy(url.port or 5672)
    await line.open()
    through = url._replace(netloc=f"{url.netloc.rpartition(':')[0]}:{line.port}").geturl()
    try:
        async with NestApp(project, through, exchange) as app:
            client = await connected(node, app, "acme", "42")
            line.cut()
            gone = await client.wait("disconnect")
            assert gone["reason"] == "transport close" and gone["active"] is True
            assert not (await client.wait("connect", 2)).get("recovered")
            await publish(broker, exchange, json.dumps(CREATED).encode(), tenantId="acme")
            assert await client.heard("notification.created", 1) == [CREATED]
        assert "events were missed" in app.log
    finally:
        await line.close()
