"""Names of tenants and users, and where a handler lets a client choose them.

A tenant or a user is chosen by the client when the value makes a room, becomes the socket's own
identity, is what the socket is known by, or is who a message says that it comes from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tidegate.review.model import Model
from tidegate.review.rules._client_flow import Sent
from tidegate.review.rules._expressions import inner, names_in, path_of, words_of
from tidegate.review.rules._following import Visit
from tidegate.review.rules._targets import emits_of, joins, named_targets
from tidegate.review.source import Call, Node

__all__ = ["Choice", "choices", "is_tenant"]

_PREFIX = r"(?:http_|x_|current_|auth_|logged_in_|my_|active_|selected_)*"
_TENANT = re.compile(
    _PREFIX + r"(?:tenant|organi[sz]ation|org|company)(?:_(?:id|slug|key|name|uuid|code))?"
)
_USER = re.compile(
    _PREFIX + r"(?:(?:user|account|profile)(?:_(?:data|info|obj|details))?_(?:id|uuid|uid|email)"
    r"|userid|uid|user_?email)"
)
_ACTOR = re.compile(
    r"sender|author|current_user|(?:sender|author|caller|from_user|user_from|actor|requester|current_user|logged_in_user|sender_user|by_user"
    r"|initiator)_(?:id|uuid|user_id)|(?:from|my)_(?:user_)?id|created_by|sent_by|performed_by|updated_by"
)
_PERSON = re.compile(r"user|email|account|uid")
_ABOUT_OTHERS = re.compile(
    r"add|invite|remove|kick|(?:^|_)ban|mute|assign|promote|follow|block|(?:^|_)(?:get|find|fetch|list|search|load|read)(?:_|$)"
    r"|status|presence|profile|call|transfer|check|lookup|view|friend|approve|reject|grant|admin|member|target|direct"
    r"|private|request|online|watch|track|locat|notif|history"
)
_ANSWERS = re.compile(
    r"accept|reject|answer|cancel|decline|read|seen|deliver|receipt|(?:^|_)end|hang"
)
_WRITES = re.compile(r"create|save|insert|emit|send|publish|add")
_WRITES_SQL = re.compile(r"[\"'`]*\s*(?:INSERT\s+INTO|UPDATE)\b", re.IGNORECASE)
_PEOPLE = re.compile(
    r"(?:online|active|connected|waiting|typing)(?:_|$)|(?:^|_)(?:users|people|participants|members|admins|players|viewers|guests|drivers)$"
)
_SOCKET = re.compile(r"(?i)\w*(?:sock(?:et)?|client|conn)\w*|self|ws|websocket|session")
_LOGS = re.compile(r"(?i)\b(?:log\w*|console|print|debug|logging|sentry)\b")
_KNOWN = re.compile(
    r"^(?:current_|auth_)?user(?:_id)?(?:\.|$)|(?:socket|client)\.(?:data\.)?(?:user|identity|tenant|account|profile|auth|claims)"
    r"|self\.(?:scope\.)?user|session\.|^identity|claims|principal"
)


@dataclass(frozen=True, eq=False)
class Choice:
    """One value of the client where a verified one should be.

    Attributes:
        at: Where it is used.
        use: A ``room``; the socket's own ``identity``; what the socket is ``known`` by; the
            ``actor`` that something is done for.
    """

    sent: Sent
    at: Node
    use: Literal["room", "identity", "known", "actor"]


def is_tenant(label: str) -> bool:
    """Tell whether a value is called as tenants are."""
    return _TENANT.fullmatch(label) is not None


def choices(model: Model, visit: Visit) -> Iterator[Choice]:
    """Yield where a function takes a tenant or a user from the client."""
    for target in joins(visit):
        for sent in _identities(target.values, own=True):
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
        if _LOGS.search(call.path) or re.match(r"on$|once$|.*[lL]eave|remove", call.name):
            continue
        yield from _known(visit, call)
        is_own = call.name in ("emit", "send") and (
            call.node not in known or known[call.node].audience == "self"
        )
        if not is_own:
            yield from _acted(visit, call)


def _identities(values: frozenset[Sent], *, own: bool) -> list[Sent]:
    """Return the tenants and users among values, nearest the top of the file first."""
    found = [
        each
        for each in values
        if _TENANT.fullmatch(each.label)
        or _ACTOR.fullmatch(each.label)
        or (own and (_USER.fullmatch(each.label) or each.label == "email"))
    ]
    return sorted(found, key=lambda each: each.node.start)


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
        entries = literal.pairs() if literal.kind in ("object", "dictionary") else {rest: right}
        for key, value in entries.items():
            if not _is_identity_key(key.split(".")[-1]):
                continue
            for sent in _identities(flow.sent(value), own=True):
                yield Choice(sent, node, "identity")
    for call in visit.calls:
        if call.name == "save_session":
            for arg in call.args[1:2]:
                for value in _values(arg):
                    for sent in _identities(flow.sent(value), own=True):
                        yield Choice(sent, call.node, "identity")


def _is_identity_key(key: str) -> bool:
    words = words_of(key)
    return bool(
        _TENANT.fullmatch(words)
        or _USER.fullmatch(words)
        or words in ("user", "id", "email", "uid")
    )


def _values(node: Node) -> Iterator[Node]:
    """Yield an expression, or the entries of a literal, also of one inside."""
    node = inner(node)
    if node.kind in ("object", "dictionary"):
        for key, value in node.pairs().items():
            if key != "...":
                yield from _values(value)
    else:
        yield node


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
        sides = [*_values(index), *_values(right)]
        if not any(_is_socket(visit, each) for each in sides):
            continue
        for each in sides:
            for sent in _identities(flow.sent(each), own=True):
                yield Choice(sent, node, "known")


def _known(visit: Visit, call: Call) -> Iterator[Choice]:
    """Yield where a socket is kept under a user's name: ``users.set(userId, socket.id)``."""
    given = [value for arg in [*call.args, *call.keywords.values()] for value in _values(arg)]
    if not any(_is_socket(visit, each) for each in given) and not _counts_people(visit, call):
        return
    if not re.match(
        r"set|add|push|append|put|register|connect|join|store|save|track|online|h?set|sadd|insert|mark|user",
        words_of(call.name),
    ):
        return
    for each in given:
        for sent in _identities(visit.flow.sent(each), own=True):
            yield Choice(sent, call.node, "known")


def _counts_people(visit: Visit, call: Call) -> bool:
    """Tell ``room.users.add(userId)``: the client enters itself among those who are there."""
    if call.name not in ("add", "push", "append", "set") or call.receiver is None:
        return False
    names = re.findall(r"\w+", call.receiver.text)
    heard = words_of(f"{visit.handler.event or ''} {visit.handler.function.name}")
    return (
        bool(names)
        and _PEOPLE.search(words_of(names[-1])) is not None
        and not _ABOUT_OTHERS.search(heard)
        and not _knows_user(visit)
    )


def _preferred(visit: Visit) -> Iterator[Choice]:
    """Yield where the client's word comes before what is known: ``body.userId || user.id``."""
    flow = visit.flow
    heard = words_of(f"{visit.handler.event or ''} {visit.handler.function.name}")
    if _ABOUT_OTHERS.search(heard):
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
        if any(_is_known(visit, path) for path in names_in(second)):
            for sent in _identities(flow.sent(first), own=True):
                yield Choice(sent, node, "actor")


def _is_socket(visit: Visit, node: Node) -> bool:
    path = path_of(node)
    socket = visit.socket
    if path is None or visit.flow.is_sent(path):
        return False
    return path in (socket, f"{socket}.id", "sid", "request.sid", "self.channel_name") and bool(
        path
    )


# Whom something is done for


def _acted(visit: Visit, call: Call) -> Iterator[Choice]:
    flow = visit.flow
    if call.name in ("to", "in", "join", "set", "get", "has", "delete"):
        return
    is_sql = bool(call.args) and _WRITES_SQL.match(_query_of(call)) is not None
    if visit.came is not None and not is_sql and not _WRITES.match(words_of(call.name)):
        return
    if not is_sql and not _does_something(visit, call):
        return
    if any(_is_known(visit, path) for path in names_in(call.node)):
        return
    address = {"to", "room"} if call.name in ("emit", "send") else set()
    given = [*call.args, *(v for k, v in call.keywords.items() if k not in address)]
    heard = words_of(f"{visit.handler.event or ''} {visit.handler.function.name}")
    if _ANSWERS.search(heard):
        return  # the sender of what is answered is somebody else
    about_others = _ABOUT_OTHERS.search(f"{heard}|{words_of(call.name)}")
    own = not about_others and not _knows_user(visit)
    for value in (each for arg in given for each in _values(arg)):
        for sent in _identities(flow.sent(value), own=own and _is_alone(visit, sent_labels(visit))):
            if sent.source == "payload" or is_tenant(sent.label):
                yield Choice(sent, call.node, "actor")


def _query_of(call: Call) -> str:
    """Return a query as written: the first argument, or the text that a tag stands before."""
    arguments = call.node.field("arguments")
    if arguments is not None and arguments.kind == "template_string":
        return arguments.text[:40]
    return call.args[0].text[:40]


def sent_labels(visit: Visit) -> set[str]:
    """Return what the client's values in a function are called."""
    return {each.label for values in visit.flow.names.values() for each in values}


def _is_alone(visit: Visit, labels: set[str]) -> bool:
    """Tell whether no other value is the one who acts, so that the user's id must be."""
    return not any(_ACTOR.fullmatch(label) for label in labels)


def _does_something(visit: Visit, call: Call) -> bool:
    """Tell a service, a query and an emit from calls that only look at the value."""
    path = call.path.replace("?.", ".")
    if call.name in ("emit", "send", "group_send", "broadcast"):
        return True
    if call.file.is_python:
        return bool(
            re.fullmatch(
                r"(?:self\.)?\w*(?:service|repo\w*|crud|db|store|manager|usecase|handler|client)\w*\.\w+",
                path,
            )
            or re.search(r"objects\.(?:a?create|a?get_or_create)$", path)
            or (bool(call.keywords) and re.fullmatch(r"(?:models\.)?[A-Z]\w*[a-z]\w*", path))
            or re.match(
                r"_?(?:create|save|add|store|send|update|process|handle|broadcast|room_broadcast|publish)_?\w*$",
                path,
            )
        )
    return bool(
        re.fullmatch(r"this\.\w+\.\w+", path)
        or re.fullmatch(
            r"\w*(?:[sS]ervice|[rR]epo\w*|[cC]ontroller|[mM]odel|prisma\.\w+|db\.\w+)\.\w+", path
        )
        or re.fullmatch(
            r"[A-Z]\w*\.(?:create|insert\w*|save|findOneAndUpdate|updateOne)|prisma\.\w+\.\w+", path
        )
        or (
            call.is_new
            and re.fullmatch(
                r"[A-Z]\w*(?:Message|Chat|Notification|Order|Model|Comment|Post)?", path
            )
            and call.name not in ("Date", "Error", "Set", "Map", "RegExp")
        )
        or re.match(
            r"(?:create|save|add|store|send|update|process|handle|broadcast|publish)[A-Z]\w*$", path
        )
    )


def _knows_user(visit: Visit) -> bool:
    """Tell whether a handler uses a verified user, so that an id in the payload is another's."""
    return any(_is_known(visit, path) for path in names_in(visit.flow.function.body))


def _is_known(visit: Visit, path: str) -> bool:
    words = ".".join(words_of(part) for part in path.split("."))
    return _KNOWN.search(words) is not None and not visit.flow.is_sent(path)
