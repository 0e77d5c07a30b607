"""The token that a client sends: where it comes from, whether it may be missing, or grow old."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tidegate.review.facts.client.sockets import in_package
from tidegate.review.facts.tokens import is_token_name
from tidegate.review.model import ClientSocket, Function, Model
from tidegate.review.model.client_sockets import Opening
from tidegate.review.model.react import component_of, declared, effects_of
from tidegate.review.source import FUNCTIONS, Call, Node

__all__ = [
    "STORED",
    "SentToken",
    "depends_on",
    "is_constant",
    "is_given_later",
    "is_guarded",
    "is_renewed",
    "is_set_once",
    "may_be_missing",
    "origin",
    "sent_tokens",
    "tokens_set_once",
]

STORED = re.compile(
    r"(?:local|session)Storage\s*(?:\.getItem\(|\.\w+|\[)|\bCookies?\.get\(|\bgetCookie\(|\bgetItem\("
    r"|AsyncStorage\.getItem\(|SecureStore\.\w+\(|document\.cookie"
)
_SIGNED_IN = (
    r"(?:is)?_?(?:auth\w*|logged\w*|signed\w*|user\w*|session\w*|token\w*|status|me|account)"
)
_RENEWED = re.compile(
    r"(?:^|\.)(?:\w*session\w*|\w*token\w*|\w*jwt\w*|auth|credentials?)(?:$|\.)"
    r"|(?:^|\.)(?:user|me|account|current_?user|auth_?user)$",
    re.IGNORECASE,
)
"""What may be another after a refresh; that somebody is signed in, and an id, stay as they were."""
_RENEWS = re.compile(r"re[-_]?(?:connect|fresh|new|auth|set|try)|update", re.IGNORECASE)
_CONSTANT = re.compile(
    r"\bprocess\.env\b|\bimport\.meta\.env\b|\benv\.\w+|\bconfig\.\w+|[A-Z][A-Z0-9_]+\b(?!\.[a-z])"
)


@dataclass(frozen=True, eq=False)
class SentToken:
    """A token among a client's options.

    Attributes:
        value: The expression that is sent.
        auth: The value of ``auth``; None if it is sent otherwise.
        is_fixed: It is in an object, not in a function that runs at each connect.
    """

    key: str
    value: Node
    auth: Node | None
    is_fixed: bool


def sent_tokens(model: Model, client: ClientSocket) -> Iterator[SentToken]:
    """Yield the tokens that a client sends: in ``auth``, in the address, in headers."""
    options = client.options or {}
    auth = options.get("auth")
    value = model.project.value(auth) if auth is not None else None
    if value is not None and value.kind == "object":
        for key, each in value.pairs().items():
            if is_token_name(key):
                yield SentToken(key, each, value, is_fixed=True)
    elif value is not None and value.kind in FUNCTIONS:
        for literal in value.find("object"):
            for key, each in literal.pairs().items():
                if is_token_name(key):
                    yield SentToken(key, each, value, is_fixed=False)
    for name in ("query", "extraHeaders"):
        given = model.project.value(options.get(name))
        for key, each in given.pairs().items() if given and given.kind == "object" else ():
            if is_token_name(key):
                yield SentToken(key, each, None, is_fixed=False)
    if client.url is not None:
        yield from _in_address(origin(client.url))


def _in_address(url: Node) -> Iterator[SentToken]:
    """Yield ``token`` of ``${url}?token=${token}``."""
    for node in url.find("template_substitution") if url.kind == "template_string" else ():
        before = url.text[: node.start - url.start]
        match = re.search(r"[?&](\w+)=$", before)
        if match and is_token_name(match[1]) and node.children:
            yield SentToken(match[1], node.children[0], None, is_fixed=False)


# Where it comes from


def origin(value: Node) -> Node:
    """Return what a local name was set to in the functions around, or at the top; else itself."""
    name = _name(value)
    if not name:
        return value
    for around in _scopes(value):
        for node in around.find("variable_declarator"):
            left, right = node.field("name"), node.field("value")
            if left is None or right is None or left.text != name:
                continue
            if node.function == (around if around.kind in FUNCTIONS else None):
                return right
    return value


def _scopes(node: Node) -> Iterator[Node]:
    for around in node.ancestors():
        if around.kind in FUNCTIONS:
            yield around
    yield node.file.root


def _name(value: Node) -> str:
    """Return the variable that a token is read from: of ``session?.accessToken``, ``session``."""
    if value.kind == "template_string":
        names = value.find("identifier")
        return names[0].text if len(names) == 1 else ""
    match = re.match(r"[A-Za-z_$][\w$]*", value.text)
    if match is None or value.kind in ("string", "call_expression", "await_expression"):
        return ""
    return match[0]


def is_constant(model: Model, value: Node) -> bool:
    """Tell a token that never changes: a literal, or of the environment."""
    known = model.project.value(origin(value)) or value
    if known.string is not None:
        return True
    return bool(_CONSTANT.match(known.text)) or bool(
        re.match(r"process\.env|import\.meta", value.text)
    )


def may_be_missing(value: Node) -> bool:
    """Tell whether the code shows that there may be no token: storage, ``?.``, a type with null."""
    for each in (value, origin(value)):
        text = each.text
        if STORED.search(text) or re.search(r"\?\.\w", text):
            return True
        if re.search(r"(?:\|\||\?\?)\s*(?:''|\"\"|null|undefined|``)\s*\)?$", text):
            return True
    name = _name(value)
    for around in _scopes(value):
        if around.kind not in FUNCTIONS:
            continue
        for parameter in Function(around, "").parameters:
            if parameter.name == name:
                is_optional = parameter.node.kind == "optional_parameter"
                return is_optional or bool(re.search(r"\b(?:null|undefined)\b", parameter.type))
            if (
                parameter.node.kind != "identifier"
                and name
                and re.search(rf"\b{name}\b", parameter.name)
            ):
                return bool(
                    re.search(
                        rf"\b{name}\s*(?:\?\s*:|:[^;,}}]*\b(?:null|undefined)\b)", parameter.type
                    )
                )
        for node in around.find("array_pattern"):
            if node.children and node.children[0].text == name:
                holder = node.enclosing("variable_declarator")
                made = holder.field("value") if holder is not None else None
                if made is not None and re.fullmatch(
                    r"(?:React\.)?useState\s*(?:<.*>)?\(\s*(?:null|''|\"\"|undefined)?\s*\)",
                    made.text,
                    re.DOTALL,
                ):
                    return True
    return False


def is_guarded(value: Node, call: Call) -> bool:
    """Tell whether the code asks for the token, or for who is signed in, before it connects."""
    name = _name(value)
    asked = rf"\b(?:{re.escape(name)}|{_SIGNED_IN})\b" if name else rf"\b{_SIGNED_IN}\b"
    for around in call.node.ancestors():
        condition = None
        if around.kind in ("if_statement", "ternary_expression", "while_statement"):
            condition = around.field("condition")
        elif around.kind == "binary_expression" and re.search(r"&&", around.text):
            condition = around.field("left")
        if condition is not None and re.search(asked, condition.text, re.IGNORECASE):
            return True
        if around.kind in FUNCTIONS and _returns_early(around, call.node, asked):
            return True
    return False


def _returns_early(function: Node, before: Node, asked: str) -> bool:
    for node in function.find("if_statement"):
        condition = node.field("condition")
        if node.start > before.start or condition is None or node.function != function:
            continue
        if not re.search(asked, condition.text, re.IGNORECASE):
            continue
        if re.search(r"\b(?:return|throw|continue|break)\b", node.text):
            return True
    return False


# Whether it grows old


def is_renewed(model: Model, client: ClientSocket) -> bool:
    """Tell whether code of the package gives the socket a new token: ``socket.auth = …``."""
    return any(
        node is None or (_sets_token(node) and not is_set_once(node))
        for node in _auth_set(model, client)
    )


def _sets_token(node: Node) -> bool:
    """Tell ``socket.auth = …`` and ``socket.auth.token = …`` from ``socket.auth.offset = …``."""
    left = node.field("left")
    match = re.search(r"\.auth(?:\.|\[['\"])(\w+)", left.text) if left is not None else None
    return match is None or is_token_name(match[1])


def is_given_later(model: Model, client: ClientSocket) -> bool:
    """Tell whether code of the package gives the socket its token after it was made."""
    return any(True for _ in _auth_set(model, client))


def _auth_set(model: Model, client: ClientSocket) -> Iterator[Node | None]:
    """Yield where a socket's ``auth`` is assigned; None for ``Object.assign``."""
    for file in in_package(model, client.file):
        if ".auth" not in file.text and ".opts" not in file.text:
            continue
        yield from (each for each in file.root.find("assignment_expression") if _sets_auth(each))
        for call in file.calls:
            if call.path == "Object.assign" and re.search(r"sock\w*!?\.auth", call.node.text):
                yield None


def _sets_auth(node: Node) -> bool:
    left = node.field("left")
    return left is not None and bool(
        re.search(
            r"(?:\w*sock\w*|\bws|\bio|client|conn\w*|current|\bs|\))[!?]*"
            r"(?:\.auth(?:\.\w+|\[.*\])?|\.opts\.(?:auth|query)\S*)$",
            left.text,
            re.IGNORECASE,
        )
    )


def is_set_once(node: Node) -> bool:
    """Tell an assignment that an effect makes as it runs, and that no new token runs again."""
    right, function = node.field("right"), node.function
    if right is None or right.kind != "object" or function is None:
        return False
    component = component_of(node)
    for effect in effects_of(component) if component is not None else []:
        if effect.body == function and effect.is_known and effect.deps is not None:
            used = {each.text for each in right.identifiers()}
            return not any(name in used or _RENEWED.search(name) for name in effect.names)
    return _is_at_a_start(node, function)


def _is_at_a_start(node: Node, function: Node) -> bool:
    """Tell ``s.auth = { token }; s.connect();`` in a function by which the page connects.

    In a listener of the socket, or in a function that one calls, it is for the next attempt.
    """
    left = node.field("left")
    holder = left.field("object") if left is not None else None
    calls = (call for call in function.calls("connect") if call.node.start > node.end)
    if holder is None or not any(
        call.receiver is not None and call.receiver.text == holder.text for call in calls
    ):
        return False
    name = function.field("name")
    if name is None or _RENEWS.search(name.text):
        return False
    listens = rf"\.(?:on|once)\((?:[^;]|;(?!\n\s{{0,2}}\}}))*?\b{re.escape(name.text)}\b"
    return re.search(listens, function.file.text) is None


def tokens_set_once(model: Model, client: ClientSocket) -> Iterator[SentToken]:
    """Yield tokens of ``socket.auth = { token }`` in an effect that runs once.

    If its package has one socket, other files set the token of that.
    """
    files = in_package(model, client.file)
    is_only = sum(each.file in files for each in model.clients) == 1
    for node in (
        each
        for file in (files if is_only else [client.file])
        if ".auth" in file.text
        for each in file.root.find("assignment_expression")
    ):
        right = node.field("right")
        if right is None or not _sets_auth(node) or not is_set_once(node):
            continue
        for key, value in right.pairs().items():
            if is_token_name(key):
                yield SentToken(key, value, right, is_fixed=True)


def depends_on(opening: Opening, value: Node) -> bool:
    """Tell whether the effect (or the memo) makes a new socket when the token changes."""
    names = set(_deps(opening))
    if not names:
        return opening.effect is not None and opening.effect.deps is None
    used = {each.text for each in value.identifiers()}
    used |= {each.text for each in origin(value).identifiers()}
    if not opening.call.node.start <= value.start < opening.call.node.end:  # open(token)
        used |= {each.text for arg in opening.call.args for each in arg.identifiers()}
    roots = {re.split(r"[.\[]", name, maxsplit=1)[0] for name in names}
    return bool(used & (names | roots)) or any(_RENEWED.search(name) for name in names)


def _deps(opening: Opening) -> Iterator[str]:
    """Yield what an opening depends on, through ``useCallback``."""
    component = opening.component
    if component is None:
        return
    waiting = list(opening.effect.names) if opening.effect is not None else []
    if opening.place == "render":
        for around in opening.call.node.ancestors():
            if around.kind == "call_expression" and Call(around).name == "useMemo":
                listed = Call(around).arg(1)
                waiting = [each.text for each in listed.children] if listed is not None else []
    values = declared(component)
    for _ in range(20):
        if not waiting:
            return
        name = waiting.pop()
        yield name
        value = values.get(name)
        if value is not None and value.kind == "call_expression" and len(Call(value).args) > 1:
            waiting += [each.text for each in Call(value).args[1].children]
