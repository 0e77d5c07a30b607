"""``no-connect-error-handler``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.facts.client.listeners import mentions
from tidegate.review.facts.client.python_clients import python_clients
from tidegate.review.facts.client.sockets import is_connected, judged
from tidegate.review.fix import Fix, line_after, suggested
from tidegate.review.model import ClientSocket, Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Node

RULE = Rule(
    name="no-connect-error-handler",
    topic="client",
    severity="medium",
    languages=("typescript", "tsx", "python"),
    summary="Nothing listens for `connect_error` on a client socket.",
    why=(
        "A server that refuses a token answers with `connect_error`, and the client doesn't try "
        "again. Without a listener nobody learns of it: the page looks alive and shows nothing "
        "new, and an expired session is never renewed."
    ),
    remedy="Listen for `connect_error`: if `socket.active` is false, sign in again, then connect.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { io } from 'socket.io-client';

export function connect(url: string, show: (text: string) => void) {
  const socket = io(url);
  socket.on('message', show);
  return socket;
}
""",
            good="""\
import { io } from 'socket.io-client';

export function connect(url: string, show: (text: string) => void) {
  const socket = io(url);
  socket.on('message', show);
  socket.on('connect_error', (error) => show(error.message));
  return socket;
}
""",
        ),
        Example(
            "tsx",
            bad="""\
import { useEffect, useState } from 'react';
import { io } from 'socket.io-client';

export function Orders({ url }: { url: string }) {
  const [count, setCount] = useState(0);
  useEffect(() => {
    const socket = io(url);
    socket.on('order', () => setCount((known) => known + 1));
    return () => {
      socket.disconnect();
    };
  }, [url]);
  return <p>{count}</p>;
}
""",
            good="""\
import { useEffect, useState } from 'react';
import { io } from 'socket.io-client';

export function Orders({ url }: { url: string }) {
  const [count, setCount] = useState(0);
  const [problem, setProblem] = useState('');
  useEffect(() => {
    const socket = io(url);
    socket.on('order', () => setCount((known) => known + 1));
    socket.on('connect_error', (error) => setProblem(error.message));
    return () => {
      socket.disconnect();
    };
  }, [url]);
  return <p>{problem || count}</p>;
}
""",
        ),
        Example(
            "python",
            bad="""\
import socketio

sio = socketio.Client()


@sio.event
def message(data):
    print(data)


sio.connect("https://api.example.com")
sio.wait()
""",
            good="""\
import socketio

sio = socketio.Client()


@sio.event
def message(data):
    print(data)


@sio.event
def connect_error(data):
    print("not connected:", data)


sio.connect("https://api.example.com")
sio.wait()
""",
        ),
    ),
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look for a listener in the package of each client."""
    told: set[tuple[str, str]] = set()
    for client in judged(model):
        place = (client.file.name, client.name)
        if place in told:  # the same socket, made again
            continue
        told.add(place)
        if mentions(model, client, "connect_error") or not is_connected(model, client):
            continue
        if _is_given_away(client):
            yield RULE.could_not_tell(client.call.node, "Who gets the socket is not to be seen.")
            continue
        message = "Nothing listens for `connect_error` on this socket."
        yield RULE.fault(client.call.node, message, fix=_fix(client))
    for each in python_clients(model):
        if not each.listens("connect_error") and each.connects and not each.is_caught:
            message = "Nothing listens for `connect_error` on this client."
            yield RULE.fault(each.call.node, message)


def _is_given_away(client: ClientSocket) -> bool:
    """Tell a library's function that makes sockets for others: ``io(...args)``."""
    return any(each.kind == "spread_element" for each in client.call.args)


def _fix(client: ClientSocket) -> Fix | None:
    """Listen right after the socket is made, where it has a name."""
    node, name = client.call.node, client.name
    if not re.fullmatch(r"(?:this\.)?#?\w+(?:\.(?:current|value))?", name):
        return None
    holder = _statement_that_names(node)
    if holder is None:
        return None
    end = ";" if client.file.text[: node.start].count(";") else ""
    listener = (
        f"{name}.on('connect_error', (error) => {{\n"
        "  // Refused by the server, if socket.active is false: sign in again, then connect().\n"
        f"  console.error('Not connected:', error.message){end}\n"
        f"}}){end}"
    ).replace("socket.active", f"{name}.active")
    if '"' in client.file.text and "'" not in client.file.text:
        listener = listener.replace("'", '"')
    return suggested(line_after(node, listener))


def _statement_that_names(node: Node) -> Node | None:
    """Return the declaration or assignment, right in a block, that a socket is made in."""
    for around in node.ancestors():
        if around.kind in ("lexical_declaration", "variable_declaration", "expression_statement"):
            parent = around.parent
            is_block = parent is not None and parent.kind in (
                *("statement_block", "program", "export_statement"),
            )
            return around if is_block else None
        if around.kind not in (
            *("variable_declarator", "assignment_expression", "as_expression"),
            *("parenthesized_expression", "non_null_expression", "await_expression"),
        ):
            return None
    return None
