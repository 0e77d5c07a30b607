"""Rooms of the staff, which have a fixed name, joined by whoever asks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.facts.tenant.deciding import conditions
from tidegate.review.facts.tenant.expressions import words_of
from tidegate.review.facts.tenant.following import Visit
from tidegate.review.source import Call, Node

__all__ = ["staff_joins"]

_STAFF = re.compile(
    r"(?:^|_)(?:admins?|administrators?|staff|moderators?|superusers?|operators?)(?:_|$)"
)
_ASKS = re.compile(
    r"role|admin|staff|moderator|super|operator|permi|allow|authori[sz]|access|(?:^|_)can(?:_|$)"
)


def staff_joins(visit: Visit) -> Iterator[Node]:
    """Yield where a message puts its socket into the room of the staff, and nobody asks for a role.

    Guards, and checks in functions that are called before, may do so: then nothing is yielded.
    """
    handler = visit.handler
    if handler.kind != "message" or visit.came is not None or visit.gateway.guards:
        return
    if handler.function.decorated("UseGuards") or not visit.socket:
        return
    for call in visit.calls:
        room = _room(visit, call)
        if room is None or not _STAFF.search(words_of(room)):
            continue
        asked = [words_of(condition.text) for condition, _ in conditions(visit.flow, call.node)]
        before = [words_of(each.path) for each in visit.calls if each.node.start < call.node.start]
        if not any(_ASKS.search(words) for words in (*asked, *before)):
            yield call.node


def _room(visit: Visit, call: Call) -> str | None:
    """Return the literal name of a room that the handler's own socket joins."""
    if call.name == "join" and call.receiver is not None and call.receiver.text == visit.socket:
        return call.args[0].string if call.args else None
    if call.name in ("enter_room", "join_room"):
        room = call.arg(0 if call.name == "join_room" else 1, "room")
        return room.string if room is not None else None
    return None
