"""Pydantic models as payloads, by themselves and inside the types of msgspec."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from pydantic import ValidationError

__all__ = ["Misfit", "dump_model", "is_model", "nested_from_json", "nested_from_values", "validate"]

_encode_json = msgspec.json.Encoder().encode


class Misfit(ValueError):
    """A value does not fit a model; of several reasons the first one.

    Attributes:
        message: What was expected.
        path: Where inside of the model, such as ``.items[0].id``.
    """

    def __init__(self, message: str, path: str) -> None:
        super().__init__(message)
        self.message = message
        self.path = path


def is_model(kind: Any) -> bool:
    """Tell whether a type is a pydantic model."""
    return hasattr(kind, "model_validate")


def dump_model(value: Any) -> Any:
    """Return a model's fields; anything else as it is (msgspec then judges it)."""
    dump = getattr(value, "model_dump", None)
    return dump() if dump is not None else value


def validate(check: Callable[[Any], Any], value: Any) -> Any:
    """Return what ``check``, a validating method of a model, makes of the value.

    Raises:
        Misfit: It does not fit.
    """
    try:
        return check(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise Misfit(first["msg"], _dotted_path(first["loc"])) from None


# For msgspec, as its ``dec_hook``: it calls them with types that it does not know.


def nested_from_json(kind: Any, value: Any) -> Any:
    """Return a model inside of JSON as it would be by itself.

    Pydantic takes more from JSON than from Python values, such as a date of a strict model; so the
    model's part is made JSON again.
    """
    return validate(kind.model_validate_json, _encode_json(value)) if is_model(kind) else value


def nested_from_values(kind: Any, value: Any) -> Any:
    """Return a model inside of values that may hold ``bytes``."""
    return validate(kind.model_validate, value) if is_model(kind) else value


def _dotted_path(location: Sequence[int | str]) -> str:
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in location)
