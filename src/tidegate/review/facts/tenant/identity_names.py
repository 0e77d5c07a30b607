"""How tenants and users are called, and what a handler's name says of whose they are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tidegate.review.facts.tenant.expressions import names_in, words_of
from tidegate.review.facts.tenant.following import Visit
from tidegate.review.facts.tenant.sent import Sent, Values
from tidegate.review.source import Node

__all__ = [
    "ACTOR",
    "PEOPLE",
    "ROLE",
    "TENANT",
    "USER",
    "Choice",
    "heard",
    "identities",
    "is_about_others",
    "is_tenant",
    "knows_user",
    "reads_known",
]

_PREFIX = r"(?:http_|x_|current_|auth_|logged_in_|my_|active_|selected_)*"
TENANT = re.compile(
    _PREFIX
    + r"(?:tenant|organi[sz]ation|org|company|workspace)(?:_(?:id|slug|key|name|uuid|code))?"
)
USER = re.compile(
    _PREFIX + r"(?:(?:user|account|profile)(?:_(?:data|info|obj|details))?_(?:id|uuid|uid|email)"
    r"|userid|uid|user_?email)"
)
ACTOR = re.compile(
    r"sender|author|creator|current_user"
    r"|(?:sender|author|creator|caller|from_user|user_from|actor|requester|current_user|logged_in_user"
    r"|sender_user|by_user|initiator)_?(?:id|uuid|user_id|email)"
    r"|(?:from|my)_?(?:user_?)?id|from_user(?:_?name)?|created_by|sent_by|performed_by|updated_by"
)
ROLE = re.compile(
    r"(?:student|driver|rider|customer|employee|bidder|buyer|voter|courier|passenger|worker)_?id"
)
"""Somebody who acts, if nobody else is named; who owns or hosts a thing is often looked at."""
PEOPLE = re.compile(
    r"(?:online|active|connected|waiting|typing|presence)(?:_|$)|_presence$"
    r"|(?:^|_)(?:users|people|participants|members|admins|players|viewers|guests|drivers|students)$"
    r"|(?:^|_)(?:reactions|likes|votes|read_by|seen_by|liked_by)$"
)
_ABOUT_PEOPLE = (
    r"invite|remove|kick|(?:^|_)ban|mute|assign|promote|follow|block"
    r"|presence|profile|call|transfer|friend|approve|reject|grant|admin|member|target|direct"
    r"|private|request|online|track"
    r"|(?<!update_)(?<!send_)(?<!share_)(?<!report_)(?<!driver_)locat"
)
_READS = (
    r"(?:^|_)(?:get|find|fetch|list|search|load|read)(?:_|$)|status|check|lookup|view|watch|notif"
    r"|history"
)
_ABOUT_OTHERS = re.compile(rf"{_ABOUT_PEOPLE}|add|{_READS}")
_ABOUT_PEOPLE_ONLY = re.compile(_ABOUT_PEOPLE)
_OF_THINGS = re.compile(
    r"comment|(?:^|_)likes?(?:_|$)|reaction|vote|review|rating|answer|(?:^|_)bids?(?:_|$)|(?:^|_)cart"
    r"|favou?rite|(?:^|_)star|bookmark|todo|(?:^|_)notes?(?:_|$)|(?:^|_)posts?(?:_|$)|unread|inbox"
    r"|(?:get|fetch|load|list|find|add|read|mark)_(?:my_|all_|user_|chat_)*(?:messages?|chats|conversations|notifications?)"
    r"|notifications?_(?:get|fetch|load|list|read)|(?:add|edit|delete)_message"
)
"""What is done to these, or read of them, is done by the user that is named."""
_KNOWN = re.compile(
    r"^(?:current_|auth_)?user(?:_id)?(?:\.|$)|(?:socket|client)\.(?:data\.)?(?:user|identity|tenant|account|profile|auth|claims)"
    r"|self\.(?:scope\.)?user|(?<!challenge_)(?<!game_)(?<!chat_)session\.|^identity|claims|principal|^me(?:\.|$)|^my_(?:user_)?id$"
)
_SESSION = re.compile(r"get_session\(|verify\w*\(|decode\w*[tT]oken|jwt\.decode")
_SOCKET_ID = re.compile(r"(?:socket|client|request|req)\.s?id|sid")
_BY_SOCKET = re.compile(
    r"\b(?:socket|client)\.(?:id|data)\b|\((?:socket|client)\b|\bsid\b|self\.scope\[.user"
)
_PERSON = re.compile(
    r"user|(?:^|_)me$|(?:^|_)my(?:_|$)|uid|sender|author|account|player|member|profile|current|student"
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
    return TENANT.fullmatch(label) is not None


def identities(values: Values, *, own: bool) -> list[Sent]:
    """Return the tenants and users among values, nearest the top of the file first."""
    found = [
        each
        for each in values
        if TENANT.fullmatch(each.label)
        or ACTOR.fullmatch(each.label)
        or (own and (USER.fullmatch(each.label) or each.label == "email"))
    ]
    return sorted(found, key=lambda each: each.node.start)


def heard(visit: Visit) -> str:
    """Return what a handler hears, in words."""
    return words_of(f"{visit.handler.event or ''} {visit.handler.function.name}")


def is_about_others(words: str) -> bool:
    """Tell whether a name says that somebody else than the client is meant."""
    if _OF_THINGS.search(words):
        return _ABOUT_PEOPLE_ONLY.search(words) is not None
    return _ABOUT_OTHERS.search(words) is not None


def knows_user(visit: Visit) -> bool:
    """Tell whether a handler uses a verified user, so that an id in the payload is another's."""
    return reads_known(visit, visit.flow.function.body)


def reads_known(visit: Visit, node: Node) -> bool:
    """Tell whether an expression reads a verified user."""
    return any(_is_known(visit, path) for path in names_in(node))


def _is_known(visit: Visit, path: str) -> bool:
    head, _, rest = path.partition(".")
    own = f"socket.{rest}" if rest and head == visit.socket and head != "self" else path
    words = ".".join(words_of(part) for part in own.split("."))
    if visit.flow.is_sent(path):
        return False
    return _KNOWN.search(words) is not None or _is_looked_up(visit, head)


def _is_looked_up(visit: Visit, name: str) -> bool:
    """Tell a name that was set by what the socket is: ``me = players[socket.id]``."""
    for node in visit.flow.set_from.get(name, ()):
        if visit.flow.sent(node) or _SOCKET_ID.fullmatch(node.text):
            continue
        if _SESSION.search(node.text):
            return True
        if _BY_SOCKET.search(node.text) and _PERSON.search(words_of(name)):
            return True
    return False
