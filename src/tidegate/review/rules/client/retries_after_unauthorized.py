"""``retries-after-unauthorized``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.client import indented
from tidegate.review.facts.client.listeners import when_lost
from tidegate.review.facts.client.python_clients import PythonClient, python_clients
from tidegate.review.facts.client.sockets import judged
from tidegate.review.fix import Fix, replaced, statement, suggested
from tidegate.review.model import ClientSocket, Model
from tidegate.review.model.react import name_of_function
from tidegate.review.model.socket_names import is_named
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import FUNCTIONS, Call, Node

RULE = Rule(
    name="retries-after-unauthorized",
    topic="client",
    severity="medium",
    languages=("typescript", "python"),
    summary="A client connects again whatever the reason was, also when it was refused.",
    why=(
        "Socket.IO stops by itself when a server refuses a token. Code that connects again all "
        "the same asks for ever with a token that can't become valid: every page that was left "
        "open over night then knocks at the server each second."
    ),
    remedy="Connect again only if `socket.active` is true or there is a new token.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { io } from 'socket.io-client';

export function connect(url: string) {
  const socket = io(url);
  socket.on('connect_error', () => {
    setTimeout(() => socket.connect(), 1000);
  });
  return socket;
}
""",
            good="""\
import { io } from 'socket.io-client';

export function connect(url: string, signOut: () => void) {
  const socket = io(url);
  socket.on('connect_error', (error) => {
    if (!socket.active) signOut();
  });
  return socket;
}
""",
        ),
        Example(
            "typescript",
            title="a plain WebSocket with a token",
            bad="""\
export function connect(url: string, token: string) {
  const socket = new WebSocket(url);
  socket.onopen = () => socket.send(JSON.stringify({ token }));
  socket.onclose = () => setTimeout(() => connect(url, token), 1000);
}
""",
            good="""\
export function connect(url: string, token: string) {
  const socket = new WebSocket(url);
  socket.onopen = () => socket.send(JSON.stringify({ token }));
  socket.onclose = (event) => {
    if (event.code === 4401) return;
    setTimeout(() => connect(url, token), 1000);
  };
}
""",
        ),
        Example(
            "python",
            bad="""\
import socketio

sio = socketio.AsyncClient()
URL = "https://api.example.com"


@sio.event
async def connect_error(data):
    await sio.connect(URL)
""",
            good="""\
import socketio

sio = socketio.AsyncClient()
URL = "https://api.example.com"


@sio.event
async def connect_error(data):
    print("refused:", data)
""",
        ),
    ),
)

_REASON = re.compile(
    r"\.(?:active|message|code|reason|data|status|wasClean|type|description|name|statusCode)\b"
    r"|\breason\b|\bcode\b|attempt|retr(?:y|ies)|count|tries|max|token|auth|user|login|logged"
    r"|should|manual|intentional|unmount|mounted|cancel|stopped|destroyed|closed|closing|enabled|alive",
    re.IGNORECASE,
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at what runs when a connection fails or ends."""
    for client in judged(model, plain=True):
        seen: set[Node] = set()
        for handler, names in when_lost(model, client):
            again = _connects_anyhow(model, handler, client, names)
            if again is None or again.node in seen:
                continue
            seen.add(again.node)
            message = "This connects again whatever the reason was."
            yield RULE.fault(again.node, message, fix=_fix(client, handler, again, names))
    for each in python_clients(model):
        yield from _python(each)


def _connects_anyhow(
    model: Model, handler: Node, client: ClientSocket, names: frozenset[str]
) -> Call | None:
    """Return the call that connects again, if nothing around it looks at the reason."""
    makers = {
        name_of_function(around)
        for around in client.call.node.ancestors()
        if around.kind in FUNCTIONS
    } - {""}
    for call in handler.calls():
        receiver = call.receiver
        is_open = call.name in ("connect", "open")
        runs = {call.name} if receiver is None or receiver.text in ("this", "self") else set()
        if call.name in ("setTimeout", "setInterval") and call.args:
            runs.add(re.sub(r"^this\.|\.bind\(this\)$", "", call.args[0].text))
        connects = (receiver is not None and is_open and is_named(receiver, names)) or bool(
            runs & makers or any(_opens(model, handler, name, names) for name in runs)
        )
        if connects and not _looks_first(handler, call.node):
            return call
    return None


def _opens(model: Model, handler: Node, name: str, names: frozenset[str]) -> bool:
    """Tell whether a function of the file does nothing but connect, whatever happened."""
    found = model.project.functions(handler.file).get(name)
    if found is None or found.node == handler:
        return False
    return any(
        call.receiver is not None
        and is_named(call.receiver, names)
        and not _looks_first(found.node, call.node)
        for call in found.node.calls("connect", "open")
    )


def _looks_first(handler: Node, node: Node) -> bool:
    """Tell whether a condition around or before a call asks for the reason."""
    for around in node.ancestors():
        if around.kind in (
            "if_statement",
            "ternary_expression",
            "switch_statement",
            "while_statement",
        ):
            condition = around.field("condition") or around.field("value")
            if condition is None or _REASON.search(condition.text):
                return True
        if around.kind == "binary_expression" and _REASON.search(around.text):
            return True
        if around == handler:
            break
    for each in handler.find("if_statement"):
        if each.start < node.start and re.search(r"\b(?:return|throw)\b", each.text):
            return True
    # A handler that asks elsewhere for a new token tries once for each; that is told apart no more.
    return bool(re.search(r"\brefresh\w*\(", handler.text)) and "await" in handler.text


def _fix(client: ClientSocket, handler: Node, again: Call, names: frozenset[str]) -> Fix | None:
    around = statement(again.node)
    holder = next((each for each in again.node.ancestors() if each == handler), None)
    while holder is not None and around.function is not None and around.function != handler:
        around = statement(around.function)
    body = handler.field("body")
    if body is None or body.kind != "statement_block" or around.parent != body:
        return None
    if client.kind == "websocket":
        return None
    name = again.receiver.text if again.receiver is not None else next(iter(sorted(names)), "")
    name = name.replace("?", "")
    gap = indented(around)
    end = ";" if around.text.endswith(";") else ""
    text = (
        f"// The server refused: sign in again first.\n{gap}if (!{name}.active) return{end}\n{gap}"
    )
    return suggested(replaced(around, text + around.text))


# Python


def _python(client: PythonClient) -> Iterator[Finding]:
    for call in client.connects:
        function = call.node.enclosing("function_definition")
        name = function.field("name") if function is not None else None
        if (
            function is None
            or name is None
            or name.text not in ("connect_error", "on_connect_error")
        ):
            continue
        if call.node.enclosing("if_statement") is None:
            yield RULE.fault(call.node, "This connects again whatever the reason was.")
