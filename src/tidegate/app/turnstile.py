"""Bursts in slices: so many calls in one turn of the event loop, the others in the next turns."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial

__all__ = ["Turnstile"]


class Turnstile:
    """Makes calls in the order they came, at most ``per_turn`` in one turn of the event loop.

    One turn reads from up to a thousand connections. If each of them brings something that takes
    a while, everybody else would wait for all of it.

    Args:
        per_turn: Calls that are made at once.
    """

    __slots__ = ("_made", "_per_turn", "_waiting")

    def __init__(self, per_turn: int) -> None:
        self._per_turn = per_turn
        self._made = 0  # in this turn; as many as may be while others wait
        self._waiting: deque[Callable[[], None]] = deque()

    def call(self, function: Callable[..., None], *arguments: object) -> None:
        """Make the call, now or in one of the next turns; ``function`` must not raise."""
        if self._made >= self._per_turn:
            self._waiting.append(partial(function, *arguments))
            return
        if not self._made:
            asyncio.get_running_loop().call_soon(self._next_turn)
        self._made += 1
        function(*arguments)

    def _next_turn(self) -> None:
        waiting = self._waiting
        self._made = min(len(waiting), self._per_turn)
        if self._made:
            asyncio.get_running_loop().call_soon(self._next_turn)
        for _ in range(self._made):
            waiting.popleft()()
