"""``tidegate serve --workers N``, fed by RabbitMQ, with settings from the environment alone.

Usage: ``workers.py N``. One worker is the same command, and no supervisor then.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from importlib.metadata import version

from benchmarks.peers.control import lines_of_stdin, say

MAX_UNAUTHENTICATED = "10000"

PUBLIC_PORT = re.compile(r"Tidegate serves http://[^:]+:(\d+)/")
WORKER = re.compile(r"worker \d+ is process (\d+)")


def environment() -> dict[str, str]:
    """Return defaults, but for addresses and names; the queue is declared as the default is."""
    name = os.environ["BENCH_NAME"]
    settings = {
        "PORT": "0",
        "NAMESPACES": "/bench",
        "AUTH__SECRET": os.environ["BENCH_SECRET"],
        "DRAIN_SECONDS": "0.1",
        "LIMITS__UNAUTHENTICATED": MAX_UNAUTHENTICATED,
        "LIMITS__UNAUTHENTICATED_PER_ADDRESS": MAX_UNAUTHENTICATED,
        "LOG__KIND": "rabbitmq",
        "LOG__NAME": name,
        "RABBITMQ__URL": os.environ["BENCH_AMQP_URL"],
        "RABBITMQ__STREAM_URL": os.environ["BENCH_STREAM_URL"],
        "RABBITMQ__QUEUES": name,
    }
    return {**os.environ, **{f"TIDEGATE_{key}": value for key, value in settings.items()}}


async def serve(workers: str) -> tuple[asyncio.subprocess.Process, int, list[int]]:
    """Start it and return its process, its port, and the ids of all processes."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tidegate", "serve", "--workers", workers),
        env=environment(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    pids = [process.pid]
    async for line in process.stdout:
        text = line.decode()
        sys.stderr.write(text)
        if found := WORKER.search(text):
            pids.append(int(found[1]))
        if found := PUBLIC_PORT.search(text):
            return process, int(found[1]), pids
    raise RuntimeError("tidegate serve has ended")


async def forward_log(process: asyncio.subprocess.Process) -> None:
    """Show what it says from then on, so that its pipe is never full."""
    assert process.stdout is not None
    async for line in process.stdout:
        sys.stderr.write(line.decode())


async def main(workers: str) -> None:
    """Serve from ``begin`` until stdin ends."""
    say({"port": 0, "versions": {name: version(name) for name in ("tidegate", "uvloop", "pika")}})
    process: asyncio.subprocess.Process | None = None
    forwarding: asyncio.Task[None] | None = None
    async for line in lines_of_stdin():
        if line == "begin":
            process, port, pids = await serve(workers)
            forwarding = asyncio.create_task(forward_log(process))
            say({"port": port, "pids": pids})
    if process is not None and forwarding is not None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.wait()
        await forwarding


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
