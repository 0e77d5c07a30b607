"""The client's socket against a gateway that says what the test has it say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from tidegate.ids import NamespaceName
from tidegate.testing import ConnectError
from tidegate.testing.client_socket import MARKER, ClientSocket, IncomingEvent
from tidegate.testing.door import Door

OPEN = '0{"sid":"e"}'
CONNECT = '40/n,{"sid":"s","pid":"p"}'


class Script:
    """Accepts, says its lines, and keeps what it is told until the client leaves."""

    def __init__(self) -> None:
        self.lines: list[str | bytes] = [OPEN, CONNECT]
        self.told: list[str | bytes] = []
        self.headers: dict[bytes, bytes] = {}
        self.refusal: bytes | None = None
        self.ends = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.headers = dict(scope["headers"])
        await receive()
        if self.refusal is not None:
            await send({"type": "websocket.http.response.start", "status": 503})
            await send({"type": "websocket.http.response.body", "body": self.refusal})
            return
        await send({"type": "websocket.accept"})
        self.send = send
        for line in self.lines:
            await self.say(line)
        while not self.ends:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            self.told.append(message.get("text") or message["bytes"])
        await send({"type": "websocket.close", "code": 1013, "reason": "later"})

    async def say(self, line: str | bytes) -> None:
        kind = "text" if isinstance(line, str) else "bytes"
        await self.send({"type": "websocket.send", kind: line})


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def socket(script: Script) -> AsyncIterator[ClientSocket]:
    namespace = NamespaceName("/n")
    door = Door(script, "/socket.io/", "10.0.0.1", "https://a.example", namespace, "served are /m")
    socket = ClientSocket(door, {"token": "t"})
    yield socket
    await socket.drop()


async def heard_by(socket: ClientSocket, script: Script, *lines: str | bytes) -> list[Any]:
    heard: list[IncomingEvent] = []
    socket.on_event = heard.append
    for line in lines:
        await script.say(line)
    return [event.data for event in heard]


# Coming and going


async def test_it_connects_with_its_auth_object(script: Script, socket: ClientSocket) -> None:
    await socket.connect(1)
    await socket.drain()
    assert script.told == ['40/n,{"token":"t"}']
    assert script.headers[b"origin"] == b"https://a.example"
    assert (socket.sid, socket.is_connected, socket.is_recovered) == ("s", True, False)


async def test_it_comes_back_with_session_and_offset(script: Script, socket: ClientSocket) -> None:
    await socket.connect(1)
    assert await heard_by(socket, script, '42/n,["tick",1,"o1"]') == [1]
    await socket.drop()
    assert (socket.is_connected, socket.disconnect_reason) == (False, "transport close")
    socket.auth = {"token": "u"}
    await socket.connect(1)
    await socket.drain()
    assert script.told[-1] == '40/n,{"pid":"p","offset":"o1","token":"u"}'
    assert (socket.is_recovered, socket.disconnect_reason) == (True, None)


async def test_another_session_is_no_recovery(script: Script, socket: ClientSocket) -> None:
    await socket.connect(1)
    await socket.drop()
    script.lines = [OPEN, '40/n,{"sid":"s2","pid":"p2"}']
    await socket.connect(1)
    assert (socket.sid, socket.is_recovered) == ("s2", False)


async def test_it_leaves_with_a_word(script: Script, socket: ClientSocket) -> None:
    await socket.connect(1)
    await socket.disconnect()
    assert script.told[-1] == "41/n,"
    assert socket.disconnect_reason == "io client disconnect"


async def test_it_is_sent_away(script: Script, socket: ClientSocket) -> None:
    await socket.connect(1)
    await script.say("41/n,")
    assert (socket.is_connected, socket.disconnect_reason) == (False, "io server disconnect")
    with pytest.raises(AssertionError, match=r"/n: 'e' can't be sent: .* \(io server disconnect\)"):
        socket.emit("e", ())


# Not let in


@pytest.mark.parametrize(
    ("payload", "told", "retry"),
    [
        ('{"message":"m","data":{"code":"c","retry":true}}', "c: m", True),
        (
            '{"message":"Invalid namespace","data":{"code":"forbidden"}}',
            "forbidden: Invalid namespace (served are /m)",
            False,
        ),
    ],
)
async def test_a_connect_is_refused(
    script: Script, socket: ClientSocket, payload: str, told: str, retry: bool
) -> None:
    script.lines = [OPEN, f"44/n,{payload}"]
    with pytest.raises(ConnectError) as refused:
        await socket.connect(1)
    assert (str(refused.value), refused.value.retry) == (told, retry)
    assert not socket.is_connected


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"error":{"code":"draining","message":"later"}}', "draining: later"),
        (b"<html>", "503: HTTP status 503"),
    ],
)
async def test_an_upgrade_is_refused(
    script: Script, socket: ClientSocket, body: bytes, told: str
) -> None:
    script.refusal = body
    with pytest.raises(ConnectError) as refused:
        await socket.connect(1)
    assert str(refused.value) == told


async def test_it_is_closed_without_an_answer(script: Script, socket: ClientSocket) -> None:
    script.lines, script.ends = [OPEN], True
    with pytest.raises(ConnectError, match=r"closed: the connection was closed \(1013 later\)"):
        await socket.connect(1)


async def test_a_connect_without_an_answer_ends(script: Script, socket: ClientSocket) -> None:
    script.lines = [OPEN]
    with pytest.raises(AssertionError, match=r"/n: CONNECT was not answered within 0\.01 s"):
        await socket.connect(0.01)


# Talking


async def test_a_ping_is_answered(script: Script, socket: ClientSocket) -> None:
    await socket.connect(1)
    await script.say("2")
    assert not socket.is_idle
    await socket.drain()
    assert (script.told[-1], socket.is_idle) == ("3", True)


async def test_an_ack_is_taken_once(script: Script, socket: ClientSocket) -> None:
    await socket.connect(1)
    first, second = socket.new_ack_id(), socket.new_ack_id()
    socket.emit("e", (b"a",), second)
    await socket.drain()
    assert script.told[-2:] == ['451-/n,2["e",{"_placeholder":true,"num":0}]', b"a"]
    await script.say('43/n,2[1,"x"]')
    assert socket.take_ack(first) is None
    assert [socket.take_ack(second), socket.take_ack(second)] == [[1, "x"], None]


async def test_an_event_is_answered_if_that_was_asked(script: Script, socket: ClientSocket) -> None:
    await socket.connect(1)
    heard: list[IncomingEvent] = []
    socket.on_event = heard.append
    await script.say('42/n,7["ask","x"]')
    await script.say('42/n,["tell",1]')
    for event in heard:
        socket.answer(event, "yes")
    await socket.drain()
    assert script.told[1:] == ['43/n,7["yes"]']
    assert heard[0] == IncomingEvent("ask", "x", b'"x"', (), 7)  # asked: "x" is no offset


async def test_attachments_are_part_of_the_payload(script: Script, socket: ClientSocket) -> None:
    await socket.connect(1)
    placeholder = '{"_placeholder":true,"num":0}'
    assert await heard_by(socket, script, f'451-/n,["e",{placeholder},"o1"]', b"a") == [b"a"]


async def test_an_event_may_have_no_payload(script: Script, socket: ClientSocket) -> None:
    await socket.connect(1)
    assert await heard_by(socket, script, '42/n,["e"]') == [None]


async def test_a_marker_is_waited_for_and_not_heard(script: Script, socket: ClientSocket) -> None:
    await socket.connect(1)
    waiting = asyncio.ensure_future(socket.marked(2))
    assert await heard_by(socket, script, f'42/n,["{MARKER}",1,"o1"]') == []
    await asyncio.sleep(0)
    assert not waiting.done()
    await script.say(f'42/n,["{MARKER}",2,"o2"]')
    await waiting
    waiting = asyncio.ensure_future(socket.marked(3))
    await socket.drop()
    await waiting


async def test_what_goes_wrong_in_hearing_is_raised_later_and_once(
    script: Script, socket: ClientSocket
) -> None:
    def fail(event: IncomingEvent) -> None:
        raise LookupError(event.name)

    await socket.connect(1)
    socket.on_event = fail
    await script.say('42/n,["tick",1]')
    with pytest.raises(LookupError, match="tick"):
        socket.raise_failure()
    socket.raise_failure()
