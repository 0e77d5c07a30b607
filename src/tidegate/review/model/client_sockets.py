"""Client sockets, and where in a program's life they are opened: at import, in render, in effects.

A socket has an ``Opening`` for each place where running code makes it. That is the call of ``io``
itself, or the calls of the function that makes a new socket each time: ``createSocket(token)``. A
function that keeps one socket for all (``if (!socket) socket = io()``) is not followed: who asks
for a shared socket doesn't own it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tidegate.review.model.declarations import Function
from tidegate.review.model.options import Options, bare, options_in
from tidegate.review.model.parts import ClientSocket
from tidegate.review.model.project import Project
from tidegate.review.model.react import (
    EFFECTS,
    Effect,
    component_of,
    effects_of,
    name_of_function,
)
from tidegate.review.model.socket_names import kept_in, names_of
from tidegate.review.source import FUNCTIONS, Call, Node, SourceFile

__all__ = ["Opening", "Place", "clients", "openings", "options_node", "plain_clients"]

Place = Literal["import", "render", "effect", "method", "call"]
"""When it is opened: as the file loads, while rendering, in an effect, by a class, on a call."""

_CLIENT = "socket.io-client"
_MAKERS = ("io", "connect", "lookup", "default")
_RENDERED = ("useMemo", "useState", "useRef", "useReducer", "useLazyRef", "useSyncExternalStore")
_PASSED_ON = re.compile(
    r"(?:^|\.)(?:then|catch|finally|set(?:Timeout|Interval)|queueMicrotask|forEach|map"
    r"|request\w+|startTransition)$|^Promise$"
)
_MAX_DEPTH = 4


@dataclass(frozen=True, eq=False)
class Opening:
    """A place where a socket is made.

    Attributes:
        call: ``io(…)``, or the call of the function around it.
        names: What code near it calls the socket: ``socket``, ``socketRef.current``, ``this.io``.
        component: The React component or hook around.
        effect: The effect that it runs in.
    """

    call: Call
    place: Place
    names: frozenset[str]
    component: Node | None = None
    effect: Effect | None = None


def clients(project: Project, file: SourceFile) -> list[ClientSocket]:
    """Return the Socket.IO clients that a file makes."""
    is_page = _CLIENT not in file.text and _is_page_script(file)
    found = list[ClientSocket]()
    if _CLIENT not in file.text and not is_page:
        return found
    makers = _makers(project, file)
    for call in file.calls:
        if not (_is_maker(call, makers) or (is_page and call.path in ("io", "io.connect"))):
            continue
        url, options = _arguments(project, call)
        found.append(
            ClientSocket(
                call,
                url,
                options.as_pairs(),
                kept_in(call),
                call.node.function,
                holder=options.holder,
            )
        )
    return found


def plain_clients(project: Project, file: SourceFile) -> list[ClientSocket]:
    """Return what browsers' code makes by ``new WebSocket(url)``."""
    if "WebSocket" not in file.text or project.imports_from(file, "ws", "isows", "undici"):
        return []
    names = ("WebSocket", "window.WebSocket", "globalThis.WebSocket", "ReconnectingWebSocket")
    return [
        ClientSocket(
            call,
            call.args[0] if call.args else None,
            {},
            kept_in(call),
            call.node.function,
            kind="websocket",
        )
        for call in file.calls
        if call.is_new and call.path in names
    ]


def _makers(project: Project, file: SourceFile) -> set[str]:
    """Return the names in a file that stand for the client library or its function."""
    made = {
        name
        for name, each in project.imports(file).items()
        if each.module == _CLIENT or each.module.startswith(f"{_CLIENT}/dist")
        if each.name in ("*", "default", *_MAKERS)
    }
    for node in file.root.find("variable_declarator"):
        name, value = node.field("name"), node.field("value")
        if name is None or value is None:
            continue
        # const { io } = await import('socket.io-client'), const io = require(…).io
        if re.match(r"(?:\(?await\s+import|require)\(\s*['\"]socket\.io-client['\"]", value.text):
            made |= {
                each.text
                for each in name.find("identifier", "shorthand_property_identifier_pattern")
            }
    for call in file.root.calls("then"):  # import('socket.io-client').then(({ io }) => …)
        given = call.args[0] if call.args else None
        if given is None or given.kind not in FUNCTIONS or call.receiver is None:
            continue
        if re.match(r"import\(\s*['\"]socket\.io-client['\"]", call.receiver.text):
            listed = given.field("parameters") or given.field("parameter")
            made |= {each.text for each in listed.identifiers()} if listed is not None else set()
    return made


def _is_maker(call: Call, makers: set[str]) -> bool:
    path = call.path
    cast = re.fullmatch(r"\(\s*(\w+)\s+as\s+\w+\s*\)", path)  # new (ClientIO as any)(…)
    if cast:
        return cast[1] in makers
    if re.match(r"require\(\s*['\"]socket\.io-client['\"]\s*\)(?:\.(?:io|connect))?$", path):
        return True
    head, _, rest = path.partition(".")
    return head in makers and (rest == "" or rest in _MAKERS)


def _is_page_script(file: SourceFile) -> bool:
    """Tell a script of a page, where ``io`` is a global of another script."""
    if not re.search(r"\bio(?:\.connect)?\(", file.text):
        return False
    if re.search(r"\brequire\(|^\s*import\s|\bmodule\.exports\b", file.text, re.MULTILINE):
        return False
    if not re.search(r"\b(?:document|window|location)\s*\.|\$\(", file.text):
        return False
    return not re.search(r"\b(?:function|const|let|var)\s+io\b", file.text)


def _arguments(project: Project, call: Call) -> tuple[Node | None, Options]:
    given = options_node(project, call)
    options = Options()
    if given is not None:
        options = options_in(project, given, _parameters(call))
    first = call.args[0] if call.args else None
    return (None if first is None or first == given else first), options


def options_node(project: Project, call: Call) -> Node | None:
    """Return the argument of ``io(url, options)`` that is the options; None if there are none."""
    if len(call.args) > 1:
        return call.args[1]
    if not call.args:
        return None
    value = bare(call.args[0])
    known = project.value(value) or value
    return value if "object" in (value.kind, known.kind) else None


def _parameters(call: Call) -> frozenset[str]:
    around = call.node.function
    return (
        frozenset(each.name for each in Function(around, "").parameters) if around else frozenset()
    )


# Where it is opened


def openings(project: Project, client: ClientSocket) -> list[Opening]:
    """Return the places where a client socket is made."""
    return list(_openings(project, client.call, 0, set()))


def _openings(project: Project, call: Call, depth: int, seen: set[Node]) -> Iterator[Opening]:
    if call.node in seen or depth > _MAX_DEPTH:
        return
    seen.add(call.node)
    names = names_of(call)
    component = component_of(call.node)
    for around in call.node.ancestors():
        if around.kind in ("public_field_definition", "field_definition"):
            yield Opening(call, "method", names)
            return
        if around.kind not in FUNCTIONS or _runs_at_once(around):
            continue
        holder = _given_to(around)
        if holder is not None and holder.name in EFFECTS and component is not None:
            effect = next(
                (each for each in effects_of(component) if each.call.node == holder.node), None
            )
            yield Opening(call, "effect", names, component, effect)
            return
        if holder is not None and holder.name in _RENDERED and component is not None:
            yield Opening(call, "render", names, component)
            return
        if holder is not None and _PASSED_ON.search(holder.path):
            continue
        if around == component:
            yield Opening(call, "render", names, component)
            return
        if project.owner(call.node) is not None and around.kind == "method_definition":
            yield Opening(call, "method", names)
            return
        yield from _of_function(project, call, around, names, depth, seen)
        return
    yield Opening(call, "import", names)


def _of_function(
    project: Project,
    call: Call,
    function: Node,
    names: frozenset[str],
    depth: int,
    seen: set[Node],
) -> Iterator[Opening]:
    """Yield where a function is called that makes a socket."""
    component = component_of(call.node)
    name = name_of_function(function)
    found = list[Opening]()
    if name and component is not None:
        # A helper of the component: the effect that calls it opens the socket.
        for each in component.calls(name):
            if each.receiver is None and not _is_within(each.node, function):
                found += _openings(project, each, depth + 1, seen)
        for each in component.calls():  # setTimeout(open, 0), ready.then(open)
            if any(arg.text == name for arg in each.args) and _PASSED_ON.search(each.path):
                found += _openings(project, each, depth + 1, seen)
        kept = [each for each in found if each.place in ("effect", "render")]
        yield from (
            Opening(call, each.place, names | each.names, each.component, each.effect)
            for each in kept
        )
        if not kept:
            yield Opening(call, "call", names, component)
        return
    if name and function.function is None and _makes_new(call, function, names):
        for file in project.realtime_files:
            if name not in file.text or file.is_python:
                continue
            target = project.resolve(file, name)
            if not isinstance(target, Function) or target.node != function:
                continue
            for each in file.calls:
                if each.path == name:
                    found += _openings(project, each, depth + 1, seen)
    yield from found
    if not found:
        yield Opening(call, "call", names)


def _makes_new(call: Call, function: Node, names: frozenset[str]) -> bool:
    """Tell a function that returns a new socket each time from one that keeps a socket."""
    own = {
        name.text
        for each in function.find("variable_declarator")
        if (name := each.field("name")) is not None
    }
    if any(name not in own for name in names):
        return False
    body = function.field("body")
    if body is not None and body.kind != "statement_block":
        return True
    returned = [
        each.children[0].text for each in function.find("return_statement") if each.children
    ]
    return any(text in names or call.node.text in text for text in returned)


def _runs_at_once(function: Node) -> bool:
    """Tell a function that is called where it stands: ``(async () => {…})()``."""
    node = function
    parent = node.parent
    while parent is not None and parent.kind == "parenthesized_expression":
        node, parent = parent, parent.parent
    return (
        parent is not None and parent.kind == "call_expression" and parent.field("function") == node
    )


def _given_to(function: Node) -> Call | None:
    """Return the call that has a function among its arguments."""
    parent = function.parent
    if parent is None or parent.kind != "arguments" or parent.parent is None:
        return None
    return Call(parent.parent)


def _is_within(node: Node, function: Node) -> bool:
    return any(around == function for around in node.ancestors())
