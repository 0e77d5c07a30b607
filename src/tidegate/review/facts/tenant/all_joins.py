"""All rooms that the sockets of a project join, and whether these are all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tidegate.review.discover import read
from tidegate.review.facts.tenant.room_names import ANYTHING, patterns
from tidegate.review.facts.tenant.rooms import joins
from tidegate.review.model import Model
from tidegate.review.source import Call, Node, SourceFile

__all__ = ["AllJoins", "all_joins"]

_JOINING = re.compile(rb"\.join\(|socketsJoin|enter_room|join_room|group_add")

_SOCKET_JOINS = re.compile(
    rb"(?:sock|client|conn|ws)\w*[!?]?\.join\(|socketsJoin|enter_room|join_room|group_add",
    re.IGNORECASE,
)


@dataclass
class AllJoins:
    """The rooms that are joined.

    Attributes:
        known: Patterns of names.
        unknown: A join of which the room can't be told; None if there is none.
    """

    known: set[str] = field(default_factory=set)
    unknown: Node | None = None
    _texts: list[bytes] | None = None

    def is_mentioned_elsewhere(self, model: Model, names: Iterable[str]) -> bool:
        """Tell whether a file that is no realtime code seems to join such a room."""
        if self._texts is None:
            self._texts = list(_other_texts(model))
        heads = [max(re.split(ANYTHING, name), key=len).encode() for name in names]
        return any(head in text for text in self._texts for head in heads)

    def is_empty(self, model: Model) -> bool:
        """Tell whether no socket of the project ever joins anything but the room of its own id."""
        if self.known or self.unknown is not None:
            return False
        if self._texts is None:
            self._texts = list(_other_texts(model))
        if any(_SOCKET_JOINS.search(text) for text in self._texts):
            return False
        return not any("generateId" in file.text for file in model.files)


def all_joins(model: Model) -> AllJoins:
    """Return what the sockets of a project join."""
    found = AllJoins()
    seen = set()
    for join in joins(model):
        seen.add(join.node)
        for room in _elements(model, join.room):
            names = patterns(model, room)
            if names is None:
                found.unknown = join.node
            else:
                found.known |= names
    for file in model.files:
        for room in _groups(file):
            found.known |= patterns(model, room) or set()
        for call in file.calls:
            if _may_join(call) and call.node not in seen:
                found.unknown = call.node
    return found


def _elements(model: Model, room: Node) -> list[Node]:
    value = model.project.value(room)
    return value.children if value is not None and value.kind in ("array", "list") else [room]


def _may_join(call: Call) -> bool:
    """Tell whether a call may join rooms in a way that is not modelled."""
    if call.name in ("addAll", "addSockets", "remoteJoin"):
        return True
    if call.name != "join" or call.file.is_python or len(call.args) != 1:
        return False
    separator, receiver = call.args[0].string, call.receiver
    if receiver is None or (separator is not None and not re.search(r"\w", separator)):
        return False
    # What looks like a list or a path is none of ours.
    return not re.search(r"(?:s|list|array|path|parts|[\])])$", receiver.text, re.IGNORECASE)


def _groups(file: SourceFile) -> Iterator[Node]:
    """Yield the groups that a consumer of Channels joins by its attribute: ``groups = […]``."""
    if not file.is_python or "groups" not in file.text:
        return
    for node in file.root.find("assignment"):
        left, right = node.field("left"), node.field("right")
        if left is not None and right is not None and left.text == "groups":
            yield from right.children


def _other_texts(model: Model) -> Iterator[bytes]:
    """Yield the files that were not taken for realtime code and may join rooms all the same."""
    for name in model.project.names:
        file = model.project.files.get(name)
        if file is not None and (file.is_realtime or file.is_test):
            continue
        data = read(model.project.root / name, name, [])
        if data is not None and _JOINING.search(data):
            yield data
