"""``socket-opened-on-import-or-render``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.client import imported, with_option
from tidegate.review.facts.client.sockets import is_page, judged, openings_of
from tidegate.review.fix import Fix, applied, line_after, line_before, replaced, suggested
from tidegate.review.model import ClientSocket, Model
from tidegate.review.model.client_sockets import Opening
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Call

RULE = Rule(
    name="socket-opened-on-import-or-render",
    topic="client",
    severity="medium",
    languages=("typescript", "tsx"),
    summary="A socket is opened by importing a file, or by rendering.",
    why=(
        "An import runs on the server as well, in tests, and before anybody has signed in: the "
        "socket connects without a token, and nobody closes it. React may render a component "
        "more than once, or throw the result away: each time a connection stays open that no "
        "cleanup knows of."
    ),
    remedy="Make the socket with `autoConnect: false`, and connect and disconnect it in an effect.",
    examples=(
        Example(
            "typescript",
            title="on import",
            bad="""\
import { io } from 'socket.io-client';

export const socket = io('https://api.example.com');
""",
            good="""\
import { io } from 'socket.io-client';

export const socket = io('https://api.example.com', { autoConnect: false });
""",
        ),
        Example(
            "tsx",
            title="in render",
            bad="""\
import { useMemo } from 'react';
import { io } from 'socket.io-client';

export function Orders({ url }: { url: string }) {
  const socket = useMemo(() => io(url), [url]);
  return <OrderList socket={socket} />;
}
""",
            good="""\
import { useEffect, useMemo } from 'react';
import { io } from 'socket.io-client';

export function Orders({ url }: { url: string }) {
  const socket = useMemo(() => io(url, { autoConnect: false }), [url]);
  useEffect(() => {
    socket.connect();
    return () => {
      socket.disconnect();
    };
  }, [socket]);
  return <OrderList socket={socket} />;
}
""",
        ),
    ),
)

_EXPORTS = re.compile(r"^\s*export\b|\bmodule\.exports\b|^\s*exports\.", re.MULTILINE)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at where each socket is made."""
    for client in judged(model, plain=True):
        opened = [each for each in openings_of(model, client) if each.place in ("import", "render")]
        opened = [each for each in opened if each.place == "render" or _is_imported(model, each)]
        if not opened and not _is_singleton(model, client):
            continue
        options = client.options or {}
        connects = options.get("autoConnect")
        if connects is not None:
            if connects.text == "true":
                yield _fault(client, opened)
            continue
        if "..." in options:
            yield RULE.could_not_tell(client.call.node, "The options are made elsewhere.")
        else:
            yield _fault(client, opened)


def _fault(client: ClientSocket, opened: list[Opening]) -> Finding:
    if not opened:
        return RULE.fault(
            client.call.node,
            "Importing this file makes the object, and the object opens the socket.",
            confidence="likely",
        )
    first = opened[0]
    if first.place == "render":
        message = "Rendering opens this socket."
        return RULE.fault(client.call.node, message, fix=_fix_render(client, first))
    message = "Importing this file opens the socket."
    return RULE.fault(client.call.node, message, fix=_fix_import(client))


def _is_imported(model: Model, opening: Opening) -> bool:
    """Tell a file that others import, in a page, from a program that is started."""
    file = opening.call.file
    return bool(_EXPORTS.search(file.text)) and is_page(model, file)


def _is_singleton(model: Model, client: ClientSocket) -> bool:
    """Tell a class that opens the socket as it is made, and is made as its file is loaded."""
    owner = model.project.owner(client.call.node)
    if owner is None or not is_page(model, client.file):
        return False
    method = client.call.node.enclosing("method_definition")
    name = method.field("name") if method is not None else None
    if client.function is not None and (name is None or name.text != "constructor"):
        return False
    if not _EXPORTS.search(client.file.text):
        return False
    for call in client.file.calls:
        receiver = call.receiver.text if call.receiver is not None else ""
        is_made = (call.is_new and call.name == owner.name) or (
            receiver == owner.name and re.match(r"(?:get)?_?instance|get|create", call.name, re.I)
        )
        if is_made and call.node.function is None and call.node.enclosing("class_body") is None:
            return True
    return False


# Corrections


def _fix_import(client: ClientSocket) -> Fix | None:
    edit = with_option(client, "autoConnect", "false")
    if edit is None or client.kind == "websocket":
        return None
    note = "// Connect in an effect, or when somebody has signed in: connect()."
    return suggested(line_before(client.call.node, note), edit)


def _fix_render(client: ClientSocket, opening: Opening) -> Fix | None:
    """Make the socket without connecting it, and connect it in an effect."""
    call, component = client.call, opening.component
    name = client.name
    if component is None or client.kind == "websocket" or opening.call is not call:
        return None
    declarator = call.node.enclosing("variable_declarator")
    if declarator is None or declarator.function != component or not re.fullmatch(r"\w+", name):
        return None
    value, target = declarator.field("value"), declarator.field("name")
    edit = with_option(client, "autoConnect", "false")
    if value is None or target is None or edit is None:
        return None
    edits, hooks = [edit], ["useEffect"]
    if value == call.node:
        if client.holder is not None and client.holder.enclosing("call_expression") != call.node:
            return None
        made = applied(call.node.file.text, [edit])[call.node.start :]
        made = made[: len(made) - (len(call.node.file.text) - call.node.end)]
        edits = [replaced(value, f"useState(() => {made})"), replaced(target, f"[{name}]")]
        hooks.append("useState")
    elif value.kind != "call_expression" or Call(value).name not in ("useMemo", "useState"):
        return None
    effect = (
        "useEffect(() => {\n"
        f"  {name}.connect();\n"
        "  return () => {\n"
        f"    {name}.disconnect();\n"
        "  };\n"
        f"}}, [{name}]);"
    )
    return suggested(line_after(call.node, effect), *edits, *imported(call.file, *hooks))
