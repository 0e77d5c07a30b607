"""TCP lines between a client and a server that tests can cut, hold up and refuse."""

from __future__ import annotations

import asyncio
import contextlib
import ssl

__all__ = ["Proxy"]

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Proxy:
    """Forwards to a port of this machine, until told not to.

    Attributes:
        port: Where it listens.
        connections: How many were forwarded so far.
    """

    def __init__(self, target: int, tls: ssl.SSLContext | None = None) -> None:
        self._target = target
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self.port = 0
        self.connections = 0
        self.resume()

    @property
    def open_connections(self) -> int:
        """How many are forwarded now."""
        return len(self._writers) // 2

    async def open(self) -> None:
        """Listen, again after ``refuse``."""
        self._server = await asyncio.start_server(
            self._on_client, "127.0.0.1", self.port, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Stop listening and cut what is open."""
        if self._server is not None:
            self._server.close()
        self.cut()

    def cut(self) -> None:
        """Cut what is open."""
        for writer in self._writers:
            writer.transport.abort()

    def stall(self) -> None:
        """Keep the lines open and pass nothing on."""
        self._flows.clear()

    def resume(self) -> None:
        """Pass things on again."""
        self._flows.set()

    async def close(self) -> None:
        """Cut everything, for good."""
        await self.refuse()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def connect(self) -> Streams:
        """Open the line behind a client's; raises OSError."""
        return await asyncio.open_connection("127.0.0.1", self._target)

    async def _on_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await self.connect()
        except OSError:
            writer.transport.abort()
            return
        self.connections += 1
        self._writers |= {writer, back}
        for source, sink in ((reader, back), (there, writer)):
            task = asyncio.ensure_future(self._pass_on(source, sink))
            self._tasks.add(task)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                await self._flows.wait()
                sink.write(data)
                await sink.drain()
        sink.transport.abort()
        self._writers.discard(sink)
