"""Schemas to TypeScript types."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.contract.ts_types import comment, declaration, property_name, type_of

STRING = {"type": "string"}
NULL = {"type": "null"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, "unknown"),
        (True, "unknown"),
        ({"type": "integer"}, "number"),
        ({"type": ["number", "null"]}, "number | null"),
        ({"$ref": "#/$defs/Item"}, "Item"),
        ({"const": True}, "true"),
        ({"enum": ["a", 'b"', 1, None]}, '"a" | "b\\"" | 1 | null'),
        ({"anyOf": [STRING, NULL]}, "string | null"),
        ({"anyOf": [STRING, {}]}, "unknown"),
        ({"anyOf": [STRING, {"type": "string", "format": "date"}]}, "string"),
        ({"allOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}]}, "A & B"),
        ({"type": "array"}, "unknown[]"),
        ({"type": "array", "items": STRING}, "string[]"),
        ({"type": "array", "items": {"anyOf": [STRING, NULL]}}, "(string | null)[]"),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, '("a" | "b")[]'),
        (
            {"type": "array", "prefixItems": [STRING, NULL], "minItems": 1, "maxItems": 2},
            "[string, null?]",
        ),
        ({"type": "array", "prefixItems": [STRING], "minItems": 1}, "[string, ...unknown[]]"),
        ({"type": "object"}, "Record<string, unknown>"),
        ({"type": "object", "additionalProperties": STRING}, "Record<string, string>"),
        ({"type": "string", "contentEncoding": "base64"}, "ArrayBuffer | Uint8Array"),
    ],
)
def test_a_schema_is_a_type(schema: Any, expected: str) -> None:
    assert type_of(schema) == expected


def test_an_object_is_an_interface_with_comments_and_optional_fields() -> None:
    schema = {
        "type": "object",
        "description": "An item.\n\nWith more */ text.",
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "the name": {"anyOf": [STRING, NULL], "description": "As\nshown."},
        },
        "required": ["id"],
    }
    assert declaration("Item", schema) == (
        "/** An item. */\n"
        "export interface Item {\n"
        "  /** UUID. */\n"
        "  id: string;\n"
        "  /** As shown. */\n"
        '  "the name"?: string | null;\n'
        "}\n"
    )


def test_an_object_inside_is_written_in_place() -> None:
    inner = {"type": "object", "properties": {"a": STRING, "b": STRING}, "required": ["a", "b"]}
    outer = {"type": "object", "properties": {"inner": inner}, "required": []}
    assert declaration("Outer", outer) == (
        "export interface Outer {\n  inner?: {\n    a: string;\n    b: string;\n  };\n}\n"
    )


def test_what_may_be_beside_the_fields_is_told() -> None:
    schema = {"type": "object", "properties": {"id": STRING}, "additionalProperties": True}
    assert declaration("Open", schema) == (
        "export interface Open {\n  id?: string;\n  [key: string]: unknown;\n}\n"
    )


def test_a_long_union_has_a_line_for_each_option() -> None:
    text = declaration("Word", {"enum": ["x" * 60, "y" * 60]})
    assert text == f'export type Word =\n  | "{"x" * 60}"\n  | "{"y" * 60}";\n'


def test_a_bar_inside_a_text_divides_nothing() -> None:
    text = declaration("Word", {"enum": ["x" * 120, "y | z"]})
    assert text == f'export type Word = "{"x" * 120}" | "y | z";\n'


def test_a_comment_can_not_be_left() -> None:
    assert comment("Not */ the end") == "/** Not *\\/ the end */\n"


def test_names_are_quoted_where_needed() -> None:
    assert [property_name(name) for name in ("id", "$x", "a-b", "1", "")] == [
        *("id", "$x"),
        *('"a-b"', '"1"', '""'),
    ]
