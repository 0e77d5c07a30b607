"""Pydantic models to JSON Schema, by pydantic itself.

What a model takes and what it is encoded as may differ: aliases count when it is read, and computed
fields are there when it is written. A model that is used both ways and differs has two definitions,
``Note`` for what is written and ``NoteInput`` for what is read.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from tidegate.contract.model import DEFINITIONS, Schema
from tidegate.contract.schemas import input_names, reference, rename_references, short_name
from tidegate.errors import ContractError

__all__ = ["PydanticSchemas", "is_pydantic"]

_Mode = Literal["validation", "serialization"]


def is_pydantic(kind: Any) -> bool:
    """Tell whether a type is a pydantic model."""
    return isinstance(kind, type) and issubclass(kind, BaseModel)


class PydanticSchemas:
    """Collects models, then gives their schemas; see ``TypeSchemas``."""

    def __init__(self) -> None:
        self._asked: list[tuple[type[BaseModel], _Mode]] = []
        self._names: dict[tuple[type[BaseModel], _Mode], str] = {}

    def add(self, model: type[BaseModel], *, is_input: bool) -> int:
        """Ask for a model's schema and return its number."""
        self._asked.append((model, "validation" if is_input else "serialization"))
        return len(self._asked) - 1

    def build(self) -> tuple[list[Schema], dict[str, Schema]]:
        """Return the schemas by number, and the definitions by name.

        Raises:
            ContractError: A model has no JSON Schema, or two have the same name.
        """
        read = self._definitions("validation")
        written = self._definitions("serialization")
        inputs = input_names(read, written)
        definitions = {
            inputs.get(name, name): rename_references(schema, inputs)
            for name, schema in read.items()
        }
        for model, mode in self._asked:
            if mode == "validation":
                name = self._names[model, mode]
                self._names[model, mode] = inputs.get(name, name)
        schemas = [reference(self._names[asked]) for asked in self._asked]
        return schemas, definitions | written

    def reference(self, kind: type, *, is_input: bool) -> Schema:
        """Return the reference to a model inside another type, after ``build``."""
        return reference(self._names[kind, "validation" if is_input else "serialization"])

    def _definitions(self, mode: _Mode) -> dict[str, Schema]:
        asked = [pair for pair in dict.fromkeys(self._asked) if pair[1] == mode]
        if not asked:
            return {}
        try:
            references, whole = models_json_schema(
                asked,
                by_alias=mode == "validation",  # payloads are dumped by the fields' own names
                ref_template=DEFINITIONS + "{model}",
                schema_generator=_Generator,
            )
        except PydanticUserError as error:
            raise ContractError(f"a pydantic model has no JSON Schema: {error}") from error
        definitions: dict[str, Schema] = whole["$defs"]
        _refuse_long_names(definitions)
        names = {name: short_name(name) for name in definitions}
        for pair in asked:
            name = references[pair]["$ref"].removeprefix(DEFINITIONS)
            self._names[pair] = names[name]
        return {names[n]: rename_references(schema, names) for n, schema in definitions.items()}


class _Generator(GenerateJsonSchema):
    """Leaves out titles of fields, which only repeat their names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _refuse_long_names(definitions: dict[str, Schema]) -> None:
    """Raise ContractError where pydantic tells two models apart by their modules."""
    by_title: dict[str, list[str]] = {}
    for name, schema in definitions.items():
        title = re.sub(r"[^a-zA-Z0-9.\-_]", "_", schema.get("title", name))
        if name.endswith(f"__{title}"):
            by_title.setdefault(title, []).append(name.replace("__", "."))
    for title, paths in sorted(by_title.items()):
        if len(paths) > 1:
            which = " and ".join(sorted(paths))
            raise ContractError(f"two types are called {title}: {which}; rename one")
