"""The official socket.io-client in a Node process of its own, driven by lines of JSON."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.conftest import until

FOLDER = Path(__file__).parent / "node"
VENV_BIN = Path(__file__).parents[2] / ".venv" / "bin"

Said = dict[str, Any]


class NodeDriver:
    """One Node process with any number of official clients."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._acks = 0

    async def start(self) -> None:
        path = f"{os.environ['PATH']}:{VENV_BIN}"
        self._process = await asyncio.create_subprocess_exec(
            "node",
            "driver.mjs",
            cwd=FOLDER,
            env={**os.environ, "PATH": path},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=64 * 1024 * 1024,
        )
        self._reader = asyncio.ensure_future(self._read())
        await self.wait(lambda line: line["what"] == "ready")

    async def stop(self) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        if self._reader is not None:
            await self._reader

    def client(self, name: str, url: str, **options: Any) -> OfficialClient:
        client = OfficialClient(self, name)
        self.send({"do": "connect", "name": name, "url": url, "options": options})
        return client

    def send(self, command: Said) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")

    async def wait(self, matches: Callable[[Said], Any], count: int = 1) -> Said:
        """Return the count-th line that matches, once it was said."""
        found = await until(
            lambda: [line for line in self.said if matches(line)][count - 1 :], "the Node client"
        )
        first: Said = found[0]
        return first

    def next_ack(self) -> int:
        self._acks += 1
        return self._acks

    async def _read(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        while line := await self._process.stdout.readline():
            self.said.append(json.loads(line))


class OfficialClient:
    """One socket of the official client."""

    def __init__(self, driver: NodeDriver, name: str) -> None:
        self._driver = driver
        self.name = name

    def said(self, what: str) -> list[Said]:
        return [
            line
            for line in self._driver.said
            if line.get("client") == self.name and line["what"] == what
        ]

    async def wait(self, what: str, count: int = 1) -> Said:
        found: list[Said] = await until(
            lambda: self.said(what)[count - 1 :], f"{what} of {self.name}: {self._driver.said[-5:]}"
        )
        return found[0]

    def events(self, name: str) -> list[Any]:
        """The first argument of each event with that name, in the order heard."""
        return [line["args"][0] for line in self.said("event") if line["event"] == name]

    async def heard(self, name: str, count: int) -> list[Any]:
        await until(lambda: len(self.events(name)) >= count, f"{count} {name} at {self.name}")
        return self.events(name)

    def emit(self, event: str, *args: Any) -> None:
        self._do("emit", event=event, args=args)

    async def ask(self, event: str, *args: Any) -> list[Any]:
        """Emit with an ack and return its arguments."""
        number = self._driver.next_ack()
        self._do("ack", event=event, args=args, id=number)
        line = await self._driver.wait(lambda said: said.get("id") == number)
        assert line.get("error") is None, line
        values: list[Any] = line["args"]
        return values

    async def wire(self) -> Said:
        """Return what was agreed on (``extensions``) and the ``bytes`` received so far."""
        number = self._driver.next_ack()
        self._do("wire", id=number)
        return await self._driver.wait(lambda said: said.get("id") == number)

    def cut(self) -> None:
        """Lose the TCP connection without a word."""
        self._do("cut")

    def hold(self) -> None:
        """Stop reading from the connection."""
        self._do("hold")

    def resume(self) -> None:
        """Go on reading."""
        self._do("resume")

    def present(self, **auth: Any) -> None:
        """Use another auth payload at the next connect."""
        self._do("auth", auth=auth)

    def offer(self, deflate: Any) -> None:
        """Use another ``perMessageDeflate`` at the next connect."""
        self._do("offer", deflate=deflate)

    def open(self) -> None:
        self._do("open")

    def disconnect(self) -> None:
        self._do("disconnect")

    def _do(self, what: str, **more: Any) -> None:
        self._driver.send({"do": what, "name": self.name, **more})
