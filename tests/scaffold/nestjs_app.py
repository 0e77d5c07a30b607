"""The NestJS project that the scaffolder writes into, and nodes of it that run."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.broker import free_port
from tests.conftest import PATIENCE, SECRET
from tidegate.scaffold.answers import Answers, domain_from
from tidegate.scaffold.plan import Plan
from tidegate.scaffold.targets import nestjs
from tidegate.scaffold.writer import Change, DirectoryProject, compare, write

__all__ = ["AUDIENCE", "ISSUER", "NestApp", "NestProject"]

HOST = Path(__file__).parent / "nestjs"
VENV_BIN = Path(__file__).parents[2] / ".venv" / "bin"
AUDIENCE, ISSUER = "realtime", "https://login.example.com"


class NestProject:
    """A copy of the host project."""

    def __init__(self, root: Path) -> None:
        self.root = root
        ignored = shutil.ignore_patterns("node_modules", "dist")
        shutil.copytree(HOST, root, ignore=ignored, dirs_exist_ok=True)
        (root / "node_modules").symlink_to(HOST / "node_modules")

    def new(self, name: str, events: Sequence[str], **answers: Any) -> list[Change]:
        """Scaffold a domain; returns what became of each file."""
        project = DirectoryProject(self.root)
        asked = Answers(name, events, target="nestjs", has_frontend=False, **answers)
        domain = domain_from(asked, project.read)
        changes = compare(Plan(tuple(nestjs.files(domain, project))), project)
        write(changes, project)
        return changes

    def read(self, path: str) -> str:
        return (self.root / "apps/api-gateway/src" / path).read_text()

    def run(self, *command: str) -> str:
        """Run a program of the project's own; fails with what it says."""
        done = subprocess.run(
            [f"node_modules/.bin/{command[0]}", *command[1:]],
            cwd=self.root,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def node(self, script: str, text: str) -> str:
        """Run a script in the project with ``text`` as its input; returns what it prints."""
        done = subprocess.run(
            ["node", "-e", script],
            cwd=self.root,
            env=_environment(),
            input=text,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout


class NestApp:
    """A node of a built project; use it as a context manager.

    Attributes:
        url: Where it listens.
        log: What it has said, once it was stopped.
        status: How it ended: the negative number of the signal, or its exit code.
    """

    def __init__(self, project: NestProject, broker_url: str, exchange: str) -> None:
        self._project = project
        self._port = free_port()
        self._settings = {
            "PORT": str(self._port),
            "JWT_SECRET": SECRET,
            "JWT_AUDIENCE": AUDIENCE,
            "JWT_ISSUER": ISSUER,
            "JWT_CLOCK_TOLERANCE": "1",
            "REALTIME_ORIGINS": "https://app.example.com, https://b.example.com",
            "REALTIME_EXCHANGE": exchange,
            "RABBITMQ_URL": broker_url,
        }
        self._process: asyncio.subprocess.Process | None = None
        self._output: asyncio.Task[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._port}"
        self.log = ""
        self.status: int | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            "node",
            "apps/api-gateway/dist/main.js",
            cwd=self._project.root,
            env=_environment() | self._settings,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert self._process.stdout is not None
        self._output = asyncio.ensure_future(self._process.stdout.read())
        try:
            async with asyncio.timeout(2 * PATIENCE):
                while not await self._answers():
                    assert self._process.returncode is None, await self._said()
                    await asyncio.sleep(0.05)
        except TimeoutError:
            await self.stop()
            raise AssertionError(f"the app did not come up:\n{self.log}") from None
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """End it as an orchestrator does; one that hangs is killed."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(5):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        self.status = self._process.returncode
        self.log = await self._said()

    async def _said(self) -> str:
        assert self._output is not None
        return (await self._output).decode()

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return False
        writer.close()
        return True


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{os.environ['PATH']}:{VENV_BIN}",
        "NO_COLOR": "1",
    }
