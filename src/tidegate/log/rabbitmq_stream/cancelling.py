"""Cancellations that rstream would swallow.

It does so where it closes a connection, and, before Python 3.12, in ``asyncio.wait_for`` when what
is waited for ends in the same turn of the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["cancellable", "end_task"]

T = TypeVar("T")


async def end_task(task: asyncio.Task[Any] | None) -> None:
    """Cancel a task, as often as it takes, and wait until it has ended."""
    while task is not None and not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=1.0)


async def cancellable(work: Coroutine[Any, Any, T]) -> T:
    """Return what comes of it; a cancellation ends it, whatever it makes of that."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        await end_task(task)
        if not task.cancelled():
            task.exception()  # nobody else will look at it
        raise
    return task.result()
