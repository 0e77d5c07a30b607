"""A project on disk that domains are scaffolded into, and its services as processes."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.broker import free_port
from tests.conftest import SECRET, Broker
from tidegate.scaffold import Domain, plan
from tidegate.scaffold.writer import Change, DirectoryProject, compare, write

__all__ = ["PAGE", "PythonProject"]

PAGE = "https://app.example.com"
START_SECONDS = 30.0

MAIN = '''\
"""An API gateway as there might be one: routes of its own, and a lifespan of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from realtime.app import gateway


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with gateway.lifespan(app):
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/orders")
def orders() -> list[str]:
    return ["1"]


app.mount("/", gateway.asgi())
'''


class PythonProject:
    """Attributes: exchange, queue: Names of its own on the shared broker, in place of ours."""

    def __init__(self, root: Path, broker: Broker) -> None:
        self.root = root
        self.exchange = f"events.{secrets.token_hex(6)}"
        self._suffix = secrets.token_hex(6)
        self._broker = broker

    def new(self, domain: Domain) -> list[Change]:
        """Scaffold a domain; returns what became of each file."""
        project = DirectoryProject(self.root)
        changes = compare(plan(domain, project), project)
        write(changes, project)
        return changes

    def isolate(self, folder: Path) -> None:
        """Rename what the settings name on the broker, so that tests do not meet there."""
        file = folder / "tidegate.toml"
        text = file.read_text().replace('"events"', f'"{self.exchange}"')
        file.write_text(text.replace('name = "realtime.', f'name = "{self._suffix}.'))

    def queue(self, domain: Domain) -> str:
        """Return the domain's queue."""
        return f"{self._suffix}.{domain.names.plural_kebab}"

    async def run(self, folder: Path, *command: str) -> str:
        """Run a module of this Python in a folder; fails with what it says."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", *command),
            cwd=folder,
            env=os.environ | {"TIDEGATE_TEST_AMQP_URL": self._broker.url, "MYPYPATH": ""},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()
        return said.decode()

    @asynccontextmanager
    async def serving(self, domain: Domain) -> AsyncIterator[str]:
        """Run the gateway as its place wants it, and yield its URL."""
        folder, port = self.root / domain.gateway_root, free_port()
        if domain.is_standalone:
            command = ["tidegate", "serve", "realtime.app:gateway", "--port", str(port)]
            probe = f"http://127.0.0.1:{port}/socket.io/"
        else:
            (folder / "main.py").write_text(MAIN)
            command = ["uvicorn", "main:app", "--port", str(port), "--log-level", "warning"]
            probe = f"http://127.0.0.1:{port}/orders"
        process = await self._start(folder, command)
        try:
            await _answers(probe, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
        assert process.returncode in (0, -15), "it shuts down cleanly"

    async def _start(self, folder: Path, command: Sequence[str]) -> asyncio.subprocess.Process:
        environment = {
            "TIDEGATE_AUTH__SECRET": SECRET,
            "TIDEGATE_ORIGINS": PAGE,
            "TIDEGATE_RABBITMQ__URL": self._broker.url,
            "TIDEGATE_RABBITMQ__STREAM_URL": self._broker.stream_url,
            "TIDEGATE_LOG__NAME": f"test-{self._suffix}",
            "TIDEGATE_DRAIN_SECONDS": "0.1",
        }
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", *command), cwd=folder, env=os.environ | environment
        )


async def _answers(url: str, process: asyncio.subprocess.Process) -> None:
    async with httpx.AsyncClient() as http, asyncio.timeout(START_SECONDS):
        while True:
            assert process.returncode is None, "it did not start"
            try:
                await http.get(url)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                return
