"""What is put comes out in order, and is counted until it was sent."""

from __future__ import annotations

import asyncio

import pytest

from tidegate.protocol.server_frames import Message
from tidegate.transports.asgi.outbox import Outbox


@pytest.fixture
def outbox() -> Outbox:
    return Outbox(high=10, low=4)


async def test_messages_come_in_order_as_text_or_bytes(outbox: Outbox) -> None:
    outbox.put(Message("é", 2))
    outbox.put(Message(b"\xff", 1))
    assert await outbox.next() == {"type": "websocket.send", "text": "é"}
    assert await outbox.next() == {"type": "websocket.send", "bytes": b"\xff"}


async def test_it_is_full_above_the_high_mark_until_down_to_the_low_one(outbox: Outbox) -> None:
    seen = []
    for size in (4, 6, 1):
        outbox.put(Message("x", size))
        seen.append((outbox.size, outbox.is_full))
    assert seen == [(4, False), (10, False), (11, True)]
    for expected in (False, True):  # 7 bytes are left after the first, 1 after the second
        await outbox.next()
        assert outbox.sent() is expected
    assert (outbox.size, outbox.is_full) == (1, False)


async def test_a_message_counts_until_the_server_has_taken_it(outbox: Outbox) -> None:
    outbox.put(Message("x", 11))
    await outbox.next()
    assert (outbox.size, outbox.is_full) == (11, True)
    assert outbox.sent() is True
    assert outbox.size == 0


async def test_the_sender_is_woken(outbox: Outbox) -> None:
    waiting = asyncio.ensure_future(outbox.next())
    await asyncio.sleep(0)
    outbox.put(Message("a", 1))
    outbox.put(Message("b", 1))
    assert (await waiting) == {"type": "websocket.send", "text": "a"}


async def test_the_close_comes_last_and_once(outbox: Outbox) -> None:
    outbox.put(Message("a", 1))
    outbox.close(1008, "why")
    outbox.close(1000, "other")
    outbox.put(Message("too late", 8))
    assert await outbox.next() == {"type": "websocket.send", "text": "a"}
    assert await outbox.next() == {"type": "websocket.close", "code": 1008, "reason": "why"}
    assert await outbox.next() is None
    assert await outbox.next() is None


async def test_a_sender_that_was_cancelled_is_not_woken(outbox: Outbox) -> None:
    waiting = asyncio.ensure_future(outbox.next())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    outbox.put(Message("a", 1))
