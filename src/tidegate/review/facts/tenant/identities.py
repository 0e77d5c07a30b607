"""Names of tenants and users, and where a handler lets a client choose them.

A tenant or a user is chosen by the client when the value makes a room, becomes the socket's own
identity, is what the socket is known by, or is who a message says that it comes from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.facts.tenant.acting import acted
from tidegate.review.facts.tenant.expressions import entries, inner, path_of, words_of
from tidegate.review.facts.tenant.following import Visit
from tidegate.review.facts.tenant.identity_names import (
    PEOPLE,
    TENANT,
    USER,
    Choice,
    heard,
    identities,
    is_about_others,
    is_tenant,
    knows_user,
    reads_known,
)
from tidegate.review.facts.tenant.sent import Sent, Values
from tidegate.review.facts.tenant.targets import emits_of, joins, named_targets
from tidegate.review.model import Model
from tidegate.review.source import Call, Node

__all__ = ["Choice", "choices", "is_tenant"]

_SOCKET = re.compile(r"(?i)\w*(?:sock(?:et)?|client|conn)\w*|self|ws|websocket|session")
_NAME = re.compile(r"(?:user|player)_?name")
_BY_USER = re.compile(r"(?:^|_)users?_?(?:socket|client|connection|sid)")
_IDENTITY_CLASS = re.compile(
    r"^[A-Z]\w*(?:Principal|Identity|Claims|AuthContext|TenantContext|UserContext)$|^CurrentUser$"
)
_ENTERS = ("add", "push", "append", "set")
_LEAVES = ("discard",)
_LOGS = re.compile(r"(?i)\b(?:log\w*|console|print|debug|logging|sentry)\b")


def choices(model: Model, visit: Visit) -> Iterator[Choice]:
    """Yield where a function takes a tenant or a user from the client."""
    for target in joins(visit):
        for sent in identities(target.values, own=True):
            yield Choice(sent, target.node, "room")
    for target in named_targets(model, visit):
        for sent in target.values:
            if is_tenant(sent.label):
                yield Choice(sent, target.node, "room")
    yield from _assigned(visit)
    yield from _kept(visit)
    yield from _preferred(visit)
    known = emits_of(model)
    for call in visit.calls:
        if _LOGS.search(call.path) or _leaves(call):
            continue
        yield from _known(visit, call)
        is_own = call.name in ("emit", "send") and (
            call.node not in known or known[call.node].audience == "self"
        )
        if not is_own:
            yield from acted(visit, call)


# What the socket is


def _assigned(visit: Visit) -> Iterator[Choice]:
    """Yield where a socket, or its session, gets an identity."""
    flow = visit.flow
    for node in flow.function.body.find("assignment_expression", "assignment"):
        left, right = node.field("left"), node.field("right")
        path = path_of(left) if left is not None else None
        if path is None or right is None or "." not in path or flow.is_skipped(node):
            continue
        head, _, rest = path.partition(".")
        if head != visit.socket and not _SOCKET.fullmatch(head):
            continue
        if head == "self" and visit.gateway.framework != "channels":
            continue
        literal = inner(right)
        given = literal.pairs() if literal.kind in ("object", "dictionary") else {rest: right}
        for key, value in given.items():
            if not _is_identity_key(key.split(".")[-1]):
                continue
            for sent in identities(flow.sent(value), own=True):
                yield Choice(sent, node, "identity")
    for call in visit.calls:
        if call.file.is_python and _IDENTITY_CLASS.search(call.name):
            for key, value in call.keywords.items():
                if _is_identity_key(key):
                    for sent in identities(flow.sent(value), own=True):
                        yield Choice(sent, call.node, "identity")
        if call.name == "save_session":
            for arg in call.args[1:2]:
                for value in entries(arg):
                    for sent in identities(flow.sent(value), own=True):
                        yield Choice(sent, call.node, "identity")


def _leaves(call: Call) -> bool:
    """Tell listeners and what ends a socket from a service that lets a user leave."""
    if re.search(r"[sS]ervice\.\w+$", call.path):
        return False
    return re.match(r"on$|once$|.*[lL]eave|remove", call.name) is not None


def _is_identity_key(key: str) -> bool:
    words = words_of(key)
    return bool(
        TENANT.fullmatch(words) or USER.fullmatch(words) or words in ("user", "id", "email", "uid")
    )


def _kept(visit: Visit) -> Iterator[Choice]:
    """Yield the same as an assignment: ``users[userId] = socket.id``, or the other way round."""
    flow = visit.flow
    for node in flow.function.body.find("assignment_expression", "assignment"):
        left, right = node.field("left"), node.field("right")
        if left is None or right is None or flow.is_skipped(node):
            continue
        index = left.field("index") or left.field("subscript")
        if index is None:
            continue
        sides = [*entries(index), *entries(right)]
        if not any(_is_socket(visit, each) for each in sides):
            continue
        for each in sides:
            for sent in identities(flow.sent(each), own=True):
                yield Choice(sent, node, "known")
        for sent in _named(visit, flow.sent(index)):
            yield Choice(sent, node, "known")


def _known(visit: Visit, call: Call) -> Iterator[Choice]:
    """Yield where a socket is kept under a user's name: ``users.set(userId, socket.id)``."""
    given = [value for arg in [*call.args, *call.keywords.values()] for value in entries(arg)]
    given += _keys_of(call)
    if not any(_is_socket(visit, each) for each in given):
        if not _counts_people(visit, call):
            return
    elif not re.match(
        r"set|add|push|append|put|register|connect|join|store|save|track|online|h?set|sadd|insert|mark|user",
        words_of(call.name),
    ):
        return
    for each in given:
        values = visit.flow.sent(each)
        for sent in identities(values, own=True):
            yield Choice(sent, call.node, "known")
        if each in _names_of(visit, call):
            yield from (Choice(sent, call.node, "known") for sent in _named(visit, values))
            if call.receiver is not None and _BY_USER.search(words_of(call.receiver.text)):
                yield from (
                    Choice(sent, call.node, "known") for sent in values if sent.path == ("id",)
                )


def _counts_people(visit: Visit, call: Call) -> bool:
    """Tell ``room.users.add(userId)``: the client enters itself among those who are there."""
    if call.name not in (*_ENTERS, *_LEAVES) or call.receiver is None:
        return False
    holder = words_of(_holder(call.receiver.text))
    return (
        PEOPLE.search(holder) is not None
        and not is_about_others(heard(visit))
        and not knows_user(visit)
    )


def _holder(text: str) -> str:
    """Return the last name of a collection, without keys: ``present`` of ``present[room]``."""
    text = re.sub(r"\[(?:[^\[\]]|\[[^\[\]]*\])*\]|\.(?:get|setdefault)\(.*\)|[!?]", "", text)
    return re.findall(r"\w+", text)[-1] if re.search(r"\w", text) else ""


def _named(visit: Visit, values: Values) -> Iterator[Sent]:
    """Yield the names that a client gives itself, where nothing verified could name it."""
    if not knows_user(visit):
        yield from (each for each in values if _NAME.fullmatch(each.label))


def _names_of(visit: Visit, call: Call) -> list[Node]:
    """Return what a call keeps a socket under; a name beside the socket's id is only shown."""
    if call.name in ("set", "hset", "hSet"):
        return call.args[:1] if len(call.args) == 2 else call.args[1:2]
    if call.name in ("add", "push", "append"):
        return list(_keys_of(call))
    return call.args if visit.gateway.framework == "websocket" else []


def _keys_of(call: Call) -> Iterator[Node]:
    """Yield the key of what a call adds to: ``user`` of ``users[user].add(socket.id)``."""
    if call.receiver is None or call.name not in ("add", "push", "append"):
        return
    node = inner(call.receiver)
    index = node.field("index") or node.field("subscript")
    if index is not None:
        yield index
    elif node.kind in ("call", "call_expression") and Call(node).name in ("get", "setdefault"):
        yield from Call(node).args[:1]


def _preferred(visit: Visit) -> Iterator[Choice]:
    """Yield where the client's word comes before what is known: ``body.userId || user.id``."""
    flow = visit.flow
    if is_about_others(heard(visit)):
        return
    for node in flow.function.body.find("binary_expression", "boolean_operator"):
        operator = node.raw.field("operator")
        if operator is None or operator.text() not in ("||", "??", "or"):
            continue
        if len(node.children) != 2 or flow.is_skipped(node):
            continue
        first, second = node.children
        if inner(first).kind in ("binary_expression", "boolean_operator", "comparison_operator"):
            continue
        if reads_known(visit, second):
            for sent in identities(flow.sent(first), own=True):
                yield Choice(sent, node, "actor")


def _is_socket(visit: Visit, node: Node) -> bool:
    path = path_of(node)
    socket = visit.socket
    if path is None or visit.flow.is_sent(path):
        return False
    return path in (socket, f"{socket}.id", "sid", "request.sid", "self.channel_name") and bool(
        path
    )
