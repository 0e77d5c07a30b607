"""``@namespace.consume``: a user function that says who gets a message from the broker."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_args, get_origin

from tidegate.app.handlers import type_hints
from tidegate.app.message import Message, MessageSources
from tidegate.app.paths import DEFAULT_TENANT, DEFAULT_USER, Path, PayloadFields, parse_path
from tidegate.app.topics import TopicPattern
from tidegate.events import Event, check_event_name

__all__ = ["ConsumeRule"]

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class ConsumeRule:
    """A function with the pattern that it takes, and what its annotation says of the payload.

    Args:
        pattern: A topic pattern, or a NestJS object pattern.
        function: Takes one `Message`; sync or async.
        event: The event's name; else the one of the payload's type, else the message's pattern.
        tenant: Path of the tenant; else the default places.
        user: Path of the user; else the default places, where it may be missing.
        message_id: Path of the message id; else what the envelope or AMQP says.

    Attributes:
        data_type: What the payload is decoded into; ``Any`` if the function does not say.

    Raises:
        TypeError: The function does not take one message.
        ValueError: A pattern, path or name can't be one.
    """

    def __init__(
        self,
        pattern: str | Mapping[str, Any],
        function: Callable[..., Any],
        *,
        event: str | None = None,
        tenant: str | None = None,
        user: str | None = None,
        message_id: str | None = None,
    ) -> None:
        self.pattern = TopicPattern(pattern)
        self.function = function
        self.data_type = _data_type(function)
        self.event = event or _name_of(self.data_type)
        if event is not None:
            check_event_name(event)
        self.sources = MessageSources(
            tenant=tenant_paths(tenant),
            user=DEFAULT_USER if user is None else (parse_path(user),),
            message_id=() if message_id is None else (parse_path(message_id),),
        )
        self.fields = PayloadFields(
            [*self.sources.tenant, *self.sources.user, *self.sources.message_id]
        )

    def __repr__(self) -> str:
        name = getattr(self.function, "__qualname__", repr(self.function))
        return f"<consume {self.pattern.text!r} by {name}>"


def tenant_paths(text: str | None) -> tuple[Path, ...]:
    """Return where a rule looks for the tenant.

    Raises:
        ValueError: It is no path, or an optional one: no event goes out without a tenant.
    """
    if text is None:
        return DEFAULT_TENANT
    path = parse_path(text)
    if path.is_optional:
        raise ValueError(f"{text!r}: every event needs a tenant; leave out the '?'")
    return (path,)


def _data_type(function: Callable[..., Any]) -> Any:
    name = getattr(function, "__qualname__", repr(function))
    parameters = list(inspect.signature(function).parameters.values())
    required = [p for p in parameters if p.default is inspect.Parameter.empty]
    if len(required) != 1 or parameters[0] is not required[0] or not _is_positional(required[0]):
        raise TypeError(f"{name} takes the message as its only parameter")
    hint = type_hints(function).get(required[0].name, Any)
    if hint is Any or hint is Message:
        return Any
    if get_origin(hint) is not Message:
        raise TypeError(f"{name}: annotate its parameter as Message or Message[...], not {hint!r}")
    return get_args(hint)[0]


def _is_positional(parameter: inspect.Parameter) -> bool:
    return parameter.kind in _POSITIONAL


def _name_of(data_type: Any) -> str | None:
    is_event = isinstance(data_type, type) and issubclass(data_type, Event)
    return (data_type.event_name or None) if is_event else None
