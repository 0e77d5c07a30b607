"""Centrifugo, whose binary the environment variable ``CENTRIFUGO`` names; fed by its HTTP API.

Its defaults, with an HMAC key, the API's key, and a namespace of channels: one for each tenant, to
which the clients' tokens subscribe them. It knows ``rate N`` and ``stats`` alone: it answers before
events are written, so that to saturate it is to have its clients disconnected as slow.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Any

import httpx
from benchmarks.peers.control import FIRST_SEQUENCE, FRAME_PAYLOAD_SIZE, Target, obey_commands

API_KEY = secrets.token_urlsafe(24)
POLL_SECONDS = 0.05


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def configuration(port: int) -> dict[str, Any]:
    """Return the configuration (of version 6)."""
    return {
        "http_server": {"address": "127.0.0.1", "port": str(port)},
        "client": {"token": {"hmac_secret_key": os.environ["BENCH_KEY"]}},
        "http_api": {"key": API_KEY},
        "channel": {"namespaces": [{"name": "tenant"}]},
        "health": {"enabled": True},
        "log": {"level": "warn"},
    }


def padding() -> str:
    """Return the text that makes an event's frame as long as the others'."""
    data = {"seq": FIRST_SEQUENCE, "t": time.monotonic_ns(), "pad": ""}
    push = {"push": {"channel": f"tenant:{Target().tenant}", "pub": {"data": data}}}
    return "x" * (FRAME_PAYLOAD_SIZE - len(json.dumps(push, separators=(",", ":"))))


async def version_of(program: str) -> str:
    """Return the version that it tells: `Centrifugo v6.0.0 (Go version: go1.24)`."""
    telling = await asyncio.create_subprocess_exec(program, "version", stdout=PIPE)
    said, _ = await telling.communicate()
    return said.decode().split()[1]


async def main(path: str, port: int) -> None:
    """Serve until stdin ends, by the configuration in a file."""
    program, pad = os.environ["CENTRIFUGO"], padding()
    versions = {"centrifugo": await version_of(program)}
    process = await asyncio.create_subprocess_exec(program, "--config", path, stdin=DEVNULL)
    events = 0
    headers = {"X-API-Key": API_KEY}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as http:
        try:
            await _until_healthy(http, process)

            async def emit(target: Target, sequence: int, due: int) -> None:
                nonlocal events
                data = {"seq": sequence, "t": due, "pad": pad}
                body = {"channel": f"tenant:{target.tenant}", "data": data}
                answer = await http.post("/api/publish", json=body)
                answer.raise_for_status()
                events += 1

            async def settle() -> None:
                """No command needs it."""

            await obey_commands(
                port,
                versions,
                emit,
                settle=settle,
                stats=lambda: {"events": events, "batches": events},
                pids=[process.pid],
            )
        finally:
            process.terminate()
            await process.wait()


async def _until_healthy(http: httpx.AsyncClient, process: Process) -> None:
    while process.returncode is None:
        try:
            if (await http.get("/health")).is_success:
                return
        except httpx.TransportError:
            await asyncio.sleep(POLL_SECONDS)
    raise RuntimeError("Centrifugo has ended")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        path, port = Path(folder) / "config.json", free_port()
        path.write_text(json.dumps(configuration(port)))
        asyncio.run(main(str(path), port))
