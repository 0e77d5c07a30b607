"""Words for what JSON Schema can't say: a text that is a time, bytes that travel apart."""

from __future__ import annotations

import inspect as python_inspect

from msgspec import inspect

from tidegate.contract.model import Schema

__all__ = ["add_hints", "tidy_description"]

_HINTS: tuple[tuple[type[inspect.Type] | tuple[type[inspect.Type], ...], str], ...] = (
    (inspect.DateTimeType, "ISO 8601 date and time."),
    (inspect.DateType, "ISO 8601 date."),
    (inspect.TimeType, "ISO 8601 time of day."),
    (inspect.TimeDeltaType, "ISO 8601 duration."),
    ((inspect.BytesType, inspect.ByteArrayType), "Binary attachment."),
)


def add_hints(schema: Schema, info: inspect.Type) -> None:
    """Describe the fields of a definition that say nothing themselves, in place."""
    properties = schema.get("properties", {})
    for field in getattr(info, "fields", ()):
        known = properties.get(field.encode_name)
        hint = _hint(field.type)
        if known is not None and hint is not None:
            known.setdefault("description", hint)


def tidy_description(schema: Schema) -> None:
    """Take the source's indentation out of a docstring, in place."""
    if "description" in schema:
        schema["description"] = python_inspect.cleandoc(schema["description"])


def _hint(info: inspect.Type) -> str | None:
    for kind, text in _HINTS:
        if isinstance(info, kind):
            return text
    inner = [getattr(info, name, None) for name in ("type", "item_type", "value_type")]
    parts = [part for part in inner if isinstance(part, inspect.Type)]
    parts += [*getattr(info, "types", ()), *getattr(info, "item_types", ())]
    return next((hint for part in parts if (hint := _hint(part)) is not None), None)
