"""Payloads for generated tests: one that fits its fields, one that does not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tidegate.scaffold.fields import Field
from tidegate.scaffold.names import words_of

__all__ = ["python_literal", "sample_of", "wrong_payload"]

WIDTH = 88

_VALUES: dict[str, Any] = {
    "int": 1,
    "float": 1.5,
    "bool": True,
    "datetime": "2030-01-31T12:00:00Z",
    "json": {"any": "thing"},
}


def sample_of(fields: Sequence[Field]) -> dict[str, Any]:
    """Return a payload with all fields; the same for the same fields."""
    return {field.name: _value(field) for field in fields}


def _value(field: Field) -> Any:
    if field.shape is not None:
        value: Any = sample_of(field.shape.fields)
    elif field.choices:
        value = field.choices[0]
    elif field.kind == "string":
        value = "-".join((*words_of(field.name), "1"))
    else:
        value = _VALUES[field.kind]
    return [value] if field.is_array else value


def wrong_payload(fields: Sequence[Field]) -> Any:
    """Return what does not fit: a required field is missing, or else it is no object at all."""
    return {} if any(not field.is_optional for field in fields) else "nonsense"


def python_literal(value: Any, *, indent: int = 0, room: int = 20) -> str:
    """Return a value as Python source, broken into lines as formatters do when it is long.

    Args:
        value: Of JSON.
        indent: Of the line that it starts in.
        room: Columns that stand before it in that line.
    """
    line = _flat(value)
    if indent + room + len(line) < WIDTH or not isinstance(value, dict | list) or not value:
        return line
    inner = " " * (indent + 4)
    if isinstance(value, list):
        items = [python_literal(item, indent=indent + 4, room=0) for item in value]
    else:
        items = [
            f"{_flat(key)}: {python_literal(item, indent=indent + 4, room=len(key) + 4)}"
            for key, item in value.items()
        ]
    opening, closing = "[]" if isinstance(value, list) else "{}"
    lines = "".join(f"{inner}{item},\n" for item in items)
    return f"{opening}\n{lines}{' ' * indent}{closing}"


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flat(key)}: {_flat(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flat, value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
