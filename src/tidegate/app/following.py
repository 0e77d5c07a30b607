"""Feeding the hub from the log, for as long as the gateway lives."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any

from tidegate.app.synchronising import Synchroniser
from tidegate.errors import LogError, LogGap
from tidegate.hub import Hub
from tidegate.log import Batch, EventLog

__all__ = ["LogFollower"]

log = logging.getLogger("tidegate.gateway")

READ_BACK = 1.5
"""Ages of the window that are read at the start."""


class LogFollower:
    """Follows the log into the hub.

    It begins further back than the window reaches, so that clients of other nodes, or of this one's
    former life, can be served from it: a node tells of its sockets' rooms twice in a window's age,
    and one that has just died may have done so half an age before the oldest event that still
    counts. After a gap all clients start anew at the log's end.

    Args:
        hub: Takes in what is read.
        log: Is followed; started.
        age: Seconds that the window reaches back.
        spawn: Runs a coroutine as a task.

    Attributes:
        is_following: Whether the log is being read.
        synchroniser: Tells when all of the log has been read.
        failure: Why this node can't go on; None while it can.
        failed: Set together with ``failure``.
    """

    def __init__(
        self,
        hub: Hub,
        log: EventLog,
        *,
        age: float,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self.is_following = False
        self.synchroniser = Synchroniser(hub, log, spawn)
        self.failure: LogError | None = None
        self.failed = asyncio.Event()
        self._hub = hub
        self._log = log
        self._age = age

    async def run(self) -> None:
        """Follow until the log is closed, or can't be followed any more."""
        now = time.time()
        self._hub.begin_at(now - self._age)
        batches = self._log.follow(since=now - READ_BACK * self._age)
        try:
            while not await self._follow_until_gap(batches):
                heads = await self._log.heads()
                self._hub.start_over(heads, await self._log.revocations())
                self.synchroniser.advanced()
                batches = self._log.follow(heads)
        except LogError as error:
            log.error("the log was lost, and this node can't go on: %s", error)  # noqa: TRY400
            self._fail(error)
        except Exception as error:
            log.exception("following the log failed, and this node can't go on")
            self._fail(LogError(f"following the log failed: {error}"))

    async def _follow_until_gap(self, batches: AsyncGenerator[Batch, None]) -> bool:
        """Return True when the log was closed, False when something was missed."""
        self.is_following = True
        try:
            async with aclosing(batches):
                async for batch in batches:
                    self._hub.ingest(batch)
                    self.synchroniser.advanced()
                    await self._hub.turns.wait_for_room()
        except LogGap as gap:
            log.warning("events were missed, so all clients start anew: %s", gap)
            return False
        finally:
            self.is_following = False
        return True

    def _fail(self, error: LogError) -> None:
        self.failure = error
        self.failed.set()
        self.synchroniser.fail(error)
