"""Python types to schemas: names, namesakes, and what has none."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any, Generic, TypeVar

import msgspec
import pytest
from pydantic import BaseModel, Field, computed_field

from tidegate.contract.types import TypeSchemas
from tidegate.errors import ContractError

T = TypeVar("T")


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Box(msgspec.Struct, Generic[T]):
    content: T


class Inner(BaseModel):
    size: int = Field(alias="innerSize")


class Outer(BaseModel):
    inner: Inner
    color: Color = Color.RED


class Plain(BaseModel):
    id: int = 0


@dataclasses.dataclass
class Holder:
    plain: Plain
    colors: list[Color]


def build(*kinds: tuple[Any, bool]) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    types = TypeSchemas()
    for kind, is_input in kinds:
        types.add(kind, is_input=is_input)
    return types.build()


def make(name: str, module: str, *fields: tuple[str, type]) -> type[msgspec.Struct]:
    return msgspec.defstruct(name, fields, module=module)


def test_types_without_a_name_are_told_in_place() -> None:
    schemas, definitions = build((int, True), (dict[str, bool], True))
    assert schemas[1] == {"type": "object", "additionalProperties": {"type": "boolean"}}
    assert definitions == {}


def test_a_generic_type_is_one_word() -> None:
    schemas, definitions = build((Box[int], True), (list[Box[Color]], True))
    assert schemas[0] == {"$ref": "#/$defs/BoxInt"}
    assert sorted(definitions) == ["BoxColor", "BoxInt", "Color"]
    assert schemas[1]["items"] == {"$ref": "#/$defs/BoxColor"}


def test_a_model_in_a_dataclass_shares_its_enum() -> None:
    schemas, definitions = build((Holder, True), (Outer, True))
    assert sorted(definitions) == ["Color", "Holder", "Inner", "Outer", "Plain"]
    assert definitions["Holder"]["properties"]["plain"] == {"$ref": "#/$defs/Plain"}
    assert schemas[1] == {"$ref": "#/$defs/Outer"}


def test_a_model_that_reads_and_writes_differently_has_two_names() -> None:
    schemas, definitions = build((Outer, True), (Outer, False), (Plain, True), (Plain, False))
    assert schemas[:2] == [{"$ref": "#/$defs/OuterInput"}, {"$ref": "#/$defs/Outer"}]
    assert schemas[2] == schemas[3] == {"$ref": "#/$defs/Plain"}
    assert list(definitions["InnerInput"]["properties"]) == ["innerSize"]
    assert list(definitions["Inner"]["properties"]) == ["size"]
    assert definitions["OuterInput"]["properties"]["inner"] == {"$ref": "#/$defs/InnerInput"}


def test_a_model_in_a_struct_is_told_as_it_is_read() -> None:
    schemas, definitions = build((Box[Inner], True))
    assert schemas == [{"$ref": "#/$defs/BoxInner"}]
    assert definitions["BoxInner"]["properties"]["content"] == {"$ref": "#/$defs/Inner"}
    assert list(definitions["Inner"]["properties"]) == ["innerSize"]


def test_a_struct_around_a_model_that_differs_has_two_names() -> None:
    schemas, definitions = build((Box[Inner], True), (list[Box[Inner]], False), (Box[int], True))
    assert schemas[0] == {"$ref": "#/$defs/BoxInnerInput"}
    assert schemas[1]["items"] == {"$ref": "#/$defs/BoxInner"}
    assert sorted(definitions) == ["BoxInner", "BoxInnerInput", "BoxInt", "Inner", "InnerInput"]
    content = definitions["BoxInnerInput"]["properties"]["content"]
    assert content == {"$ref": "#/$defs/InnerInput"}


def test_two_structs_with_one_name_are_refused() -> None:
    one, two = make("Item", "shop.a", ("id", int)), make("Item", "shop.b", ("id", str))
    with pytest.raises(ContractError, match=r"called Item: shop\.a\.Item and shop\.b\.Item"):
        build((one, True), (two, True))


def test_two_structs_with_one_name_inside_one_type_are_refused() -> None:
    one, two = make("Item", "shop.a", ("id", int)), make("Item", "shop.b", ("id", str))
    with pytest.raises(ContractError, match="two types are called Item"):
        build((dict[str, tuple[one, two]], True))  # type: ignore[valid-type]


def test_two_models_with_one_name_are_refused() -> None:
    def model(module: str, kind: type) -> type[BaseModel]:
        return type("Item", (BaseModel,), {"__module__": module, "__annotations__": {"id": kind}})

    with pytest.raises(ContractError, match=r"called Item: shop\.a\.Item and shop\.b\.Item"):
        build((model("shop.a", int), True), (model("shop.b", str), True))


def test_a_struct_and_a_model_with_one_name_are_refused() -> None:
    with pytest.raises(ContractError, match="one in a pydantic model"):
        build((make("Plain", "shop.a", ("id", str)), True), (Plain, True))


def test_the_name_for_inputs_must_be_free() -> None:
    taken = type("InnerInput", (BaseModel,), {"__annotations__": {"id": int}})
    with pytest.raises(ContractError, match="InnerInput"):
        build((Inner, True), (Inner, False), (taken, True))


def test_computed_fields_are_written_only() -> None:
    class Square(BaseModel):
        side: float

        @computed_field  # type: ignore[prop-decorator]
        @property
        def area(self) -> float:
            return self.side**2

    _, definitions = build((Square, True), (Square, False))
    assert "area" in definitions["Square"]["required"]
    assert "area" not in definitions["SquareInput"]["properties"]


@pytest.mark.parametrize("kind", [complex, list[object], dict[str, range]])
def test_what_has_no_json_form_is_refused(kind: Any) -> None:
    with pytest.raises(ContractError, match="JSON"):
        TypeSchemas().add(kind, is_input=True)
