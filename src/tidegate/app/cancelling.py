"""Cancellations that are meant for us, and those that users' functions stumble over.

A function that awaits something which somebody else has cancelled raises CancelledError as well,
and that is no Exception: it would end, without a word, the task that runs the function.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from typing import Any

__all__ = ["END_SECONDS", "end_tasks", "is_cancelled"]

log = logging.getLogger("tidegate.gateway")

END_SECONDS = 5.0
"""What functions have to end when they are cancelled."""


def is_cancelled() -> bool:
    """Tell whether the running task itself is to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def end_tasks(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended; tell of those that do not in time."""
    if not tasks:
        return
    for task in tasks:
        task.cancel()
    ended, left = await asyncio.wait(tasks, timeout=END_SECONDS)
    await asyncio.gather(*ended, return_exceptions=True)
    for task in left:
        log.warning("a function does not end, although it was cancelled: %s", _place(task))


def _place(task: asyncio.Task[Any]) -> str:
    """Return where a task is: what it awaits, and what that awaits, each with its line."""
    places = []
    coroutine: Any = task.get_coro()
    while (frame := getattr(coroutine, "cr_frame", None)) is not None:
        code = frame.f_code
        places.append(f"{code.co_qualname} ({code.co_filename}:{frame.f_lineno})")
        coroutine = coroutine.cr_await
    return ", in ".join(reversed(places)) or repr(task)
