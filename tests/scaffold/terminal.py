"""A command in a terminal, typed to as a person would."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 20.0
_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """Attributes: screen: All that was shown, without colours."""

    def __init__(self, master: int, process: subprocess.Popen[bytes]) -> None:
        self._master = master
        self._process = process
        self._seen = 0
        self.screen = ""

    def wait_for(self, text: str) -> None:
        """Wait until this is shown after what was waited for before."""
        end = time.monotonic() + PATIENCE
        while (found := self.screen.find(text, self._seen)) < 0:
            assert self._read(end), f"no {text!r} in:\n{self.screen[self._seen :]}"
        self._seen = found + len(text)

    def answer(self, question: str, text: str) -> None:
        """Type a line once the question is shown."""
        self.wait_for(question)
        os.write(self._master, f"{text}\n".encode())

    def code(self) -> int:
        """Read to the end and return the exit code."""
        end = time.monotonic() + PATIENCE
        while self._read(end):
            pass
        return self._process.wait(PATIENCE)

    def _read(self, end: float) -> bool:
        if not select.select([self._master], [], [], max(0.0, end - time.monotonic()))[0]:
            return False
        try:
            data = os.read(self._master, 65_536)
        except OSError:  # the other end is closed
            return False
        self.screen += _STYLE.sub("", data.decode()).replace("\r\n", "\n")
        return bool(data)


@contextmanager
def terminal(folder: Path, arguments: Sequence[str]) -> Iterator[Terminal]:
    """Run ``tidegate`` in a terminal of its own."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tidegate", *arguments],
        cwd=folder,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "120"},
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(master, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(master)
