"""Tells the operator why tokens are refused, which their clients are not told."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from tidegate.errors import AuthError

__all__ = ["RefusalLog"]

log = logging.getLogger("tidegate.door")

TOLD_SECONDS = 600.0
"""The same reason is told once in so long."""

TOLD_AT_MOST = 20
"""Reasons told in that time: who is refused may be anybody, and make up as many."""


class RefusalLog:
    """Notes reasons in the log, each once in ten minutes.

    A token of the wrong issuer, for another audience or signed by another key is a setting that is
    wrong, here or there, and the client, who may be an attacker, only learns that it is not valid.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: set[str] = set()
        self._begin = clock()

    def tell(self, error: AuthError) -> None:
        """Log a refusal whose reason was not told lately."""
        if not error.reason:
            return
        now = self._clock()
        if now - self._begin >= TOLD_SECONDS:
            self._told.clear()
            self._begin = now
        if error.reason in self._told or len(self._told) >= TOLD_AT_MOST:
            return
        self._told.add(error.reason)
        log.warning("refused a token (%s): %s", error.code, error.reason)
