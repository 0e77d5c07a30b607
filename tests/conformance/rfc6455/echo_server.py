"""The smallest server around the RFC 6455 core: it sends every message back.

With compression it agrees to that where it is offered, and sends texts back compressed.

The table in ``test_cases.py`` runs against it, and so can any other conformance suite, such as the
Autobahn fuzzing client:

    python -m tests.conformance.rfc6455.echo_server 9001 [compression]
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

from tidegate.protocol.extensions import agree_on_deflate
from tidegate.protocol.upgrade import (
    BadRequest,
    Request,
    RequestReader,
    check_upgrade,
    encode_http_response,
    encode_upgrade_response,
)
from tidegate.protocol.websocket import (
    CloseReceived,
    DeflateFrameReader,
    FrameReader,
    Ping,
    Violation,
    WebSocketEvent,
    encode_binary,
    encode_close,
    encode_compressed_text,
    encode_pong,
    encode_text,
)

__all__ = ["EchoConnection", "serve"]

MAX_MESSAGE_SIZE = 16 * 1024 * 1024


class EchoConnection(asyncio.Protocol):
    """Upgrades, echoes, and closes as the core says."""

    transport: asyncio.Transport

    def __init__(
        self, max_message_size: int = MAX_MESSAGE_SIZE, *, compresses: bool = False
    ) -> None:
        self._requests: RequestReader | None = RequestReader()
        self._max_message_size = max_message_size
        self._compresses = compresses
        self._frames = FrameReader(max_message_size)
        self._encode_text = encode_text

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
        response = request if isinstance(request, BadRequest) else self._response(request)
        if isinstance(response, BadRequest) or isinstance(request, BadRequest):
            self.transport.write(encode_http_response(400, b"", "text/plain"))
            self.transport.close()
            return b""
        self._requests = None
        self.transport.write(response)
        return request.rest

    def _response(self, request: Request) -> bytes | BadRequest:
        accept, extensions = check_upgrade(request), ""
        if isinstance(accept, BadRequest):
            return accept
        if self._compresses:
            agreed = agree_on_deflate(request.headers.get("sec-websocket-extensions", ""))
            if isinstance(agreed, BadRequest):
                return agreed
            extensions = agreed
        if extensions:
            self._frames = DeflateFrameReader(self._max_message_size)
            self._encode_text = encode_compressed_text
        return encode_upgrade_response(accept, extensions)

    def _answer(self, event: WebSocketEvent) -> None:
        if isinstance(event, str):
            self.transport.write(self._encode_text(event.encode()))
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


async def serve(
    port: int = 0, max_message_size: int = MAX_MESSAGE_SIZE, *, compresses: bool = False
) -> asyncio.Server:
    """Listen on a loopback port, a free one unless given."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: EchoConnection(max_message_size, compresses=compresses), "127.0.0.1", port
    )


async def _main(port: int, *, compresses: bool) -> None:
    server = await serve(port, compresses=compresses)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1]), compresses="compression" in sys.argv))
