"""Rooms that are named by an id and nothing else."""

from __future__ import annotations

import re

from tidegate.review.facts.tenant.room_kinds import words_in
from tidegate.review.facts.tenant.room_names import patterns, values_of
from tidegate.review.model import Model
from tidegate.review.source import Call, Node

__all__ = ["bare_id", "prefixed"]

_IDS = (
    "id|uuid|guid|oid|pk|email|mail|username|sub|phone|address|hash|slug|code|login|handle"
    "|uid|user|tenant"
)
_ROOMS = "room|rooms|channel|group|topic|namespace|key|roomname|broadcast"
_HOLDERS = "data|payload|this|self|body|params|query|dto|args|req|msg|message|info"
_INSERTED = ("template_substitution", "interpolation")
_SOCKETS = re.compile(
    r"(?:^|\.)(?:\w*sock(?:et)?|\w*client|conn|ws)!?\.id$|^sid$|request\.sid$", re.IGNORECASE
)


def bare_id(model: Model, room: Node, depth: int = 0) -> str | None:
    """Return what kind of id alone names a room: ``user`` of ``client.join(userId)``.

    None if there is more to the name, or nothing tells that it is an id.
    """
    room = _unwrapped(room)
    if depth > 3 or patterns(model, room) is not None or _SOCKETS.search(room.text):
        return None
    if room.kind == "identifier":
        values = values_of(room)
        if values is not None and len(values) == 1 and values[0] is not None:
            inner = _unwrapped(values[0])
            if inner.kind in ("identifier", "member_expression", "attribute") and inner != room:
                return bare_id(model, inner, depth + 1)
    if room.kind not in ("identifier", "member_expression", "attribute", "subscript"):
        return None
    if room.file.is_python and (kind := _of_route(room)):
        return kind
    names = re.findall(r"\w+", room.text)
    words = words_in(names[-1]) if names else []
    if not words or not re.fullmatch(_IDS, words[-1]):
        return None
    is_of_topic = words[-1] in ("id", "uuid") and words[-2:-1] == ["channel"]
    if set(words) & set(_ROOMS.split("|")) and not is_of_topic:
        return None
    if len(words) > 1:
        return words[-2]
    if words[0] == "sub":
        return "user"
    holder = words_in(names[-2])[-1:] if len(names) > 1 else []
    if words[0] in ("id", "uuid", "pk", "oid", "guid"):
        return (
            holder[0] if holder and holder[0] not in ("data", "payload", "this", "self") else "id"
        )
    return words[0]


def _of_route(room: Node) -> str | None:
    """Return the kind of a group of Channels that is a part of the address as it is."""
    owner = room.enclosing("class_definition")
    for each in owner.find("assignment") if owner is not None else ():
        left, right = each.field("left"), each.field("right")
        if left is None or right is None or left.text != room.text:
            continue
        key = re.fullmatch(
            r"(?:self\.)?scope\[['\"]url_route['\"]\]\[['\"]kwargs['\"]\](?:\[|\.get\()['\"](\w+)['\"][\])]",
            right.text,
        )
        return words_in(key[1])[0] if key is not None else None
    return None


def prefixed(room: Node, kind: str) -> str:
    """Return the room's name with its kind before it, as code."""
    inner = _unwrapped(room).text
    if room.file.is_python:
        quote = "'" if '"' in inner else '"'
        # The names of Channels' groups have letters, digits, "-", "_" and "." only.
        separator = "_" if "group_" in room.file.text else ":"
        return f"f{quote}{kind}{separator}{{{inner}}}{quote}"
    return f"`{kind}:${{{inner}}}`"


def _unwrapped(node: Node) -> Node:
    """Return what is inside of ``String(x)``, ``x.toString()``, `` `${x}` ``, ``x as string``."""
    for _ in range(4):
        children = node.children
        if node.kind in ("call_expression", "call"):
            call = Call(node)
            if call.name in ("String", "str") and len(call.args) == 1:
                node = call.args[0]
                continue
            if call.name in ("toString", "toHexString") and call.receiver is not None:
                node = call.receiver
                continue
        is_wrapper = node.kind in (
            *("as_expression", "non_null_expression", "parenthesized_expression"),
            *_INSERTED,
        )
        if is_wrapper and children:
            node = children[0]
            continue
        inserted = [
            each for each in children if each.kind in ("template_substitution", "interpolation")
        ]
        if len(inserted) == 1 and re.fullmatch(
            r"f?[`'\"]", node.text.replace(inserted[0].text, "")[:-1]
        ):
            node = inserted[0]
            continue
        break
    return node
