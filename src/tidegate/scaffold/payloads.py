"""Events and commands out of answers: names, types, fields, alone and together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from tidegate.errors import BadAnswer
from tidegate.scaffold.domain import EventShape
from tidegate.scaffold.fields import Field, ObjectShape, parse_fields
from tidegate.scaffold.names import Names, pascal, words_of
from tidegate.scaffold.schemas import schema_reader

__all__ = ["RESERVED_EVENT_NAMES", "check_together", "event_name_problem", "parse_payloads"]

RESERVED_EVENT_NAMES = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)
"""The runtime's own list, which is not imported here; a test holds the two equal."""

MAX_EVENT_NAME_LENGTH = 200

_EVENT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[._/-][A-Za-z0-9]+)*")
# Names in the generated files that an event's class would hide.
_TAKEN_CLASSES = frozenset(
    {
        *("Accepted", "Any", "Audience", "Client", "Event", "Gateway", "Literal", "Message"),
        *("Namespace", "Array", "Date", "Error", "Map", "Object", "Promise", "Record", "Set"),
        *("String", "Number", "Boolean", "Symbol", "Socket", "Server", "Struct"),
    }
)


def parse_payloads(
    question: str, texts: Iterable[str], names: Names, read: Callable[[str], str | None]
) -> tuple[tuple[EventShape, ...], list[BadAnswer]]:
    """Return the events or commands, and those that are refused.

    Args:
        question: ``event`` or ``command``.
        texts: ``notification.created:id,message``, see ``fields``.
        names: The domain's.
        read: Gives the text of a JSON Schema file, or None.
    """
    found: dict[str, EventShape] = {}
    bad: list[BadAnswer] = []
    for text in texts:
        name, _, payload = (part.strip() for part in text.partition(":"))
        problem = event_name_problem(name)
        if problem is None and name in found:
            problem = f"{name!r} is a duplicate"
        if problem is not None:
            bad.append(BadAnswer(question, text, problem))
            continue
        words = [word for part in re.split(r"[._/-]", name) for word in words_of(part)]
        class_name = pascal(words)
        fields, problems = parse_fields(payload, class_name, schema_reader(read))
        bad += [BadAnswer(question, text, reason) for reason in problems]
        found[name] = EventShape(name, class_name, fields, _short(words, names))
    return tuple(found.values()), bad


def check_together(events: Sequence[EventShape], commands: Sequence[EventShape]) -> list[BadAnswer]:
    """Return what is wrong with names and types that are fine each by itself."""
    users: dict[str, str] = {}
    known: dict[str, ObjectShape] = {}
    bad: list[BadAnswer] = []
    asked = [*(("event", event) for event in events), *(("command", one) for one in commands)]
    for question, shape in asked:
        problem = _class_problem(shape, users.setdefault(shape.class_name, shape.name))
        if problem is None and question == "command" and shape.name in {e.name for e in events}:
            problem = "a duplicate: the server's event has this name"
        if problem is not None:
            bad.append(BadAnswer(question, shape.name, problem))
    for question, shape in asked:
        for inner in _objects(shape.fields):
            is_taken = inner.class_name in users or inner.class_name in _TAKEN_CLASSES
            if is_taken or known.setdefault(inner.class_name, inner) != inner:
                reason = f"two types would be called {inner.class_name}; title one otherwise"
                bad.append(BadAnswer(question, shape.name, reason))
    return bad + _command_problems(commands)


def _class_problem(shape: EventShape, user: str) -> str | None:
    if shape.class_name in _TAKEN_CLASSES:
        return f"the type {shape.class_name} is the generated code's already"
    return None if user == shape.name else f"the type {shape.class_name} is {user!r}'s already"


def _command_problems(commands: Sequence[EventShape]) -> list[BadAnswer]:
    functions: dict[str, str] = {}
    bad = []
    for command in commands:
        other = functions.setdefault(command.function_name, command.name)
        if other != command.name:
            bad.append(BadAnswer("command", command.name, f"it reads the same as {other!r}"))
        if any(field.name.lower() in ("tenantid", "tenant_id") for field in command.fields):
            reason = "leave the tenant out: it comes from the verified token, never from a client"
            bad.append(BadAnswer("command", command.name, reason))
    return bad


def event_name_problem(name: str) -> str | None:
    """Return why an event can't have this name, or None."""
    if name in RESERVED_EVENT_NAMES:
        return f"{name!r} is reserved by the Socket.IO client"
    if name.startswith("tidegate."):
        return f"{name!r}: names starting with 'tidegate.' are kept for the gateway"
    if not _EVENT_NAME.fullmatch(name):
        return f"{name!r} is not an event name: words with dots between, as notification.created"
    if len(name) > MAX_EVENT_NAME_LENGTH:
        return f"an event name has at most {MAX_EVENT_NAME_LENGTH} characters"
    return None


def _short(words: list[str], names: Names) -> tuple[str, ...]:
    for own in (names.words, names.plural_words):
        if tuple(words[: len(own)]) == own and len(words) > len(own):
            return tuple(words[len(own) :])
    return tuple(words)


def _objects(fields: Iterable[Field]) -> list[ObjectShape]:
    found = []
    for one in fields:
        if one.shape is not None:
            found += [*_objects(one.shape.fields), one.shape]
    return found
