"""Tokens that a client has once and sends at each connection."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.facts.client.python_clients import PythonClient
from tidegate.review.facts.client.sockets import openings_of
from tidegate.review.facts.client.tokens import (
    SentToken,
    depends_on,
    is_constant,
    is_renewed,
    sent_tokens,
)
from tidegate.review.facts.tokens import is_token_name
from tidegate.review.model import ClientSocket, Model
from tidegate.review.model.client_sockets import Opening
from tidegate.review.source import Call, Node

__all__ = ["assigned", "is_made_anew", "stale_in_python", "stale_tokens"]

_SETTING = re.compile(r"\benviron\b|getenv|\bargs\b|settings|config|input\(", re.IGNORECASE)


def stale_tokens(model: Model, client: ClientSocket) -> Iterator[SentToken]:
    """Yield the tokens in fixed objects that nothing renews."""
    for token in sent_tokens(model, client):
        is_stale = token.is_fixed and not is_constant(model, token.value)
        if is_stale and not is_renewed(model, client):
            yield token


def is_made_anew(model: Model, client: ClientSocket, token: SentToken) -> bool:
    """Tell whether a new token closes the socket and makes another."""
    return any(_is_opened_anew(each, client, token) for each in openings_of(model, client))


def _is_opened_anew(opening: Opening, client: ClientSocket, token: SentToken) -> bool:
    if depends_on(opening, token.value):
        return True
    function = client.function
    if opening.place not in ("method", "call") or function is None:
        return False
    # connect(token) { this.socket?.disconnect(); this.socket = io(…) }
    return any(
        call.node.start < client.call.node.start
        for call in function.calls("disconnect", "close", "destroy", "disconnectSocket")
        if not _is_for_strangers(call)
    )


def _is_for_strangers(call: Call) -> bool:
    """Tell a sign-out, ``if (!token) { socket.disconnect(); return; }``: nothing is opened then."""
    around = call.node.enclosing("if_statement")
    while around is not None:
        if around.find("return_statement"):
            return True
        around = around.enclosing("if_statement")
    return False


# Python


def stale_in_python(client: PythonClient) -> Iterator[SentToken]:
    """Yield the tokens that ``connect(url, auth={…})`` is given."""
    for call in client.connects:
        auth = call.arg(2, "auth")
        if auth is None or auth.kind != "dictionary":
            continue
        for key, value in auth.pairs().items():
            source = assigned(value)
            if not is_token_name(key) or source.kind not in ("call", "await", "attribute"):
                continue
            if not _SETTING.search(source.text):
                yield SentToken(key, value, auth, is_fixed=True)


def assigned(value: Node) -> Node:
    """Return what a variable was set to in the function around; else itself."""
    function = value.function
    if value.kind != "identifier" or function is None:
        return value
    for node in function.find("assignment"):
        left, right = node.field("left"), node.field("right")
        if left is not None and right is not None and left.text == value.text:
            return right
    return value
