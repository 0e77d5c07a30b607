"""Several processes on one port: binds it, starts the workers, and starts again those that die.

The workers run the same command in processes of their own. Nothing of theirs runs here, so that
this process has little that could fail: it accepts connections and deals them out (``acceptor``).
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator, Sequence

from tidegate.app.broker import STOP_SECONDS as BROKER_STOP_SECONDS
from tidegate.app.cancelling import END_SECONDS
from tidegate.app.runner import OnReady, stop_signals
from tidegate.app.safety import api_is_on
from tidegate.app.seat import Seat
from tidegate.app.settings import Settings
from tidegate.app.worker_process import WorkerProcess
from tidegate.log.rabbitmq_stream import CLOSE_SECONDS as LOG_CLOSE_SECONDS
from tidegate.transports.acceptor import Acceptor, bind_public
from tidegate.transports.handover import ConnectionOutlet

__all__ = ["Supervisor"]

log = logging.getLogger("tidegate.supervisor")

MAX_FAILED_STARTS = 5

EXIT_SECONDS = 5.0
"""For the private port (2 s for requests under way), and for a process to end."""

STOP_SECONDS = BROKER_STOP_SECONDS + LOG_CLOSE_SECONDS + END_SECONDS + EXIT_SECONDS
"""What a worker has to end, after it has drained: as much as its parts may take one after the other
when the broker is silent. What takes longer hangs."""

REFUSED = 2
"""Exit code of a command that refuses its settings."""


class Supervisor:
    """Runs ``settings.workers`` processes.

    Args:
        settings: As the workers will read them.
        command: What runs a worker; told by its environment that it is one (``seat``).
        on_ready: Told the public port and the private one (None if it is off), when all are ready.
    """

    def __init__(self, settings: Settings, *, command: Sequence[str], on_ready: OnReady) -> None:
        self._settings = settings
        self._command = command
        self._on_ready = on_ready
        self._stopping = asyncio.Event()
        self._workers: list[WorkerProcess] = []
        self._is_open = False

    async def run(self) -> int:
        """Serve until told to stop, and return the exit code.

        0: told to stop. 1: a worker keeps failing. 2: the workers refuse the settings.

        Raises:
            OSError: A port can't be had, or no process started.
        """
        settings = self._settings
        stopped = stop_signals()
        public = bind_public(settings.host, settings.port)
        self._acceptor = Acceptor(public, self._outlets)
        self._public_port: int = public[0].getsockname()[1]
        self._api = None
        self._folder = tempfile.mkdtemp(prefix="tidegate-")  # only this user may enter
        try:
            if api_is_on(settings):
                self._api = socket.create_server((settings.api.host, settings.api.port))
            return await self._supervise(stopped)
        finally:
            self._acceptor.close()
            if self._api is not None:
                self._api.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    async def _supervise(self, stopped: asyncio.Queue[None]) -> int:
        self._workers = [
            WorkerProcess(number, self._command, self._seat, self._worker_is_ready)
            for number in range(self._settings.workers)
        ]
        keepers = [asyncio.ensure_future(self._keep(worker)) for worker in self._workers]
        told = asyncio.ensure_future(stopped.get())
        await asyncio.wait({told, *keepers}, return_when=asyncio.FIRST_COMPLETED)
        await self._end(keepers, told, stopped)
        return max(keeper.result() for keeper in keepers)

    async def _keep(self, worker: WorkerProcess) -> int:
        """Keep a worker running; return the exit code that all should end with."""
        while not self._stopping.is_set():
            await worker.start()
            if self._stopping.is_set():
                worker.order_stop()
            code = await worker.ended()
            if self._stopping.is_set():
                break
            if code == REFUSED and not worker.was_ready:
                return REFUSED
            if worker.failed_starts >= MAX_FAILED_STARTS:
                log.error(
                    "worker %s %s, %s times before it was ready: giving up",
                    worker.number,
                    _how(code),
                    worker.failed_starts,
                )
                return 1
            log.error(
                "worker %s %s; it starts again in %.1f s", worker.number, _how(code), worker.delay
            )
            await self._sleep(worker.delay)
        return 0

    async def _end(
        self,
        keepers: Sequence[asyncio.Future[int]],
        told: asyncio.Future[None],
        stopped: asyncio.Queue[None],
    ) -> None:
        self._stopping.set()
        self._acceptor.close()
        seconds = self._settings.drain_seconds + STOP_SECONDS
        log.info("telling the workers to drain; a second signal ends it")
        again = asyncio.ensure_future(stopped.get()) if told.done() else told
        self._order_stop()
        ended = asyncio.ensure_future(_all_done(keepers))
        await asyncio.wait({ended, again}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if again.done() and not ended.done():
            self._order_stop()
            await asyncio.wait({ended}, timeout=STOP_SECONDS)
        again.cancel()
        for worker in self._workers:
            if worker.is_running:
                log.error("worker %s does not end: killing it", worker.number)
                worker.kill()
        await ended
        log.info("stopped")

    def _order_stop(self) -> None:
        for worker in self._workers:
            worker.order_stop()

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    def _worker_is_ready(self) -> None:
        # Not before: the first one would get all the clients that wait to come back.
        if self._is_open or not all(worker.was_ready for worker in self._workers):
            return
        self._is_open = True
        self._acceptor.open()
        settings, api = self._settings, self._api
        log.info(
            "listening on %s:%s, with %s workers",
            settings.host,
            self._public_port,
            settings.workers,
        )
        self._on_ready(self._public_port, None if api is None else api.getsockname()[1])

    def _outlets(self) -> Iterator[ConnectionOutlet]:
        return (worker.outlet for worker in self._workers if worker.outlet is not None)

    def _seat(self, number: int, link: int, is_restart: bool) -> Seat:
        return Seat(
            number=number,
            count=self._settings.workers,
            folder=self._folder,
            link=link,
            api=None if self._api is None else self._api.fileno(),
            is_restart=is_restart,
        )


async def _all_done(keepers: Sequence[asyncio.Future[int]]) -> None:
    await asyncio.wait(keepers)


def _how(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was ended by {signal.Signals(-code).name}"
