"""What a room is for, by how it is named: a whole tenant, one user, a role, something else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tidegate.review.facts.tenant.room_names import ANYTHING, patterns
from tidegate.review.model import Model
from tidegate.review.source import FUNCTIONS, Call, Node

__all__ = ["RoomKind", "kind_of", "name_around", "words_in"]

Breadth = Literal["tenant", "group", "user", "role", "other"]

_TENANT = "tenant|org|organization|organisation|workspace"
_GROUP = (
    "company|account|school|store|shop|restaurant|clinic|hospital|hotel|branch|business|merchant"
    "|customer|team|site|community|guild|server|campus|franchise|client"
)
_USER = "user|member|employee|staff|agent|person|recipient|receiver|player|operator|student|teacher"
_ROLE = "role|roles"
_ROLES = (
    "admin|admins|administrator|administrators|manager|managers|moderator|moderators|supervisor"
    "|supervisors|operators|agents|drivers|doctors|nurses|teachers|students|editors|owners|staff"
    "|dispatchers|managers|employees|members|technicians|waiters|chefs|kitchen|reception"
)
_FILLERS = "room|rooms|id|channel|key|name|uuid|for|of|get|to|the|build|make"


@dataclass(frozen=True)
class RoomKind:
    """The kind of a room.

    Attributes:
        word: The word that says so: ``tenant`` of `` `tenant:${id}` ``.
        breadth: ``tenant`` is surely everybody of a tenant; ``group`` may be less.
    """

    word: str
    breadth: Breadth


def kind_of(model: Model, room: Node) -> RoomKind | None:
    """Return the kind of a room that an expression names, or None if its name doesn't tell."""
    known = patterns(model, room)
    if known is None:
        words = words_in(_last_name(room))
        return _kind([word for word in words if not re.fullmatch(_FILLERS, word)], has_id=True)
    if len(known) != 1:
        return None
    [pattern] = known
    has_id = pattern.endswith(ANYTHING) and pattern.count(ANYTHING) == 1
    if ANYTHING in pattern and not has_id:
        return None  # tenant:${a}:role:${b} is about both
    return _kind(words_in(pattern.replace(ANYTHING, "")), has_id=has_id)


def _kind(words: list[str], *, has_id: bool) -> RoomKind | None:
    if not words:
        return None
    first = words[0]
    if re.fullmatch(_ROLE, first):
        return RoomKind(first, "role")
    if not has_id:
        return RoomKind(first, "role") if len(words) == 1 and re.fullmatch(_ROLES, first) else None
    if len(words) != 1:
        return None
    for breadth, pattern in (("tenant", _TENANT), ("group", _GROUP), ("user", _USER)):
        if re.fullmatch(f"(?:{pattern})s?", first):
            return RoomKind(first.removesuffix("s"), breadth)  # type: ignore[arg-type]
    return RoomKind(first.removesuffix("s"), "other")


def _last_name(node: Node) -> str:
    """Return the last name in an expression: of ``this.tenantRoom(id)``, ``tenantRoom``."""
    if node.kind in ("call_expression", "call"):
        return Call(node).name
    last = node.field("property") or node.field("attribute")
    return last.text if last is not None else node.text if node.kind == "identifier" else ""


def words_in(name: str) -> list[str]:
    """Return the words of a name, in small letters: ``emitToUser`` has three."""
    return [each.lower() for each in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def name_around(node: Node) -> str:
    """Return the name of the nearest function around that has one."""
    for around in node.ancestors():
        if around.kind not in FUNCTIONS:
            continue
        holder = around if around.field("name") is not None else around.parent
        if holder is None:
            continue
        name = holder.field("name") or holder.field("property") or holder.field("key")
        if name is None and holder.kind == "assignment_expression":
            name = holder.field("left")
        if name is not None:
            return name.text
    return ""
