"""``transports-differ``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.facts.transport.servers import list_of, servers
from tidegate.review.fix import Fix, inserted_after, replaced, suggested, with_entry
from tidegate.review.model import Model
from tidegate.review.model.parts import ClientSocket
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Call, Node

_SERVER = """\
import { Server } from 'socket.io';

export const io = new Server(3000, { transports: ['websocket'] });
"""

RULE = Rule(
    name="transports-differ",
    topic="transport",
    severity="low",
    languages=("typescript", "python"),
    summary="A client tries a transport that the server of its project does not offer.",
    why=(
        "A client begins with the first transport of its list, polling by default, and does not "
        "go on to the next when it is refused: it never connects. A transport further down "
        "the list that the server refuses is a way out that does not exist."
    ),
    remedy="Give the client the same list of transports as the server.",
    examples=(
        Example(
            "typescript",
            bad=_SERVER
            + """
import { io as connect } from 'socket.io-client';

export const socket = connect('http://localhost:3000', { auth: { token } });
""",
            good=_SERVER
            + """
import { io as connect } from 'socket.io-client';

export const socket = connect('http://localhost:3000', {
  auth: { token },
  transports: ['websocket'],
});
""",
        ),
        Example(
            "python",
            bad="""\
import socketio

sio = socketio.AsyncServer(transports=["websocket"])
client = socketio.AsyncClient()


async def main():
    await client.connect("http://localhost:8000", transports=["polling"])
""",
            good="""\
import socketio

sio = socketio.AsyncServer(transports=["websocket"])
client = socketio.AsyncClient()


async def main():
    await client.connect("http://localhost:8000", transports=["websocket"])
""",
        ),
    ),
)

_DEFAULT = ["polling", "websocket"]


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Compare what clients try with what all servers of the project offer."""
    offered: set[str] = set()
    is_known = True
    made = servers(model)
    for server in made:
        given = server.options.get("transports")
        listed = _DEFAULT if given is None else list_of(model, given)
        is_known = is_known and listed is not None and (given is not None or server.is_complete)
        offered |= set(listed or ())
    if not made or not is_known or set(_DEFAULT) <= offered:
        return
    for client in model.clients:
        if not _is_foreign(client.url):
            yield from _judge(model, client, offered)
    for call, given in _python_clients(model):
        tried = list_of(model, given) if given is not None else _DEFAULT
        message = _message(tried, offered, is_default=given is None)
        if message:
            text = _as_list(offered, '"')
            arguments = call.node.field("arguments")
            fix = None if arguments is None else with_entry(arguments, "transports", text)
            yield RULE.fault(given or call.node, message, fix=suggested(fix) if fix else None)


def _judge(model: Model, client: ClientSocket, offered: set[str]) -> Iterator[Finding]:
    options = client.options
    if options is None or ("..." in options and "transports" not in options):
        yield RULE.could_not_tell(client.call.node, "The client's options are made elsewhere.")
        return
    given = options.get("transports")
    tried = _DEFAULT if given is None else list_of(model, given)
    if tried is None:
        yield RULE.could_not_tell(given or client.call.node, "The transports are made elsewhere.")
        return
    if "tryAllTransports" in options and set(tried) & offered:
        return
    message = _message(tried, offered, is_default=given is None)
    if message:
        yield RULE.fault(given or client.call.node, message, fix=_fix(model, client, offered))


def _message(tried: list[str] | None, offered: set[str], *, is_default: bool) -> str:
    """Return what is wrong with a list; empty if nothing is."""
    if not tried:
        return ""
    if tried[0] not in offered:
        first = f"{tried[0]}, the default" if is_default else tried[0]
        return f"This client begins with {first}, which the server refuses."
    refused = [each for each in tried if each not in offered and each in _DEFAULT]
    return f"The server refuses {refused[0]}, which is in this list." if refused else ""


def _fix(model: Model, client: ClientSocket, offered: set[str]) -> Fix | None:
    text = _as_list(offered, "'")
    given = (client.options or {}).get("transports")
    if given is not None:
        is_list = given.kind == "array"
        return suggested(replaced(given, text)) if is_list else None
    for arg in client.call.args:
        value = model.project.value(arg)
        if value is not None and value.kind == "object":
            return suggested(with_entry(value, "transports", text))
    if len(client.call.args) == 1:
        return suggested(inserted_after(client.call.args[0], f", {{ transports: {text} }}"))
    return None


def _as_list(offered: set[str], quote: str) -> str:
    return "[" + ", ".join(f"{quote}{each}{quote}" for each in sorted(offered)) + "]"


def _is_foreign(url: Node | None) -> bool:
    """Tell whether an address is surely that of another server."""
    text = url.string if url is not None else None
    return bool(text and re.match(r"(?:https?|wss?)://(?!localhost|127\.|0\.0\.0\.0|\[::1)", text))


def _python_clients(model: Model) -> Iterator[tuple[Call, Node | None]]:
    """Yield ``client.connect(url, transports=[…])`` of python-socketio."""
    for file in model.files:
        if not file.is_python or "socketio" not in file.text or "Client(" not in file.text:
            continue
        if not model.project.imports_from(file, "socketio"):
            continue
        names = {
            left.text
            for each in file.root.find("assignment")
            if (left := each.field("left")) is not None
            and (right := each.field("right")) is not None
            and re.match(r"(?:socketio\.)?(?:Async|Simple)?Client\(", right.text)
        }
        for call in file.calls:
            receiver = call.receiver.text if call.receiver is not None else ""
            if call.name == "connect" and receiver in names and not _is_foreign(call.arg(0, "url")):
                yield call, call.keywords.get("transports")
