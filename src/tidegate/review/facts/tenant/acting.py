"""Where something is done for a user that the client names: a store, a service, an emit."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.facts.tenant.expressions import entries, inner, path_of, words_of
from tidegate.review.facts.tenant.following import Visit
from tidegate.review.facts.tenant.identity_names import (
    ACTOR,
    PEOPLE,
    ROLE,
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
from tidegate.review.facts.tenant.whole_payloads import sender_of
from tidegate.review.source import Call, Node

__all__ = ["acted"]

_ANSWERS = re.compile(
    r"accept|reject|(?<!submit_)(?<!send_)(?<!save_)answer|cancel|decline|read|seen|deliver|receipt|(?:^|_)end|hang"
)
_MARKS = re.compile(
    r"(?:mark|set|message|chat)\w*_(?:as_)?(?:read|seen)|(?:^|_)(?:read|seen)(?:_|$)"
)
_WRITES = re.compile(r"create|save|insert|emit|send|publish|add")
_WRITES_SQL = re.compile(r"[\"'`]*\s*(?:INSERT\s+INTO|UPDATE)\b", re.IGNORECASE)
_MADE = re.compile(r"(?:[A-Z]\w*)?(?:Create|Message)|Create[A-Z]\w*")
_OWN_MESSAGE = re.compile(r"(?:edit|delete)_message")
_TALKS = re.compile(r"message|chat|conversation")
_READER = re.compile(r"(?:receiver|reciever|recipient|reader|viewer)_?(?:id|email)")
_CHANGES = re.compile(r"_and_(?:update|delete|replace|modify)")
_FINDS = re.compile(
    r"a?get|filter_by|get_object_or_404|find(?:_(?:one|unique|first|by_id|by_pk|one_by|all|many))?"
    r"|(?:get|find|fetch|load)_user(?:_by_id)?"
)
_CREATES = re.compile(r"create|insert|save|new")
_OWNER = re.compile(r"owner_?id")
_NAME = re.compile(r"user_?name")
_STORES = re.compile(r"message|save|send|post|comment|create|receive|chat|edit|delete|update")
_EMITS = ("emit", "send", "group_send", "broadcast")
_CHECKS_TOKEN = re.compile(r"verif|token|jwt|authenticate", re.IGNORECASE)
_OTHERS = re.compile(
    r"(?:recei?ver|recie?ver|recipient|target|other|peer|to|contact|friend)(?:_\w+)?"
)


def acted(visit: Visit, call: Call) -> Iterator[Choice]:
    """Yield the users and tenants of the client in whose name a call does something."""
    yield from _changed(visit, call)
    yield from _looked_up(visit, call)
    yield from _scoped(visit, call)
    if call.name in ("to", "in", "join", "set", "get", "has", "delete"):
        return
    is_sql = bool(call.args) and _WRITES_SQL.match(_query_of(call)) is not None
    is_write = _WRITES.match(words_of(call.name)) or (
        call.file.is_python
        and (_MADE.fullmatch(call.name) or ("..." in call.keywords and call.name[:1].isupper()))
    )
    if visit.came is not None and not is_sql and not is_write:
        return
    if not is_sql and not _does_something(visit, call):
        return
    if reads_known(visit, call.node):
        return
    event = heard(visit)
    is_answer = _ANSWERS.search(event) is not None
    if is_answer and not _is_of_reader(event):
        return  # the sender of what is answered is somebody else
    for sent in sorted(_given(visit, call), key=lambda each: each.node.start):
        if is_answer and ACTOR.fullmatch(sent.label):
            continue
        if sent.source == "payload" or is_tenant(sent.label) or _is_believed(visit, sent):
            yield Choice(sent, call.node, "actor")
    if not is_answer:
        whole = sender_of(visit, call)
        if whole is not None:
            yield Choice(whole, call.node, "actor")


def _is_of_reader(event: str) -> bool:
    """Tell ``mark_read``, where the user is the one who reads, from an answer to a call."""
    return _MARKS.search(event) is not None


def _given(visit: Visit, call: Call) -> set[Sent]:
    address = {"to", "room"} if call.name in ("emit", "send") else set()
    given = [*call.args, *(v for k, v in call.keywords.items() if k not in address)]
    own = _is_own(visit, call)
    found: set[Sent] = set()
    for value in (each for arg in given for each in entries(arg)):
        for values in (visit.flow.sent(value), _fields(visit, value)):
            found.update(identities(values, own=own))
            if call.name in _EMITS:
                found.update(each for each in values if own and _NAME.fullmatch(each.label))
                continue
            found.update(_written_as_actor(visit, call))
            if own and _CREATES.match(words_of(call.name)):
                found.update(each for each in values if _OWNER.fullmatch(each.label))
            if own and _is_of_reader(heard(visit)):
                found.update(each for each in values if _READER.fullmatch(each.label))
            found.update(each for each in values if each.label == "from")
            if own and _is_only_person(visit):
                found.update(each for each in values if ROLE.fullmatch(each.label))
    return found


def _written_as_actor(visit: Visit, call: Call) -> Iterator[Sent]:
    """Yield the user that a record is said to be by: ``{"created_by": data.player_id}``."""
    if not _CREATES.match(words_of(call.name)):
        return
    for arg in call.args:
        made = visit.flow.set_from.get(arg.text, []) if arg.kind == "identifier" else [arg]
        for literal in map(inner, made):
            if literal.kind not in ("object", "dictionary"):
                continue
            for key, value in literal.pairs().items():
                if ACTOR.fullmatch(words_of(key)):
                    yield from (s for s in visit.flow.sent(value) if s.label.endswith("_id"))


def _fields(visit: Visit, node: Node) -> Values:
    """Return what a name holds that was set to a literal: ``doc = {"sender": data["from"]}``."""
    if node.kind != "identifier":
        return frozenset()
    prefix = f"{node.text}."
    names = visit.flow.names.items()
    return frozenset(each for name, v in names if name.startswith(prefix) for each in v)


def _is_own(visit: Visit, call: Call) -> bool:
    """Tell whether a user's id must be the client's own: no other says who acts."""
    event = heard(visit)
    if knows_user(visit):
        return False
    if any(ACTOR.fullmatch(label) for label in _labels(visit)) and not _is_of_reader(event):
        return False
    if visit.handler.kind == "connect" and visit.gateway.framework != "websocket":
        return True  # nobody else can be meant yet
    if _is_of_reader(event):
        return True
    done = words_of(call.name)
    if _MARKS.search(done) or (_OWN_MESSAGE.search(event) and done in ("remove", "delete")):
        return not is_about_others(event)
    return not is_about_others(event if _CHANGES.search(done) else f"{event}|{done}")


def _labels(visit: Visit) -> set[str]:
    """Return what the client's values in a function are called."""
    return {each.label for values in visit.flow.names.values() for each in values}


def _is_only_person(visit: Visit) -> bool:
    """Tell whether one person is named, who then acts: a student, not a student and a teacher."""
    people = {
        label
        for label in _labels(visit)
        if USER.fullmatch(label) or ROLE.fullmatch(label) or _OTHERS.fullmatch(label)
    }
    return len(people) <= 1


def _is_believed(visit: Visit, sent: Sent) -> bool:
    """Tell the user of a query that nobody verifies from one that comes beside a token."""
    if not USER.fullmatch(sent.label) or visit.came is not None:
        return False
    return _CHECKS_TOKEN.search(visit.flow.function.body.text) is None


def _query_of(call: Call) -> str:
    """Return a query as written: the first argument, or the text that a tag stands before."""
    arguments = call.node.field("arguments")
    if arguments is not None and arguments.kind == "template_string":
        return arguments.text[:40]
    return call.args[0].text[:40]


# What it is done with


def _changed(visit: Visit, call: Call) -> Iterator[Choice]:
    """Yield whose entry in a list is looked for, and then changed or taken away."""
    if call.name not in ("find", "findIndex") or call.receiver is None or not call.args:
        return
    holder = words_of(call.receiver.text.rsplit(".", 1)[-1])
    if not PEOPLE.search(holder) or re.match(r"online|active|connected", holder):
        return
    if knows_user(visit) or is_about_others(heard(visit)) or not _is_only_person(visit):
        return
    if not _is_changed(visit, call):
        return
    for node in call.args[0].find("binary_expression"):
        for side in node.children:
            for sent in visit.flow.sent(side):
                if USER.fullmatch(sent.label) or ROLE.fullmatch(sent.label):
                    yield Choice(sent, call.node, "actor")


def _looked_up(visit: Visit, call: Call) -> Iterator[Choice]:
    """Yield who wrote what is stored, if the account is found by what the client says it is."""
    words = f"{heard(visit)}|{words_of(visit.flow.function.name)}"
    if not _FINDS.fullmatch(words_of(call.name)) or not _STORES.search(words):
        return
    if call.name == "get" and not call.path.endswith("objects.get"):
        return  # of a map
    if call.name in ("find", "findAll", "findMany") and not _TALKS.search(words):
        return  # everybody may look at what an author wrote in public
    if _ANSWERS.search(words) or is_about_others(words):
        return
    owner = visit.gateway.owner
    if owner is not None and re.search(r"scope\[.user", owner.node.text):
        return
    if any(knows_user(each) for each, _ in visit.chain(call.node)):
        return
    labels = _labels(visit)
    is_alone = not any(_OTHERS.fullmatch(label) or ACTOR.fullmatch(label) for label in labels)
    is_user = re.search(r"user", words_of(call.path)) is not None
    given = [*call.args, *call.keywords.values()]
    for value in (each for arg in given for each in entries(arg)):
        for sent in visit.flow.sent(value):
            is_own = _NAME.fullmatch(sent.label) or (is_user and USER.fullmatch(sent.label))
            if sent.source == "payload" and (ACTOR.fullmatch(sent.label) or (is_alone and is_own)):
                yield Choice(sent, call.node, "actor")


def _scoped(visit: Visit, call: Call) -> Iterator[Choice]:
    """Yield the tenant whose rows a query reads: ``.where(Order.tenant_id == tenant_id)``."""
    if not call.file.is_python or call.name not in ("filter", "filter_by", "where"):
        return
    if reads_known(visit, call.node):
        return
    compared = [
        side
        for arg in call.args
        for node in (arg, *arg.find("comparison_operator"))
        if node.kind == "comparison_operator" and len(node.children) == 2
        for side in node.children
    ]
    for value in (*compared, *call.keywords.values()):
        for sent in visit.flow.sent(value):
            if is_tenant(sent.label):
                yield Choice(sent, call.node, "actor")


def _is_changed(visit: Visit, call: Call) -> bool:
    body = visit.flow.function.body
    found = inner(call.node)
    around = found.parent
    name = around.field("name") if around is not None else None
    holder = call.receiver.text if call.receiver is not None else ""
    if any(each.name == "splice" and each.path == f"{holder}.splice" for each in body.calls()):
        return True
    for node in body.find("assignment_expression"):
        left = node.field("left")
        text = left.text if left is not None else ""
        path = path_of(left) if left is not None else None
        if text.startswith(f"{holder}[") or (
            name is not None and path is not None and path.startswith(f"{name.text}.")
        ):
            return True
    return False


def _does_something(visit: Visit, call: Call) -> bool:
    """Tell a service, a query and an emit from calls that only look at the value."""
    path = call.path.replace("?.", ".")
    if call.name in _EMITS:
        return True
    if call.file.is_python:
        return bool(
            re.fullmatch(
                r"(?:self\.)?\w*(?:service|repo\w*|crud|db|store|manager|usecase|handler|client)\w*\.\w+",
                path,
            )
            or re.search(r"\.(?:insert|update|replace|delete)_(?:one|many)$", path)
            or re.search(r"objects\.(?:a?create|a?get_or_create|a?update_or_create)$", path)
            or (
                (call.keywords or "**" in call.node.text)
                and re.fullmatch(r"(?:models\.)?[A-Z]\w*[a-z]\w*", path)
            )
            or re.match(
                r"(?:self\.)?_?(?:create|save|add|store|send|update|process|handle|broadcast|room_broadcast|publish|mark|insert|persist)_?\w*$",
                path,
            )
        )
    return bool(
        re.fullmatch(r"this\.\w+\.\w+", path)
        or re.fullmatch(
            r"(?:this\.)?\w*(?:[sS]ervice|[rR]epo\w*|[cC]ontroller|[mM]odel|prisma\.\w+|db\.\w+)"
            r"\.\w+",
            path,
        )
        or re.fullmatch(
            r"[A-Z]\w*\.(?:create|insert\w*|save|findOneAnd\w+|findByIdAnd\w+|update\w*|delete\w*|upsert|bulkCreate)|prisma\.\w+\.\w+",
            path,
        )
        or (
            call.is_new
            and re.fullmatch(
                r"[A-Z]\w*(?:Message|Chat|Notification|Order|Model|Comment|Post)?", path
            )
            and call.name not in ("Date", "Error", "Set", "Map", "RegExp")
        )
        or re.match(
            r"(?:create|save|add|store|send|update|process|handle|broadcast|publish|mark|insert|persist)[A-Z]\w*$",
            path,
        )
    )
