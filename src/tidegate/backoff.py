"""Pauses between attempts: longer each time, up to a limit, and never in step with other nodes."""

from __future__ import annotations

import random

__all__ = ["Backoff"]

_FIRST = 0.1
_MAX_DOUBLINGS = 16


class Backoff:
    """How long to wait before the next attempt.

    Args:
        longest: Seconds that no pause exceeds.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._attempts = 0

    def next_pause(self) -> float:
        """Return seconds: about 0.1 at first, then twice as long each time, less up to a half.

        The random part keeps the nodes of a cluster from knocking all at once at a broker that
        has just come back.
        """
        pause = min(self._longest, _FIRST * 2.0 ** min(self._attempts, _MAX_DOUBLINGS))
        self._attempts += 1
        return pause * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Start anew after a success."""
        self._attempts = 0
