"""When a batch counts as stored, and what bounds those that no reader has seen."""

from __future__ import annotations

import asyncio

import pytest
from rstream import schema
from tests.conftest import until

from tidegate.errors import LogError
from tidegate.log.rabbitmq_stream.codec import EMPTY
from tidegate.log.rabbitmq_stream.link import Link
from tidegate.log.rabbitmq_stream.retry import Outage
from tidegate.log.rabbitmq_stream.writer import MAX_UNSEEN, Writer


async def nowhere() -> Link:
    raise AssertionError("the writer was not started")


def make_writer() -> Writer:
    return Writer("node", "stream", nowhere, Outage("nothing", 1.0))


def sent(writer: Writer) -> list[int]:
    """Act as if all that waits was sent, and return the numbers of what was not seen."""
    for pending in writer._pending.values():
        pending.is_sent = True
    return list(writer._pending)


def confirm(writer: Writer, *numbers: int) -> None:
    writer._on_confirm(schema.PublishConfirm(publisher_id=0, publishing_ids=list(numbers)))


async def test_a_batch_is_stored_when_the_broker_confirms_it_and_appended_when_it_is_seen() -> None:
    writer = make_writer()
    storing = asyncio.ensure_future(writer.store(EMPTY))
    appending = asyncio.ensure_future(writer.append(EMPTY))
    await until(lambda: sent(writer) == [1, 2], "both")
    confirm(writer, 1, 2, 3)
    await storing
    assert not appending.done() and writer.has_pending
    writer.stored(2, 70)
    assert await appending == 70
    assert not writer.has_pending


async def test_what_a_reader_has_seen_needs_no_confirm() -> None:
    writer = make_writer()
    storing = asyncio.ensure_future(writer.store(EMPTY))
    await until(lambda: sent(writer) == [1], "the batch")
    writer.stored(1, 70)
    await storing


async def test_who_stores_more_than_readers_see_waits() -> None:
    writer = make_writer()
    storing = [asyncio.ensure_future(writer.store(EMPTY)) for _ in range(MAX_UNSEEN + 2)]
    await until(lambda: len(sent(writer)) == MAX_UNSEEN, "as many as may be unseen")
    confirm(writer, *sent(writer))
    await asyncio.wait(storing[:MAX_UNSEEN])
    assert len(sent(writer)) == MAX_UNSEEN
    writer.stored(1, 70)
    await until(lambda: MAX_UNSEEN + 1 in sent(writer), "one more")
    assert MAX_UNSEEN + 2 not in sent(writer)
    await writer.close()
    results = await asyncio.gather(*storing, return_exceptions=True)
    assert results[:MAX_UNSEEN] == [None] * MAX_UNSEEN
    assert [type(result) for result in results[MAX_UNSEEN:]] == [LogError, LogError]


async def test_one_that_is_cancelled_before_it_was_sent_leaves_its_place() -> None:
    writer = make_writer()
    for _ in range(MAX_UNSEEN + 1):
        storing = asyncio.ensure_future(writer.store(EMPTY))
        await until(lambda: writer.has_pending, "the batch")
        storing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await storing
        assert not writer.has_pending
