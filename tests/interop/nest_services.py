"""Real NestJS services, each in a Node process of its own: a publisher and a responder."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.conftest import until

__all__ = ["NestPublisher", "NestResponder"]

FOLDER = Path(__file__).parent / "nest"
VENV_BIN = Path(__file__).parents[2] / ".venv" / "bin"

Said = dict[str, Any]


class _NestProcess:
    """One Node process that reads and says lines of JSON; use it as a context manager.

    Args:
        url: The broker.
        queue: What Nest's options call ``queue``.
        options: More of Nest's ``RmqOptions``, by their own names: ``queueOptions``, ``noAck``,
            ``wildcards``, ``exchange``, ``exchangeType``, ...

    Attributes:
        queue: As given.
        said: What the process has said, oldest first.
    """

    script: str

    def __init__(self, url: str, queue: str, **options: Any) -> None:
        self.queue = queue
        self._options = {"urls": [url], "queue": queue, **options}
        self.said: list[Said] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start it; returns when it is connected to the broker."""
        self._process = await asyncio.create_subprocess_exec(
            "node",
            f"dist/{self.script}.js",
            json.dumps(self._options),
            cwd=FOLDER,
            env={**os.environ, "PATH": f"{os.environ['PATH']}:{VENV_BIN}"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=64 * 1024 * 1024,
        )
        self._reader = asyncio.ensure_future(self._read())
        await until(lambda: {"what": "ready"} in self.said, f"Nest's {self.script}")

    async def stop(self) -> None:
        """Close its input, at which it ends, and wait for that; one that hangs is killed."""
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(5):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        if self._reader is not None:
            await self._reader

    def _send(self, command: Said) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")

    async def _read(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        while line := await self._process.stdout.readline():
            self.said.append(json.loads(line))


class NestPublisher(_NestProcess):
    """Publishes with Nest's ClientProxy."""

    script = "publisher"

    def __init__(self, url: str, queue: str, **options: Any) -> None:
        super().__init__(url, queue, **options)
        self._commands = 0

    async def emit(self, pattern: str | Said, data: Any, **options: Any) -> None:
        """Emit an event; returns when the broker has confirmed it.

        Args:
            options: Of Nest's ``RmqRecordBuilder``: ``headers``, ``messageId``, ...
        """
        await self._command("emit", pattern, data, options)

    async def ask(self, pattern: str | Said, data: Any, **options: Any) -> Any:
        """Send a request and return the responder's answer."""
        return await self._command("send", pattern, data, options)

    async def _command(self, do: str, pattern: str | Said, data: Any, options: Said) -> Any:
        self._commands += 1
        number = self._commands
        command: Said = {"id": number, "do": do, "pattern": pattern, "data": data}
        self._send({**command, "options": options} if options else command)
        lines = await until(lambda: [line for line in self.said if line.get("id") == number])
        answer: Said = lines[0]
        assert "error" not in answer, answer
        return answer.get("reply")


class NestResponder(_NestProcess):
    """Answers requests and takes events; its patterns are those of ``nest/src/responder.ts``."""

    script = "responder"

    def __init__(self, url: str, queue: str, **options: Any) -> None:
        super().__init__(url, queue, **{"noAck": False, **options})

    def heard(self, pattern: str) -> list[Said]:
        """Return the messages and events of a pattern, oldest first.

        Each has ``what`` (``message`` or ``event``), ``data``, ``headers``, ``messageId``,
        ``contentType``, ``deliveryMode`` and ``correlationId``.
        """
        return [line for line in self.said if line.get("pattern") == pattern]

    async def wait(self, pattern: str, count: int = 1) -> Said:
        """Return the count-th that it heard of a pattern, once it did."""
        found: list[Said] = await until(
            lambda: self.heard(pattern)[count - 1 :], f"{pattern} at Nest's responder"
        )
        return found[0]
