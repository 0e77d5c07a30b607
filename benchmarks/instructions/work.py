"""What is counted: the gateway as users set it up, on transports that only take bytes.

Runs under ``valgrind --tool=callgrind``, which ``counter.c`` switches on and off. Everything is
there that costs in production but the kernel: frames, packets, tokens, log, hub.
``python -m benchmarks.instructions`` runs it.
"""

from __future__ import annotations

import asyncio
import base64
import ctypes
import gc
import json
import sys
from collections.abc import Callable, Coroutine

import jwt
import uvloop
from pydantic import SecretStr

from tidegate import Client, Event, Gateway, Namespace, Settings
from tidegate.app.settings import AuthSettings, LimitSettings
from tidegate.protocol.websocket import encode_text
from tidegate.transports.listener import Listener
from tidegate.transports.websocket import WebSocketConnection

SECRET = "a secret that only this program knows"
SOCKETS = 100
EVENTS = 200
HANDSHAKES = 100
WARM = 20
MAX_TURNS = 1_000

YARDSTICKS = 200

CALLS = {
    "events-to-one": EVENTS,
    "events-to-many": EVENTS,
    "handshakes": HANDSHAKES,
    "acks": EVENTS,
    "yardstick": YARDSTICKS,
}
"""What is counted, in this order, and how often each is done."""

_REQUEST = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: gateway.example.com\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: " + base64.b64encode(b"0123456789abcdef") + b"\r\n\r\n"
)
_MASK = b"\0\0\0\0"


class Paid(Event, name="order.paid"):
    """The event that is delivered."""

    order: str
    amount: int


class Sink(asyncio.Transport):
    """A transport that takes bytes and counts the writes."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0
        self.last = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes += 1
        self.last = bytes(data)

    def get_extra_info(self, name: str, default: object = None) -> object:
        return ("192.0.2.7", 50_000) if name == "peername" else default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        pass

    def abort(self) -> None:
        pass


async def connect(listener: Listener, token: str) -> tuple[WebSocketConnection, Sink]:
    """Bring a client in: upgrade, CONNECT with a token, and whatever follows."""
    connection, sink = WebSocketConnection(listener), Sink()
    connection.connection_made(sink)
    connection.data_received(_REQUEST)
    payload = json.dumps({"token": token}, separators=(",", ":"))
    connection.data_received(_masked(f"40/orders,{payload}"))
    await asyncio.sleep(0)
    assert connection.sockets, sink.last
    return connection, sink


def _masked(text: str) -> bytes:
    """Return a client's frame; the mask is zero, which costs the server as much as another."""
    frame = bytearray(encode_text(text.encode()))
    size = 2 if frame[1] < 126 else 4
    frame[1] |= 0x80
    return bytes(frame[:size]) + _MASK + bytes(frame[size:])


def token(tenant: str, user: int) -> str:
    """Return a token of its own for a user."""
    claims = {"tenantId": tenant, "sub": f"user-{user:04}", "exp": 4_000_000_000}
    return jwt.encode(claims, SECRET, algorithm="HS256")


async def _written(sink: Sink, before: int) -> None:
    for _ in range(MAX_TURNS):
        if sink.writes > before:
            return
        await asyncio.sleep(0)
    raise TimeoutError(f"nothing was written in {MAX_TURNS} turns of the loop")


def _counted(counter: ctypes.CDLL, loop: asyncio.AbstractEventLoop, name: str, work: Work) -> None:
    coroutine = work.named[name]()
    counter.begin()
    loop.run_until_complete(coroutine)
    counter.end(name.encode())


async def yardstick() -> None:
    """Do what does not change with the gateway, in about the mix that a gateway does."""
    for number in range(YARDSTICKS):
        order = {"order": f"order-{number:06}", "amount": number, "tags": ["a", "b"] * 5}
        read = json.loads(json.dumps(order))
        sizes = [len(f"{key}:{value}".encode()) for key, value in sorted(read.items())]
        assert sum(sizes) == len(b"".join(bytes(size) for size in sizes))
        await asyncio.sleep(0)


class Work:
    """The gateway with its clients, and the things that are counted."""

    def __init__(self) -> None:
        self.orders = Namespace("/orders", events=[Paid])
        settings = Settings(
            port=0,
            auth=AuthSettings(secret=SecretStr(SECRET)),
            limits=LimitSettings(unauthenticated_per_address=1_000, event_burst=10 * EVENTS),
        )
        self.gateway = Gateway([self.orders], settings=settings)
        self.tokens = [token("door", number) for number in range(HANDSHAKES + WARM)]
        self.kept: list[tuple[WebSocketConnection, Sink]] = []
        self.named: dict[str, Callable[[], Coroutine[None, None, None]]] = {
            "events-to-one": lambda: self.emit("one", EVENTS),
            "events-to-many": lambda: self.emit("many", EVENTS),
            "handshakes": lambda: self.shake_hands(self.tokens[:HANDSHAKES]),
            "acks": lambda: self.ask(EVENTS),
            "yardstick": yardstick,
        }

        @self.orders.on("order.seen")
        async def seen(client: Client, order: str) -> str:
            return order

    async def start(self) -> None:
        """Start, let the clients in, and do everything some times, so that caches are warm."""
        await self.gateway.start()
        await self.gateway.listen("127.0.0.1")
        self.kept.append(await connect(self.listener, token("one", 9_999)))
        self.many = [await connect(self.listener, token("many", n)) for n in range(SOCKETS)]
        await self.emit("one", WARM)
        await self.emit("many", WARM)
        await self.shake_hands(self.tokens[HANDSHAKES:])
        await self.ask(WARM)

    @property
    def listener(self) -> Listener:
        """The listener that connections belong to."""
        assert isinstance(self.gateway.listener, Listener)
        return self.gateway.listener

    async def emit(self, tenant: str, count: int) -> None:
        """Emit events one after the other; each is delivered before the next."""
        to = self.gateway.tenant(tenant)
        connections = self.many if tenant == "many" else self.kept[:1]
        for number in range(count):
            before = connections[-1][1].writes
            await to.emit(Paid(order=f"order-{number:06}", amount=number))
            await _written(connections[-1][1], before)

    async def shake_hands(self, tokens: list[str]) -> None:
        """Let clients in that stay."""
        for each in tokens:
            self.kept.append(await connect(self.listener, each))

    async def ask(self, count: int) -> None:
        """Send events that ask for an ack, one after the other."""
        connection, sink = self.many[0]
        for number in range(count):
            before = sink.writes
            connection.data_received(_masked(f'42/orders,{number}["order.seen","order-1"]'))
            await _written(sink, before)

    async def stop(self) -> None:
        """Stop the gateway."""
        for connection, _ in [*self.kept, *self.many]:
            connection.connection_lost(None)
        await self.gateway.stop()


def main(counter: str) -> None:
    """Do the four things, each counted by itself."""
    library = ctypes.CDLL(counter)
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    work = Work()
    loop.run_until_complete(work.start())
    gc.disable()  # when it runs is a matter of chance
    for name in CALLS:
        _counted(library, loop, name, work)
    loop.run_until_complete(work.stop())


if __name__ == "__main__":
    main(sys.argv[1])
