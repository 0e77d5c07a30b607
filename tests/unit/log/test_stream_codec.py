"""How entries become stream messages: none may be larger than a frame, whatever their names are."""

from __future__ import annotations

import pytest

from tidegate.errors import LogError
from tidegate.ids import NamespaceName, RoomName, Sid, TenantId, UserId
from tidegate.log import Entry, EventEntry, RoomsOfSession
from tidegate.log.rabbitmq_stream import RabbitMQStreamLog, StreamAddress
from tidegate.log.rabbitmq_stream.codec import MAX_ENTRIES, decode_batch, encode_batch, pack
from tidegate.log.rabbitmq_stream.link import FRAME_MAX
from tidegate.log.rabbitmq_stream.streams import HEADS

MAX_PACKED = FRAME_MAX - HEADS
LONG = "\N{GRINNING FACE}" * 256


def event(data: bytes, name: str = "x") -> EventEntry:
    return EventEntry(
        TenantId(name),
        NamespaceName(name),
        name,
        data,
        0.0,
        user=UserId(name),
        room=RoomName(name),
        exclude=Sid(name),
        message_id=name,
        trace=name,
    )


def stored(entries: list[Entry]) -> list[list[Entry]]:
    """Return the entries of each stream message, after its way through the codec."""
    messages = [encode_batch("w" * 12, 2**40, packed) for packed in pack(entries, MAX_PACKED)]
    assert all(len(message) < FRAME_MAX - 50 for message in messages)  # 50: the frame's own
    batches = [decode_batch(message) for message in messages]
    assert all(batch is not None and batch.writer == "w" * 12 for batch in batches)
    return [batch.entries for batch in batches if batch is not None]


@pytest.mark.parametrize(
    "entries",
    [
        [event(b"{}", LONG) for _ in range(1_000)],
        [
            RoomsOfSession(
                TenantId("acme"),
                NamespaceName("/n"),
                UserId("ada"),
                Sid(f"sid {number}"),
                {RoomName(f"{LONG[:-3]}{room:03}"): room for room in range(100)},
            )
            for number in range(50)
        ],
        [event(b"1" * size) for size in (10, 600_000, 600_000, 10, 10)],
        [event(b"1") for _ in range(3 * MAX_ENTRIES + 1)],
    ],
    ids=["long names", "long rooms", "large", "many"],
)
def test_every_part_fits_into_a_frame(entries: list[Entry]) -> None:
    batches = stored(entries)
    assert [entry for batch in batches for entry in batch] == entries
    assert all(len(batch) <= MAX_ENTRIES for batch in batches)


def test_a_payload_of_the_largest_size_fits_whatever_the_names() -> None:
    log = RabbitMQStreamLog(StreamAddress.from_url("rabbitmq-stream://nowhere"))
    assert len(stored([event(b"1" * log.max_entry_size, LONG)])) == 1


def test_what_fits_in_no_frame_is_refused() -> None:
    with pytest.raises(LogError, match="larger than the log takes"):
        list(pack([event(b"1"), event(b"1" * FRAME_MAX)], MAX_PACKED))
