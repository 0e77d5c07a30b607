"""Python types to JSON Schema: msgspec's own for what it knows, pydantic's for its models.

A type is asked for first (`TypeSchemas.add`) and its schema taken after all were
(`TypeSchemas.build`): names of types can only be given when all of them are known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import msgspec
from msgspec import inspect

from tidegate.contract.hints import add_hints, tidy_description
from tidegate.contract.model import DEFINITIONS, Schema
from tidegate.contract.pydantic_types import PydanticSchemas, is_pydantic
from tidegate.contract.schemas import input_names, rename_references, short_name
from tidegate.errors import ContractError

__all__ = ["TypeSchemas"]

_NAMED = (
    inspect.StructType,
    inspect.DataclassType,
    inspect.TypedDictType,
    inspect.NamedTupleType,
    inspect.EnumType,
)

_SIDES = (_READ, _WRITTEN) = ("read", "written")


class TypeSchemas:
    """Collects types, then gives their schemas and the named types among them.

    ::

        types = TypeSchemas()
        ticket = types.add(MarkRead, is_input=True)
        schemas, definitions = types.build()
        schemas[ticket]                        # {"$ref": "#/$defs/MarkRead"}
    """

    def __init__(self) -> None:
        self._native: dict[str, list[Any]] = {_READ: [], _WRITTEN: []}
        self._places: list[tuple[str, int]] = []
        self._pydantic = PydanticSchemas()

    def add(self, kind: Any, *, is_input: bool) -> int:
        """Ask for a type's schema and return its number.

        Args:
            kind: Anything that a handler's parameter or an event's field may be.
            is_input: It is decoded from JSON, not encoded; the two differ in pydantic models.

        Raises:
            ContractError: It has no JSON form.
        """
        if is_pydantic(kind):
            self._places.append(("pydantic", self._pydantic.add(kind, is_input=is_input)))
        else:
            _check_native(kind)
            side = _READ if is_input else _WRITTEN
            self._places.append((side, len(self._native[side])))
            self._native[side].append(kind)
        return len(self._places) - 1

    def build(self) -> tuple[list[Schema], dict[str, Schema]]:
        """Return the schemas by number, and the named types in the order of their names.

        Raises:
            ContractError: Two types have the same name.
        """
        infos = {side: inspect.multi_type_info(self._native[side]) for side in _SIDES}
        named = _named_types((*infos[_READ], *infos[_WRITTEN]))
        for side in _SIDES:
            for info in _walk(infos[side]):
                if isinstance(info, inspect.CustomType):
                    self._pydantic.add(info.cls, is_input=side is _READ)
        models, model_definitions = self._pydantic.build()
        read, read_definitions = self._build_native(_READ, named)
        written, definitions = self._build_native(_WRITTEN, named)
        inputs = input_names(read_definitions, definitions)
        for name, schema in read_definitions.items():
            definitions[inputs.get(name, name)] = rename_references(schema, inputs)
        read = [rename_references(schema, inputs) for schema in read]
        found = {"pydantic": models, _READ: read, _WRITTEN: written}
        schemas = [found[kind][number] for kind, number in self._places]
        return schemas, dict(sorted(_merge(definitions, model_definitions).items()))

    def _build_native(
        self, side: str, named: dict[str, inspect.Type]
    ) -> tuple[list[Schema], dict[str, Schema]]:
        """Return the schemas of what is read, or of what is written, and their definitions."""
        reference = partial(self._pydantic.reference, is_input=side is _READ)
        schemas, definitions = msgspec.json.schema_components(
            self._native[side], schema_hook=reference
        )
        for name, definition in definitions.items():
            add_hints(definition, named[name])
            tidy_description(definition)
        names = {name: short_name(name) for name in definitions}
        renamed = {names[n]: rename_references(s, names) for n, s in definitions.items()}
        return [rename_references(schema, names) for schema in schemas], renamed


def _check_native(kind: Any) -> None:
    """Refuse a type that has no JSON form while it can be named."""
    try:
        info = inspect.type_info(kind)
        for part in _walk((info,)):
            if isinstance(part, inspect.CustomType) and not is_pydantic(part.cls):
                raise ContractError(f"{_path(part.cls)} has no JSON form")
        msgspec.json.schema_components(
            (kind,), schema_hook=lambda cls: {"$ref": f"{DEFINITIONS}{cls.__name__}"}
        )
    except (TypeError, ValueError) as error:
        raise ContractError(f"{kind!r} can't be told as JSON Schema: {error}") from error


def _named_types(infos: tuple[inspect.Type, ...]) -> dict[str, inspect.Type]:
    """Return the types that get a definition, by the name that msgspec gives it.

    Raises:
        ContractError: Two have the same name; msgspec would give them long names.
    """
    found: dict[str, inspect.Type] = {}
    for info in _walk(infos):
        if not isinstance(info, _NAMED):
            continue
        name = _definition_name(info.cls)
        other = found.setdefault(name, info)
        if getattr(other, "cls", None) != info.cls:
            paths = f"{_path(getattr(other, 'cls', None))} and {_path(info.cls)}"
            raise ContractError(f"two types are called {short_name(name)}: {paths}; rename one")
    return found


def _walk(infos: tuple[inspect.Type, ...]) -> Iterator[inspect.Type]:
    """Yield every type that these are made of, each class once."""
    seen: set[Any] = set()
    waiting = list(reversed(infos))
    while waiting:
        info = waiting.pop()
        cls = getattr(info, "cls", None)
        if cls is not None:
            if cls in seen:
                continue
            seen.add(cls)
        yield info
        waiting += reversed([field.type for field in getattr(info, "fields", ())])
        parts = ("type", "item_type", "key_type", "value_type")
        waiting += [part for p in parts if isinstance(part := getattr(info, p, None), inspect.Type)]
        waiting += [*getattr(info, "types", ()), *getattr(info, "item_types", ())]


def _definition_name(cls: Any) -> str:
    """Return the name that msgspec gives a type without a namesake."""
    origin = getattr(cls, "__origin__", None)
    name = cls.__name__
    if origin is not None:
        arguments = [a.__name__ if isinstance(a, type) else repr(a) for a in cls.__args__]
        name = f"{origin.__name__}[{', '.join(arguments)}]"
    return re.sub(r"[^a-zA-Z0-9.\-_]", "_", name)


def _merge(native: dict[str, Schema], models: dict[str, Schema]) -> dict[str, Schema]:
    for name in sorted(native.keys() & models.keys()):
        if not _is_same(native[name], models[name]):
            raise ContractError(
                f"two types are called {name}: one in a pydantic model, one elsewhere; rename one"
            )
    return models | native


def _is_same(one: Schema, other: Schema) -> bool:
    """Tell whether msgspec and pydantic speak of one type: they write enums differently."""
    if "enum" in one and "enum" in other:
        return sorted(map(repr, one["enum"])) == sorted(map(repr, other["enum"]))
    return one == other


def _path(cls: Any) -> str:
    origin = getattr(cls, "__origin__", cls)
    return f"{getattr(origin, '__module__', '?')}.{getattr(origin, '__qualname__', origin)}"
