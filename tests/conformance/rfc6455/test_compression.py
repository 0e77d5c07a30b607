"""permessage-deflate (RFC 7692) with a client that we did not write, `websockets`, and raw frames.

The sizes of messages are those of the Autobahn test suite's group 12, the offers those of 13.
"""

from __future__ import annotations

import asyncio
import json
import random
import zlib
from collections.abc import AsyncIterator

import pytest
from tests.conformance.rfc6455.echo_server import serve
from tests.conformance.rfc6455.test_cases import BINARY, CONT, TEXT, frame
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

AGREED = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
MAX_MESSAGE_SIZE = 256 * 1024
SIZES = [0, 1, 16, 64, 256, 1_024, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072]
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Extensions: %b\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
CLOSED_1002, CLOSED_1007, CLOSED_1009 = b"\x03\xea", b"\x03\xef", b"\x03\xf1"


@pytest.fixture
async def port() -> AsyncIterator[int]:
    server = await serve(max_message_size=MAX_MESSAGE_SIZE, compresses=True)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


def opened(port: int, *offers: ClientPerMessageDeflateFactory) -> connect:
    """A connection with these offers, else what the library offers by itself."""
    return connect(
        f"ws://127.0.0.1:{port}",
        extensions=list(offers) or None,
        compression=None if offers else "deflate",
        proxy=None,
    )


def answer_of(client: ClientConnection) -> str:
    assert client.response is not None
    return client.response.headers.get("Sec-WebSocket-Extensions", "")


def text_of(size: int) -> str:
    """Text as compressible as JSON is."""
    chosen = random.Random(size)
    words = [f'{{"id":{chosen.randrange(10**6)},"état":"ok"}}' for _ in range(size // 20 + 1)]
    return json.dumps(words, ensure_ascii=False)[:size]


async def test_messages_of_every_size_come_back(port: int) -> None:
    async with opened(port) as client:
        assert answer_of(client) == AGREED
        for size in SIZES:
            await client.send(text_of(size))
            assert await client.recv() == text_of(size)
            await client.send(text_of(size).encode())
            assert await client.recv() == text_of(size).encode()


async def test_fragmented_messages_come_back(port: int) -> None:
    async with opened(port) as client:
        for size in SIZES[1:]:
            text, step = text_of(size), max(1, size // 7)
            await client.send([text[i : i + step] for i in range(0, size, step)])
            assert await client.recv() == text


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        (ClientPerMessageDeflateFactory(), AGREED),
        (ClientPerMessageDeflateFactory(client_max_window_bits=True), AGREED),
        (ClientPerMessageDeflateFactory(client_max_window_bits=9), AGREED),
        (
            ClientPerMessageDeflateFactory(
                server_no_context_takeover=True, client_no_context_takeover=True
            ),
            AGREED,
        ),
        (
            ClientPerMessageDeflateFactory(server_max_window_bits=15),
            f"{AGREED}; server_max_window_bits=12",
        ),
    ],
)
async def test_offers_that_are_accepted(
    port: int, offer: ClientPerMessageDeflateFactory, answer: str
) -> None:
    async with opened(port, offer) as client:
        assert answer_of(client) == answer
        for text in (text_of(40_000), text_of(3), text_of(40_000)):
            await client.send(text)
            assert await client.recv() == text


async def test_client_that_wants_too_small_a_window_goes_without(port: int) -> None:
    async with opened(port, ClientPerMessageDeflateFactory(server_max_window_bits=9)) as client:
        assert answer_of(client) == ""
        await client.send(text_of(4_000))
        assert await client.recv() == text_of(4_000)


async def test_client_without_compression_is_served_without(port: int) -> None:
    async with connect(f"ws://127.0.0.1:{port}", compression=None, proxy=None) as client:
        assert answer_of(client) == ""
        await client.send(text_of(4_000))
        assert await client.recv() == text_of(4_000)


async def test_bomb_is_refused(port: int) -> None:
    async with opened(port) as client:
        await client.send(b"\0" * (MAX_MESSAGE_SIZE + 1))
        with pytest.raises(ConnectionClosedError) as closed:
            await client.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


def deflated(data: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-15)
    return (deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]


PACKED = deflated(b"some text, some text")


@pytest.mark.parametrize(
    ("sent", "close"),
    [
        ([frame(TEXT, PACKED, rsv=2)], CLOSED_1002),
        ([frame(TEXT, PACKED, rsv=6)], CLOSED_1002),
        ([frame(0x9, b"ping", rsv=4)], CLOSED_1002),
        ([frame(0x8, b"\x03\xe8", rsv=4)], CLOSED_1002),
        ([frame(TEXT, PACKED[:5], fin=False, rsv=4), frame(CONT, PACKED[5:], rsv=4)], CLOSED_1002),
        ([frame(CONT, PACKED, rsv=4)], CLOSED_1002),
        ([frame(TEXT, b"this is not compressed", rsv=4)], CLOSED_1007),
        ([frame(TEXT, deflated(b"\xff\xfe"), rsv=4)], CLOSED_1007),
        ([frame(BINARY, deflated(b"\0" * (MAX_MESSAGE_SIZE + 1)), rsv=4)], CLOSED_1009),
        ([frame(BINARY, deflated(b"\0" * 100 * MAX_MESSAGE_SIZE), rsv=4)], CLOSED_1009),
    ],
    ids=[
        "RSV2",
        "RSV1 and RSV2",
        "a ping that says compressed",
        "a close that says compressed",
        "a continuation that says so",
        "a continuation of nothing",
        "data that is none",
        "text that is no UTF-8",
        "one byte too much",
        "a bomb",
    ],
)
async def test_violation(port: int, sent: list[bytes], close: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HANDSHAKE % b"permessage-deflate")
    head = await reader.readuntil(b"\r\n\r\n")
    assert f"Sec-WebSocket-Extensions: {AGREED}\r\n".encode() in head
    writer.write(b"".join(sent))
    received = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert received[0] == 0x88
    assert received[2:4] == close


async def test_header_that_breaks_the_syntax_is_refused(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HANDSHAKE % b"permessage-deflate; =")
    assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    writer.close()
    await writer.wait_closed()
