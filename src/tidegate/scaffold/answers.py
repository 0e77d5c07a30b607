"""From answers to a domain: every answer is checked, and all bad ones are refused together."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from tidegate.errors import AnswersError, BadAnswer
from tidegate.scaffold.domain import (
    API_GATEWAY_ROOT,
    STANDALONE_ROOT,
    Domain,
    RoomShape,
    Target,
)
from tidegate.scaffold.fields import (
    check_field_name,
    python_name,
)
from tidegate.scaffold.names import Names, words_of
from tidegate.scaffold.payloads import check_together, parse_payloads

__all__ = [
    "API_GATEWAY",
    "STANDALONE",
    "TARGETS",
    "Answers",
    "domain_from",
]

TARGETS: tuple[Target, ...] = ("python", "nestjs")
API_GATEWAY = str(API_GATEWAY_ROOT)
STANDALONE = "standalone"

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_ ][A-Za-z0-9]+)*")
_NAMESPACE = re.compile(r"/[A-Za-z0-9][A-Za-z0-9._~-]*(?:/[A-Za-z0-9._~-]+)*")
_ROOM = re.compile(r"([A-Za-z][A-Za-z0-9-]*):\{([A-Za-z_][A-Za-z0-9_]*)\}")
_PATH = re.compile(r"[A-Za-z0-9._@-]+(?:/[A-Za-z0-9._@-]+)*")
_OWN_ROOMS = ("tenantId", "userId")


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
        events, bad_events = parse_payloads("event", answers.events, names, self.read)
        commands, bad_commands = parse_payloads("command", answers.commands, names, self.read)
        if not answers.events:
            self._refuse("event", "", "at least one event from the server is needed")
        self.problems += [*bad_events, *bad_commands, *check_together(events, commands)]
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
            other = rooms.setdefault("-".join(words_of(room.prefix)), room)
            if other != room:
                self._refuse("room", text, f"a duplicate: {other.pattern!r} is there")
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


def _room(text: str, names: Names) -> RoomShape:
    """Return ``resourceId`` as the domain's own room, ``chatId`` as ``chat:{chatId}``."""
    if text == "resourceId":
        return RoomShape(names.kebab, f"{names.camel}Id")
    match = _ROOM.fullmatch(text)
    if match is not None:
        check_field_name(match[2])
        if match[2] == "client":
            raise ValueError("'client' is who asks; call the parameter otherwise")
        if match[1] in ("tenant", "user"):
            raise ValueError(f"the {match[1]}'s room is joined by itself; no client asks for it")
        return RoomShape(match[1], match[2])
    words = words_of(text)
    if not _IDENTIFIER.fullmatch(text) or len(words) < 2 or words[-1] != "id":
        raise ValueError("a room is tenantId, userId, resourceId, chatId or chat:{chatId}")
    return RoomShape("-".join(words[:-1]), text)
