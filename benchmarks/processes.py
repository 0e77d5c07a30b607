"""A program under measurement: pinned to a core, talked to by lines, always stopped by its id."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self, cast

__all__ = ["Cores", "Program", "ProgramError", "choose_cores", "pinned"]

Cores = int | tuple[int, ...]
"""The only core, or the only ones, that a program runs on."""

STOP_SECONDS = 10.0
_LOG_LINES = 15


class ProgramError(Exception):
    """A program ended, said nothing in time, or reported an error; holds the end of its log."""


def choose_cores() -> tuple[int, int]:
    """Return the server's core and the load client's.

    Raises:
        ProgramError: This process may use one core only, so the two can't be apart.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise ProgramError("the benchmarks need two cores: one for the server, one for the load")
    return cores[0], cores[1]


class Program:
    """A child process; use it as a context manager.

    Args:
        command: Program and arguments.
        core: Where it, and whatever it starts, runs.
        log: Where its stderr goes.
        environment: Added to this process's.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        core: Cores,
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._log = log
        with log.open("w") as stderr, pinned(core):
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                bufsize=1,
                env={**os.environ, **(environment or {})},
            )
        self.name = Path(command[0]).name
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def tell(self, line: str) -> None:
        """Write one line to its stdin."""
        stdin = cast("IO[str]", self._process.stdin)
        try:
            stdin.write(line + "\n")
        except BrokenPipeError:
            raise self._error(f"ended before it was told {line!r}") from None

    def read(self, timeout: float) -> dict[str, Any]:
        """Return the next line of its stdout, a JSON object.

        Raises:
            ProgramError: It ended, was silent for ``timeout`` seconds, or reported an error.
        """
        stdout = cast("IO[str]", self._process.stdout)
        watchdog = threading.Timer(timeout, self._process.kill)
        watchdog.start()
        try:
            line = stdout.readline()
        finally:
            watchdog.cancel()
        if not line:
            raise self._error(f"ended, or said nothing for {timeout:.0f} s")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise self._error(answer["error"])
        return answer

    def close_stdin(self) -> None:
        """Tell it to finish."""
        with contextlib.suppress(BrokenPipeError):
            cast("IO[str]", self._process.stdin).close()

    def stop(self) -> None:
        """Close its stdin, and end it if that does not; nothing is left running."""
        self.close_stdin()
        for insist in (self._process.terminate, self._process.kill):
            try:
                self._process.wait(STOP_SECONDS)
                break
            except subprocess.TimeoutExpired:
                insist()
        self._process.wait()
        cast("IO[str]", self._process.stdout).close()

    def _error(self, what: str) -> ProgramError:
        lines = self._log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        return ProgramError("\n".join([f"{self.name} {what}", *lines]))


@contextlib.contextmanager
def pinned(core: Cores) -> Iterator[None]:
    """Run on some core for a moment: children inherit it with their first instruction."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core} if isinstance(core, int) else core)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
