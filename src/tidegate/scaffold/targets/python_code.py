"""Lines of Python: the classes of payloads, and calls and imports that fit the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tidegate.scaffold.domain import Domain, EventShape
from tidegate.scaffold.fields import Field, py_type, python_name

__all__ = ["WIDTH", "event_types", "fitted", "import_line"]

WIDTH = 88  # the width that ruff and black have when nobody says otherwise


@dataclass(frozen=True)
class _Type:
    """A class of events.py: its first line, its docstring, and its fields."""

    head: str
    purpose: str
    lines: list[str]


def event_types(domain: Domain) -> dict[str, Any]:
    """Return the types of events.py, and its imports."""
    types = [
        *(
            _type(o.class_name, ["msgspec.Struct"], o.fields, "Part of a payload.")
            for o in domain.objects
        ),
        *(_event_type(event, "To the client.") for event in domain.events),
        *(_event_type(command, "From the client.") for command in domain.commands),
    ]
    return {"types": types, "imports": _event_imports(domain, types)}


def _event_type(event: EventShape, purpose: str) -> _Type:
    bases = ["Event", f'name="{event.name}"']
    return _type(event.class_name, bases, event.fields, purpose)


def _type(name: str, bases: list[str], fields: Sequence[Field], purpose: str) -> _Type:
    is_renamed = any(_is_renamed_by_rule(field) for field in fields)
    arguments = [*bases, *(['rename="camel"'] if is_renamed else [])]
    optional = [field.is_optional for field in fields]
    if optional != sorted(optional):
        arguments.append("kw_only=True")
    lines = [_field_line(field, is_renamed=is_renamed) for field in fields]
    return _Type(fitted(f"class {name}(", arguments, "):"), purpose, lines)


def _is_renamed_by_rule(field: Field) -> bool:
    attribute = python_name(field.name)
    return "_" in attribute.strip("_") and _camel_of(attribute) == field.name


def _field_line(field: Field, *, is_renamed: bool) -> str:
    attribute = python_name(field.name)
    told = _camel_of(attribute) if is_renamed else attribute
    arguments = ["default=None"] if field.is_optional else []
    if told != field.name:
        arguments.append(f'name="{field.name}"')
    default = ""
    if arguments == ["default=None"]:
        default = " = None"
    elif arguments:
        default = f" = msgspec.field({', '.join(arguments)})"
    return f"{attribute}: {py_type(field)}{default}"


def _camel_of(attribute: str) -> str:
    """Return what msgspec's ``rename="camel"`` makes of an attribute."""
    first, *rest = attribute.strip("_").split("_")
    return first + "".join(word.title() for word in rest)


def _event_imports(domain: Domain, types: Sequence[_Type]) -> list[str]:
    fields = [field for shape in domain.payloads for field in shape.fields]
    fields += [field for shape in domain.objects for field in shape.fields]
    typing = sorted(
        {"Any"} & {py_type(field).removeprefix("list[").removesuffix("]") for field in fields}
        | ({"Literal"} if domain.commands or any(field.choices for field in fields) else set())
    )
    lines = []
    if any(field.kind == "datetime" for field in fields):
        lines.append("from datetime import datetime")
    if typing:
        lines.append(f"from typing import {', '.join(typing)}")
    if lines:
        lines.append("")
    code = [type_.head for type_ in types] + [line for type_ in types for line in type_.lines]
    if domain.commands or any("msgspec." in line for line in code):
        lines.append("import msgspec")
    return [*lines, "from tidegate import Event"]


def fitted(start: str, arguments: Sequence[str], end: str) -> str:
    """Return one line if it fits, else one for each argument, as formatters write it."""
    line = f"{start}{', '.join(arguments)}{end}"
    if len(line) <= WIDTH:
        return line
    return "\n".join([start, *(f"    {argument}," for argument in arguments), end])


def import_line(module: str, names: Iterable[str]) -> str:
    """Return an import, its names in the order that import sorters want."""
    ordered = sorted(names, key=lambda name: (not name.isupper(), name))
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in ordered), ")"])
