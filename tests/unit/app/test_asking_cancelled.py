"""Consume functions that are cancelled, or that await what was."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.unit.app.routers import message, router

from tidegate import Message, Namespace
from tidegate.errors import MessageRejected


def asked(function: Callable[..., Any]) -> Awaitable[object]:
    namespace = Namespace("/n")
    namespace.consume("p")(function)
    entries = router(namespace).route(message('{"tenantId":"acme"}'))
    assert isinstance(entries, Awaitable)
    return entries


async def test_a_function_that_awaits_what_was_cancelled_has_failed() -> None:
    async def audience(message: Message[Any]) -> None:
        other = asyncio.get_running_loop().create_future()
        other.cancel()
        await other

    with pytest.raises(MessageRejected, match="CancelledError") as caught:
        await asked(audience)
    assert caught.value.reason == "handler_failed"


async def test_a_consumer_that_stops_is_not_held_up() -> None:
    async def audience(message: Message[Any]) -> None:
        await asyncio.sleep(60)

    async def consume() -> None:
        await asked(audience)

    task = asyncio.create_task(consume())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
