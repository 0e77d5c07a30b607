"""Small operations on JSON Schemas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tidegate.contract.model import DEFINITIONS, Schema
from tidegate.errors import ContractError

__all__ = ["input_names", "map_references", "reference", "rename_references", "short_name"]


def reference(name: str) -> Schema:
    """Return the schema that refers to a named type."""
    return {"$ref": DEFINITIONS + name}


def short_name(name: str) -> str:
    """Return a generic type's name as one word: ``Page_int_`` is ``PageInt``."""
    if not name.endswith("_"):
        return name
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))


def rename_references(schema: Any, names: Mapping[str, str]) -> Any:
    """Return the schema with its references to other names; those not in ``names`` stay."""

    def rename(target: str) -> str:
        name = target.removeprefix(DEFINITIONS)
        return DEFINITIONS + names.get(name, name)

    return map_references(schema, rename)


def map_references(schema: Any, change: Callable[[str], str]) -> Any:
    """Return the schema with each ``$ref`` changed; ``default`` and such are left alone."""
    if isinstance(schema, list):
        return [map_references(item, change) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: change(value)
        if key == "$ref" and isinstance(value, str)
        else value
        if key in ("default", "examples", "enum", "const")
        else map_references(value, change)
        for key, value in schema.items()
        # A keyword of OpenAPI, whose mapping would need renaming too; tags tell the types apart.
        if key != "discriminator" or not isinstance(value, dict) or "propertyName" not in value
    }


def input_names(read: Mapping[str, Schema], written: Mapping[str, Schema]) -> dict[str, str]:
    """Return new names for the definitions that are read otherwise than they are written.

    Raises:
        ContractError: Such a name is taken.
    """
    inputs = {name: f"{name}Input" for name in _differing(read, written)}
    taken = sorted(set(inputs.values()) & (read.keys() | written.keys()))
    if taken:
        raise ContractError(f"the name {taken[0]} is needed for a model's input; rename it")
    return inputs


def _differing(read: Mapping[str, Schema], written: Mapping[str, Schema]) -> set[str]:
    """Return the names that mean two things, also because of what they refer to."""
    both = read.keys() & written.keys()
    changed = {name for name in both if read[name] != written[name]}
    while True:
        marks = {name: f"{name}Input" for name in changed}
        more = {n for n in both - changed if rename_references(read[n], marks) != written[n]}
        # Only what is read refers to a changed name by another one.
        if not more:
            return changed
        changed |= more
