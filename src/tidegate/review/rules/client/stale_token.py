"""``stale-token``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.facts.client.python_clients import PythonClient, python_clients
from tidegate.review.facts.client.sockets import is_connected, judged, openings_of
from tidegate.review.facts.client.tokens import (
    STORED,
    SentToken,
    depends_on,
    is_constant,
    is_renewed,
    origin,
    sent_tokens,
    tokens_set_once,
)
from tidegate.review.facts.tokens import is_token_name
from tidegate.review.fix import Fix, replaced, suggested
from tidegate.review.model import ClientSocket, Model
from tidegate.review.model.client_sockets import Opening
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Call, Node

RULE = Rule(
    name="stale-token",
    topic="client",
    severity="medium",
    languages=("typescript", "tsx", "python"),
    summary="A client sends the token it once had at each reconnect.",
    why=(
        "An object in `auth` is made once. When the connection is lost an hour later, the client "
        "connects again with the token of then, which has expired: the server refuses it, and "
        "the user is cut off although signed in."
    ),
    remedy="Give `auth` a function: it runs at each connect, and can send the token of now.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { io } from 'socket.io-client';

export function connect(url: string) {
  return io(url, { auth: { token: sessionStorage.getItem('token') } });
}
""",
            good="""\
import { io } from 'socket.io-client';

export function connect(url: string) {
  return io(url, { auth: (send) => send({ token: sessionStorage.getItem('token') }) });
}
""",
        ),
        Example(
            "tsx",
            bad="""\
import { useEffect } from 'react';
import { io } from 'socket.io-client';
import { session } from './session';

export function Orders({ url }: { url: string }) {
  useEffect(() => {
    const socket = io(url, { auth: { token: session.get().token } });
    return () => {
      socket.disconnect();
    };
  }, [url]);
  return <OrderList />;
}
""",
            good="""\
import { useEffect } from 'react';
import { io } from 'socket.io-client';
import { session } from './session';

export function Orders({ url }: { url: string }) {
  useEffect(() => {
    const socket = io(url, { auth: (send) => send({ token: session.get().token }) });
    return () => {
      socket.disconnect();
    };
  }, [url]);
  return <OrderList />;
}
""",
        ),
        Example(
            "python",
            bad="""\
import socketio

sio = socketio.Client()


def start(session):
    sio.connect("https://api.example.com", auth={"token": session.access_token()})
    sio.wait()
""",
            good="""\
import socketio

sio = socketio.Client()


def start(session):
    sio.connect("https://api.example.com", auth=lambda: {"token": session.access_token()})
    sio.wait()
""",
        ),
    ),
)


_SETTING = re.compile(r"\benviron\b|getenv|\bargs\b|settings|config|input\(", re.IGNORECASE)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at the tokens in fixed objects."""
    for client in judged(model):
        if not _reconnects(client.options or {}) or not is_connected(model, client):
            continue
        for token in sent_tokens(model, client):
            if not token.is_fixed or is_constant(model, token.value):
                continue
            if is_renewed(model, client):
                continue
            yield _judge(model, client, token)
        if not is_renewed(model, client):
            for token in tokens_set_once(model, client):
                if not is_constant(model, token.value):
                    message = f"`{token.key}` is set once: each reconnect sends the same."
                    yield RULE.fault(token.value, message, fix=_fix(token))
    for each in python_clients(model):
        yield from _python(each)


def _reconnects(options: dict[str, Node]) -> bool:
    value = options.get("reconnection")
    return value is None or value.text != "false"


def _judge(model: Model, client: ClientSocket, token: SentToken) -> Finding:
    openings = openings_of(model, client)
    if any(_is_made_anew(each, client, token) for each in openings):
        return RULE.could_not_tell(
            token.value, "A new token makes a new socket; the old one may still reconnect."
        )
    message = f"`{token.key}` is read once: each reconnect sends the same."
    return RULE.fault(token.value, message, fix=_fix(token))


def _is_made_anew(opening: Opening, client: ClientSocket, token: SentToken) -> bool:
    """Tell whether a new token closes the socket and makes another."""
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


def _fix(token: SentToken) -> Fix | None:
    """Send what is stored now, or what a function that is to be written returns."""
    auth = token.auth
    if auth is None or "..." in auth.pairs():
        return None
    parts = []
    for key, value in auth.pairs().items():
        text = value.text
        if value == token.value:
            text = _fresh(value)
            if not text:
                return None
        if value.kind == "method_definition":
            return None
        parts.append(key if text == key else f"{key}: {text}")
    return suggested(replaced(auth, f"(send) => send({{ {', '.join(parts)} }})"))


def _fresh(value: Node) -> str:
    """Return an expression for the token of now."""
    source = origin(value)
    if STORED.search(value.text) and "await" not in value.text:
        return value.text
    is_read = source.kind == "call_expression" and not re.match(r"use[A-Z]", Call(source).name)
    if source.kind in ("member_expression", "binary_expression") or is_read:
        if value.kind == "template_string" and source != value:
            name = value.find("identifier")[0].text
            return re.sub(rf"\$\{{\s*{name}\s*\}}", lambda _: f"${{{source.text}}}", value.text)
        if not re.search(r"\bawait\b|\buse[A-Z]", source.text):
            return source.text
    return "getToken() /* to be written: returns the token of now */"


# Python


def _python(client: PythonClient) -> Iterator[Finding]:
    if (flag := client.call.keywords.get("reconnection")) is not None and flag.text == "False":
        return
    for call in client.connects:
        auth = call.arg(2, "auth")
        if auth is None or auth.kind != "dictionary":
            continue
        for key, value in auth.pairs().items():
            source = _assigned(value)
            if not is_token_name(key) or source.kind not in ("call", "await", "attribute"):
                continue
            if _SETTING.search(source.text):
                continue
            message = f"`{key}` is read once: each reconnect sends the same."
            is_plain = source == value and value.kind != "await"
            fix = suggested(replaced(auth, f"lambda: {auth.text}")) if is_plain else None
            yield RULE.fault(value, message, fix=fix)


def _assigned(value: Node) -> Node:
    """Return what a variable was set to in the function around; else itself."""
    function = value.function
    if value.kind != "identifier" or function is None:
        return value
    for node in function.find("assignment"):
        left, right = node.field("left"), node.field("right")
        if left is not None and right is not None and left.text == value.text:
            return right
    return value
