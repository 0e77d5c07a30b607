"""Pauses between attempts to reach the broker, and one log line for each outage."""

from __future__ import annotations

import asyncio
import logging
import random

__all__ = ["Backoff", "end_task"]

log = logging.getLogger("tidegate.log")

_FIRST = 0.1


class Backoff:
    """Grows the pause from a tenth of a second up to a limit, with jitter.

    Args:
        what: What is being reached, for the log.
        longest: Seconds of the longest pause.
    """

    def __init__(self, what: str, longest: float) -> None:
        self._what = what
        self._longest = longest
        self._attempts = 0
        self._is_out = False

    def succeeded(self) -> None:
        """Begin anew with short pauses."""
        if self._is_out:
            log.info("%s is reached again", self._what)
        self._attempts = 0
        self._is_out = False

    def failed(self, error: BaseException) -> None:
        """Tell of an outage, once."""
        level = logging.DEBUG if self._is_out else logging.WARNING
        reason = str(error) or type(error).__name__
        log.log(level, "%s can't be reached (%s); trying again", self._what, reason)
        self._is_out = True

    async def pause(self) -> None:
        """Wait a little longer than the last time."""
        longest = min(self._longest, _FIRST * 2**self._attempts)
        self._attempts = min(self._attempts + 1, 16)
        await asyncio.sleep(random.uniform(longest / 2, longest))


async def end_task(task: asyncio.Task[None] | None) -> None:
    """Cancel a task and wait until it has ended.

    Once is not enough: rstream swallows a cancellation while it closes a connection.
    """
    while task is not None and not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=1.0)
