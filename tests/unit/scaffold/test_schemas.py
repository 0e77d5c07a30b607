"""JSON Schema files as payloads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from tidegate.scaffold.fields import Field, ObjectShape
from tidegate.scaffold.schemas import parse_schema, schema_reader

TEXT = {"type": "string"}


def shape_of(schema: Any) -> ObjectShape:
    return parse_schema(json.dumps(schema), "OrderPaid", "order.json")


def field_of(schema: Any, *, required: bool = True) -> Field:
    names = ["x"] if required else []
    return shape_of({"properties": {"x": schema}, "required": names}).fields[0]


@pytest.mark.parametrize(
    ("schema", "field"),
    [
        (TEXT, Field("x")),
        ({"type": "integer"}, Field("x", "int")),
        ({"type": "number"}, Field("x", "float")),
        ({"type": "boolean"}, Field("x", "bool")),
        ({"type": "string", "format": "date-time"}, Field("x", "datetime")),
        ({"type": "object"}, Field("x", "json")),
        ({}, Field("x", "json")),
        (True, Field("x", "json")),
        ({"enum": ["a", "b"]}, Field("x", choices=("a", "b"))),
        ({"type": "array", "items": TEXT}, Field("x", is_array=True)),
        ({"type": "array"}, Field("x", "json", is_array=True)),
        ({"type": ["string", "null"]}, Field("x", is_optional=True)),
        ({"anyOf": [TEXT, {"type": "null"}]}, Field("x", is_optional=True)),
    ],
)
def test_types(schema: Any, field: Field) -> None:
    assert field_of(schema) == field


def test_what_is_not_required_is_optional() -> None:
    assert field_of(TEXT, required=False).is_optional


def test_objects_are_named_by_title_or_place() -> None:
    inner = {"properties": {"id": TEXT}, "required": ["id"]}
    schema = {"properties": {"payer": inner, "items": {"type": "array", "items": inner}}}
    schema["properties"]["seller"] = {**inner, "title": "Seller"}
    names = [field.shape and field.shape.class_name for field in shape_of(schema).fields]
    assert names == ["OrderPaidPayer", "OrderPaidItems", "Seller"]


def test_the_files_title_names_its_object() -> None:
    assert shape_of({"title": "Person", "properties": {"id": TEXT}}).class_name == "Person"


def test_what_pydantic_writes_is_read() -> None:
    class Line(BaseModel):
        sku: str
        count: int = 1

    class Order(BaseModel):
        id: str
        lines: list[Line]
        first: Line | None = None

    shape = shape_of(Order.model_json_schema())
    line = ObjectShape("Line", (Field("sku"), Field("count", "int", is_optional=True)))
    assert shape == ObjectShape(
        "Order",
        (
            Field("id"),
            Field("lines", "object", is_array=True, shape=line),
            Field("first", "object", is_optional=True, shape=line),
        ),
    )


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ([], "no JSON Schema of an object"),
        ({"type": "string"}, "an object with properties is needed"),
        ({"properties": {"a-b": TEXT}}, "/properties/a-b: 'a-b' is not an identifier"),
        ({"properties": {"x": {"oneOf": [TEXT, {"type": "integer"}]}}}, "'oneOf'"),
        ({"properties": {"x": {"enum": [1]}}}, "an enum of strings"),
        ({"properties": {"x": {"type": "array", "items": {"type": "array"}}}}, "list of lists"),
        ({"properties": {"x": {"$ref": "#"}}}, "holds itself"),
        ({"properties": {"x": {"$ref": "#/$defs/No"}}}, "leads nowhere"),
        ({"properties": {"x": {"$ref": "other.json"}}}, "leads nowhere"),
        ({"properties": {"x": {"type": "null"}}}, "the type 'null'"),
        ({"properties": {"x": 5}}, "a schema is needed"),
        ({"properties": {"userId": TEXT, "user_id": TEXT}}, "reads the same"),
    ],
)
def test_what_is_refused(schema: Any, reason: str) -> None:
    with pytest.raises(ValueError) as refused:
        shape_of(schema)
    assert reason in str(refused.value)
    assert str(refused.value).startswith("order.json")


def test_a_chain_that_holds_itself_is_refused() -> None:
    node = {"properties": {"next": {"$ref": "#/$defs/Node"}}}
    with pytest.raises(ValueError, match="holds itself"):
        shape_of({"properties": {"first": {"$ref": "#/$defs/Node"}}, "$defs": {"Node": node}})


def test_files_are_read_by_name() -> None:
    files = {"a.json": '{"properties": {"id": {}}}', "b.json": "{"}
    read = schema_reader(files.get)
    assert read("a.json", "A") == ObjectShape("A", (Field("id", "json", is_optional=True),))
    for file, reason in {"b.json": "not JSON", "c.json": "no file"}.items():
        with pytest.raises(ValueError, match=reason):
            read(file, "A")
