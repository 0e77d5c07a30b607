"""Values of a client, where they are read first, and which calls leave them what they are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tidegate.review.facts.tenant.expressions import inner, words_of
from tidegate.review.source import Call, Node

__all__ = [
    "NOTHING",
    "READS",
    "SAME",
    "SAME_METHOD",
    "Names",
    "Sent",
    "Values",
    "is_of_token",
    "is_source",
    "is_verified",
    "source_of",
]

_HANDSHAKE = re.compile(r"(?:.*\.)?handshake(?:\.(query|headers|auth))?")
_HANDSHAKE_PART = re.compile(r"(?:.*\.)?handshake\.(?:query|headers|auth)\b")
_PYTHON_SOURCES = re.compile(
    r"(?:\w+\.)*(?:query_params|path_params)|(?:self\.)?(?:ws|websocket|socket)\.(?:headers|cookies)"
    r"|(?:flask\.)?request\.(?:args|headers|cookies)"
    r"|(?:\w+\.)?scope\.(?:url_route(?:\.kwargs)?|query_string|headers|path)"
)
_REQUEST = re.compile(
    r"\w+\.request\._query|(?:.*\.)?handshake\.url|(?:req|request|upgradeReq|upgradeRequest)\.(?:url|headers)"
)
SAME = re.compile(  # f(value) is the value still
    r"String|Number|parseInt|str|int|UUID|(?:de|en)codeURI\w*|parse|safeParse|parseAsync|loads|dict|list"
    r"|from|set|plainTo\w+|validate|model_validate\w*|parse_obj|parse_raw|parse_qsl?|(?:un)?quote(?:_plus)?"
    r"|cast|deepcopy|structuredClone|slugify|escape|isoparse|validate_python|convert|sanitize\w*|normali[sz]e\w*|sorted|reversed|tuple"
)
SAME_METHOD = re.compile(  # value.f() is the value still
    r"trim|toString|to(?:Lower|Upper)Case|replace(?:All)?|slice|substring|split|r?strip|lower|upper|decode"
    r"|encode|format|at|map|filter|copy|dict|model_dump|concat|values|partition|valueOf|pop|shift|toJSON"
)
_TOKEN = re.compile(
    r"token|jwt|verif|authenticat|get_session|server_?session|cookie|bearer|credential|api_?key",
    re.I,
)
READS = ("get", "pop", "getlist", "getFirst", "get_list")


@dataclass(frozen=True)
class Sent:
    """One value of the client.

    Attributes:
        node: Where it is read.
        path: Its keys in what was sent; of an argument that is itself the value, its name.
        source: The payload of a message, or what came with the connection.
    """

    node: Node
    path: tuple[str, ...]
    source: Literal["payload", "connection"] = "payload"

    @property
    def label(self) -> str:
        """Return what it is called, in words: ``user_id`` for ``data.user.id`` and ``userId``."""
        if not self.path:
            return ""
        last = words_of(self.path[-1])
        if last in ("id", "uuid", "key", "name", "slug", "code") and len(self.path) > 1:
            return f"{words_of(self.path[-2])}_{last}"
        return last

    @property
    def code(self) -> str:
        """Return the code that reads it."""
        return self.node.text


Values = frozenset[Sent]
Names = dict[str, Values]
NOTHING: Values = frozenset()


# Where they come from


def is_source(path: str, *, is_python: bool) -> bool:
    """Tell whether a dotted path begins with a part of the handshake or the request."""
    return (_PYTHON_SOURCES if is_python else _HANDSHAKE_PART).match(path) is not None


def source_of(node: Node, path: str) -> Values | None:
    """Return what a dotted path reads of the handshake or the request; None if it doesn't."""
    if node.file.is_python:
        if _PYTHON_SOURCES.fullmatch(path):
            return frozenset({Sent(node, (), "connection")})
        return None
    match = _HANDSHAKE.fullmatch(path)
    if match is not None:
        return frozenset({Sent(node, () if match[1] else ("handshake",), "connection")})
    if _REQUEST.fullmatch(path):
        return frozenset({Sent(node, (), "connection")})
    return None


# What is none of the client's


def is_of_token(name: str) -> bool:
    """Tell whether a name speaks of a token, a session, or a check of them."""
    return _TOKEN.search(name) is not None


def is_verified(right: Node) -> bool:
    """Tell whether a value comes from a token, a session, or a query by them."""
    node = inner(right)
    if node.kind not in ("call_expression", "call"):
        return False
    call = Call(node)
    if call.name in READS or SAME.fullmatch(call.name):
        return False
    return is_of_token(call.path) or any(is_of_token(arg.text) for arg in call.args[:1])
