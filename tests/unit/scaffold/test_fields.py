"""The syntax of payload fields, and their types in both languages."""

from __future__ import annotations

import keyword

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.scaffold.fields import (
    Field,
    ObjectShape,
    check_fields,
    objects_in,
    parse_fields,
    py_type,
    python_name,
    ts_type,
)

USER = ObjectShape("User", (Field("id"), Field("displayName", is_optional=True)))


def read_schema(file: str, class_name: str) -> ObjectShape:
    if file != "user.json":
        raise ValueError(f"there is no file {file!r}")
    return USER


def fields_of(text: str) -> tuple[Field, ...]:
    fields, problems = parse_fields(text, "UserSeen", read_schema)
    assert problems == []
    return fields


def problems_of(text: str) -> list[str]:
    return parse_fields(text, "UserSeen", read_schema)[1]


@pytest.mark.parametrize(
    ("text", "field", "python", "typescript"),
    [
        ("id", Field("id"), "str", "string"),
        ("id:string", Field("id"), "str", "string"),
        ("count:int", Field("count", "int"), "int", "number"),
        ("n:float", Field("n", "float"), "float", "number"),
        ("ok:bool", Field("ok", "bool"), "bool", "boolean"),
        ("at:datetime", Field("at", "datetime"), "datetime", "string"),
        ("data:json", Field("data", "json"), "Any", "unknown"),
        ("data?:json", Field("data", "json", is_optional=True), "Any", "unknown"),
        ("tags:string[]", Field("tags", is_array=True), "list[str]", "string[]"),
        ("note?", Field("note", is_optional=True), "str | None", "string | null"),
        ("note?:string", Field("note", is_optional=True), "str | None", "string | null"),
        (
            "tags?:string[]",
            Field("tags", is_array=True, is_optional=True),
            *("list[str] | None", "string[] | null"),
        ),
        ("by:@user.json", Field("by", "object", shape=USER), "User", "User"),
        (
            "by:@user.json[]",
            Field("by", "object", is_array=True, shape=USER),
            *("list[User]", "User[]"),
        ),
    ],
)
def test_a_field_and_its_types(text: str, field: Field, python: str, typescript: str) -> None:
    assert fields_of(text) == (field,)
    assert py_type(field) == python
    assert ts_type(field) == typescript


def test_choices_are_literals() -> None:
    field = Field("kind", choices=("a", 'b"c'), is_array=True)
    assert py_type(field) == 'list[Literal["a", "b\\"c"]]'
    assert ts_type(field) == '("a" | "b\\"c")[]'


def test_several_fields_and_blanks_between() -> None:
    assert [field.name for field in fields_of("id, message ,type")] == ["id", "message", "type"]
    assert fields_of("") == ()


def test_a_schema_file_in_place_of_all_fields() -> None:
    assert fields_of("@user.json") == USER.fields


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("9x", "not an identifier"),
        ("a-b", "not an identifier"),
        ("_", "not an identifier"),
        ("é", "not an identifier"),
        ("id,,x", "not an identifier"),
        ("id:str", "'str' is no type"),
        ("id:string[][]", "is no type"),
        ("id,id", "given twice"),
        ("userId,user_id", "which reads the same"),
        ("constructor", "means something else in JavaScript"),
        ("by:@nobody.json", "there is no file"),
        ("@nobody.json", "there is no file"),
    ],
)
def test_what_is_refused(text: str, reason: str) -> None:
    assert any(reason in problem for problem in problems_of(text)), problems_of(text)


def test_all_problems_are_told() -> None:
    assert len(problems_of("9,x:y,ok")) == 2


def test_objects_come_after_those_that_they_hold() -> None:
    inner = ObjectShape("Inner", (Field("id"),))
    outer = ObjectShape("Outer", (Field("inner", "object", shape=inner),))
    fields = [Field("a", "object", shape=outer), Field("b", "object", shape=inner)]
    assert [shape.class_name for shape in objects_in(fields)] == ["Inner", "Outer"]


@pytest.mark.parametrize(
    ("key", "attribute"),
    [
        *(("conversationId", "conversation_id"), ("from", "from_"), ("class", "class_")),
        *(
            ("event_name", "event_name_"),
            ("datetime", "datetime_"),
            ("URLPath", "url_path"),
            ("x1y2", "x1_y2"),
        ),
    ],
)
def test_attributes_in_python(key: str, attribute: str) -> None:
    assert python_name(key) == attribute


@given(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True))
def test_an_attribute_can_be_one(key: str) -> None:
    fields, problems = parse_fields(key, "Seen", read_schema)
    if not problems:
        attribute = python_name(fields[0].name)
        assert attribute.isidentifier()
        assert not keyword.iskeyword(attribute)
        msgspec.defstruct("Seen", [(attribute, str)])


def test_names_are_checked_together() -> None:
    assert check_fields([Field("a"), Field("b")]) == []
    assert len(check_fields([Field("a"), Field("b"), Field("a")])) == 1
