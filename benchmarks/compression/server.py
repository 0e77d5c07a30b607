"""The gateway under measurement, and its events: JSON records as backends send them.

Usage: ``server.py on|off SIZE``. It prints ``{"port"}``; for each line ``N`` on stdin it emits N
events, one write each, and prints ``{"cpu_s"}``: its CPU time so far.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from typing import Any

import uvloop
from pydantic import SecretStr

from tidegate import Gateway, Namespace, Settings
from tidegate.app.settings import AuthSettings, CompressionSettings, LimitSettings

SECRET = "a benchmark's secret, of more than 32 bytes"
MAX_SOCKETS = 20_000
POOL = 20
"""Different events, made before anything is measured."""

WORDS = "order shipment invoice delayed confirmed paid customer warehouse today Berlin please see"
TURN_SECONDS = 0.0005


def event(size: int, number: int) -> dict[str, Any]:
    """Return an event of about ``size`` bytes: a list of records with ids, times and some text."""
    chosen = random.Random(number)
    made: dict[str, Any] = {"seq": 100_000 + number, "items": []}
    while len(json.dumps(made)) < size - 60:
        made["items"].append(
            {
                "id": f"{chosen.getrandbits(64):016x}",
                "type": chosen.choice(["message.created", "order.paid", "user.joined"]),
                "at": f"2026-03-{chosen.randrange(10, 29)}T{chosen.randrange(10, 24)}:14:05.120Z",
                "text": " ".join(chosen.choices(WORDS.split(), k=6)),
            }
        )
    made["pad"] = "".join(chosen.choices(WORDS, k=max(0, size - len(json.dumps(made)) - 10)))
    return made


def settings(*, compresses: bool) -> Settings:
    """Return the settings: all load clients come from one address, which no browsers do."""
    return Settings(
        port=0,
        auth=AuthSettings(secret=SecretStr(SECRET)),
        limits=LimitSettings(unauthenticated=MAX_SOCKETS, unauthenticated_per_address=MAX_SOCKETS),
        compression=CompressionSettings(enabled=compresses),
    )


async def main(*, compresses: bool, size: int) -> None:
    """Serve until stdin ends."""
    bench = Namespace("/bench")
    gateway = Gateway([bench], settings=settings(compresses=compresses))
    await gateway.start()
    pool, emitted = [event(size, number) for number in range(POOL)], 0
    say({"port": await gateway.listen()})
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        for _ in range(int(line)):
            done = gateway.hub.turns.stats.deliveries
            await gateway.tenant("acme").emit("bench", pool[emitted % POOL], namespace="/bench")
            emitted += 1
            while gateway.hub.turns.stats.deliveries == done:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(TURN_SECONDS)
        say({"cpu_s": time.process_time()})
    await gateway.stop()


def say(what: dict[str, Any]) -> None:
    """Print one line."""
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    uvloop.run(main(compresses=sys.argv[1] == "on", size=int(sys.argv[2])))
