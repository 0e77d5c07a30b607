"""What a client socket hears: listeners, and the functions that run for them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.facts.client.sockets import in_package, openings_of
from tidegate.review.model import ClientSocket, Model
from tidegate.review.model.node_sockets import function_of
from tidegate.review.model.socket_names import is_named
from tidegate.review.source import FUNCTIONS, Call, Node, SourceFile

__all__ = ["event_handlers", "listeners", "mentions", "when_lost"]

_LISTENS = ("on", "once", "addListener", "addEventListener")
_OWN = ("connect", "disconnect", "connect_error", "error", "open", "close", "reconnect")
_RECEIVER = re.compile(r"sock|(?:^|\.)_?(?:ws|io|conn\w*|client|s|current|channel)$", re.IGNORECASE)


def listeners(function: Node, event: str = "") -> Iterator[tuple[Call, Node]]:
    """Yield calls that listen to an event, or to any, with what they are given to run."""
    calls = function.file.calls if function == function.file.root else function.calls()
    for call in calls:
        if call.name not in _LISTENS or len(call.args) < 2:
            continue
        if not event or call.args[0].string == event:
            yield call, call.args[1]


def mentions(model: Model, client: ClientSocket, word: str) -> list[Node]:
    """Return where a package names an event, as a string or a key.

    A listener in a file that makes another socket, and listens on that one, is that one's.
    """
    found = []
    mine = {name for each in openings_of(model, client) for name in each.names}
    for file in in_package(model, client.file):
        if word not in file.text:
            continue
        others = [
            name
            for each in model.clients
            if each.file is file and each is not client
            for opening in openings_of(model, each)
            for name in opening.names
        ]
        for node in file.root.find("string", "property_identifier", "template_string"):
            if (node.string or node.text) != word:
                continue
            on = _listened(node)
            is_others = on is not None and is_named(on, frozenset(others))
            if is_others and not (file is client.file and on and is_named(on, frozenset(mine))):
                continue
            found.append(node)
    return found


def _listened(node: Node) -> Node | None:
    holder = node.parent.parent if node.parent is not None else None
    if holder is None or holder.kind != "call_expression":
        return None
    return Call(holder).receiver


# When the connection is lost


def when_lost(model: Model, client: ClientSocket) -> Iterator[tuple[Node, frozenset[str]]]:
    """Yield what runs when the socket could not connect or was closed, with the socket's names.

    Of a plain WebSocket only if a token is near: without one nobody can be refused for it.
    """
    names = frozenset(name for each in openings_of(model, client) for name in each.names)
    if client.kind == "websocket":
        yield from ((each, names) for each in _when_closed(model, client.file, names))
        return
    for file in in_package(model, client.file):
        is_own = file is client.file
        if not is_own and not _imports(model, file, client):
            continue
        mine = names if is_own else frozenset({client.name})
        for event in ("connect_error", "disconnect"):
            for call, given in listeners(file.root, event) if event in file.text else ():
                if call.receiver is not None and is_named(call.receiver, mine):
                    yield from ((each, mine) for each in _functions(model, given))


def _when_closed(model: Model, file: SourceFile, names: frozenset[str]) -> Iterator[Node]:
    if not re.search(r"token|authoriz|auth\b", file.text, re.IGNORECASE):
        return
    for node in file.root.find("assignment_expression"):
        left, right = node.field("left"), node.field("right")
        if left is None or right is None or not left.text.endswith(".onclose"):
            continue
        holder = left.field("object")
        if holder is not None and is_named(holder, names):
            yield from _functions(model, right)
    for call, given in listeners(file.root, "close"):
        if call.receiver is not None and is_named(call.receiver, names):
            yield from _functions(model, given)


def _imports(model: Model, file: SourceFile, client: ClientSocket) -> bool:
    """Tell whether a file imports the socket by its name."""
    if client.function is not None:
        return False
    imported = model.project.imports(file).get(client.name)
    return imported is not None and imported.name in (client.name, "default")


def _functions(model: Model, given: Node) -> Iterator[Node]:
    """Yield the function that a listener is, names, or gets from ``useCallback``."""
    found = function_of(model.project, given)
    if found is not None:
        yield found.node
        return
    for node in given.file.root.find("variable_declarator") if given.kind == "identifier" else ():
        left, value = node.field("name"), node.field("value")
        if left is None or value is None or left.text != given.text:
            continue
        if value.kind == "call_expression" and Call(value).name == "useCallback":
            yield from (arg for arg in Call(value).args[:1] if arg.kind in FUNCTIONS)


# Events


def event_handlers(model: Model, file: SourceFile) -> Iterator[Node]:
    """Yield the functions that run for events of a socket, not for those of its connection."""
    for call, given in listeners(file.root):
        receiver, event = call.receiver, call.args[0].string
        if receiver is None or not _RECEIVER.search(receiver.text) or event in _OWN:
            continue
        yield from _functions(model, given)
    for node in file.root.find("assignment_expression") if ".onmessage" in file.text else ():
        left, right = node.field("left"), node.field("right")
        if left is not None and right is not None and left.text.endswith(".onmessage"):
            yield from _functions(model, right)
