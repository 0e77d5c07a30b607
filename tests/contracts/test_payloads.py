"""The schemas take and refuse the same payloads as the Python types that they are made from.

The cases are JSON values near each type: fitting ones, and such with one part missing, of another
kind, or out of range. Left out is what the wire can't tell or the documentation names as a
difference: 1.0 for an integer (JavaScript writes 1), and the formats of texts, which a validator
checks only if asked to.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts import realtime
from tests.contracts.judges import FOLDER
from tidegate.errors import PayloadError
from tidegate.events import decode_argument, encode_payload

BUNDLE = json.loads((FOLDER / "schema.json").read_text())

FITTING: dict[str, tuple[Any, Any]] = {
    "NotificationCreated": (
        realtime.NotificationCreated,
        {
            "id": "1",
            "message": "Hello",
            "priority": "low",
            "kind": "info",
            "created_at": "2026-01-02T03:04:05Z",
            "links": [{"url": "/a", "label": None}],
            "counts": {"a": 1, "b": None},
            "note": None,
            "seen": True,
        },
    ),
    "MarkRead": (realtime.MarkRead, {"notificationId": "a-1", "rank": 10}),
    "NewMessage": (
        realtime.NewMessage,
        {
            "client_id": "4e3bdcb9-3b4c-4a3a-9a39-0f6c14d1b2c7",
            "parts": [{"type": "text", "text": ""}, {"type": "image", "url": "/", "data": None}],
            "at": [1.5, 2],
            "labels": {"color": "red", "size": 1},
        },
    ),
    "AuthorInput": (realtime.Author, {"id": 1, "name": "Ada", "role": "admin"}),
    "PageNotificationCreated": (
        realtime.Page[realtime.NotificationCreated],
        {"items": [], "next": "2"},
    ),
}

OTHERS: list[Any] = [None, True, -1, 11, 1.5, "", "x", "Ünicode!", [], [1], {}, {"a": 1}]


def validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(
        {"$schema": BUNDLE["$schema"], "$ref": f"#/$defs/{name}", "$defs": BUNDLE["$defs"]}
    )


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every part of a value."""
    found = [path]
    parts: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, list):
        parts = list(enumerate(value))
    for key, part in parts:
        found += places(part, (*path, key))
    return found


def changed(value: Any, path: tuple[Any, ...], change: tuple[str, Any]) -> Any:
    """Return a copy with one part taken out, replaced, or a stranger beside it."""
    what, other = change
    if not path:
        return other if what == "replace" else value
    value = copy.deepcopy(value)
    inside = value
    for key in path[:-1]:
        inside = inside[key]
    if what == "drop":
        del inside[path[-1]]
    elif what == "replace":
        inside[path[-1]] = other
    elif isinstance(inside, dict):
        inside["stranger"] = other
    else:
        inside.append(other)
    return value


def takes(target: Any, value: Any) -> bool:
    try:
        decode_argument(msgspec.json.encode(value), (), target)
    except PayloadError:
        return False
    return True


CHANGES = st.tuples(st.sampled_from(["drop", "replace", "add"]), st.sampled_from(OTHERS))


@pytest.mark.parametrize("name", FITTING)
def test_the_fitting_payload_fits_both(name: str) -> None:
    target, value = FITTING[name]
    assert takes(target, value)
    validator(name).validate(value)


@pytest.mark.parametrize("name", FITTING)
@settings(max_examples=400, deadline=None, derandomize=True)
@given(data=st.data())
def test_both_take_and_refuse_the_same(name: str, data: st.DataObject) -> None:
    target, value = FITTING[name]
    for _ in range(data.draw(st.integers(1, 2))):
        value = changed(value, data.draw(st.sampled_from(places(value))), data.draw(CHANGES))
    if checks_formats(name, value):
        return
    assert validator(name).is_valid(value) == takes(target, value)


def checks_formats(name: str, value: Any) -> bool:
    """Tell whether it turns on a text's format: the schema says it, validators need not mind."""
    formatted = {"NotificationCreated": "created_at", "NewMessage": "client_id"}.get(name)
    if formatted is None or not isinstance(value, dict):
        return False
    text = value.get(formatted)
    if isinstance(text, str) and text != FITTING[name][1][formatted]:
        return True
    parts = value.get("parts")
    found = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return any(isinstance(part.get("data"), str) for part in found)  # Base64, if it is text


def test_what_is_emitted_fits_its_schema() -> None:
    author = realtime.Author(id=1, name="Ada")
    posted = realtime.MessagePosted(id=1, author=author, parts=[realtime.TextPart("Hello")])
    written = json.loads(encode_payload(posted).json)
    validator("MessagePosted").validate(written)
    assert written["author"]["initials"] == "A"
    del written["author"]["initials"]
    assert not validator("MessagePosted").is_valid(written)
