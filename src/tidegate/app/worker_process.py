"""A worker as its supervisor sees it: one place, in which processes follow each other."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Sequence

from tidegate.app.seat import Seat
from tidegate.transports.handover import ConnectionOutlet

__all__ = ["WorkerProcess"]

log = logging.getLogger("tidegate.supervisor")

QUICK_SECONDS = 60.0
"""Who ended within this time after its start has failed, and waits longer each time."""

FIRST_DELAY = 0.2
LONGEST_DELAY = 30.0


class WorkerProcess:
    """Starts and stops the processes of one worker.

    Args:
        number: From 0.
        command: What runs a worker.
        seat_of: Makes the seat for a new process of a number, given its link and whether it is
            a restart.
        on_ready: Called each time that the worker became ready.

    Attributes:
        outlet: For its connections; None while there is no process.
        was_ready: Whether one of its processes was ready once.
        failed_starts: Processes in a row that ended before they were ready.
    """

    def __init__(
        self,
        number: int,
        command: Sequence[str],
        seat_of: Callable[[int, int, bool], Seat],
        on_ready: Callable[[], None],
    ) -> None:
        self.number = number
        self.outlet: ConnectionOutlet | None = None
        self.was_ready = False
        self.failed_starts = 0
        self._command = command
        self._seat_of = seat_of
        self._on_ready = on_ready
        self._process: asyncio.subprocess.Process | None = None
        self._began = 0.0
        self._became_ready = False
        self._starts = 0
        self._quick_ends = 0

    @property
    def is_running(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    async def start(self) -> None:
        """Start a process.

        Raises:
            OSError: The system refuses.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            seat = self._seat_of(self.number, theirs.fileno(), self._starts > 0)
            passed = [seat.link] if seat.api is None else [seat.link, seat.api]
            self._starts += 1
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env={**os.environ, **seat.environment()},
                stdin=asyncio.subprocess.PIPE,
                pass_fds=passed,
                process_group=0,  # Ctrl-C in a terminal is for the supervisor alone
            )
        log.info("worker %s is process %s", self.number, self._process.pid)
        self._began = asyncio.get_running_loop().time()
        self._became_ready = False
        self.outlet = ConnectionOutlet(ours, self._ready)

    async def ended(self) -> int:
        """Wait for the process to end, and return its exit code (negative: the signal's)."""
        process, outlet = self._process, self.outlet
        assert process is not None and outlet is not None, "it was started"  # noqa: S101
        code = await process.wait()
        self._process = self.outlet = None
        outlet.close()
        self.failed_starts = 0 if self._became_ready else self.failed_starts + 1
        lived = asyncio.get_running_loop().time() - self._began
        self._quick_ends = self._quick_ends + 1 if lived < QUICK_SECONDS else 0
        return code

    def order_stop(self) -> None:
        """Tell it to drain, or at the second time, to end the draining."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(b"s")

    def kill(self) -> None:
        """End it without a word."""
        if self._process is not None:
            self._process.kill()

    @property
    def delay(self) -> float:
        """Seconds to wait before the next start."""
        return float(min(LONGEST_DELAY, FIRST_DELAY * 2 ** max(0, self._quick_ends - 1)))

    def _ready(self) -> None:
        self._became_ready = self.was_ready = True
        self._on_ready()
