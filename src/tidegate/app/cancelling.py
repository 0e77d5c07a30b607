"""Cancellations that are meant for us, and those that users' functions stumble over.

A function that awaits something which somebody else has cancelled raises CancelledError as well,
and that is no Exception: it would end, without a word, the task that runs the function.
"""

from __future__ import annotations

import asyncio

__all__ = ["is_cancelled"]


def is_cancelled() -> bool:
    """Tell whether the running task itself is to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
