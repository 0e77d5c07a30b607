"""Forms of a frame: each is made once, when the first socket needs it, and shared."""

from __future__ import annotations

import pytest

from tidegate.auth.identity import Identity
from tidegate.hub import Hub, Socket
from tidegate.hub.frames import FrameEncoder
from tidegate.ids import NamespaceName, Sid, TenantId, UserId
from tidegate.log import Batch, EventEntry, MemoryLog, Record, Window
from tidegate.protocol.deflate import compress, decompress

ACME, CHAT = TenantId("acme"), NamespaceName("/chat")
LONG = b'"' + b"hello " * 100 + b'"'
PLAIN_LONG = b"\x81\x7e\x02\x71" + b'42/chat,["tick",' + LONG + b',"e.1"]'


class Link:
    def __init__(self, *, takes_compressed: bool) -> None:
        self.is_writable = True
        self.takes_compressed = takes_compressed
        self.writes: list[bytes] = []

    @property
    def transport(self) -> Link:
        return self

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def abort(self, reason: str) -> None:
        raise AssertionError(reason)


def record(data: bytes, offset: int = 1, attachments: tuple[bytes, ...] = ()) -> Record[EventEntry]:
    return Record(offset, EventEntry(ACME, CHAT, "tick", data, 0.0, attachments))


def add(hub: Hub, sid: str, *, takes_compressed: bool) -> tuple[Socket, Link]:
    link = Link(takes_compressed=takes_compressed)
    socket = Socket(sid=Sid(sid), namespace=CHAT, identity=Identity(ACME, UserId(sid)), link=link)
    hub.add(socket)
    return socket, link


def make_hub(compress_from: int | None = 512) -> Hub:
    return Hub(
        window=Window(age=60, max_bytes=10**6, tenant_bytes=10**6),
        log=MemoryLog(epoch="e"),
        session_age=60,
        on_control=lambda entry: None,
        compress_from=compress_from,
    )


@pytest.fixture
def compressions(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What is compressed while the test runs."""
    seen: list[bytes] = []

    def watched(payload: bytes) -> bytes:
        seen.append(payload)
        return compress(payload)

    monkeypatch.setattr("tidegate.protocol.websocket.compress", watched)
    return seen


def plain(frame: bytes) -> bytes:
    """What a compressed text frame with a length in two bytes at most says."""
    assert frame[0] == 0xC1
    payload = frame[2:] if frame[1] < 126 else frame[4:]
    return bytes(decompress(payload, 10_000) or b"")


def test_compressed_frame_is_made_once() -> None:
    frames, long = FrameEncoder("e", compress_from=512), record(LONG)
    assert frames.compressed(long) is frames.compressed(long)
    assert plain(frames.compressed(long)) == PLAIN_LONG[4:]
    assert len(frames.compressed(long)) < 100
    assert long.frame is None
    assert frames(long) == PLAIN_LONG


def test_short_payload_is_not_compressed() -> None:
    frames = FrameEncoder("e", compress_from=len(LONG) + 1)
    short = record(LONG)
    assert frames.compressed(short) is frames(short)


def test_payload_at_the_threshold_is_compressed() -> None:
    assert FrameEncoder("e", compress_from=len(LONG)).compressed(record(LONG))[0] == 0xC1


def test_what_gets_no_smaller_is_sent_as_it_is() -> None:
    frames, noise = FrameEncoder("e", compress_from=1), record(b'"q7"')
    assert frames.compressed(noise) is frames(noise)


def test_event_with_attachments_is_sent_as_it_is() -> None:
    frames, image = FrameEncoder("e", compress_from=1), record(LONG, attachments=(b"\x89PNG",))
    assert frames.compressed(image) is frames(image)


async def test_sockets_share_one_frame_of_each_form(compressions: list[bytes]) -> None:
    hub = make_hub()
    links = [add(hub, f"s{n}", takes_compressed=n % 2 == 1)[1] for n in range(6)]
    hub.ingest(Batch(0, [record(LONG)], 0, 1))
    assert [len(link.writes) for link in links] == [1] * 6
    assert len({id(link.writes[0]) for link in links}) == 2
    assert [link.writes[0][0] for link in links] == [0x81, 0xC1] * 3
    assert plain(links[1].writes[0]) == links[0].writes[0][4:]
    assert len(compressions) == 1


async def test_nothing_is_compressed_for_an_audience_without_compression(
    compressions: list[bytes],
) -> None:
    hub = make_hub()
    _, link = add(hub, "s", takes_compressed=False)
    hub.ingest(Batch(0, [record(LONG)], 0, 1))
    assert link.writes == [PLAIN_LONG]
    assert compressions == []


async def test_nothing_is_compressed_when_the_hub_is_not_told_to(compressions: list[bytes]) -> None:
    hub = make_hub(compress_from=None)
    _, link = add(hub, "s", takes_compressed=True)
    hub.ingest(Batch(0, [record(LONG)], 0, 1))
    assert link.writes == [PLAIN_LONG]
    assert compressions == []


async def test_mixed_batch_is_one_write_for_each_socket_in_its_form() -> None:
    hub = make_hub()
    _, plain_link = add(hub, "a", takes_compressed=False)
    _, link = add(hub, "b", takes_compressed=True)
    own = Record(2, EventEntry(ACME, CHAT, "tick", b"2", 0.0, user=UserId("b")))
    hub.ingest(Batch(0, [record(LONG), own, record(LONG, 3)], 0, 3))
    (write,), (other,) = link.writes, plain_link.writes
    assert other[0] == 0x81 and other.count(b'"tick"') == 2
    assert write[0] == 0xC1 and write.count(b'42/chat,["tick",2,"e.2"]') == 1


async def test_missed_events_are_compressed_once_for_all_who_come_back(
    compressions: list[bytes],
) -> None:
    hub = make_hub()
    made = [add(hub, f"s{n}", takes_compressed=True) for n in range(3)]
    for _, link in made:
        link.is_writable = False
    hub.ingest(Batch(0, [record(LONG)], 0, 1))
    for socket, link in made:
        link.is_writable = True
        hub.resume(socket)
        assert plain(link.writes[0]) == PLAIN_LONG[4:]
    assert len(compressions) == 1
