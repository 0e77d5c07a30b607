"""Payload fields: what a user writes, ``note?:string[]``, as a model that every target renders.

    id                 a string
    count:int          string, int, float, bool, datetime (ISO 8601 on the wire), json (anything)
    tags:string[]      a list
    note?:string       may be missing or null
    sender:@user.json  an object, as a JSON Schema file says; ``@line.json[]`` is a list of them
    @created.json      in place of all fields: the payload is what the file says

The wire name is kept as written; a target that writes names otherwise (Python) renames.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from tidegate.scaffold.names import snake, words_of

__all__ = [
    "Field",
    "Kind",
    "ObjectShape",
    "SchemaReader",
    "objects_in",
    "parse_fields",
    "py_type",
    "python_name",
    "split_fields",
    "ts_type",
]

Kind = Literal["string", "int", "float", "bool", "datetime", "json", "object"]

SchemaReader = Callable[[str, str], "ObjectShape"]
"""``(file, class name)`` to the object in the file; its own title goes before the class name.
Raises ValueError with the reason."""

_FIELD = re.compile(r"(?P<name>[^:?]*)(?P<optional>\?)?(?::(?P<type>.*))?", re.DOTALL)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN_KINDS = tuple(kind for kind in get_args(Kind) if kind != "object")
_PYTHON = {
    "string": "str",
    "int": "int",
    "float": "float",
    "bool": "bool",
    "datetime": "datetime",
    "json": "Any",
}
_TYPESCRIPT = {
    "string": "string",
    "int": "number",
    "float": "number",
    "bool": "boolean",
    "datetime": "string",
    "json": "unknown",
}
# Attributes of an `Event`, and names that the annotations of its neighbours use.
_TAKEN = frozenset(
    {
        *("event_name", "event_namespace", "msgspec"),
        *("str", "int", "float", "bool", "list", "datetime"),
    }
)
# JavaScript objects have these; as a payload key they are a trap in every target.
_TAKEN_NAMES = frozenset({"__proto__", "constructor", "prototype"})


@dataclass(frozen=True)
class Field:
    """One field of a payload.

    Attributes:
        name: The key on the wire, such as ``conversationId``.
        kind: What it holds; ``object`` is told by ``shape``.
        is_array: Whether it holds a list of that.
        is_optional: Whether it may be missing or null.
        choices: The only values of a string, in order; empty for any.
        shape: The fields of an object.
    """

    name: str
    kind: Kind = "string"
    is_array: bool = False
    is_optional: bool = False
    choices: tuple[str, ...] = ()
    shape: ObjectShape | None = None


@dataclass(frozen=True)
class ObjectShape:
    """An object inside a payload; ``class_name`` is its type's name in every target."""

    class_name: str
    fields: tuple[Field, ...]


def split_fields(text: str) -> list[str]:
    """Return the parts between commas, without blanks around them."""
    return [part.strip() for part in text.split(",")] if text.strip() else []


def parse_fields(
    text: str, class_name: str, read_schema: SchemaReader
) -> tuple[tuple[Field, ...], list[str]]:
    """Return the fields in ``id,count:int``, and why the bad ones are refused.

    Args:
        text: What stands after the event's name; may be empty.
        class_name: The payload's type, after which objects without a title are named.
        read_schema: Reads the schema files.
    """
    if text.startswith("@") and "," not in text:
        return _whole_payload(text[1:], class_name, read_schema)
    fields: list[Field] = []
    problems: list[str] = []
    for part in split_fields(text):
        try:
            fields.append(_parse_field(part, class_name, read_schema))
        except ValueError as error:
            problems.append(f"field {part!r}: {error}")
    return tuple(fields), problems + check_fields(fields)


def check_fields(fields: Sequence[Field]) -> list[str]:
    """Return what is wrong with the names of fields taken together."""
    problems = []
    seen: dict[str, str] = {}
    for field in fields:
        attribute = python_name(field.name)
        other = seen.get(attribute)
        if other is not None:
            clash = "twice" if other == field.name else f"beside {other!r}, which reads the same"
            problems.append(f"field {field.name!r}: given {clash}")
        seen[attribute] = field.name
    return problems


def check_field_name(name: str) -> None:
    """Raise ValueError if it can't name a field in every target."""
    if not _IDENTIFIER.fullmatch(name) or not snake(words_of(name)).isidentifier():
        raise ValueError(f"{name!r} is not an identifier (letters, digits, _; no digit first)")
    if name in _TAKEN_NAMES:
        raise ValueError(f"{name!r} means something else in JavaScript")


def _whole_payload(
    file: str, class_name: str, read_schema: SchemaReader
) -> tuple[tuple[Field, ...], list[str]]:
    try:
        fields = read_schema(file, class_name).fields
    except ValueError as error:
        return (), [str(error)]
    return fields, []


def _parse_field(text: str, class_name: str, read_schema: SchemaReader) -> Field:
    match = _FIELD.fullmatch(text)
    if match is None:
        raise ValueError("it is not written name, name:type or name?:type")
    name, type_text = match["name"], match["type"]
    check_field_name(name)
    is_optional = match["optional"] is not None
    if type_text is None:
        return Field(name, is_optional=is_optional)
    is_array = type_text.endswith("[]")
    kind = type_text.removesuffix("[]")
    if kind.startswith("@"):
        shape = read_schema(kind[1:], class_name + "".join(w.capitalize() for w in words_of(name)))
        return Field(name, "object", is_array, is_optional, shape=shape)
    for known in _PLAIN_KINDS:
        if kind == known:
            return Field(name, known, is_array, is_optional)
    raise ValueError(f"{type_text!r} is no type; there are {', '.join(_PLAIN_KINDS)}, @file.json")


def objects_in(fields: Iterable[Field]) -> list[ObjectShape]:
    """Return the objects in fields, each once, after those that it holds itself."""
    found: dict[str, ObjectShape] = {}
    for field in fields:
        if field.shape is not None:
            for shape in (*objects_in(field.shape.fields), field.shape):
                found.setdefault(shape.class_name, shape)
    return list(found.values())


def python_name(name: str) -> str:
    """Return the attribute for a key: ``conversation_id``, ``from_``."""
    attribute = snake(words_of(name))
    return f"{attribute}_" if keyword.iskeyword(attribute) or attribute in _TAKEN else attribute


def py_type(field: Field) -> str:
    """Return the annotation in Python, such as ``list[str] | None``."""
    if field.choices:
        inner = f"Literal[{', '.join(_quoted(choice) for choice in field.choices)}]"
    else:
        inner = _PYTHON[field.kind] if field.shape is None else field.shape.class_name
    outer = f"list[{inner}]" if field.is_array else inner
    return f"{outer} | None" if field.is_optional and outer != "Any" else outer


def ts_type(field: Field) -> str:
    """Return the type in TypeScript, such as ``string[] | null``; the ``?`` is the name's."""
    if field.choices:
        inner = " | ".join(_quoted(choice) for choice in field.choices)
    else:
        inner = _TYPESCRIPT[field.kind] if field.shape is None else field.shape.class_name
    outer = inner
    if field.is_array:
        outer = f"({inner})[]" if field.choices else f"{inner}[]"
    return f"{outer} | null" if field.is_optional and outer != "unknown" else outer


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
