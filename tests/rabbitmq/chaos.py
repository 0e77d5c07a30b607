"""Plays accidents by chance, for as long as one likes: ``python -m tests.rabbitmq.chaos``.

Three nodes follow one log and one queue, whose lines to the broker can be cut; thirty official
clients sit behind a balancer. In each round a few accidents happen while numbered events are
published; then everybody must have heard everything, once and in order. The first round that went
wrong ends it, with its seed, what was done and where the nodes' logs are.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path

from tests.broker import PrivateBroker, Proxy
from tests.conftest import Broker, make_token
from tests.interop.official_client import NodeDriver, OfficialClient
from tests.rabbitmq.cluster import Cluster, Count, Load, heard_all, numbers
from tests.rabbitmq.conftest import port_of

TENANTS = [f"tenant-{number}" for number in range(5)]
CLIENTS = 30
NODES = 3
ACCIDENTS = 4


class Chaos:
    """One cluster that is not left alone.

    Args:
        broker: Where events are published and queues live; may be restarted.
        folder: For the nodes' logs.
        seed: Same seed, same accidents.
        has_ids: Whether the published events have message ids.
    """

    def __init__(self, broker: PrivateBroker, folder: Path, seed: int, *, has_ids: bool) -> None:
        self._broker = broker
        self._chance = random.Random(seed)
        self._has_ids = has_ids
        self._amqp = Proxy(port_of(broker.url))
        self._stream = Proxy(port_of(broker.stream_url))
        self._folder = folder
        self._node = NodeDriver()
        self._clients: dict[OfficialClient, str] = {}
        self._nodes: Cluster
        self.done: list[str] = []

    async def start(self) -> None:
        await self._amqp.open()
        await self._stream.open()
        lines = Broker(
            f"amqp://guest:guest@127.0.0.1:{self._amqp.port}/",
            f"rabbitmq-stream://guest:guest@127.0.0.1:{self._stream.port}/",
        )
        settings = {"TIDEGATE_LOG__PARTITIONS": "3", "TIDEGATE_WINDOW__AGE": "60"}
        self._nodes = Cluster(lines, self._folder, **settings)
        for _ in range(NODES):
            await self._nodes.add()
        url = await self._nodes.balancer.start()
        await self._node.start()
        for number in range(CLIENTS):
            tenant = TENANTS[number % len(TENANTS)]
            auth = {"token": make_token(tenant=tenant, user=f"u{number}", ttl=36_000)}
            client = self._node.client(
                f"c{number}", f"{url}/chat", auth=auth, forceNew=True, reconnectionDelayMax=1000
            )
            self._clients[client] = tenant
        for client in self._clients:
            await client.wait("connect")

    async def close(self) -> None:
        await self._node.stop()
        await self._nodes.close()
        await self._amqp.close()
        await self._stream.close()

    async def play(self) -> list[Count]:
        """Have a few accidents while events are published, and return what each client heard."""
        self.done.clear()
        self._node.said[:] = [line for line in self._node.said if line["what"] == "ready"]
        load = Load(self._broker.url, self._nodes.queue, TENANTS, has_ids=self._has_ids)
        load.start()
        await self._go_on(load)
        for _ in range(self._chance.randint(1, ACCIDENTS)):
            accident = self._chance.choice(self._accidents())
            self.done.append(accident.__name__.removeprefix("_"))
            await accident()
            await self._go_on(load)
        await load.stop()
        return await heard_all(self._clients, load.sent)

    def heard(self) -> dict[str, list[int]]:
        """Return the numbers that each client heard in this round."""
        return {f"{client.name} of {t}": numbers(client) for client, t in self._clients.items()}

    async def _go_on(self, load: Load) -> None:
        await load.sent_at_least(min(load.sent.values()) + self._chance.randint(5, 100))

    def _accidents(self) -> list[Callable[[], Awaitable[None]]]:
        lines = [self._cut_queue, self._cut_stream, self._cut_both, self._cut_clients]
        nodes = [self._roll, self._kill, self._freeze, self._stall_stream, self._stall_queue]
        # Without ids, what the publisher could not confirm comes twice by its own doing.
        return [*lines, *nodes, *([self._restart_broker] if self._has_ids else [])]

    async def _cut_queue(self) -> None:
        self._amqp.cut()

    async def _cut_stream(self) -> None:
        self._stream.cut()

    async def _cut_both(self) -> None:
        self._amqp.cut()
        self._stream.cut()

    async def _cut_clients(self) -> None:
        self._nodes.balancer.cut()

    async def _stall_stream(self) -> None:
        await self._stall(self._stream)

    async def _stall_queue(self) -> None:
        await self._stall(self._amqp)

    async def _stall(self, line: Proxy) -> None:
        """What is under way waits; then it is lost."""
        line.stall()
        await asyncio.sleep(self._chance.uniform(0.1, 1.0))
        if self._chance.random() < 0.5:
            line.cut()
        line.resume()

    async def _roll(self) -> None:
        await self._nodes.add()
        old = self._nodes.nodes.pop(self._chance.randrange(NODES))
        assert await old.stop() == 0

    async def _kill(self) -> None:
        old = self._nodes.nodes.pop(self._chance.randrange(NODES))
        await old.kill()
        await self._nodes.add()

    async def _freeze(self) -> None:
        node = self._chance.choice(self._nodes.nodes)
        node.send(signal.SIGSTOP)
        await asyncio.sleep(self._chance.uniform(0.1, 2.0))
        if self._chance.random() < 0.5:
            self._amqp.cut()
        node.send(signal.SIGCONT)

    async def _restart_broker(self) -> None:
        end = self._chance.choice([self._broker.kill, self._broker.stop])
        await asyncio.to_thread(end)
        await asyncio.to_thread(self._broker.start)


async def play(seconds: float, seed: int, *, has_ids: bool) -> bool:
    """Play rounds for so long, and tell whether all went well."""
    folder = Path(tempfile.mkdtemp(prefix="tidegate-chaos-"))
    with PrivateBroker() as broker:
        chaos = Chaos(broker, folder, seed, has_ids=has_ids)
        try:
            await chaos.start()
            end, number = time.monotonic() + seconds, 0
            while time.monotonic() < end:
                number += 1
                try:
                    counts = await chaos.play()
                finally:
                    print(f"{number}: {', '.join(chaos.done)}", flush=True)
                if not all(count.is_right for count in counts):
                    tell(chaos.heard(), counts, folder)
                    return False
                print(f"   {sum(count.received for count in counts)} events, all right", flush=True)
        finally:
            await chaos.close()
    return True


def tell(heard: dict[str, list[int]], counts: list[Count], folder: Path) -> None:
    """Print what was wrong, and keep what was heard beside the nodes' logs."""
    for (name, got), count in zip(heard.items(), counts, strict=True):
        if not count.is_right:
            jumps = [(a, b) for a, b in pairwise(got) if b != a + 1]
            print(f"   {name}: {vars(count)}; jumps {jumps[:10]}")
    print(f"   the nodes' logs are in {folder}")


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 100_000)
    parser.add_argument("--ids", action="store_true", help="give the events message ids")
    options = parser.parse_args()
    for name in ("aio_pika", "aiormq"):  # the publisher's, which come with each accident
        logging.getLogger(name).setLevel(logging.CRITICAL)
    print(f"seed {options.seed}", flush=True)
    is_right = asyncio.run(play(options.minutes * 60, options.seed, has_ids=options.ids))
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
