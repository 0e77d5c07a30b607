"""User functions, inspected once: what they take, and how to call them with what came."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, get_type_hints

import msgspec

from tidegate.errors import PayloadError
from tidegate.events import decode_argument

if TYPE_CHECKING:
    from tidegate.app.client import Client

__all__ = ["EventHandler", "RoomRule", "type_hints"]

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class EventHandler:
    """A function for one client event: ``(client, argument, ...)``, its return value the ack.

    Each parameter's annotation is the type its argument is decoded into: a msgspec struct, a
    pydantic model, a dataclass or a builtin; without one it gets plain values. Parameters with a
    default may be missing in the packet.

    Attributes:
        names, types: Of the parameters after the client, in order.
        required: How many of them have no default.
        answer: The return annotation; ``Any`` without one.
        is_async: Whether it is ``async def``, maybe inside of decorators, which then may return
            something else than its coroutine.

    Raises:
        TypeError: The function can't be called that way.
    """

    def __init__(self, event_name: str, function: Callable[..., Any]) -> None:
        self.event_name = event_name
        self.function = function
        self.is_async = inspect.iscoroutinefunction(inspect.unwrap(function))
        parameters = _arguments_after_client(function)
        hints = type_hints(function)
        self.names = [parameter.name for parameter in parameters]
        self.types = [hints.get(name, Any) for name in self.names]
        self.answer: Any = hints.get("return", Any)
        self.required = sum(1 for p in parameters if p.default is inspect.Parameter.empty)

    def decode(self, arguments: Sequence[bytes], attachments: Sequence[bytes]) -> list[Any]:
        """Return the arguments as their declared types.

        Raises:
            PayloadError: Their number or one of them does not fit; ``field`` is its path, with
                ``[1]`` and on in front for arguments after the first.
        """
        count = len(arguments)
        if not self.required <= count <= len(self.types):
            raise PayloadError(f"Expected {self._expected()} after the event name, got {count}")
        if count == 1:
            return [decode_argument(arguments[0], attachments, self.types[0])]
        return [
            _decode_one(index, raw, attachments, self.types[index])
            for index, raw in enumerate(arguments)
        ]

    def _expected(self) -> str:
        most = len(self.types)
        count = str(most) if self.required == most else f"{self.required} to {most}"
        return f"{count} argument{'' if count == '1' else 's'}"


class RoomRule:
    """Who may join resource rooms of one form, such as ``conversation:{conversation_id}``.

    A placeholder stands for one or more characters other than ``:``; its value is handed to the
    parameter of the same name, converted to the annotation (``int``, ``UUID``, ...).

    Attributes:
        types: What each placeholder's value is converted to.

    Raises:
        TypeError: The placeholders and the function's parameters differ.
        ValueError: The pattern has no fixed part in front.
    """

    def __init__(self, pattern: str, authorizer: Callable[..., bool | Awaitable[bool]]) -> None:
        self.pattern = pattern
        self._authorizer = authorizer
        names = _PLACEHOLDER.findall(pattern)
        if not pattern.partition("{")[0]:
            raise ValueError(f"{pattern!r}: begin with a fixed part, such as 'conversation:'")
        pieces = _PLACEHOLDER.split(pattern)
        self._expression = re.compile(
            "".join(
                f"(?P<{piece}>[^:]+)" if index % 2 else re.escape(piece)
                for index, piece in enumerate(pieces)
            )
        )
        parameters = [parameter.name for parameter in _arguments_after_client(authorizer)]
        if sorted(names) != sorted(parameters):
            raise TypeError(
                f"{pattern!r} names {sorted(names)}, "
                f"but {authorizer.__name__} takes {sorted(parameters)} after the client"
            )
        hints = type_hints(authorizer)
        self.types = {name: hints.get(name, str) for name in names}

    def match(self, room: str) -> dict[str, Any] | None:
        """Return the placeholders' values, or None if the room is of another form."""
        match = self._expression.fullmatch(room)
        if match is None:
            return None
        try:
            return {
                name: msgspec.convert(value, self.types[name], strict=False)
                for name, value in match.groupdict().items()
            }
        except msgspec.ValidationError:
            return None

    async def allows(self, client: Client, values: dict[str, Any]) -> bool:
        """Ask the authorizer; only ``True`` itself is a yes."""
        answer = self._authorizer(client, **values)
        if inspect.isawaitable(answer):
            answer = await answer
        return answer is True


def _arguments_after_client(function: Callable[..., Any]) -> list[inspect.Parameter]:
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters or parameters[0].kind not in _POSITIONAL:
        raise TypeError(f"{function.__name__} takes the client as its first parameter")
    for parameter in parameters[1:]:
        if parameter.kind not in _POSITIONAL:
            raise TypeError(
                f"{function.__name__}: {parameter} can't be filled from an event's arguments"
            )
    return parameters[1:]


def type_hints(function: Callable[..., Any]) -> dict[str, Any]:
    """Return a function's annotations, evaluated.

    Raises:
        TypeError: One of them can't be found at run time.
    """
    try:
        return get_type_hints(function)
    except NameError as error:
        raise TypeError(
            f"{function.__name__}: the annotation {error.name!r} can't be found; "
            "import it at module level, outside TYPE_CHECKING"
        ) from error


def _decode_one(index: int, raw: bytes, attachments: Sequence[bytes], target: Any) -> Any:
    try:
        return decode_argument(raw, attachments, target)
    except PayloadError as error:
        if index == 0:
            raise
        raise PayloadError(error.message, f"[{index}]{error.field}") from None
