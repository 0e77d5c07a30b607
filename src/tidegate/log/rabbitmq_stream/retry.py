"""Pauses between attempts to reach the broker, and one log line for each outage."""

from __future__ import annotations

import asyncio
import logging

from tidegate.backoff import Backoff

__all__ = ["Outage"]

log = logging.getLogger("tidegate.log")


class Outage:
    """Pauses between attempts at one thing, and one log line when it is lost and when it is back.

    Args:
        what: What is being reached, for the log.
        longest: Seconds of the longest pause.
    """

    def __init__(self, what: str, longest: float) -> None:
        self._what = what
        self._backoff = Backoff(longest)
        self._is_out = False

    def is_over(self) -> None:
        """Note that it is reached: the next pauses are short again."""
        if self._is_out:
            log.info("%s is reached again", self._what)
        self._backoff.reset()
        self._is_out = False

    def goes_on(self, error: BaseException) -> None:
        """Note that an attempt failed."""
        level = logging.DEBUG if self._is_out else logging.WARNING
        reason = str(error) or type(error).__name__
        text = "%s can't be reached (%s); trying again (`tidegate doctor` tells more)"
        log.log(level, text, self._what, reason)
        self._is_out = True

    async def pause(self) -> None:
        """Wait a little longer than the last time."""
        await asyncio.sleep(self._backoff.next_pause())
