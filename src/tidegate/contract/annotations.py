"""What user functions say by their annotations and docstrings."""

from __future__ import annotations

import inspect
import types
from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from tidegate.app.handlers import type_hints
from tidegate.events import Event

__all__ = ["Ack", "first_paragraph", "payload_of_answer", "read_ack"]


class Ack(NamedTuple):
    """What a handler returns; see ``Answer``, whose types are these before they have schemas."""

    kind: Literal["values", "nothing", "unknown"]
    types: tuple[Any, ...] = ()
    is_optional: bool = False


def read_ack(annotation: Any) -> Ack:
    """Return what a return annotation says of the ack.

    A tuple gives several arguments and None gives none, as the dispatcher has it.
    """
    annotation = _awaited(annotation)
    if annotation is Any:
        return Ack("unknown")
    if annotation is None or annotation is type(None):
        return Ack("nothing")
    if get_origin(annotation) is tuple:
        arguments = get_args(annotation)
        if arguments == ((),):
            return Ack("nothing")
        return Ack("unknown") if Ellipsis in arguments else Ack("values", arguments)
    if annotation is tuple:
        return Ack("unknown")
    members = _members(annotation)
    if type(None) not in members:
        return Ack("values", (annotation,))
    rest = tuple(member for member in members if member is not type(None))
    return Ack("values", (Union[rest],), is_optional=True)  # noqa: UP007  # made at run time


def payload_of_answer(function: Callable[..., Any], data_type: Any) -> Any:
    """Return the type of the payload that a ``consume`` function's event has.

    It is the message's own, unless the function returns ``(audience, payload)``.
    """
    annotation = _awaited(type_hints(function).get("return", Any))
    for member in _members(annotation):
        arguments = get_args(member)
        if get_origin(member) is tuple and len(arguments) == 2:
            return arguments[1]
    return data_type


def first_paragraph(thing: Any) -> str:
    """Return the first paragraph of a docstring of its own as one line, or an empty text."""
    if thing is Any or (isinstance(thing, type) and not issubclass(thing, Event)):
        return ""
    text = inspect.cleandoc(getattr(thing, "__doc__", None) or "")
    return " ".join(text.partition("\n\n")[0].split())


def _awaited(annotation: Any) -> Any:
    """Return what comes of an annotation; a plain ``def`` may return a coroutine."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return annotation
    if origin is not None and isinstance(origin, type) and issubclass(origin, Awaitable):
        arguments = get_args(annotation)
        return arguments[2 if issubclass(origin, Coroutine) else 0] if arguments else Any
    return annotation


def _members(annotation: Any) -> tuple[Any, ...]:
    is_union = get_origin(annotation) in (Union, types.UnionType)
    return get_args(annotation) if is_union else (annotation,)
