"""What Django Channels routes WebSockets through."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tidegate.review.model import Class, Function, Model
from tidegate.review.source import Node

__all__ = ["Routed", "routed_sockets"]

_SESSION = re.compile(r"\b(?:Auth|Session|Cookie)Middleware(?:Stack)?\b")
_COOKIES = re.compile(r"""\bcookies?\b|['"]session['"]""", re.IGNORECASE)
_SETS_USER = re.compile(r"""scope\[['"]user['"]\]\s*=""")
_KNOWN = ("URLRouter", "AuthMiddlewareStack", "SessionMiddlewareStack", "AuthMiddleware")


@dataclass(frozen=True, eq=False)
class Routed:
    """The application for WebSockets.

    Attributes:
        node: As it is written in the router.
        is_validated: Something looks at the origin.
        is_session: Sessions or other cookies say who connects.
        is_known: All that it is wrapped in was found.
    """

    node: Node
    is_validated: bool
    is_session: bool
    is_known: bool


def routed_sockets(model: Model) -> Iterator[Routed]:
    """Yield what each ``ProtocolTypeRouter({"websocket": …})`` is given."""
    for file in model.files:
        if not file.is_python or "ProtocolTypeRouter" not in file.text:
            continue
        for call in file.calls:
            if call.name != "ProtocolTypeRouter" or not call.args:
                continue
            given = model.project.value(call.args[0])
            entries = given.pairs() if given is not None and given.kind == "dictionary" else {}
            if "websocket" in entries:
                yield _routed(model, entries["websocket"])


def _routed(model: Model, node: Node) -> Routed:
    texts, is_known, seen = [], True, {node}
    waiting = [model.project.value(node) or node]
    for each in waiting:
        texts.append(_code(each))
        for call in each.calls():
            if call.name in _KNOWN or call.name.endswith(("OriginValidator", "path", "as_asgi")):
                continue
            found = model.project.resolve(call.file, call.path)
            if isinstance(found, Class | Function):
                if found.node not in seen:
                    seen.add(found.node)
                    waiting.append(found.node)
            elif each is waiting[0]:
                is_known = False
        for name in each.identifiers() if each is waiting[0] else ():
            value = model.project.value(name)
            if value is not None and value.kind == "call" and value not in seen:
                seen.add(value)
                waiting.append(value)
    text = "\n".join(texts)
    is_validated = "OriginValidator" in text or bool(re.search(r"""['"]origin['"]""", text))
    own = "\n".join(texts[1:])
    is_session = bool(_SESSION.search(text) or _COOKIES.search(own))
    if _SETS_USER.search(own) and not _COOKIES.search(own):
        is_session, is_known = False, False  # a token may decide in the session's place
    return Routed(node, is_validated, is_session, is_known)


def _code(node: Node) -> str:
    """Return a node's text without comments and longer texts, which are documentation."""
    text = re.sub(r'("""|\'\'\').*?\1', "", node.text, flags=re.DOTALL)
    return re.sub(r"#[^\n]*", "", text)
