"""``transports-differ``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.transports import (
    DEFAULT,
    as_list,
    for_client,
    is_foreign,
    what_differs,
)
from tidegate.review.facts.transport.servers import list_of, servers
from tidegate.review.fix import suggested, with_entry
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


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Compare what clients try with what all servers of the project offer."""
    offered: set[str] = set()
    is_known = True
    made = servers(model)
    for server in made:
        given = server.options.get("transports")
        listed = DEFAULT if given is None else list_of(model, given)
        is_known = is_known and listed is not None and (given is not None or server.is_complete)
        offered |= set(listed or ())
    if not made or not is_known or set(DEFAULT) <= offered:
        return
    for client in model.clients:
        if not is_foreign(client.url):
            yield from _judge(model, client, offered)
    for call, given in _python_clients(model):
        tried = list_of(model, given) if given is not None else DEFAULT
        message = what_differs(tried, offered, is_default=given is None)
        if message:
            text = as_list(offered, '"')
            arguments = call.node.field("arguments")
            fix = None if arguments is None else with_entry(arguments, "transports", text)
            yield RULE.fault(given or call.node, message, fix=suggested(fix) if fix else None)


def _judge(model: Model, client: ClientSocket, offered: set[str]) -> Iterator[Finding]:
    options = client.options
    if options is None or ("..." in options and "transports" not in options):
        yield RULE.could_not_tell(client.call.node, "The client's options are made elsewhere.")
        return
    given = options.get("transports")
    tried = DEFAULT if given is None else list_of(model, given)
    if tried is None:
        yield RULE.could_not_tell(given or client.call.node, "The transports are made elsewhere.")
        return
    if "tryAllTransports" in options and set(tried) & offered:
        return
    message = what_differs(tried, offered, is_default=given is None)
    if message:
        yield RULE.fault(given or client.call.node, message, fix=for_client(model, client, offered))


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
            if call.name == "connect" and receiver in names and not is_foreign(call.arg(0, "url")):
                yield call, call.keywords.get("transports")
