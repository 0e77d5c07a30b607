"""A WebSocket in memory, as an ASGI application and its client see it."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from tidegate.transports.memory import HTTPRefusal, MemoryWebSocket

Heard = list[object]


def websocket(app: ASGIApp) -> tuple[MemoryWebSocket, Heard]:
    heard: Heard = []
    socket = MemoryWebSocket(
        app, on_message=heard.append, on_close=lambda code, reason: heard.append((code, reason))
    )
    return socket, heard


async def opened(socket: MemoryWebSocket) -> HTTPRefusal | None:
    return await socket.open("/ws", "a=b", {"origin": "https://x.test"}, "10.0.0.1")


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Echo text and bytes; close at the text ``close``, return at ``return``."""
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") == "close":
            await send({"type": "websocket.close", "code": 4000, "reason": "asked"})
            return
        if message.get("text") == "return":
            return
        await send({**message, "type": "websocket.send"})
    with pytest.raises(OSError, match="gone"):
        await send({"type": "websocket.send", "text": "too late"})


async def test_messages_go_both_ways_in_order() -> None:
    socket, heard = websocket(echo)
    assert await opened(socket) is None
    for message in ("a", b"b", "c"):
        socket.send(message)
    assert not socket.is_idle
    await socket.drain()
    assert heard == ["a", b"b", "c"]
    await socket.close()
    assert heard[3:] == [(1006, "")]
    socket.send("lost")
    assert socket.is_idle


@pytest.mark.parametrize(("word", "end"), [("close", (4000, "asked")), ("return", (1006, ""))])
async def test_the_application_ends_it(word: str, end: tuple[int, str]) -> None:
    socket, heard = websocket(echo)
    await opened(socket)
    socket.send(word)
    await socket.drain()
    await socket.close()
    assert heard == [end]


async def test_what_was_sent_before_the_end_is_read_first() -> None:
    taken: list[str] = []

    async def read(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            taken.append(message["text"])

    socket, _ = websocket(read)
    await opened(socket)
    socket.send("a")
    socket.send("b")
    await socket.close()
    assert taken == ["a", "b"]


async def test_a_refusal_is_returned() -> None:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        assert (scope["path"], scope["client"][0]) == ("/ws", "10.0.0.1")
        assert (b"origin", b"https://x.test") in scope["headers"]
        await send({"type": "websocket.http.response.start", "status": 403, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b"no"})
        kinds = [(await receive())["type"] for _ in range(3)]
        assert kinds == ["websocket.connect", "websocket.disconnect", "websocket.disconnect"]

    async def close(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.close"})

    for app, refusal in ((refuse, HTTPRefusal(403, b"no")), (close, HTTPRefusal(403, b""))):
        socket, heard = websocket(app)
        assert await opened(socket) == refusal
        await socket.close()
        assert heard == []


async def test_an_application_that_fails_fails_here() -> None:
    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError("app")

    socket, _ = websocket(fail)
    with pytest.raises(LookupError, match="app"):
        await opened(socket)


async def test_who_stops_waiting_for_the_answer_leaves_nothing_behind() -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await waiting.wait()
        await send({"type": "websocket.accept"})

    waiting = asyncio.Event()
    socket, _ = websocket(slow)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await opened(socket)
    waiting.set()
    await socket.close()
    assert not socket.is_open
