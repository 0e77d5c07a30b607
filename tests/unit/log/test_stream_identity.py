"""The secret inside of a stream: one for all nodes, whoever makes it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from rstream import exceptions

from tidegate.errors import LogError
from tidegate.log.rabbitmq_stream import identity
from tidegate.log.rabbitmq_stream.identity import epoch_of, key_of, read_key, read_or_make_key


class FakeStream:
    """What a broker remembers of one; answers take a turn of the loop."""

    def __init__(self) -> None:
        self.offsets: dict[str, int] = {}

    async def query_offset(self, stream: str, name: str) -> int:
        await asyncio.sleep(0)
        try:
            return self.offsets[name]
        except KeyError:
            raise exceptions.OffsetNotFound(19) from None

    async def store_offset(self, stream: str, name: str, offset: int) -> None:
        await asyncio.sleep(0)
        self.offsets[name] = offset


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_PATIENCE", 0.02)
    monkeypatch.setattr(identity, "_PAUSE", 0.01)
    monkeypatch.setattr(identity, "_SETTLE", 0.1)


@pytest.mark.parametrize("makers", [1, 0])
async def test_all_nodes_have_the_same_also_when_its_maker_has_died(makers: int) -> None:
    client: Any = FakeStream()
    keys = await asyncio.gather(
        *(read_or_make_key(client, "stream", is_new=number < makers) for number in range(4))
    )
    assert len(set(keys)) == 1
    assert len(keys[0]) == 16
    assert await read_key(client, "stream") == keys[0]
    again: Any = FakeStream()
    assert await read_or_make_key(again, "stream", is_new=True) != keys[0]


async def test_a_stream_of_somebody_else_is_refused() -> None:
    client: Any = FakeStream()
    client.offsets = {"tidegate.key.0": 17}
    with pytest.raises(LogError, match="not made by Tidegate"):
        await read_key(client, "stream")


def test_the_key_of_a_log_changes_with_each_of_its_streams() -> None:
    one, two, three = b"1" * 16, b"2" * 16, b"3" * 16
    assert key_of([one]) == one
    keys = [key_of([one, two]), key_of([one, three]), key_of([three, two]), key_of([two, one])]
    assert len(set(keys)) == 4
    assert {len(key) for key in keys} == {16}
    assert len({epoch_of(key, 2) for key in keys}) == 4
