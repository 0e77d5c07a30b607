"""Payload fields as properties of a validated class (class-validator, class-transformer).

What such a class accepts and refuses equals what the Python struct does: no coercion, nothing
missing unless it is optional, null only where it is optional, what is not declared ignored.
One difference JavaScript can't help: ``1.0`` is a whole number to it, and a float to Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tidegate.scaffold.fields import Field, ts_type
from tidegate.scaffold.typescript_layout import items

__all__ = ["decorators", "imports", "property_type", "sample", "single_quoted"]

_RULES = {
    "string": "IsString",
    "int": "IsInt",
    "float": "IsNumber",
    "bool": "IsBoolean",
    "datetime": "IsDateTime",
}
_OWN_RULES = ("IsDateTime", "IsPresent")
"""Made by the template ``payload.ts``."""

_SAMPLES = {
    "string": "'text'",
    "int": "1",
    "float": "1.5",
    "bool": "true",
    "datetime": "'2026-01-31T12:00:00Z'",
    "json": "{ key: 'value' }",
}


def decorators(field: Field) -> list[str]:
    """Return the decorators of a property, such as ``@IsString({ each: true })``."""
    if field.kind == "json" and not field.is_array:
        return ["@Allow()" if field.is_optional else "@IsPresent()"]
    lines = ["@IsOptional()"] if field.is_optional else []
    if field.is_array:
        lines.append("@IsArray()")
    return lines + _rules(field)


def imports(fields: Iterable[Field]) -> dict[str, list[str]]:
    """Return what the decorators need of ``validator``, ``transformer`` and ``own``."""
    lines = [line for field in fields for line in decorators(field)]
    names = sorted({line[1 : line.index("(")] for line in lines})
    return {
        "validator": [name for name in names if name not in (*_OWN_RULES, "Type")],
        "transformer": [name for name in names if name == "Type"],
        "own": [name for name in names if name in _OWN_RULES],
    }


def property_type(field: Field) -> str:
    """Return a property's type, its strings quoted as in NestJS projects."""
    if not field.choices:
        return ts_type(field)
    inner = " | ".join(single_quoted(choice) for choice in field.choices)
    outer = f"({inner})[]" if field.is_array else inner
    return f"{outer} | null" if field.is_optional else outer


def sample(fields: Sequence[Field], indent: int = 0, room: int = 0) -> str:
    """Return a valid payload, without what is optional.

    Args:
        fields: Of the payload.
        indent: Blanks before the line it begins on.
        room: Characters beside it on that line.
    """
    pairs = [
        f"{field.name}: {_value(field, indent + 2, len(field.name) + 3)}"
        for field in fields
        if not field.is_optional
    ]
    return items(pairs, "{}", indent, room)


def single_quoted(text: str) -> str:
    """Return a string literal of TypeScript, quoted as Prettier would."""
    quote = '"' if text.count("'") > text.count('"') else "'"
    escaped = text.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    return quote + escaped.replace("\n", "\\n").replace("\r", "\\r") + quote


def _rules(field: Field) -> list[str]:
    each = "{ each: true }" if field.is_array else ""
    if field.shape is not None:
        # IsObject, as ValidateNested lets null and lists of objects pass.
        return [
            f"@IsObject({each})",
            f"@ValidateNested({each})",
            f"@Type(() => {field.shape.class_name})",
        ]
    if field.choices:
        choices = ", ".join(single_quoted(choice) for choice in field.choices)
        return [f"@IsIn([{choices}]{', ' * bool(each)}{each})"]
    if field.kind == "float" and each:
        return [f"@IsNumber({{}}, {each})"]
    return [f"@{_RULES[field.kind]}({each})"] if field.kind in _RULES else []


def _value(field: Field, indent: int, room: int) -> str:
    if field.shape is not None:
        inner = sample(field.shape.fields, indent, room + 2 * field.is_array)
    else:
        inner = single_quoted(field.choices[0]) if field.choices else _SAMPLES[field.kind]
    return f"[{inner}]" if field.is_array else inner
