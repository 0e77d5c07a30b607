"""The smallest server around the RFC 6455 core: it sends every message back.

The table in ``test_cases.py`` runs against it, and so can any other conformance suite, such as the
Autobahn fuzzing client:

    python -m tests.conformance.rfc6455.echo_server 9001
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

from tidegate.protocol.upgrade import (
    BadRequest,
    RequestReader,
    check_upgrade,
    encode_http_response,
    encode_upgrade_response,
)
from tidegate.protocol.websocket import (
    CloseReceived,
    FrameReader,
    Ping,
    Violation,
    WebSocketEvent,
    encode_binary,
    encode_close,
    encode_pong,
    encode_text,
)

__all__ = ["EchoConnection", "serve"]

MAX_MESSAGE_SIZE = 16 * 1024 * 1024


class EchoConnection(asyncio.Protocol):
    """Upgrades, echoes, and closes as the core says."""

    transport: asyncio.Transport

    def __init__(self, max_message_size: int = MAX_MESSAGE_SIZE) -> None:
        self._requests: RequestReader | None = RequestReader()
        self._frames = FrameReader(max_message_size)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # uvloop's are not asyncio's classes

    def data_received(self, data: bytes) -> None:
        if self._requests is not None:
            data = self._upgrade(self._requests, data)
        for event in self._frames.receive_data(data):
            self._answer(event)

    def _upgrade(self, requests: RequestReader, data: bytes) -> bytes:
        """Answer the request when it is whole, and return the bytes that followed it."""
        request = requests.receive_data(data)
        if request is None:
            return b""
        answer = request if isinstance(request, BadRequest) else check_upgrade(request)
        if isinstance(answer, BadRequest) or isinstance(request, BadRequest):
            self.transport.write(encode_http_response(400, b"", "text/plain"))
            self.transport.close()
            return b""
        self._requests = None
        self.transport.write(encode_upgrade_response(answer))
        return request.rest

    def _answer(self, event: WebSocketEvent) -> None:
        if isinstance(event, str):
            self.transport.write(encode_text(event.encode()))
        elif isinstance(event, bytes):
            self.transport.write(encode_binary(event))
        elif isinstance(event, Ping):
            self.transport.write(encode_pong(event.payload))
        elif isinstance(event, CloseReceived):
            self._close(encode_close(event.code))
        elif isinstance(event, Violation):
            self._close(encode_close(event.close_code, event.reason))

    def _close(self, frame: bytes) -> None:
        self.transport.write(frame)
        self.transport.close()


async def serve(port: int = 0, max_message_size: int = MAX_MESSAGE_SIZE) -> asyncio.Server:
    """Listen on a loopback port, a free one unless given."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: EchoConnection(max_message_size), "127.0.0.1", port)


async def _main(port: int) -> None:
    server = await serve(port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1])))
