"""From answers to a domain: every answer is checked, and all bad ones are refused together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from tidegate.errors import AnswersError, BadAnswer
from tidegate.scaffold.domain import (
    API_GATEWAY_ROOT,
    STANDALONE_ROOT,
    Domain,
    EventShape,
    RoomShape,
    Target,
)
from tidegate.scaffold.fields import (
    Field,
    ObjectShape,
    check_field_name,
    parse_fields,
    python_name,
)
from tidegate.scaffold.names import Names, pascal, words_of
from tidegate.scaffold.schemas import schema_reader

__all__ = [
    "API_GATEWAY",
    "RESERVED_EVENT_NAMES",
    "STANDALONE",
    "TARGETS",
    "Answers",
    "domain_from",
    "event_name_problem",
]

TARGETS: tuple[Target, ...] = ("python", "nestjs")
API_GATEWAY = str(API_GATEWAY_ROOT)
STANDALONE = "standalone"

RESERVED_EVENT_NAMES = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)
"""The runtime's own list, which is not imported here; a test holds the two equal."""

MAX_EVENT_NAME_LENGTH = 200

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_ ][A-Za-z0-9]+)*")
_EVENT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[._/-][A-Za-z0-9]+)*")
_NAMESPACE = re.compile(r"/[A-Za-z0-9][A-Za-z0-9._~-]*(?:/[A-Za-z0-9._~-]+)*")
_ROOM = re.compile(r"([A-Za-z][A-Za-z0-9-]*):\{([A-Za-z_][A-Za-z0-9_]*)\}")
_PATH = re.compile(r"[A-Za-z0-9._@-]+(?:/[A-Za-z0-9._@-]+)*")
_OWN_ROOMS = ("tenantId", "userId")
# Names in the generated files that an event's class would hide.
_TAKEN_CLASSES = frozenset(
    {
        *("Accepted", "Any", "Audience", "Client", "Event", "Gateway", "Literal", "Message"),
        *("Namespace", "Array", "Date", "Error", "Map", "Object", "Promise", "Record", "Set"),
        *("String", "Number", "Boolean", "Symbol", "Socket", "Server", "Struct"),
    }
)


@dataclass(frozen=True)
class Answers:
    """What was answered, as it was typed.

    Attributes:
        name: ``Notification``, ``ActivityFeed``.
        events: Of the server, ``notification.created:id,message,note?:string``; see ``fields``.
        commands: Of the client, written like events.
        namespace: Default: the domain's plural.
        rooms: ``tenantId`` and ``userId`` (always joined), ``resourceId`` (the domain's own),
            ``chatId`` or ``chat:{chatId}`` (joined on request).
        target: Language of the server side.
        gateway: Folder of an API gateway, or ``standalone``.
        has_frontend: Whether the hook and its parts are wanted.
    """

    name: str
    events: Sequence[str]
    commands: Sequence[str] = ()
    namespace: str | None = None
    rooms: Sequence[str] = ("tenantId",)
    target: str = "python"
    gateway: str = API_GATEWAY
    has_frontend: bool = True


def domain_from(answers: Answers, read: Callable[[str], str | None] = lambda path: None) -> Domain:
    """Return the domain that the answers describe.

    Args:
        answers: What was asked.
        read: Gives the text of a JSON Schema file, or None.

    Raises:
        AnswersError: Some can't be; it has all of them with their reasons.
    """
    return _Checker(answers, read).domain()


@dataclass
class _Checker:
    """Collects what is wrong while it builds; whatever is refused is left out of the rest."""

    answers: Answers
    read: Callable[[str], str | None]
    problems: list[BadAnswer] = field(default_factory=list)

    def domain(self) -> Domain:
        answers = self.answers
        names = self._names()
        events = self._shapes("event", answers.events, names)
        commands = self._shapes("command", answers.commands, names)
        if not answers.events:
            self._refuse("event", "", "at least one event from the server is needed")
        self._check_classes((*events, *commands))
        self._check_commands(commands)
        namespace = self._namespace(names)
        rooms = self._rooms(names)
        root, is_standalone = self._root()
        target = self._target()
        if self.problems:
            raise AnswersError(self.problems)
        return Domain(
            names,
            events,
            commands,
            namespace,
            rooms,
            target,
            is_standalone,
            root,
            answers.has_frontend,
        )

    def _refuse(self, question: str, answer: str, reason: str) -> None:
        self.problems.append(BadAnswer(question, answer, reason))

    def _names(self) -> Names:
        name = self.answers.name
        if not name:
            self._refuse("name", "", "a domain's name is needed, such as Notification")
            return Names(("domain",))
        if not _IDENTIFIER.fullmatch(name):
            self._refuse(
                "name", name, "not an identifier: letters and digits, such as ActivityFeed"
            )
            return Names(("domain",))
        names = Names.of(name)
        if names.plural_snake == "events" or python_name(names.plural_snake).endswith("_"):
            self._refuse("name", name, "the generated code has another use for this name")
        return names

    def _shapes(self, question: str, texts: Iterable[str], names: Names) -> tuple[EventShape, ...]:
        found: dict[str, EventShape] = {}
        for text in texts:
            name, _, payload = (part.strip() for part in text.partition(":"))
            problem = event_name_problem(name)
            if problem is None and name in found:
                problem = f"{name!r} is a duplicate"
            if problem is not None:
                self._refuse(question, text, problem)
                continue
            words = [word for part in re.split(r"[._/-]", name) for word in words_of(part)]
            class_name = pascal(words)
            fields, problems = parse_fields(payload, class_name, schema_reader(self.read))
            for reason in problems:
                self._refuse(question, text, reason)
            found[name] = EventShape(name, class_name, fields, _short(words, names))
        return tuple(found.values())

    def _check_classes(self, shapes: Sequence[EventShape]) -> None:
        users: dict[str, str] = {}
        for shape in shapes:
            other = users.setdefault(shape.class_name, shape.name)
            if other != shape.name or shape.class_name in _TAKEN_CLASSES:
                use = f"{other!r}" if other != shape.name else "the generated code"
                self._refuse("event", shape.name, f"the type {shape.class_name} is {use}'s already")
        if len({shape.name for shape in shapes}) != len(shapes):
            twice = next(
                s.name for i, s in enumerate(shapes) if s.name in {t.name for t in shapes[:i]}
            )
            self._refuse("command", twice, "a duplicate: the server's event has this name")
        known: dict[str, ObjectShape] = {}
        for shape in shapes:
            for inner in _all_objects(shape.fields):
                taken = inner.class_name in users or inner.class_name in _TAKEN_CLASSES
                if taken or known.setdefault(inner.class_name, inner) != inner:
                    reason = f"two types would be called {inner.class_name}; title one otherwise"
                    self._refuse("event", shape.name, reason)

    def _check_commands(self, commands: Sequence[EventShape]) -> None:
        functions: dict[str, str] = {}
        for command in commands:
            other = functions.setdefault(command.function_name, command.name)
            if other != command.name:
                self._refuse("command", command.name, f"it reads the same as {other!r}")
            if any(field.name.lower() in ("tenantid", "tenant_id") for field in command.fields):
                reason = (
                    "leave the tenant out: it comes from the verified token, never from a client"
                )
                self._refuse("command", command.name, reason)

    def _namespace(self, names: Names) -> str:
        namespace = self.answers.namespace or names.namespace
        if not _NAMESPACE.fullmatch(namespace):
            self._refuse("namespace", namespace, "a namespace looks like /notifications")
        return namespace

    def _rooms(self, names: Names) -> tuple[RoomShape, ...]:
        rooms: dict[str, RoomShape] = {}
        for text in dict.fromkeys(self.answers.rooms):
            if text in _OWN_ROOMS:
                continue
            try:
                room = _room(text, names)
            except ValueError as error:
                self._refuse("room", text, str(error))
                continue
            if room.prefix in rooms:
                self._refuse("room", text, f"a duplicate: {rooms[room.prefix].pattern!r} is there")
            rooms[room.prefix] = room
        return tuple(rooms.values())

    def _root(self) -> tuple[PurePosixPath, bool]:
        text = self.answers.gateway.strip()
        if text == STANDALONE:
            return STANDALONE_ROOT, True
        path = PurePosixPath(text)
        if path.is_absolute() or ".." in path.parts:
            self._refuse("gateway", text, "a path outside the project")
        elif not _PATH.fullmatch(text.rstrip("/")) or not path.parts:
            self._refuse("gateway", text, "a folder such as apps/api-gateway, or 'standalone'")
        return path, False

    def _target(self) -> Target:
        for target in TARGETS:
            if self.answers.target == target:
                return target
        self._refuse("target", self.answers.target, f"there are {' and '.join(TARGETS)}")
        return "python"


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


def _all_objects(fields: Iterable[Field]) -> list[ObjectShape]:
    found = []
    for one in fields:
        if one.shape is not None:
            found += [*_all_objects(one.shape.fields), one.shape]
    return found


def _room(text: str, names: Names) -> RoomShape:
    """Return ``resourceId`` as the domain's own room, ``chatId`` as ``chat:{chatId}``."""
    if text == "resourceId":
        return RoomShape(names.kebab, f"{names.camel}Id")
    match = _ROOM.fullmatch(text)
    if match is not None:
        check_field_name(match[2])
        if match[1] in ("tenant", "user"):
            raise ValueError(f"the {match[1]}'s room is joined by itself; no client asks for it")
        return RoomShape(match[1], match[2])
    words = words_of(text)
    if not _IDENTIFIER.fullmatch(text) or len(words) < 2 or words[-1] != "id":
        raise ValueError("a room is tenantId, userId, resourceId, chatId or chat:{chatId}")
    return RoomShape("-".join(words[:-1]), text)
