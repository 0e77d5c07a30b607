"""Parts that both sides of an AsyncAPI document are made of: schemas, keys, references."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tidegate.contract.model import DEFINITIONS
from tidegate.contract.schemas import map_references

__all__ = ["Document", "Keys", "draft_7", "point"]

Document = dict[str, Any]

SCHEMAS = "#/components/schemas/"


def draft_7(schema: Any) -> Any:
    """Return a schema as AsyncAPI's own Schema Object has it, which is JSON Schema draft 07.

    Source: AsyncAPI 3.0.0, "Schema Object".
    """
    moved = map_references(schema, lambda target: SCHEMAS + target.removeprefix(DEFINITIONS))
    return _old_tuples(moved)


def _old_tuples(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_old_tuples(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    told = {key: _old_tuples(value) for key, value in schema.items()}
    if "prefixItems" in told:
        rest = told.pop("items", True)
        told |= {"items": told.pop("prefixItems"), "additionalItems": rest}
    return told


def point(*steps: str) -> Document:
    """Return a reference to a place in the document (RFC 6901, as a URI fragment)."""
    escaped = (step.replace("~", "~0").replace("/", "~1") for step in steps)
    return {"$ref": "#/" + "/".join(escaped)}


class Keys:
    """Turns names into keys of the document, which hold letters, digits, dots, ``-`` and ``_``.

    Names that come out alike are numbered in the order in which they are asked for.
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def make(self, words: Iterable[str]) -> str:
        """Return a new key of these words, with dots between."""
        parts = (re.sub(r"[^A-Za-z0-9.\-_]+", "_", word).strip("_.") for word in words)
        base = key = ".".join(part for part in parts if part) or "root"
        number = 1
        while key in self._taken:
            number += 1
            key = f"{base}_{number}"
        self._taken.add(key)
        return key
