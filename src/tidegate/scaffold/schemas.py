"""Objects out of JSON Schema files: the part of the language that names fields and their types.

Read are ``type``, ``properties``, ``required``, ``items``, ``enum`` of strings, ``format``
date-time, ``$ref`` inside the file, and "or null" in its two spellings. What could not be rendered
faithfully (unions, lists of lists, an object that holds itself) is refused, with its place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from tidegate.scaffold.fields import Field, Kind, ObjectShape, check_field_name, check_fields
from tidegate.scaffold.names import pascal, words_of

__all__ = ["parse_schema", "schema_reader"]

_KINDS: dict[str, Kind] = {
    "string": "string",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
}


def schema_reader(read: Callable[[str], str | None]) -> Callable[[str, str], ObjectShape]:
    """Return a reader of schema files out of a reader of text files, which may give None."""

    def read_schema(file: str, class_name: str) -> ObjectShape:
        text = read(file)
        if text is None:
            raise ValueError(f"there is no file {file!r}")
        return parse_schema(text, class_name, file)

    return read_schema


def parse_schema(text: str, class_name: str, file: str) -> ObjectShape:
    """Return what a schema file says of an object.

    Raises:
        ValueError: It is no JSON Schema, or says what can't be rendered; with its place.
    """
    try:
        schema = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{file} is not JSON: {error}") from None
    if not isinstance(schema, dict):
        raise ValueError(f"{file} is no JSON Schema of an object")  # noqa: TRY004  # the file is wrong
    return _Reader(schema, file).shape(schema, "", _class_name(schema) or class_name, ())


class _Reader:
    """Walks one file; places are JSON pointers."""

    def __init__(self, root: Mapping[str, Any], file: str) -> None:
        self._root = root
        self._file = file

    def shape(
        self, schema: Mapping[str, Any], place: str, class_name: str, way: tuple[str, ...]
    ) -> ObjectShape:
        schema, way, _ = self._resolve(schema, place, way)
        properties = schema.get("properties")
        if not isinstance(properties, dict) or not properties:
            raise self._refused(place, "an object with properties is needed here")
        required = schema.get("required", [])
        fields = []
        for name, value in properties.items():
            inner = f"{place}/properties/{name}"
            try:
                check_field_name(name)
            except ValueError as error:
                raise self._refused(inner, str(error)) from None
            fields.append(self._field(name, value, inner, class_name, way, name not in required))
        for problem in check_fields(fields):
            raise self._refused(place, problem)
        return ObjectShape(class_name, tuple(fields))

    def _field(
        self,
        name: str,
        schema: Any,
        place: str,
        parent: str,
        way: tuple[str, ...],
        is_optional: bool,
    ) -> Field:
        title = _class_name(schema)
        schema, way, is_nullable = self._resolve(schema, place, way)
        is_array = schema.get("type") == "array"
        if is_array:
            place += "/items"
            title = _class_name(schema.get("items"))
            schema, way, has_nulls = self._resolve(schema.get("items", {}), place, way)
            if schema.get("type") == "array" or has_nulls:
                raise self._refused(place, "a list of lists or of nulls can't be rendered")
        kind = self._kind(schema, place)
        shape = None
        if kind == "object":
            own = title or _class_name(schema) or parent + pascal(words_of(name))
            shape = self.shape(schema, place, own, way)
        return Field(
            name,
            kind,
            is_array,
            is_optional or is_nullable,
            tuple(schema.get("enum", ())) if kind == "string" else (),
            shape,
        )

    def _kind(self, schema: Mapping[str, Any], place: str) -> Kind:
        for word in ("oneOf", "anyOf", "allOf", "patternProperties"):
            if word in schema:
                raise self._refused(place, f"{word!r} can't be rendered; use a json field instead")
        type_ = schema.get("type", "string" if "enum" in schema else None)
        choices = schema.get("enum", [])
        if not isinstance(choices, list) or not all(isinstance(value, str) for value in choices):
            raise self._refused(place, "an enum of strings is needed here")
        if type_ is None:
            return "object" if "properties" in schema else "json"
        if type_ == "object":
            return "object" if schema.get("properties") else "json"
        if type_ == "string" and schema.get("format") == "date-time":
            return "datetime"
        if not isinstance(type_, str) or type_ not in _KINDS:
            raise self._refused(place, f"the type {type_!r} can't be rendered")
        return _KINDS[type_]

    def _resolve(
        self, schema: Any, place: str, way: tuple[str, ...]
    ) -> tuple[Mapping[str, Any], tuple[str, ...], bool]:
        """Follow ``$ref`` and take "or null" off."""
        is_nullable = False
        while True:
            if schema is True:
                return {}, way, is_nullable
            if not isinstance(schema, dict):
                raise self._refused(place, "a schema is needed here")
            if "$ref" in schema:
                way = (*way, str(schema["$ref"]))
                schema = self._target(way, place)
            elif (other := _without_null(schema)) is not None:
                schema, is_nullable = other, True
            else:
                return schema, way, is_nullable

    def _target(self, way: tuple[str, ...], place: str) -> Any:
        reference = way[-1]
        if reference in way[:-1] or reference == "#":
            raise self._refused(place, "an object that holds itself can't be rendered")
        node: Any = self._root
        for step in reference.removeprefix("#/").split("/"):
            key = step.replace("~1", "/").replace("~0", "~")
            node = node.get(key) if isinstance(node, dict) else None
        if node is None or not reference.startswith("#/"):
            raise self._refused(place, f"{reference!r} leads nowhere in this file")
        return {"title": reference.rpartition("/")[2], **node} if isinstance(node, dict) else node

    def _refused(self, place: str, reason: str) -> ValueError:
        return ValueError(f"{self._file}#{place}: {reason}")


def _without_null(schema: Mapping[str, Any]) -> Any:
    """Return the rest of ``["string", "null"]`` or ``anyOf: [..., {"type": "null"}]``, or None."""
    types = schema.get("type")
    if isinstance(types, list) and "null" in types and len(types) == 2:
        return {**schema, "type": next(type_ for type_ in types if type_ != "null")}
    for word in ("anyOf", "oneOf"):
        options = schema.get(word)
        if isinstance(options, list) and len(options) == 2 and {"type": "null"} in options:
            return next(option for option in options if option != {"type": "null"})
    return None


def _class_name(schema: Any) -> str | None:
    title = schema.get("title") if isinstance(schema, dict) else None
    words = words_of(title) if isinstance(title, str) else []
    return pascal(words) if words and not words[0][0].isdigit() else None
