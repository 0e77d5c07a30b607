"""Waiting until this node has read all that is in the log: many wait for one look at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from tidegate.errors import LogError
from tidegate.hub import Hub
from tidegate.log import EventLog

__all__ = ["Synchroniser"]


class Synchroniser:
    """Tells when this node has caught up with what was appended anywhere before it was asked.

    Whoever asks joins the next round, so a storm of returning clients costs few looks.

    Args:
        hub: Reads the log; ``advanced`` is called after each batch.
        log: Where its end is asked for.
        spawn: Runs a coroutine as a task.
    """

    def __init__(
        self,
        hub: Hub,
        log: EventLog,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self._hub = hub
        self._log = log
        self._spawn = spawn
        self._waiting: list[asyncio.Future[None]] = []
        self._rounds: asyncio.Task[None] | None = None
        self._advance = asyncio.Event()
        self._failure: LogError | None = None

    async def caught_up(self) -> None:
        """Return once everything that was in the log at the call has been read here.

        Raises:
            LogError: The log is closed, or lost.
        """
        if self._failure is not None:
            raise self._failure
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        if self._rounds is None:
            self._rounds = self._spawn(self._run_rounds())
        await waiting

    def advanced(self) -> None:
        """Note that the hub has read on."""
        self._advance.set()

    def fail(self, error: LogError) -> None:
        """Let everybody know that this node will read no more."""
        self._failure = error
        self._advance.set()

    async def _run_rounds(self) -> None:
        try:
            while self._waiting:
                round_, self._waiting = self._waiting, []
                try:
                    await self._one_round()
                except LogError as error:
                    _settle(round_, error)
                else:
                    _settle(round_, None)
        finally:
            self._rounds = None
            _settle(self._waiting, LogError("the gateway is stopping"))

    async def _one_round(self) -> None:
        heads = await self._log.heads()
        while not self._hub.has_reached(heads):
            if self._failure is not None:
                raise self._failure
            self._advance.clear()
            await self._advance.wait()


def _settle(waiting: list[asyncio.Future[None]], error: LogError | None) -> None:
    for future in waiting:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
