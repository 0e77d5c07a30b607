"""JSON Schema to TypeScript types, as a person would write them; never ``any``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from tidegate.contract.model import DEFINITIONS, Schema

__all__ = ["MAX_LINE", "comment", "declaration", "property_name", "type_of"]

_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_PLAIN = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}
_FORMATS = {
    "date-time": "ISO 8601 date and time.",
    "date": "ISO 8601 date.",
    "time": "ISO 8601 time of day.",
    "partial-time": "ISO 8601 time of day.",
    "duration": "ISO 8601 duration.",
    "uuid": "UUID.",
}

MAX_LINE = 100

_BINARY = "ArrayBuffer | Uint8Array"
"""Browsers get an ArrayBuffer, Node a Buffer, which is a Uint8Array; both may be sent."""


def declaration(name: str, schema: Schema) -> str:
    """Return the declaration of a named type, with its comment, ending with a line end."""
    head = comment(schema.get("description", ""))
    if _is_record(schema) and "properties" in schema:
        return f"{head}export interface {name} {_body(schema)}\n"
    text = type_of({key: value for key, value in schema.items() if key != "description"})
    return f"{head}{_wrapped(f'export type {name} =', text, '')}"


def type_of(schema: Any, *, indent: str = "") -> str:
    """Return a schema as a type; ``unknown`` where it says nothing.

    Args:
        schema: JSON Schema; only what TypeScript can tell of it counts.
        indent: White space in front of the lines that an inline object adds.
    """
    if not isinstance(schema, dict):
        return "never" if schema is False else "unknown"
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(DEFINITIONS)
    if "const" in schema:
        return _literal(schema["const"])
    if "enum" in schema:
        return _union(_literal(value) for value in schema["enum"])
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return _union(type_of(option, indent=indent) for option in schema[key])
    if "allOf" in schema:
        return " & ".join(_grouped(type_of(part, indent=indent)) for part in schema["allOf"])
    kinds = schema.get("type", [])
    names = [kinds] if isinstance(kinds, str) else kinds
    return _union(_of_kind(name, schema, indent) for name in names) if names else "unknown"


def comment(text: str, *, indent: str = "") -> str:
    """Return a doc comment of the text's first paragraph, or nothing for an empty text."""
    line = " ".join(text.partition("\n\n")[0].split()).replace("*/", "*\\/")
    return f"{indent}/** {line} */\n" if line else ""


def property_name(name: str) -> str:
    """Return a name as an object type has it: quoted unless it is an identifier."""
    return name if _IDENTIFIER.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _of_kind(kind: str, schema: Schema, indent: str) -> str:
    if kind == "string" and (schema.get("contentEncoding") or schema.get("format") == "binary"):
        return _BINARY
    if kind == "array":
        return _array(schema, indent)
    if kind == "object":
        return _record(schema, indent)
    return _PLAIN.get(kind, "unknown")


def _array(schema: Schema, indent: str) -> str:
    if "prefixItems" not in schema:
        return _grouped(type_of(schema.get("items", {}), indent=indent)) + "[]"
    required = schema.get("minItems", 0)
    parts = []
    for index, item in enumerate(schema["prefixItems"]):
        text = type_of(item, indent=indent)
        parts.append(text if index < required else f"{_grouped(text)}?")
    is_closed = schema.get("items") is False or schema.get("maxItems") == len(parts)
    if not is_closed:
        parts.append(f"...{_grouped(type_of(schema.get('items', {}), indent=indent))}[]")
    return f"[{', '.join(parts)}]"


def _record(schema: Schema, indent: str) -> str:
    if "properties" in schema:
        return _body(schema, indent=indent)
    more = schema.get("additionalProperties", {})
    return f"Record<string, {type_of(more, indent=indent)}>"


def _body(schema: Schema, *, indent: str = "") -> str:
    """Return the braces of an object type and what is in them."""
    inner = indent + "  "
    required = schema.get("required", [])
    lines: list[str] = []
    for name, field in schema["properties"].items():
        mark = "" if name in required else "?"
        lines.append(comment(_told(field), indent=inner))
        field_type = type_of(field, indent=inner)
        lines.append(_wrapped(f"{inner}{property_name(name)}{mark}:", field_type, inner))
    if schema.get("additionalProperties", False) is not False:
        lines.append(f"{inner}[key: string]: unknown;\n")
    if indent and len(lines) == 2 and not lines[0] and "\n" not in lines[1][:-1]:
        return f"{{ {lines[1].strip().rstrip(';')} }}"
    return "{\n" + "".join(lines) + indent + "}"


def _wrapped(head: str, text: str, indent: str) -> str:
    """Return a declaration as a line; a long union has a line for each option."""
    options = text.split(" | ")
    is_splittable = all(o.count('"') % 2 == 0 and not set("()[]{}<>") & set(o) for o in options)
    if len(head) + len(text) + 2 <= MAX_LINE or not is_splittable or len(options) == 1:
        return f"{head} {text};\n"
    return head + "".join(f"\n{indent}  | {option}" for option in options) + ";\n"


def _told(field: Any) -> str:
    """Return what a comment says of a field: its description, or what its text stands for."""
    if not isinstance(field, dict):
        return ""
    return field.get("description") or _format(field)


def _format(schema: Schema) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    inner = [*schema.get("anyOf", ()), schema.get("items"), schema.get("additionalProperties")]
    return next((text for part in inner if isinstance(part, dict) and (text := _format(part))), "")


def _is_record(schema: Schema) -> bool:
    return schema.get("type") == "object" and not {"anyOf", "oneOf", "allOf"} & schema.keys()


def _literal(value: Any) -> str:
    is_plain = value is None or isinstance(value, str | int | float | bool)
    return json.dumps(value, ensure_ascii=False) if is_plain else "unknown"


def _union(options: Iterable[str]) -> str:
    distinct = list(dict.fromkeys(options))
    return "unknown" if "unknown" in distinct else " | ".join(distinct)


def _grouped(text: str) -> str:
    is_compound = " | " in text or " & " in text
    return f"({text})" if is_compound and not text.startswith(("{", "[", "Record<")) else text
