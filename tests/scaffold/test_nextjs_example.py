"""The Next.js example: its own tests, and the whole way from RabbitMQ to the page in Chromium."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aio_pika
import httpx
import pytest

from tests.broker import Proxy, free_port
from tests.conftest import SECRET, Broker
from tests.interop.test_commands import Commands

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "nextjs-notifications"
API_KEY = "the key of the api"
ENVIRONMENT = {
    "PATH": f"{os.environ['PATH']}:{ROOT / '.venv' / 'bin'}",
    "NEXT_TELEMETRY_DISABLED": "1",
}

needs_chromium = pytest.mark.skipif(
    shutil.which("chromium") is None,
    reason="Chromium is not installed, and only root may install it (see prepare_tests.sh)",
)


@pytest.fixture(scope="session")
def example() -> Path:
    """The example, installed and built."""
    script = ROOT / "scripts" / "build_nextjs_example.sh"
    done = subprocess.run(
        ["bash", script],
        env={**os.environ, **ENVIRONMENT},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return EXAMPLE


def test_the_hook_keeps_its_promises(example: Path) -> None:
    done = subprocess.run(
        ["node", "node_modules/vitest/vitest.mjs", "run"],
        cwd=example,
        env={**os.environ, **ENVIRONMENT, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


class Page:
    """The page in a browser; see e2e/browser.mjs for the steps."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def do(self, step: str, company: str | None = None, **details: Any) -> Any:
        """Do a step; fails with the browser's reason."""
        assert self._process.stdin is not None and self._process.stdout is not None
        line = json.dumps({"do": step, "company": company, **details})
        self._process.stdin.write(line.encode() + b"\n")
        async with asyncio.timeout(60):
            answer = json.loads(await self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["value"]

    async def sees(self, company: str, *texts: str) -> None:
        """Wait until it shows the texts."""
        for text in texts:
            await self.do("see", company, text=text)

    async def messages(self, company: str) -> list[str]:
        """Return the notifications shown, newest first."""
        shown: list[str] = await self.do("messages", company)
        return shown


@asynccontextmanager
async def running(*command: str, **environ: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a Node program in the example, and end it with all that it started."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=EXAMPLE,
        env={**os.environ, **ENVIRONMENT, **environ},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        os.killpg(process.pid, signal.SIGTERM)
        await process.wait()


class Publisher:
    """A service that publishes notifications to an exchange, and knows nothing of sockets."""

    def __init__(self, exchange: aio_pika.abc.AbstractExchange) -> None:
        self._exchange = exchange

    async def publish(self, tenant: str, kind: str, message: str) -> None:
        """Publish a notification for everybody of a tenant."""
        body = {"id": secrets.token_hex(8), "message": message, "type": kind}
        await self._exchange.publish(
            aio_pika.Message(json.dumps(body).encode(), headers={"tenantId": tenant}),
            "notification.created",
        )


@asynccontextmanager
async def publisher_to(broker: Broker, name: str) -> AsyncIterator[Publisher]:
    """Give a publisher to an exchange; it and the queue of the same name go at the end."""
    connection = await aio_pika.connect(broker.url)
    channel = await connection.channel()
    exchange = await channel.declare_exchange(name, "topic", durable=True)
    yield Publisher(exchange)
    for queue in (name, f"{name}.dead-letters"):
        await channel.queue_delete(queue)
    await exchange.delete(if_unused=False)
    await connection.close()


@asynccontextmanager
async def gateway(broker: Broker, name: str, origin: str) -> AsyncIterator[tuple[int, str]]:
    """Run ``tidegate serve`` with the example's handlers; give its port and its private URL."""
    queue = {
        "name": name,
        "envelope": "plain",
        "exchanges": [{"exchange": name, "routing_key": "notification.#"}],
    }
    commands = Commands(EXAMPLE)
    try:
        server = await commands.start(
            *("serve", "realtime:gateway", "--port", "0", "--api-port", "0"),
            TIDEGATE_AUTH__SECRET=SECRET,
            TIDEGATE_API__KEY=API_KEY,
            TIDEGATE_ORIGINS=origin,
            TIDEGATE_RABBITMQ__URL=broker.url,
            TIDEGATE_RABBITMQ__QUEUES=json.dumps([queue]),
            TIDEGATE_DRAIN_SECONDS="0",
        )
        url = await server.line("Tidegate serves ")
        yield int(url.split(":")[2].split("/")[0]), await server.line("Private port: ")
    finally:
        await commands.stop()


@asynccontextmanager
async def next_app(port: int, url: str, api: str) -> AsyncIterator[str]:
    """Run the built app; give its address."""
    address = f"http://127.0.0.1:{port}"
    settings = {
        "REALTIME_SECRET": SECRET,
        "REALTIME_URL": url,
        "REALTIME_API_URL": api,
        "REALTIME_API_KEY": API_KEY,
    }
    start = ("node", "node_modules/next/dist/bin/next", "start", "-H", "127.0.0.1", "-p", str(port))
    async with running(*start, **settings), httpx.AsyncClient() as client:
        async with asyncio.timeout(30):
            while True:
                try:
                    await client.get(f"{address}/icon.svg")
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
                else:
                    break
        yield address


@needs_chromium
async def test_from_rabbitmq_to_the_right_tenants_page(
    example: Path, broker: Broker, tmp_path: Path
) -> None:
    name, port = f"nextjs-{secrets.token_hex(6)}", free_port()
    async with (
        publisher_to(broker, name) as service,
        gateway(broker, name, f"http://127.0.0.1:{port}") as (gateway_port, api),
    ):
        line = Proxy(gateway_port)
        await line.open()
        async with (
            next_app(port, f"http://127.0.0.1:{line.port}", api) as address,
            running("node", "e2e/browser.mjs") as browser,
        ):
            page = Page(browser)
            await page.do("open", url=address)
            await page.sees("Acme", "Live")
            await page.sees("Globex", "Live")

            # Each tenant's page shows its own.
            await service.publish("globex", "warning", "Storage is 90% full")
            await service.publish("acme", "success", "Invoice 1042 was paid")
            await service.publish("acme", "info", "Your export is ready")
            await page.sees("Acme", "Your export is ready")
            await page.sees("Globex", "Storage is 90% full")
            assert await page.messages("Globex") == ["Storage is 90% full"]
            assert await page.do("unread", "Acme") == "Notifications, 2 unread"

            # Marked as read once the gateway has acknowledged it.
            await page.do("markRead", "Acme", message="Invoice 1042 was paid")
            assert await page.do("unread", "Acme") == "Notifications, 1 unread"

            # A dropped connection recovers what it missed: all, in order, once.
            await line.refuse()
            await page.sees("Acme", "Reconnecting")
            await service.publish("acme", "info", "Import started: 4,120 rows")
            await service.publish("acme", "warning", "Import: 3 rows need a look")
            await service.publish("globex", "info", "Maintenance tonight at 22:00")
            await service.publish("acme", "success", "Import finished")
            await line.open()
            await page.sees("Acme", "Live", "Import finished")
            await page.sees("Globex", "Live", "Maintenance tonight at 22:00")
            assert await page.messages("Acme") == [
                "Import finished",
                "Import: 3 rows need a look",
                "Import started: 4,120 rows",
                "Your export is ready",
                "Invoice 1042 was paid",
            ]

            await page.do("markRead", "Globex", message="Storage is 90% full")
            await page.do("press", "Globex", button="Send a sample")
            await page.sees("Globex", "2 unread")
            for scheme in ("light", "dark"):
                picture = tmp_path / f"nextjs-notifications-{scheme}.png"
                await page.do("screenshot", path=str(picture), scheme=scheme)
                assert picture.stat().st_size > 10_000
            # A cut WebSocket is an error line of the browser's own; nothing else may be.
            problems = await page.do("problems")
            assert [text for text in problems if "WebSocket" not in text] == []
        await line.close()
