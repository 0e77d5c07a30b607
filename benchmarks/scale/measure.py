"""``python -m benchmarks.scale.measure``: the unit costs that no workload measures.

Takes half a minute and writes ``measured.json``: memory of a kept event, CPU of an event's turn on
a node, a heartbeat over real sockets, and the kernel's memory of an idle connection. CPU time
counts, so a machine that does other things as well disturbs it little. Needs Linux; the kernel's
memory can be read by root only, and is left out otherwise.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import gc
import json
import multiprocessing
import multiprocessing.connection
import platform
import selectors
import socket
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Coroutine
from multiprocessing.synchronize import Event as ProcessEvent
from pathlib import Path

import uvloop
from benchmarks.instructions.work import token
from pydantic import SecretStr

from tidegate import Gateway, Namespace, Settings
from tidegate.app.settings import AuthSettings, LimitSettings
from tidegate.auth.identity import Identity
from tidegate.hub import Hub, Socket
from tidegate.hub.frames import FrameEncoder
from tidegate.ids import NamespaceName, Sid, TenantId, UserId
from tidegate.log import Batch, EventEntry, MemoryLog, Record, Window
from tidegate.log.entry import Entry
from tidegate.log.rabbitmq_stream.codec import decode_batch, encode_batch, pack

__all__ = ["measure"]

TARGET = Path(__file__).parent / "measured.json"
SECRET = "a secret that only this program knows"

EVENTS = 40_000
BATCH = 256
TENANTS = 1_000
PAYLOADS = (200, 1_000)
ROUNDS = 5

CLIENTS = 2_000
PING_INTERVAL = 1.0
HEARTBEAT_SECONDS = 10.0
REFUSED = 3_000
PATIENCE = 60.0

REQUEST = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)


def measure() -> dict[str, object]:
    """Return all figures, by the names that ``units.py`` looks for."""
    figures: dict[str, float] = {}
    for payload in PAYLOADS:
        figures |= memory_per_event(payload)
    figures |= asyncio.run(turn_costs())
    figures |= _with_clients(_be_clients, _serve_heartbeats)
    figures |= _with_clients(_be_refused, _serve_refusals)
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "command": "python -m benchmarks.scale.measure",
        "python": platform.python_version(),
        "figures": {name: round(value, 3) for name, value in figures.items()},
    }


# Memory


def memory_per_event(payload: int) -> dict[str, float]:
    """Return bytes that an event in the window takes: undelivered, delivered, and with its id."""
    bare = _memory(payload, has_frame=False, has_id=False)
    framed = _memory(payload, has_frame=True, has_id=False)
    named = _memory(payload, has_frame=False, has_id=True)
    entry = _entry(0, payload, has_id=True)
    frame = FrameEncoder("0123456789abcdef")(Record(1 << 40, entry))
    return {
        f"kept_bytes_{payload}": bare,
        f"frame_bytes_{payload}": framed - bare,
        f"id_bytes_{payload}": named - bare,
        f"counted_bytes_{payload}": entry.size,
        f"stored_bytes_{payload}": len(_stored([entry] * BATCH)) / BATCH,
        f"wire_bytes_{payload}": len(frame),
    }


def _memory(payload: int, *, has_frame: bool, has_id: bool) -> float:
    """Return traced bytes per event that came through the stream's encoding, as on a node."""
    stored = [
        _stored([_entry(at + place, payload, has_id=has_id) for place in range(BATCH)])
        for at in range(0, EVENTS, BATCH)
    ]
    window = Window(age=1e9, max_bytes=1 << 40, tenant_bytes=1 << 40)
    frames = FrameEncoder("0123456789abcdef")
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    offset = 1 << 40
    for data in stored:
        batch = decode_batch(data)
        assert batch is not None
        for entry in batch.entries:
            assert isinstance(entry, EventEntry)
            offset += 1
            record = Record(offset, entry)
            window.add(record, time.monotonic())
            if has_frame:
                frames(record)
    gc.collect()
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return used / len(window)


def _entry(number: int, payload: int, *, has_id: bool) -> EventEntry:
    return EventEntry(
        tenant=TenantId(f"tenant-{number * 7919 % TENANTS:06}"),
        namespace=NamespaceName("/notifications"),
        name="notification.created",
        data=b'{"id":"' + b"x" * (payload - 9) + b'"}',
        time=time.time(),
        user=UserId(f"user-{number:08}"),
        message_id=f"{number:032x}" if has_id else None,
    )


def _stored(entries: list[EventEntry]) -> bytes:
    plain: list[Entry] = list(entries)
    [packed] = pack(plain, 1 << 20)
    return encode_batch("a-node-of-18-chars", 1, packed)


# CPU of an event's turn


class _Link:
    """Takes everything and does nothing, so that the kernel is not in the figures."""

    is_writable = True
    takes_compressed = False

    @property
    def transport(self) -> _Link:
        return self

    def write(self, data: bytes) -> None:
        pass

    def abort(self, reason: str) -> None:
        raise AssertionError(reason)


async def turn_costs() -> dict[str, float]:
    """Return microseconds of CPU of an event with an audience, without the kernel's part.

    An event to a tenant with one socket and with five, less the same without anybody.
    """
    nobody, one, five = [await _ingest_seconds(sockets) for sockets in (0, 1, 5)]
    delivery = (five - one) / 4
    return {
        "hub_event_us": nobody * 1e6,
        "turn_us": (one - nobody - delivery) * 1e6,
        "delivery_user_us": delivery * 1e6,
    }


async def _ingest_seconds(sockets_each: int) -> float:
    """Return CPU seconds per event: batches of 256 for as many tenants."""
    window = Window(age=1e9, max_bytes=8 << 20, tenant_bytes=1 << 30)
    hub = Hub(window=window, log=MemoryLog(), session_age=60, on_control=lambda entry: None)
    for tenant in range(TENANTS):
        for number in range(sockets_each):
            identity = Identity(TenantId(f"tenant-{tenant:06}"), UserId(f"user-{number}"))
            sid = Sid(f"{tenant}-{number}")
            own = Socket(sid=sid, namespace=NamespaceName("/notifications"), identity=identity)
            own.link = _Link()
            hub.add(own)
    seconds, offset = [], 1
    for _ in range(ROUNDS):
        batches = [_batch(offset + at) for at in range(0, EVENTS, BATCH)]
        offset += EVENTS
        gc.collect()
        gc.disable()
        begin = time.process_time()
        for batch in batches:
            hub.ingest(batch)
            while sockets_each and _taken(hub) < batch.end:  # noqa: ASYNC110
                await asyncio.sleep(0)
        seconds.append((time.process_time() - begin) / EVENTS)
        gc.enable()
    return statistics.median(seconds)


def _taken(hub: Hub) -> int:
    """Return how many events have had their turn; offsets begin at 1, without holes."""
    return sum(size * times for size, times in hub.turns.stats.batch_sizes.items())


def _batch(first: int) -> Batch:
    whole = [
        EventEntry(
            tenant=TenantId(f"tenant-{number * 7919 % TENANTS:06}"),
            namespace=NamespaceName("/notifications"),
            name="notification.created",
            data=b'{"id":"' + b"x" * 191 + b'"}',
            time=0.0,
        )
        for number in range(first, first + BATCH)
    ]
    last = first + BATCH - 1
    records: list[Record[Entry]] = [Record(first + at, entry) for at, entry in enumerate(whole)]
    return Batch(0, records, first - 1, last)


# Heartbeats and the kernel's memory, over real sockets


Port = multiprocessing.connection.Connection
Serve = Callable[[Callable[[int], None]], Coroutine[None, None, dict[str, float]]]


def _with_clients(be: Callable[[Port, ProcessEvent], None], serve: Serve) -> dict[str, float]:
    """Serve clients that are another process, which is told the port; return what was seen."""
    context = multiprocessing.get_context("fork")
    stop = context.Event()
    receiver, sender = context.Pipe(duplex=False)
    clients = context.Process(target=be, args=(receiver, stop), daemon=True)
    clients.start()
    try:
        return uvloop.run(serve(sender.send))
    finally:
        stop.set()
        clients.join(30)


async def _serve_heartbeats(tell: Callable[[int], None]) -> dict[str, float]:
    """Return CPU of a ping with its pong, and the kernel's memory of a connection's one end."""
    settings = Settings(
        port=0,
        ping_interval=PING_INTERVAL,
        auth=AuthSettings(secret=SecretStr(SECRET)),
        limits=LimitSettings(unauthenticated=10_000, unauthenticated_per_address=10_000),
    )
    gateway = Gateway([Namespace("/orders")], settings=settings)
    await gateway.start()
    port = await gateway.listen("127.0.0.1")
    try:
        idle = await _cpu_in(HEARTBEAT_SECONDS)
        slab = _slab_bytes()
        tell(port)
        async with asyncio.timeout(PATIENCE):
            while sum(gateway.hub.tenants().values()) < CLIENTS:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await asyncio.sleep(2 * PING_INTERVAL)
        grown = None if slab is None else (_slab_bytes() or 0) - slab
        busy = await _cpu_in(HEARTBEAT_SECONDS)
        if sum(gateway.hub.tenants().values()) < CLIENTS:
            raise RuntimeError("clients were lost")
    finally:
        await gateway.stop()
    beats = CLIENTS * HEARTBEAT_SECONDS / PING_INTERVAL
    figures = {"heartbeat_us": (busy - idle) / beats * 1e6}
    if grown is not None:
        figures["kernel_socket_bytes"] = grown / CLIENTS / 2  # both ends are on this machine
    return figures


async def _serve_refusals(tell: Callable[[int], None]) -> dict[str, float]:
    """Return CPU of a connection that finds no place, on a node that is full with one."""
    settings = Settings(
        port=0,
        upgrade_timeout=300.0,
        auth=AuthSettings(secret=SecretStr(SECRET)),
        limits=LimitSettings(unauthenticated=1),
    )
    gateway = Gateway([Namespace("/orders")], settings=settings)
    await gateway.start()
    port = await gateway.listen("127.0.0.1")
    try:
        begin = time.process_time()
        tell(port)
        assert gateway.listener is not None
        refusals = gateway.listener.doorkeeper.refusals
        async with asyncio.timeout(PATIENCE):
            while refusals["unauthenticated"] < REFUSED:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        used = time.process_time() - begin
    finally:
        await gateway.stop()
    return {"refusal_us": used / REFUSED * 1e6}


async def _cpu_in(seconds: float) -> float:
    begin = time.process_time()
    await asyncio.sleep(seconds)
    return time.process_time() - begin


def _slab_bytes() -> int | None:
    """Return bytes of the kernel's objects in use; None if they can't be read."""
    try:
        lines = Path("/proc/slabinfo").read_text().splitlines()[2:]
    except OSError:
        return None
    return sum(int(active) * int(size) for _, active, _, size, *_ in map(str.split, lines))


def _be_clients(port_from: Port, stop: ProcessEvent) -> None:
    port = port_from.recv()
    selector = selectors.DefaultSelector()
    for number in range(CLIENTS):
        own = socket.create_connection(("127.0.0.1", port))
        own.sendall(REQUEST)
        own.recv(4096)
        text = f'40/orders,{{"token":"{_token(number)}"}}'.encode()
        own.sendall(b"\x81\xfe" + len(text).to_bytes(2, "big") + bytes(4) + text)
        own.setblocking(False)
        selector.register(own, selectors.EVENT_READ)
    pong = b"\x81\x81" + bytes(4) + b"3"
    while not stop.is_set():
        for key, _ in selector.select(0.2):
            assert isinstance(key.fileobj, socket.socket)
            if key.fileobj.recv(4096).endswith(b"\x81\x012"):
                key.fileobj.send(pong)


def _be_refused(port_from: Port, stop: ProcessEvent) -> None:
    port = port_from.recv()
    first = socket.create_connection(("127.0.0.1", port))  # takes the one place
    time.sleep(0.5)
    for _ in range(REFUSED):
        with (
            socket.create_connection(("127.0.0.1", port)) as own,
            contextlib.suppress(ConnectionError),  # the answer may be before the request
        ):
            own.sendall(REQUEST)
            while own.recv(4096):
                pass
    stop.wait()
    first.close()


def _token(number: int) -> str:
    return token(f"tenant-{number % TENANTS}", number)


if __name__ == "__main__":
    measured = measure()
    TARGET.write_text(json.dumps(measured, indent=2) + "\n")
    json.dump(measured, sys.stdout, indent=2)
    print()
