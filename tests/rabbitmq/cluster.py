"""Several gateways as real processes, a balancer in front of them, and a publisher that counts."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import aio_pika
import httpx

from tests.broker import Proxy, free_port
from tests.conftest import SECRET, Broker, until
from tests.interop.official_client import OfficialClient

API_KEY = "a key for tests: 0123456789abcdef"
START_SECONDS = 30.0


class GatewayProcess:
    """One ``tidegate serve``."""

    def __init__(self, environment: dict[str, str], log: Path, arguments: list[str]) -> None:
        self._arguments = arguments
        self.port, self.api_port = free_port(), free_port()
        self._environment = environment
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tidegate", "serve", *self._arguments),
                *("--port", str(self.port), "--api-port", str(self.api_port)),
                env={**os.environ, **self._environment},
                stdout=log,
                stderr=log,
            )

    async def ready(self) -> None:
        await self.wait_ready(is_ready=True)

    async def wait_ready(self, *, is_ready: bool) -> None:
        end = time.monotonic() + START_SECONDS
        while await self.is_ready() != is_ready:
            assert time.monotonic() < end, f"not ready={is_ready}:\n{self.said()}"
            await asyncio.sleep(0.05)

    async def is_ready(self) -> bool:
        try:
            async with httpx.AsyncClient() as http:
                answer = await http.get(f"http://127.0.0.1:{self.api_port}/health/ready")
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    async def post(self, path: str, body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {API_KEY}"}
        async with httpx.AsyncClient(headers=headers) as http:
            return await http.post(f"http://127.0.0.1:{self.api_port}{path}", json=body)

    async def metrics(self) -> dict[str, float]:
        headers = {"Authorization": f"Bearer {API_KEY}"}
        async with httpx.AsyncClient(headers=headers) as http:
            text = (await http.get(f"http://127.0.0.1:{self.api_port}/metrics")).text
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in lines}

    def said(self) -> str:
        return self._log.read_text(errors="replace")

    async def kill(self) -> None:
        """End it as a crash would."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """End it in order and return its exit code."""
        return await self._end(signal.SIGTERM)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, such as one that holds it up."""
        assert self._process is not None
        self._process.send_signal(number)

    async def exited(self) -> int:
        assert self._process is not None
        async with asyncio.timeout(START_SECONDS):
            return await self._process.wait()

    async def _end(self, number: signal.Signals) -> int:
        process = self._process
        if process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        async with asyncio.timeout(START_SECONDS):
            return await process.wait()


class Cluster:
    """Gateways that share one log, and one queue of events."""

    def __init__(self, broker: Broker, folder: Path, **environment: str) -> None:
        name = f"test-{secrets.token_hex(6)}"
        self.queue = f"{name}-events"
        self.environment = {
            "TIDEGATE_AUTH__SECRET": SECRET,
            "TIDEGATE_ORIGINS": "http://localhost",
            "TIDEGATE_NAMESPACES": "/chat",
            "TIDEGATE_API__KEY": API_KEY,
            "TIDEGATE_LOG__KIND": "rabbitmq",
            "TIDEGATE_LOG__NAME": name,
            "TIDEGATE_RABBITMQ__URL": broker.url,
            "TIDEGATE_RABBITMQ__STREAM_URL": broker.stream_url,
            "TIDEGATE_RABBITMQ__QUEUES": self.queue,
            "TIDEGATE_RABBITMQ__RETRY_DELAY": "0.5",
            "TIDEGATE_DRAIN_SECONDS": "1",
            **environment,
        }
        self._folder = folder
        self.arguments: list[str] = []
        self.nodes: list[GatewayProcess] = []
        self.balancer = Balancer(self.nodes)

    async def add(self) -> GatewayProcess:
        """Start one more node, and wait until it is ready."""
        node = await self.add_unready()
        await node.ready()
        return node

    async def add_unready(self) -> GatewayProcess:
        number = len(list(self._folder.glob("node-*")))
        node = GatewayProcess(self.environment, self._folder / f"node-{number}.log", self.arguments)
        self.nodes.append(node)
        await node.start()
        return node

    async def close(self) -> None:
        for node in self.nodes:
            await node.kill()
        await self.balancer.close()


class Balancer(Proxy):
    """Forwards connections to the nodes in turn, passing over those that don't answer."""

    def __init__(self, nodes: list[GatewayProcess]) -> None:
        super().__init__(0)
        self._nodes = nodes
        self._turn = 0

    async def start(self) -> str:
        """Return the URL to connect to."""
        await self.open()
        return f"http://127.0.0.1:{self.port}"

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for _ in self._nodes:
            self._turn += 1
            node = self._nodes[self._turn % len(self._nodes)]
            with contextlib.suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", node.port)
        raise ConnectionRefusedError("no node answers")


class Load:
    """Publishes numbered events to a queue, and knows which of them were confirmed.

    Each tenant has a sequence of its own. An event that could not be confirmed is published again,
    so with message ids nothing may be missing or doubled, whatever happens to the broker.
    """

    def __init__(self, url: str, queue: str, tenants: list[str], *, has_ids: bool = False) -> None:
        self._url = url
        self._queue = queue
        self._tenants = tenants
        self._ids = f"{secrets.token_hex(4)}-" if has_ids else ""
        self.sent = dict.fromkeys(tenants, 0)
        self.retried = 0
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = False

    def start(self, rate: float = 300.0) -> None:
        self._task = asyncio.ensure_future(self._run(rate))

    async def stop(self) -> None:
        self._is_stopping = True
        assert self._task is not None
        async with asyncio.timeout(60):
            await self._task

    async def sent_at_least(self, count: int) -> None:
        """Wait until so many events of each tenant were confirmed."""
        end = time.monotonic() + 60
        while min(self.sent.values()) < count:
            assert time.monotonic() < end, self.sent
            assert self._task is not None and not self._task.done(), self._task
            await asyncio.sleep(0.01)

    async def _run(self, rate: float) -> None:
        begin, published = time.monotonic(), 0
        connection: aio_pika.abc.AbstractConnection | None = None
        while not self._is_stopping:
            for tenant in self._tenants:
                connection = await self._insist(connection, tenant)
                published += 1
            delay = begin + published / rate - time.monotonic()
            await asyncio.sleep(max(0.0, delay))
        if connection is not None:
            await connection.close()

    async def _insist(
        self, connection: aio_pika.abc.AbstractConnection | None, tenant: str
    ) -> aio_pika.abc.AbstractConnection:
        number = self.sent[tenant]
        while True:
            try:
                if connection is None:
                    async with asyncio.timeout(5):
                        connection = await aio_pika.connect(self._url)
                        self._channel = await connection.channel(publisher_confirms=True)
                async with asyncio.timeout(5):
                    await self._channel.default_exchange.publish(
                        self._message(tenant, number), self._queue
                    )
            except Exception:
                self.retried += 1
                if connection is not None:
                    with contextlib.suppress(Exception):
                        await connection.close()
                connection = None
                await asyncio.sleep(0.05)
            else:
                self.sent[tenant] += 1
                return connection

    def _message(self, tenant: str, number: int) -> aio_pika.Message:
        body = {"pattern": "tick", "data": {"tenantId": tenant, "n": number}}
        return aio_pika.Message(
            json.dumps(body).encode(),
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=f"{self._ids}{tenant}-{number}" if self._ids else None,
        )


class Count:
    """What one client heard of its tenant's sequence."""

    def __init__(self, numbers: list[int], sent: int) -> None:
        self.sent = sent
        self.received = len(numbers)
        self.doubled = len(numbers) - len(set(numbers))
        self.missing = len(set(range(sent)) - set(numbers))
        self.out_of_order = sum(b < a for a, b in pairwise(numbers))

    @property
    def is_right(self) -> bool:
        wrong = self.doubled + self.missing + self.out_of_order
        return self.received == self.sent and wrong == 0


async def heard_all(clients: dict[OfficialClient, str], sent: dict[str, int]) -> list[Count]:
    """Wait until every client has heard its tenant's last event, and return what each heard."""
    for client, tenant in clients.items():
        last = sent[tenant] - 1
        await until(partial(_has_heard, client, last), f"{last} at {client.name} of {tenant}")
    return [Count(numbers(client), sent[tenant]) for client, tenant in clients.items()]


def _has_heard(client: OfficialClient, number: int) -> bool:
    return number in numbers(client)[-50:]


def numbers(client: OfficialClient) -> list[int]:
    return [event["n"] for event in client.events("tick")]


def report(what: str, counts: list[Count], **more: Any) -> None:
    """Print the sums that the kill tests are judged by (shown by ``pytest -s``)."""
    sums = {
        name: sum(getattr(count, name) for count in counts)
        for name in ("sent", "received", "missing", "doubled", "out_of_order")
    }
    parts = [f"{name}={value}" for name, value in {"clients": len(counts), **sums, **more}.items()]
    print(f"\n{what}: {' '.join(parts)}")


@contextlib.asynccontextmanager
async def cluster(
    broker: Broker, folder: Path, *, nodes: int, **environment: str
) -> AsyncIterator[Cluster]:
    """Run so many nodes that are ready, and end them."""
    made = Cluster(broker, folder, **environment)
    try:
        for _ in range(nodes):
            await made.add()
        yield made
    finally:
        await made.close()
