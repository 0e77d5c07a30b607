"""``tidegate serve --workers``: real processes on one port, on a real RabbitMQ."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import re
import secrets
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.broker import Proxy
from tests.conftest import SECRET, Broker, make_token
from tests.interop.official_client import NodeDriver, OfficialClient
from tests.rabbitmq.conftest import until_taken
from tidegate.log.rabbitmq_stream import StreamAddress
from tidegate.sources.rabbitmq import AMQPConnection

KEY = "a key for tests: 0123456789abcdef"
PATIENCE = 30.0

Serve = Callable[..., Awaitable["Served"]]


class Served:
    """One ``tidegate serve --workers`` and what it said."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self._log = log
        self.url = ""
        headers = {"Authorization": f"Bearer {KEY}"}
        # Each request its own connection, so that it may be any worker that answers.
        limits = httpx.Limits(max_keepalive_connections=0)
        self.http = httpx.AsyncClient(headers=headers, limits=limits, timeout=PATIENCE)

    def said(self) -> str:
        return self._log.read_text()

    async def announced(self) -> None:
        found = await self.eventually(
            lambda: re.search(r"serves (http://\S+)/socket.io/\nPrivate port: (\S+)\n", self.said())
        )
        self.url = found[1]
        self.http.base_url = httpx.URL(found[2])

    async def eventually(self, condition: Callable[[], Any]) -> Any:
        """Return the condition's value once it is true; the condition may be asynchronous."""
        end = time.monotonic() + PATIENCE
        while True:
            value = condition()
            if asyncio.iscoroutine(value):
                value = await value
            if value:
                return value
            assert time.monotonic() < end, self.said()
            await asyncio.sleep(0.02)

    def pids(self, number: int) -> list[int]:
        return [int(pid) for pid in re.findall(rf"worker {number} is process (\d+)", self.said())]

    async def clients(self, node: NodeDriver, count: int) -> list[OfficialClient]:
        made = [
            node.client(
                f"client-{number}",
                f"{self.url}/chat",
                forceNew=True,
                auth={"token": make_token("acme", f"user-{number}", ttl=600)},
            )
            for number in range(count)
        ]
        for client in made:
            await client.wait("connect")
        return made

    async def publish(self, *numbers: int) -> None:
        events = [
            {
                "tenant": "acme",
                "namespace": "/chat",
                "event": "tick",
                "data": number,
                "id": f"tick-{number}",
            }
            for number in numbers
        ]
        answer = await self.http.post("/v1/events", json=events)
        assert answer.status_code == 202, answer.text

    async def metrics(self) -> dict[str, float]:
        answer = await self.http.get("/metrics")
        assert answer.status_code == 200, answer.text
        lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
        values = {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}
        assert len(values) == len(lines)
        return values

    async def is_ready(self) -> bool:
        return (await self.http.get("/health/ready")).status_code == 200

    async def ended(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # An orphan that nobody has buried yet counts as ended.
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.fixture
async def serve(broker: Broker, tmp_path: Path) -> AsyncIterator[Serve]:
    started: list[Served] = []
    name = f"test-{secrets.token_hex(6)}"

    async def start(*arguments: str, ports: tuple[int, int] = (0, 0), **settings: str) -> Served:
        environment = {
            "AUTH__SECRET": SECRET,
            "API__KEY": KEY,
            "NAMESPACES": "/chat",
            "DRAIN_SECONDS": "0.2",
            "LOG__KIND": "rabbitmq",
            "LOG__NAME": name,
            "RABBITMQ__URL": broker.url,
            "RABBITMQ__STREAM_URL": broker.stream_url,
            **settings,
        }
        log = tmp_path / f"log-{len(started)}"
        command = ["serve", *arguments, "--workers", "2"]
        command += ["--port", str(ports[0]), "--api-port", str(ports[1])]
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_")}
        given = {f"TIDEGATE_{key}": value for key, value in environment.items()}
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tidegate", *command),
                cwd=tmp_path,
                env={**kept, **given, "TMPDIR": str(short_folder)},
                stdout=output,
                stderr=output,
            )
        started.append(Served(process, log))
        return started[-1]

    with tempfile.TemporaryDirectory(prefix="tg-") as short_folder:
        yield start
        for each in started:
            await each.http.aclose()
            if each.process.returncode is None:
                each.process.terminate()
                await each.ended()
        left = [pid for each in started for n in (0, 1) for pid in each.pids(n) if is_alive(pid)]
        assert not left
        assert not os.listdir(short_folder)


async def test_both_workers_serve_the_port_and_what_is_published_reaches_all(
    serve: Serve, node: NodeDriver
) -> None:
    served = await serve(LOG_FORMAT="json")
    await served.announced()
    clients = await served.clients(node, 6)
    await served.publish(1)
    await served.publish(2)
    for client in clients:
        assert await client.heard("tick", 2) == [1, 2]
    metrics = await served.metrics()
    for worker in (0, 1):
        assert metrics[f'tidegate_worker_up{{worker="{worker}"}}'] == 1
        assert metrics[f'tidegate_connections{{worker="{worker}"}}'] == 3
        assert metrics[f'tidegate_deliveries_total{{path="live",worker="{worker}"}}'] == 6
    for _ in range(8):  # whoever answers, it is the same for all
        assert await served.metrics() == metrics
    published = [metrics[f'tidegate_published_total{{worker="{worker}"}}'] for worker in (0, 1)]
    assert sum(published) == 2
    tenants = (await served.http.get("/v1/tenants")).json()
    assert tenants == {"tenants": [{"tenant": "acme", "sockets": 6}], "unanswered": []}
    listed = (await served.http.get("/v1/tenants/acme")).json()
    assert Counter(each["worker"] for each in listed["sockets"]) == {0: 3, 1: 3}
    assert len({each["user"] for each in listed["sockets"]}) == 6
    assert listed["unanswered"] == []
    for path in ("/metrics", "/v1/tenants", "/v1/tenants/acme"):
        answer = await served.http.get(path, headers={"Authorization": "Bearer wrong"})
        assert answer.status_code == 401
    lines = [json.loads(line) for line in served.said().splitlines() if line.startswith("{")]
    assert {line.get("worker") for line in lines} == {None, 0, 1}


async def test_a_killed_worker_comes_back_and_its_clients_miss_nothing(
    serve: Serve, node: NodeDriver
) -> None:
    served = await serve()
    await served.announced()
    clients = await served.clients(node, 6)
    sent = 0
    are_all_back = asyncio.Event()

    async def publish_on() -> None:
        nonlocal sent
        while not are_all_back.is_set():
            try:
                await served.publish(sent)
            except httpx.TransportError:
                continue  # its worker was killed; with an id, it is not heard twice
            sent += 1

    publisher = asyncio.ensure_future(publish_on())
    for client in clients:
        await client.heard("tick", 5)
    (pid,) = served.pids(1)
    os.kill(pid, signal.SIGKILL)

    async def tells_who_is_missing() -> bool:
        body = (await served.http.get("/health/ready")).json()
        return bool(body["unready"] == [1] and body["workers"]["0"]["status"] == "ready")

    await served.eventually(tells_who_is_missing)
    metrics = await served.metrics()
    assert metrics['tidegate_worker_up{worker="1"}'] == 0
    assert 'tidegate_connections{worker="1"}' not in metrics
    await served.eventually(served.is_ready)
    assert len(served.pids(1)) == 2
    lost = [client for client in clients if client.said("disconnect")]
    assert len(lost) == 3
    for client in lost:
        assert (await client.wait("connect", 2))["recovered"] is True
    are_all_back.set()
    await publisher
    for client in clients:
        assert await client.heard("tick", sent) == list(range(sent))
    assert "worker 1 was ended by SIGKILL; it starts again in 0.2 s" in served.said()
    # The one that came back gets the next ones, until both have the same.
    await served.clients(node, 6)
    metrics = await served.metrics()
    assert metrics['tidegate_connections{worker="1"}'] > 0


async def test_sigterm_drains_all(serve: Serve, node: NodeDriver) -> None:
    served = await serve()
    await served.announced()
    clients = await served.clients(node, 4)
    served.process.send_signal(signal.SIGTERM)
    assert await served.ended() == 0
    for client in clients:
        assert (await client.wait("disconnect"))["reason"] == "transport close"
    for number in (0, 1):
        assert f"worker {number} tidegate: draining 2 connections" in served.said()
    assert "killing" not in served.said()


async def test_a_broker_that_falls_silent_gets_no_worker_killed(
    serve: Serve,
    broker: Broker,
    connection: AMQPConnection,
    name: str,
    publish: Callable[..., Awaitable[None]],
) -> None:
    line = Proxy(StreamAddress.from_url(broker.stream_url).port)
    await line.open()
    stream_url = f"rabbitmq-stream://guest:guest@127.0.0.1:{line.port}/"
    served = await serve(RABBITMQ__STREAM_URL=stream_url, RABBITMQ__QUEUES=name)
    await served.announced()
    line.stall()
    # What is under way and can't be finished makes each part of the stop take its whole time.
    await publish(name, '{"pattern": "tick", "data": 1}', headers={"tenantId": "acme"})
    await until_taken(connection, name)
    requests = [asyncio.ensure_future(served.publish(number)) for number in range(8)]
    await served.metrics()
    served.process.send_signal(signal.SIGTERM)
    assert await served.ended() == 0
    assert "killing" not in served.said()
    await asyncio.gather(*requests, return_exceptions=True)
    await line.close()


async def test_a_second_signal_ends_the_draining(serve: Serve, node: NodeDriver) -> None:
    served = await serve(DRAIN_SECONDS="120")
    await served.announced()
    await served.clients(node, 2)
    served.process.send_signal(signal.SIGINT)
    await served.eventually(lambda: served.said().count("draining 1 connections") == 2)
    served.process.send_signal(signal.SIGINT)
    assert await served.ended() == 0
    assert "killing" not in served.said()


async def test_workers_end_when_the_supervisor_is_killed(serve: Serve, node: NodeDriver) -> None:
    served = await serve(DRAIN_SECONDS="120")
    await served.announced()
    await served.clients(node, 2)
    served.process.kill()
    await served.ended()
    pids = served.pids(0) + served.pids(1)
    await served.eventually(lambda: not any(is_alive(pid) for pid in pids))
    port = served.http.base_url.port
    assert port is not None
    socket.create_server(("127.0.0.1", port)).close()


async def test_the_supervisor_of_a_waiting_gateway_tells_so_and_ends(serve: Serve) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        served = await serve(
            RABBITMQ__URL=f"amqp://127.0.0.1:{nobody.getsockname()[1]}/", RABBITMQ__STREAM_URL=""
        )
        await served.eventually(lambda: "can't be reached" in served.said())
        served.process.send_signal(signal.SIGTERM)
        assert await served.ended() == 0
    assert "Tidegate serves" not in served.said()


async def test_what_the_broker_refuses_exits_2(serve: Serve, broker: Broker) -> None:
    served = await serve(
        RABBITMQ__STREAM_URL=broker.stream_url.replace("guest:guest", "guest:wrong")
    )
    assert await served.ended() == 2
    assert "the broker refuses the user name or password" in served.said()


async def test_the_memory_log_is_refused(serve: Serve) -> None:
    served = await serve(LOG__KIND="memory")
    assert await served.ended() == 2
    assert "workers (flag --workers): is 2, but the memory log lives in one process" in (
        served.said()
    )
    assert not served.pids(0)


async def test_a_port_in_use_is_told_before_anything_starts(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        served = await serve(ports=(port, 0))
        assert await served.ended() == 1
        assert f"tidegate: [Errno {errno.EADDRINUSE}] 127.0.0.1:{port}" in served.said()
        served = await serve(ports=(0, port))
        assert await served.ended() == 1
    assert not served.pids(0)


async def test_workers_that_keep_failing_end_it(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "realtime.py").write_text(
        "import sys\nfrom tidegate import Gateway\ngateway = Gateway()\n"
        "class Failing(Gateway):\n"
        "    async def start(self):\n"
        "        raise OSError('nothing works')\n"
        "gateway = Failing()\n"
    )
    served = await serve("realtime:gateway")
    assert await served.ended() == 1
    assert "tidegate: nothing works" in served.said()
    assert re.search(
        r"worker \d ended with exit code 1, 5 times before it was ready", served.said()
    )
