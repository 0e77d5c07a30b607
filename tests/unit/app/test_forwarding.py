"""From a client's event to a message and back, with a broker in memory."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from tidegate.app.client import Client
from tidegate.app.forwarding import MAX_CLAIMS, Forwarder
from tidegate.app.forwards import Forward
from tidegate.auth.identity import Identity
from tidegate.errors import PayloadError, Refused, RequestFailed
from tidegate.ids import NamespaceName, Sid, TenantId, UserId
from tidegate.protocol.events import EventReceived
from tidegate.sources.requests import OnReply, OutgoingMessage

CHAT = NamespaceName("/chat")
CLAIMS = b'{"sub":"42","tenantId":"acme","role":"admin"}'


class FakeRequests:
    """Keeps what is sent and answers with ``replies``, or fails with ``failure``."""

    def __init__(self) -> None:
        self.sent: list[OutgoingMessage] = []
        self.replies = [b'{"response":{"ok":true},"isDisposed":true}']
        self.failure: RequestFailed | None = None

    async def publish(self, message: OutgoingMessage, *, within: float) -> None:
        self.sent.append(message)
        if self.failure is not None:
            raise self.failure

    async def request(self, message: OutgoingMessage, on_reply: OnReply, *, within: float) -> None:
        await self.publish(message, within=within)
        for reply in self.replies:
            if on_reply(reply):
                return


class FakeConnection:
    def __init__(self, sid: str = "engine-1") -> None:
        self.core = SimpleNamespace(sid=sid)
        self.is_open = True


class Bench:
    def __init__(self, **forward: Any) -> None:
        table = {("/chat", "send"): Forward(event="send", queue="messages", **forward)}
        self.requests = FakeRequests()
        self.forwarder = Forwarder(table, self.requests)
        self.connection: Any = FakeConnection()
        self.client = client()

    async def send(self, *args: bytes, ack: int | None = 1, **changes: Any) -> bytes | None:
        event = EventReceived(namespace=CHAT, event_name="send", args=args, ack_id=ack, **changes)
        work = self.forwarder.accept(self.connection, self.client, event)
        assert work is not None
        result = await work()
        return None if result is None else bytes(result)

    async def refused(self, *args: bytes, **changes: Any) -> tuple[str, str]:
        with pytest.raises(Refused) as refusal:
            await self.send(*args, **changes)
        return refusal.value.code, refusal.value.message

    async def misfit(self, *args: bytes, **changes: Any) -> str:
        """Return the path of what does not fit."""
        with pytest.raises(PayloadError) as misfit:
            await self.send(*args, **changes)
        return misfit.value.field

    @property
    def ids(self) -> list[str]:
        return [message.message_id for message in self.requests.sent]


def client(user: str = "42", sid: str = "sid-1", claims: bytes = CLAIMS) -> Client:
    identity = Identity(TenantId("acme"), UserId(user), raw_claims=claims)
    socket: Any = SimpleNamespace(sid=Sid(sid), namespace=CHAT, identity=identity)
    nothing: Any = None  # forwarding needs neither hub nor publisher
    return Client(socket, nothing, nothing)


# The message


async def test_the_verified_identity_is_in_the_headers_and_nothing_else() -> None:
    bench = Bench()
    payload = b'{"text":"hi", "tenantId":"evil", "headers":{"x-tidegate-user":"root"}}'
    assert await bench.send(payload) == b'{"ok":true}'
    message = bench.requests.sent[0]
    assert (message.exchange, message.routing_key) == ("", "messages")
    assert message.headers == {
        "x-tidegate-tenant": "acme",
        "x-tidegate-user": "42",
        "x-tidegate-claims": CLAIMS.decode(),
        "x-tidegate-namespace": "/chat",
        "x-tidegate-sid": "sid-1",
        "x-tidegate-event": "send",
    }
    body = msgspec.json.decode(message.body, type=dict[str, msgspec.Raw])
    assert bytes(body["data"]) == payload
    assert bytes(body["id"]) == msgspec.json.encode(message.correlation_id)


async def test_without_ack_it_is_published_without_an_id() -> None:
    bench = Bench()
    assert await bench.send(b"1", ack=None) is None
    assert bench.requests.sent[0].body == b'{"pattern":"send","data":1}'
    assert bench.forwarder.counts["published"] == 1


async def test_an_event_without_argument_has_null() -> None:
    bench = Bench(envelope="plain")
    bench.requests.replies = [b"[1]"]
    assert await bench.send() == b"[1]"
    assert bench.requests.sent[0].body == b"null"


def test_other_events_are_not_taken() -> None:
    bench = Bench()
    event = EventReceived(namespace=CHAT, event_name="other")
    assert bench.forwarder.accept(bench.connection, bench.client, event) is None


# Refusals


class Order(msgspec.Struct):
    id: int


async def test_what_does_not_fit_is_not_sent() -> None:
    bench = Bench(payload=Order, max_size=10)
    assert await bench.refused(b'{"id":12345}') == (
        "too_large",
        "The payload has 12 bytes; at most 10 are taken.",
    )
    assert await bench.misfit(b'{"id":"x"}') == "$.id"
    assert await bench.misfit() == "$"
    assert await bench.misfit(b"1", b"2") == "$"
    assert await bench.misfit(b'{"id":1}', attachments=(b"x",)) == "$"
    assert bench.requests.sent == []
    assert bench.forwarder.counts["too_large"] == 1
    assert bench.forwarder.counts["invalid_payload"] == 4
    assert await bench.send(b'{"id":1}') == b'{"ok":true}'


async def test_a_validator_that_fails_does_so_when_it_is_the_events_turn() -> None:
    class Broken:
        @classmethod
        def model_validate_json(cls, raw: bytes) -> None:
            raise KeyError("a bug of the user's")

        model_validate = model_validate_json

    bench = Bench(payload=Broken)
    event = EventReceived(namespace=CHAT, event_name="send", args=(b"1",), ack_id=1)
    work = bench.forwarder.accept(bench.connection, bench.client, event)
    assert work is not None
    with pytest.raises(KeyError):
        await work()


async def test_claims_that_no_header_can_carry_are_refused() -> None:
    bench = Bench()
    bench.client = client(claims=b'"%b"' % (b"x" * MAX_CLAIMS))
    assert (await bench.refused(b"1"))[0] == "too_large"
    assert bench.requests.sent == []


async def test_failures_have_codes_and_are_counted() -> None:
    bench = Bench()
    bench.requests.failure = RequestFailed("unavailable", "The service can't be reached.")
    assert await bench.refused(b"1") == ("unavailable", "The service can't be reached.")
    bench.requests.failure = None
    bench.requests.replies = [b'{"err":"No."}']
    assert await bench.refused(b"1") == ("service_error", "No.")
    assert bench.forwarder.counts["unavailable"] == bench.forwarder.counts["service_error"] == 1


async def test_failures_that_no_client_hears_of_are_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench()
    bench.requests.failure = RequestFailed("unavailable", "Gone.")
    with caplog.at_level(logging.WARNING, "tidegate.forwards"):
        for _ in range(3):
            await bench.refused(b"1", ack=None)
        assert len(caplog.records) == 1
        bench.requests.failure = None
        await bench.send(b"1", ack=None)
        bench.requests.failure = RequestFailed("unavailable", "Gone.")
        await bench.refused(b"1", ack=None)
        assert len(caplog.records) == 2


# Idempotency


async def test_a_repeat_has_a_new_id_and_a_resend_the_same() -> None:
    bench = Bench()
    await bench.send(b"1")
    await bench.send(b"1")
    assert bench.ids[0] != bench.ids[1]
    bench.connection = FakeConnection("engine-2")
    await bench.send(b"1")
    assert bench.ids[2] == bench.ids[1]
    assert [message.headers.get("x-tidegate-resent") for message in bench.requests.sent] == [
        None,
        None,
        True,
    ]
    assert bench.forwarder.counts["resent"] == 1


async def test_a_resend_is_told_when_it_arrives_not_when_its_turn_comes() -> None:
    bench = Bench()
    event = EventReceived(namespace=CHAT, event_name="send", args=(b"1",), ack_id=1)
    first = bench.forwarder.accept(bench.connection, bench.client, event)
    second = bench.forwarder.accept(bench.connection, bench.client, event)
    assert first is not None and second is not None
    await first()
    await second()
    assert bench.ids[0] == bench.ids[1]


@pytest.mark.parametrize("code", ["timeout", "unavailable", "try_again"])
async def test_after_a_doubtful_answer_the_same_event_has_the_same_id(code: Any) -> None:
    bench = Bench()
    bench.requests.failure = RequestFailed(code, "Who knows.")
    await bench.refused(b"1")
    bench.requests.failure = None
    await bench.send(b"1")
    assert bench.ids[0] == bench.ids[1]


async def test_an_answer_that_found_no_connection_counts_as_none() -> None:
    bench = Bench()
    bench.connection.is_open = False
    await bench.send(b"1")
    await bench.send(b"1")
    assert bench.ids[0] == bench.ids[1]


async def test_derived_ids_differ_by_session_and_content() -> None:
    bench = Bench()
    await bench.send(b"1")
    await bench.send(b"2")
    bench.client = client(sid="sid-2")
    await bench.send(b"1")
    assert len(set(bench.ids)) == 3


@pytest.mark.parametrize("ack", [1, None])
async def test_repeats_on_another_node_have_ids_of_their_own(ack: int | None) -> None:
    bench = Bench()
    for _ in range(3):
        await bench.send(b"1", ack=ack)
    bench.client, bench.connection = client(), FakeConnection("engine-2")  # recovered elsewhere
    for _ in range(3):
        await bench.send(b"1", ack=ack)
    first_may_be_a_resend = ack is not None
    assert len(set(bench.ids)) == 6 - first_may_be_a_resend


async def test_an_event_that_is_resent_to_another_node_keeps_its_id() -> None:
    bench = Bench()
    await bench.send(b"1")
    bench.client, bench.connection = client(), FakeConnection("engine-2")
    await bench.send(b"1")
    assert bench.ids[0] == bench.ids[1]


async def test_an_own_id_holds_across_sessions_but_not_across_users() -> None:
    bench = Bench(id="meta.id")
    await bench.send(b'{"meta":{"id":"a"},"try":1}')
    await bench.send(b'{"meta":{"id":"a"},"try":2}')
    bench.client = client(sid="sid-2")
    await bench.send(b'{"meta":{"id":"a"}}')
    assert len(set(bench.ids)) == 1
    assert bench.requests.sent[1].headers["x-tidegate-resent"] is True
    bench.client = client(user="43")
    await bench.send(b'{"meta":{"id":"a"}}')
    assert len(set(bench.ids)) == 2


async def test_an_own_id_must_be_there_unless_it_may_be_missing() -> None:
    bench = Bench(id="id")
    for payload in (b"{}", b"1", b'{"id":""}', b'{"id":true}', b'{"id":{}}'):
        assert await bench.misfit(payload) == "$.id"
    assert await bench.misfit(b'{"id":"\\ud800"}') == "$"
    await bench.send(b'{"id":7}')
    optional = Bench(id="id?")
    await optional.send(b"{}")
    assert optional.ids[0].endswith("-0")
