"""RFC 6455 from the outside: what a server must answer, case by case, over a real socket.

The groups and numbers are those of the Autobahn test suite, so that a result here can be compared
with a run of that suite; the cases are our own and some sizes are smaller. Compression (12, 13) is
in ``test_compression.py``. Group 9 ends with the bound on messages, which is ours.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

import pytest
from tests.conformance.rfc6455.echo_server import serve

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
PATIENCE = 10.0
MAX_MESSAGE_SIZE = 2 * 1024 * 1024
KIB = 1024
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
MASK = b"\xa5\x00\x5a\xff"

Frame = tuple[int, bytes]
"""An opcode and a payload, as received."""


class Cut(enum.Enum):
    """How the bytes of a case are written to the socket."""

    NONE = 0  # all at once
    FRAMES = -1  # one write per frame
    OCTETS = 1  # one write per byte


class Case(NamedTuple):
    """What is sent and what must come back before the connection ends.

    Attributes:
        close: The close code that the server must end with; 1000 is our own close answered.
        cut: A `Cut`, or the size of each write.
    """

    number: str
    story: str
    sent: list[bytes]
    answers: list[Frame] = []  # noqa: RUF012 - a default of a tuple's field
    close: int = 1000
    cut: Cut | int = Cut.NONE


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    length = len(payload)
    if length < 126:
        size = bytes([0x80 | length])
    elif length < 65_536:
        size = b"\xfe" + length.to_bytes(2, "big")
    else:
        size = b"\xff" + length.to_bytes(8, "big")
    wide = int.from_bytes((MASK * (length // 4 + 1))[:length], "big")
    masked = (int.from_bytes(payload, "big") ^ wide).to_bytes(length, "big")
    return bytes([fin << 7 | rsv << 4 | opcode]) + size + MASK + masked


def fragments(opcode: int, payload: bytes, size: int) -> list[bytes]:
    """One message in frames of ``size`` bytes."""
    parts = [payload[i : i + size] for i in range(0, len(payload), size)]
    return [
        frame(CONT if i else opcode, part, fin=i == len(parts) - 1) for i, part in enumerate(parts)
    ]


def closing(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


# 1: messages of every length form


def framing() -> Iterator[Case]:
    sizes = [0, 125, 126, 127, 128, 65_535, 65_536]
    for group, opcode, letter in ((1, TEXT, b"*"), (2, BINARY, b"\xfe")):
        for number, size in enumerate(sizes, 1):
            payload = letter * size
            story = f"{size} bytes"
            yield Case(f"1.{group}.{number}", story, [frame(opcode, payload)], [(opcode, payload)])
        payload = letter * 65_536
        story = "65536 bytes in writes of 997"
        answers = [(opcode, payload)]
        yield Case(f"1.{group}.8", story, [frame(opcode, payload)], answers, cut=997)


# 2: pings and pongs


def pings() -> Iterator[Case]:
    binary = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
    longest = b"\xfe" * 125
    ten = [b"payload-%d" % i for i in range(10)]
    many, pongs = [frame(PING, payload) for payload in ten], [(PONG, payload) for payload in ten]
    yield Case("2.1", "empty ping", [frame(PING)], [(PONG, b"")])
    yield Case("2.2", "small ping", [frame(PING, b"Hello")], [(PONG, b"Hello")])
    yield Case("2.3", "ping that is no text", [frame(PING, binary)], [(PONG, binary)])
    yield Case("2.4", "longest ping", [frame(PING, longest)], [(PONG, longest)])
    yield Case("2.5", "ping of 126 bytes", [frame(PING, b"\xfe" * 126)], close=1002)
    yield Case(
        "2.6", "longest ping by bytes", [frame(PING, longest)], [(PONG, longest)], cut=Cut.OCTETS
    )
    yield Case("2.7", "pong unasked, empty", [frame(PONG)])
    yield Case("2.8", "pong unasked", [frame(PONG, b"unasked")])
    yield Case("2.9", "pong, then ping", [frame(PONG, b"a"), frame(PING, b"b")], [(PONG, b"b")])
    yield Case("2.10", "ten pings", many, pongs)
    yield Case("2.11", "ten pings by bytes", many, pongs, cut=Cut.OCTETS)


# 3 and 4: bits and opcodes that mean nothing yet


def reserved_bits() -> Iterator[Case]:
    hello, echo, ping = frame(TEXT, b"Hello"), [(TEXT, b"Hello")], frame(PING)
    cuts = {2: Cut.NONE, 3: Cut.FRAMES, 4: Cut.OCTETS}
    yield Case("3.1", "text with RSV 1", [frame(TEXT, b"Hello", rsv=1)], close=1002)
    for rsv, cut in cuts.items():
        sent = [hello, frame(TEXT, b"Hello", rsv=rsv), ping]
        yield Case(f"3.{rsv}", f"second text with RSV {rsv}", sent, echo, 1002, cut)
    yield Case("3.5", "binary with RSV 5", [frame(BINARY, b"\x00\xff", rsv=5)], close=1002)
    yield Case("3.6", "ping with RSV 6", [frame(PING, b"Hello", rsv=6)], close=1002)
    yield Case("3.7", "close with RSV 7", [frame(CLOSE, rsv=7)], close=1002)


def reserved_opcodes() -> Iterator[Case]:
    hello, echo, ping = frame(TEXT, b"Hello"), [(TEXT, b"Hello")], frame(PING)
    for group, first in ((1, 0x3), (2, 0xB)):
        yield Case(f"4.{group}.1", "empty", [frame(first)], close=1002)
        yield Case(f"4.{group}.2", "with payload", [frame(first + 1, b"payload")], close=1002)
        for number, payload in ((3, b""), (4, b"payload"), (5, b"payload")):
            sent = [hello, frame(first + number - 1, payload), ping]
            cut = Cut.OCTETS if number == 5 else Cut.NONE
            yield Case(f"4.{group}.{number}", "after a message", sent, echo, 1002, cut)


# 5: fragments


def fragmentation() -> Iterator[Case]:
    one, two = frame(TEXT, b"one", fin=False), frame(CONT, b"two")
    joined = (TEXT, b"onetwo")
    ping, pong = frame(PING, b"ping"), (PONG, b"ping")
    for number, opcode in ((1, PING), (2, PONG)):
        sent = [frame(opcode, b"one", fin=False), two]
        yield Case(f"5.{number}", "fragmented control frame", sent, close=1002)
    for number, cut in ((3, Cut.NONE), (4, Cut.FRAMES), (5, Cut.OCTETS)):
        yield Case(f"5.{number}", "two fragments", [one, two], [joined], cut=cut)
    for number, cut in ((6, Cut.NONE), (7, Cut.FRAMES), (8, Cut.OCTETS)):
        yield Case(f"5.{number}", "ping between", [one, ping, two], [pong, joined], cut=cut)
    numbers = iter(range(9, 15))
    for fin in (True, False):
        stray = [frame(CONT, b"stray", fin=fin), frame(TEXT, b"Hello")]
        for cut in (Cut.NONE, Cut.FRAMES, Cut.OCTETS):
            story = f"continues nothing, FIN {fin:d}"
            yield Case(f"5.{next(numbers)}", story, stray, close=1002, cut=cut)
    stray_later = [one, two, frame(CONT, b"stray", fin=False), frame(TEXT, b"Hello")]
    yield Case("5.15", "continues a finished message", stray_later, [joined], 1002)
    for number, fin in ((16, False), (17, True)):
        sent = [frame(CONT, b"stray", fin=fin), one, two] * 2
        yield Case(f"5.{number}", f"stray first, FIN {fin:d}", sent, close=1002)
    yield Case("5.18", "both fragments say text", [one, frame(TEXT, b"two")], close=1002)
    parts = [frame(CONT, b"fragment", fin=False)] * 2
    sent = [frame(TEXT, b"fragment", fin=False), parts[0], ping, *parts, ping]
    sent.append(frame(CONT, b"fragment"))
    for number, cut in ((19, Cut.NONE), (20, Cut.FRAMES)):
        answers = [pong, pong, (TEXT, b"fragment" * 5)]
        yield Case(f"5.{number}", "pings between five fragments", sent, answers, cut=cut)


# 6: UTF-8

GREEK = "κ\u1f79\u03c3με"  # characters of two and of three bytes
KOSME = GREEK.encode()
BEYOND = b"\xf4\x90\x80\x80"  # would be U+110000
CUT_SHORT = (
    "c0 e080 f08080 f8808080 fc80808080 df efbf f7bfbf fbbfbfbf fdbfbfbfbf"  # last byte missing
)
UTF8_GROUPS = {
    # group: texts in hexadecimal, those of "bad" to be refused
    5: ("good", "68656c6c6f24776f726c64 68656c6c6fc2a2776f726c64 68656c6c6fe282ac776f726c64"),
    7: ("good", "00 c280 e0a080 f0908080"),
    8: ("bad", "f888808080 fc8480808080"),
    9: ("good", "7f dfbf efbfbf f48fbfbf"),
    10: ("bad", "f7bfbfbf fbbfbfbfbf fdbfbfbfbfbf"),
    11: ("good", "ed9fbf ee8080 efbfbd f48fbfbf"),
    12: (
        "bad",
        "80 bf 80bf 80bf80 80bf80bf 80bf80bf80 80bf80bf80bf " + bytes(range(128, 191)).hex(),
    ),
    14: ("bad", CUT_SHORT),
    15: ("bad", CUT_SHORT.replace(" ", "")),
    16: ("bad", "fe ff fefeffff"),
    17: ("bad", "c0af e080af f08080af f8808080af fc80808080af"),
    18: ("bad", "c1bf e09fbf f08fbfbf f887bfbfbf fc83bfbfbfbf"),
    19: ("bad", "c080 e08080 f0808080 f880808080 fc8080808080"),
    20: ("bad", "eda080 edadbf edae80 edafbf edb080 edbe80 edbfbf"),
    21: (
        "bad",
        "eda080edb080 eda080edbfbf edadbfedb080 edadbfedbfbf "
        "edae80edb080 edae80edbfbf edafbfedb080 edafbfedbfbf",
    ),
    23: ("good", "efbfb9 efbfba efbfbb efbfbc efbfbd efbfbe efbfbf"),
}


def utf8_texts() -> dict[int, list[tuple[bytes, bool]]]:
    """Texts by group, each with whether it is UTF-8."""
    texts = {
        group: [(bytes.fromhex(text), kind == "good") for text in listed.split()]
        for group, (kind, listed) in UTF8_GROUPS.items()
    }
    texts[5] += [("hello\U00024b62world".encode(), True), (KOSME, True)]
    complete = {len(GREEK[:n].encode()) for n in range(6)}
    texts[6] = [(KOSME[:n], n in complete) for n in range(1, len(KOSME) + 1)]
    texts[11].append((BEYOND, False))
    leads = [(0xC0, 0xDF), (0xE0, 0xEF), (0xF0, 0xF7), (0xF8, 0xFB), (0xFC, 0xFD)]
    texts[13] = [
        (b"".join(bytes([lead, 0x20]) for lead in range(low, high)), False) for low, high in leads
    ]
    # The last two code points of each plane mean no character, but are UTF-8.
    texts[22] = [
        (chr(plane << 16 | last).encode(), True) for plane in range(17) for last in (0xFFFE, 0xFFFF)
    ]
    return texts


def utf8() -> Iterator[Case]:
    yield Case("6.1.1", "empty text", [frame(TEXT)], [(TEXT, b"")])
    empty = [frame(TEXT, fin=False), frame(CONT, fin=False), frame(CONT)]
    yield Case("6.1.2", "three empty fragments", empty, [(TEXT, b"")])
    middle = [frame(TEXT, fin=False), frame(CONT, b"middle", fin=False), frame(CONT)]
    yield Case("6.1.3", "empty fragments around", middle, [(TEXT, b"middle")])
    good = "Hello-µ@ßöäüàá-UTF-8!!".encode()
    echo = [(TEXT, good)]
    yield Case("6.2.1", "whole", [frame(TEXT, good)], echo)
    yield Case("6.2.2", "cut at a character", fragments(TEXT, good, 12), echo)
    yield Case("6.2.3", "fragments of one byte", fragments(TEXT, good, 1), echo)
    yield Case("6.2.4", "fragments of one byte", fragments(TEXT, KOSME, 1), [(TEXT, KOSME)])
    bad = KOSME + b"\xed\xa0\x80" + b"edited"
    yield Case("6.3.1", "surrogate inside", [frame(TEXT, bad)], close=1007)
    yield Case("6.3.2", "the same by bytes", fragments(TEXT, bad, 1), close=1007)
    for group, texts in sorted(utf8_texts().items()):
        for number, (text, is_good) in enumerate(texts, 1):
            name, sent = f"6.{group}.{number}", [frame(TEXT, text)]
            if is_good:
                yield Case(name, text.hex()[:24], sent, [(TEXT, text)])
            else:
                yield Case(name, text.hex()[:24], sent, close=1007)


def utf8_fails_fast() -> Iterator[Case]:
    """The message is never ended: the server must not wait for its end."""
    first, second = frame(TEXT, KOSME, fin=False), frame(CONT, BEYOND, fin=False)
    yield Case("6.4.1", "second fragment is wrong", [first, second], close=1007, cut=Cut.FRAMES)
    first = frame(TEXT, KOSME + BEYOND[:1], fin=False)
    second = frame(CONT, BEYOND[1:2], fin=False)
    yield Case("6.4.2", "wrong across fragments", [first, second], close=1007, cut=Cut.FRAMES)
    whole = frame(TEXT, KOSME + BEYOND + b"edited")
    head = len(frame(TEXT))
    sent = [whole[: head + len(KOSME)], whole[head + len(KOSME) : head + len(KOSME) + 4]]
    yield Case("6.4.3", "wrong inside a frame", sent, close=1007, cut=Cut.FRAMES)
    up_to_wrong = whole[: head + len(KOSME) + 2]
    yield Case("6.4.4", "the same by bytes", [up_to_wrong], close=1007, cut=Cut.OCTETS)


# 7: closing


def closes() -> Iterator[Case]:
    hello, ping, echo = frame(TEXT, b"Hello"), frame(PING), [(TEXT, b"Hello")]
    normal = closing(1000)
    yield Case("7.1.1", "after a message", [hello, normal], echo)
    yield Case("7.1.2", "twice", [normal, normal])
    yield Case("7.1.3", "then a ping", [normal, ping])
    yield Case("7.1.4", "then a message", [normal, hello])
    between = [frame(TEXT, b"one", fin=False), normal, frame(CONT, b"two")]
    yield Case("7.1.5", "between fragments", between)
    large = b"*" * 256 * KIB
    sent = [frame(TEXT, large) + normal + ping]
    yield Case("7.1.6", "after a large message", sent, [(TEXT, large)])
    yield Case("7.3.1", "empty", [frame(CLOSE)], close=1005)
    yield Case("7.3.2", "half a code", [frame(CLOSE, b"\x03")], close=1002)
    yield Case("7.3.3", "code alone", [normal])
    yield Case("7.3.4", "with a reason", [closing(1000, b"Hello")])
    yield Case("7.3.5", "with the longest reason", [closing(1000, b"*" * 123)])
    yield Case("7.3.6", "with a longer reason", [closing(1000, b"*" * 124)], close=1002)
    yield Case("7.5.1", "reason is not UTF-8", [closing(1000, KOSME + BEYOND)], close=1007)
    good = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
    bad = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999]
    for number, code in enumerate(good, 1):
        yield Case(f"7.7.{number}", f"code {code}", [closing(code)], close=code)
    for number, code in enumerate(bad, 1):
        yield Case(f"7.9.{number}", f"code {code}", [closing(code)], close=1002)
    for number, code in enumerate([5000, 65_535], 1):
        yield Case(f"7.13.{number}", f"code {code}", [closing(code)], close=1002)


# 9 and 10: large messages, and many


def large_messages() -> Iterator[Case]:
    for offset, opcode, letter in ((0, TEXT, b"*"), (1, BINARY, b"\xfe")):
        for number, kib in enumerate([64, 256, 1024], 1):
            payload = letter * (kib * KIB)
            sent = [frame(opcode, payload)]
            yield Case(f"9.{1 + offset}.{number}", f"{kib} KiB", sent, [(opcode, payload)])
        payload = letter * (256 * KIB)
        answers = [(opcode, payload)]
        for number, size in enumerate([64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB], 1):
            sent, story = fragments(opcode, payload, size), f"fragments of {size}"
            yield Case(f"9.{3 + offset}.{number}", story, [b"".join(sent)], answers)
        for number, size in enumerate([64, 128, 256, 512, 1024, 2048], 1):
            sent, story = [frame(opcode, payload)], f"writes of {size}"
            yield Case(f"9.{5 + offset}.{number}", story, sent, answers, cut=size)
        for number, size in enumerate([0, 16, 64, 256, 1024, 4096], 1):
            name, story = f"9.{7 + offset}.{number}", f"1000 messages of {size}"
            sent = [frame(opcode, letter * size)] * 1000
            yield Case(name, story, sent, [(opcode, letter * size)] * 1000)
    yield Case(
        "10.1.1", "fragments of 1300", fragments(TEXT, b"*" * 65_536, 1300), [(TEXT, b"*" * 65_536)]
    )


def too_large_messages() -> Iterator[Case]:
    largest = b"\xfe" * MAX_MESSAGE_SIZE
    yield Case("9.9.1", "largest", [frame(BINARY, largest)], [(BINARY, largest)])
    head = frame(BINARY, largest + b"\xfe")[:14]
    yield Case("9.9.2", "one byte more, by the head alone", [head], close=1009)
    first, second = frame(BINARY, largest, fin=False), frame(CONT, b"\xfe")
    yield Case("9.9.3", "one byte more in a fragment", [first, second], close=1009)


CASES = [
    *framing(),
    *pings(),
    *reserved_bits(),
    *reserved_opcodes(),
    *fragmentation(),
    *utf8(),
    *utf8_fails_fast(),
    *closes(),
    *large_messages(),
    *too_large_messages(),
]


# The client


class Client(asyncio.Protocol):
    """Collects what the server sends until it ends the connection."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._received = bytearray()
        self._can_write = asyncio.Event()
        self._can_write.set()
        self.is_upgraded = asyncio.Event()
        self.is_closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(HANDSHAKE)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self.is_upgraded.is_set() and b"\r\n\r\n" in self._received:
            head, _, rest = bytes(self._received).partition(b"\r\n\r\n")
            assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
            self._received[:] = rest
            self.is_upgraded.set()

    def pause_writing(self) -> None:
        self._can_write.clear()

    def resume_writing(self) -> None:
        self._can_write.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._can_write.set()
        self.is_closed.set()

    async def send(self, pieces: list[bytes]) -> None:
        """Write each piece by itself, and let the server read it before the next."""
        for piece in pieces:
            self.transport.write(piece)
            for _ in range(4 if len(pieces) > 1 else 0):
                await asyncio.sleep(0)
            await self._can_write.wait()

    def frames(self) -> list[Frame]:
        frames: list[Frame] = []
        data, position = bytes(self._received), 0
        while position < len(data):
            length, start = data[position + 1], position + 2
            assert data[position] & 0xF0 == 0x80, "a server frame is whole, its reserved bits clear"
            if length > 125:
                size = 2 if length == 126 else 8
                length = int.from_bytes(data[start : start + size], "big")
                start += size
            assert start + length <= len(data), "a frame is cut short (or masked)"
            frames.append((data[position] & 0x0F, data[start : start + length]))
            position = start + length
        return frames


def cut_up(case: Case) -> list[bytes]:
    if case.cut is Cut.FRAMES:
        return case.sent
    data = b"".join(case.sent)
    if case.cut is Cut.NONE:
        return [data]
    size = case.cut.value if isinstance(case.cut, Cut) else case.cut
    return [data[i : i + size] for i in range(0, len(data), size)]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    server = await serve(max_message_size=MAX_MESSAGE_SIZE)
    port = server.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_connection(Client, "127.0.0.1", port)
    async with asyncio.timeout(PATIENCE):
        await client.is_upgraded.wait()
    yield client
    transport.abort()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.number}: {case.story}")
async def test_case(case: Case, client: Client) -> None:
    await client.send(cut_up(case))
    if case.close == 1000:
        await client.send([closing(1000)])  # ignored where the case has closed already
    async with asyncio.timeout(PATIENCE):
        await client.is_closed.wait()

    *answers, (opcode, payload) = client.frames()
    assert answers == case.answers
    assert opcode == CLOSE
    code = int.from_bytes(payload[:2], "big") if payload else 1005  # 1005: closed without a code
    assert code == case.close


def test_every_case_has_its_own_number() -> None:
    assert len({case.number for case in CASES}) == len(CASES)
