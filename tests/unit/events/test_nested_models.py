"""Pydantic models inside of structs, dataclasses and containers: read, written and refused."""

from __future__ import annotations

import datetime
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel, ConfigDict, Field

from tidegate import Event
from tidegate.errors import PayloadError
from tidegate.events import decode_argument, encode_payload


class Tag(BaseModel):
    name: str = Field(min_length=2)


class Item(BaseModel):
    id: int
    tags: list[Tag] = []


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    due: datetime.date
    body: bytes = b""


class MarkRead(Event, name="markRead"):
    item: Item
    others: dict[str, Item | None] = msgspec.field(default_factory=dict)


class Due(msgspec.Struct):
    task: Strict


def test_a_model_in_an_event_is_read() -> None:
    raw = b'{"item":{"id":1,"tags":[{"name":"ab"}]},"others":{"a":null,"b":{"id":2}}}'
    assert decode_argument(raw, (), MarkRead) == MarkRead(
        item=Item(id=1, tags=[Tag(name="ab")]), others={"a": None, "b": Item(id=2)}
    )


def test_a_model_in_a_container_is_read() -> None:
    assert decode_argument(b'[{"id":1}]', (), list[Item]) == [Item(id=1)]
    assert decode_argument(b"null", (), Item | None) is None


def test_what_is_read_can_be_written_again() -> None:
    raw = b'{"item":{"id":1,"tags":[{"name":"ab"}]},"others":{"b":{"id":2,"tags":[]}}}'
    assert encode_payload(decode_argument(raw, (), MarkRead)).json == raw


def test_a_strict_model_takes_what_it_takes_by_itself() -> None:
    raw = b'{"due":"2026-11-25"}'
    task = decode_argument(raw, (), Strict)
    assert decode_argument(b'{"task":%b}' % raw, (), Due) == Due(task=task)


def test_a_model_beside_and_with_an_attachment_is_read() -> None:
    class Upload(msgspec.Struct):
        item: Item
        body: bytes

    class Photo(BaseModel):
        body: bytes

    placeholder = b'{"_placeholder":true,"num":0}'
    raw = b'{"item":{"id":1},"body":%b}' % placeholder
    assert decode_argument(raw, (b"\xff",), Upload) == Upload(item=Item(id=1), body=b"\xff")
    raw = b'[{"body":%b}]' % placeholder
    assert decode_argument(raw, (b"\xff",), list[Photo]) == [Photo(body=b"\xff")]


@pytest.mark.parametrize(
    ("raw", "target", "field"),
    [
        (b'{"item":{"id":"x"}}', MarkRead, "$.item.id"),
        (b'{"item":{"id":1,"tags":[{"name":"ab"},{"name":"a"}]}}', MarkRead, "$.item.tags[1].name"),
        (b'{"item":{"id":1},"others":{"a":{}}}', MarkRead, "$.others[...].id"),
        (b'{"item":7}', MarkRead, "$.item"),
        (b"{}", MarkRead, "$"),
        (b'{"id":[]}', Item, "$.id"),
        (b'[{"id":1},{"id":[]}]', list[Item], "$[1].id"),
    ],
)
def test_a_misfit_names_the_path_into_the_model(raw: bytes, target: Any, field: str) -> None:
    with pytest.raises(PayloadError) as refused:
        decode_argument(raw, (), target)
    assert refused.value.field == field
    assert "\n" not in refused.value.message
