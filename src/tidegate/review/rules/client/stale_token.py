"""``stale-token``."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.renewing import renewing
from tidegate.review.facts.client.python_clients import python_clients
from tidegate.review.facts.client.sockets import is_connected, judged
from tidegate.review.facts.client.stale import is_made_anew, stale_in_python, stale_tokens
from tidegate.review.facts.client.tokens import (
    SentToken,
    is_constant,
    is_renewed,
    tokens_set_once,
)
from tidegate.review.model import ClientSocket, Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Node

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


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at the tokens in fixed objects."""
    for client in judged(model):
        if not _reconnects(client.options or {}) or not is_connected(model, client):
            continue
        for token in stale_tokens(model, client):
            yield _judge(model, client, token)
        if not is_renewed(model, client):
            for token in tokens_set_once(model, client):
                if not is_constant(model, token.value):
                    message = f"`{token.key}` is set once: each reconnect sends the same."
                    yield RULE.fault(token.value, message, fix=renewing(token))
    for each in python_clients(model):
        flag = each.call.keywords.get("reconnection")
        if flag is not None and flag.text == "False":
            continue
        for token in stale_in_python(each):
            message = f"`{token.key}` is read once: each reconnect sends the same."
            yield RULE.fault(token.value, message, fix=renewing(token))


def _reconnects(options: dict[str, Node]) -> bool:
    value = options.get("reconnection")
    return value is None or value.text != "false"


def _judge(model: Model, client: ClientSocket, token: SentToken) -> Finding:
    if is_made_anew(model, client, token):
        return RULE.could_not_tell(
            token.value, "A new token makes a new socket; the old one may still reconnect."
        )
    message = f"`{token.key}` is read once: each reconnect sends the same."
    return RULE.fault(token.value, message, fix=renewing(token))
