"""What rules ask of client sockets: whose code it is, what is heard, what closes them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator

from tidegate.review.model import ClientSocket, Function, Model
from tidegate.review.model.client_sockets import Opening, openings
from tidegate.review.model.declarations import Class
from tidegate.review.model.react import is_react
from tidegate.review.model.socket_names import is_named, normal, root_of
from tidegate.review.source import FUNCTIONS, Call, Node, SourceFile

__all__ = [
    "closes",
    "in_package",
    "is_close",
    "is_connected",
    "is_page",
    "judged",
    "listeners",
    "mentions",
    "openings_of",
    "package_of",
]

_THROWAWAY = re.compile(
    r"(?:^|/)(?:scripts?|bench\w*|load\w*|stress\w*|perf\w*|tools?|k6|artillery|cypress|playwright"
    r"|tests?|testing|fixtures?|stories)/|(?:^|[/._-])(?:load|stress|bench|test|spec|stories)"
    r"[._-]?\w*\.\w+$",
    re.IGNORECASE,
)
_NODE = re.compile(
    r"""^#!|(?:from\s+|require\(\s*)['"](?:node:)?(?:fs|fs/promises|http|https|child_process|net|os"""
    r"""|readline|cluster|worker_threads|express|fastify|koa|commander|yargs|socket\.io|dotenv"""
    r"""|@nestjs/\w[\w-]*)['"]|\bprocess\.(?:argv|exit|stdin|on)\b|\b__dirname\b""",
    re.MULTILINE,
)
_PAGE = re.compile(
    r"\b(?:window|document|localStorage|sessionStorage|navigator)\b|import\.meta\.env"
    r"|process\.env\.(?:NEXT_PUBLIC|REACT_APP|VITE|EXPO_PUBLIC|NUXT|VUE_APP|GATSBY)_"
    r"""|['"]use client['"]|from\s+['"](?:vue|pinia|zustand|@angular/|svelte|solid-js|next/)"""
)
_PAGE_PACKAGES = frozenset(
    {
        *("react", "preact", "vue", "next", "nuxt", "@angular/core", "svelte", "solid-js", "expo"),
        *("react-native", "react-dom", "vite", "gatsby", "ember-source", "lit", "@ionic/core"),
    }
)
_CLOSE = re.compile(r"(?:disconnect|close|destroy|terminate)\w*", re.IGNORECASE)
_CLOSE_LIKE = re.compile(
    r"disconnect|clos|destroy|teardown|tear_down|cleanup|clean|dispos|unsub|stop|leave|release"
    r"|shutdown|terminate|kill|reset|detach|logout|unmount|end",
    re.IGNORECASE,
)
_SOCKET_LIKE = re.compile(
    r"sock|(?:^|\.)_?(?:ws|io|conn\w*|client|s|c)$|\)$|current$", re.IGNORECASE
)


def judged(model: Model, *, plain: bool = False) -> Iterator[ClientSocket]:
    """Yield the client sockets that people use: not those of tests and load scripts.

    Args:
        plain: Also sockets of ``new WebSocket(…)``.
    """
    for client in [*model.clients, *(model.plain_clients if plain else ())]:
        if not _THROWAWAY.search(client.file.name):
            yield client


def openings_of(model: Model, client: ClientSocket) -> list[Opening]:
    """Return where a socket is made, found once."""
    key = f"openings {client.file.name}:{client.call.node.start}"
    if key not in model.found:
        model.found[key] = openings(model.project, client)
    return list(model.found[key])


# Whose code it is


def is_page(model: Model, file: SourceFile) -> bool:
    """Tell code of a page or an app from programs that run on Node."""
    if is_react(file) or file.language == "tsx" or file.name.endswith(".jsx"):
        return True
    if _PAGE.search(file.text):
        return True
    if _NODE.search(file.text):
        return False
    packages = _dependencies(model, file)
    return not packages or bool(packages & _PAGE_PACKAGES) or "socket.io" not in packages


def package_of(model: Model, file: SourceFile) -> str:
    """Return the folder of the nearest ``package.json``; empty for the whole project."""
    folder = os.path.dirname(file.name)
    while folder.strip("/"):
        if _packages(model, folder) is not None:
            return folder
        folder = os.path.dirname(folder)
    return ""


def _dependencies(model: Model, file: SourceFile) -> frozenset[str]:
    return _packages(model, package_of(model, file)) or frozenset()


def _packages(model: Model, folder: str) -> frozenset[str] | None:
    """Return what a folder's ``package.json`` asks for; None if it has none."""
    key = f"packages {folder}"
    if key not in model.found:
        found: frozenset[str] | None = None
        try:
            text = (model.project.root / folder / "package.json").read_text("utf-8", "replace")
            data = json.loads(text)
            kinds = ("dependencies", "devDependencies", "peerDependencies")
            found = frozenset(name for kind in kinds for name in data.get(kind) or ())
        except (OSError, ValueError, AttributeError, TypeError, RecursionError):
            found = (
                found
                if not (model.project.root / folder / "package.json").exists()
                else (frozenset())
            )
        model.found[key] = found
    known: frozenset[str] | None = model.found[key]
    return known


def in_package(model: Model, file: SourceFile) -> list[SourceFile]:
    """Return the realtime files of the package that a file belongs to, itself too."""
    if "package files" not in model.found:
        by_package: dict[str, list[SourceFile]] = {}
        for each in model.files:
            if not each.is_python:
                by_package.setdefault(package_of(model, each), []).append(each)
        model.found["package files"] = by_package
    files: list[SourceFile] = model.found["package files"].get(package_of(model, file), [])
    return files or [file]


def is_connected(model: Model, client: ClientSocket) -> bool:
    """Tell a socket that connects from one that only is made, with ``autoConnect: false``."""
    connects = (client.options or {}).get("autoConnect")
    if connects is None or connects.text == "true":
        return True
    return any(
        call.receiver is not None and _SOCKET_LIKE.search(normal(call.receiver.text))
        for file in in_package(model, client.file)
        if "connect" in file.text or ".open(" in file.text
        for call in file.calls
        if call.name in ("connect", "open")
    )


# What is heard


def listeners(function: Node, event: str = "") -> Iterator[tuple[Call, Node]]:
    """Yield calls that listen to an event, or to any, with what they are given to run."""
    for call in function.calls("on", "once", "addListener", "addEventListener"):
        if len(call.args) < 2:
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


# What closes it


def closes(model: Model, cleanup: Node, names: frozenset[str], depth: int = 0) -> bool | None:
    """Tell whether a cleanup closes a socket; None if what it calls is not to be seen.

    Args:
        cleanup: A function, or what stands for one: ``return disconnect``.
    """
    if cleanup.kind in FUNCTIONS:
        return _any(_closing(model, call, names, depth) for call in cleanup.calls())
    if cleanup.kind in ("identifier", "member_expression"):
        return _named_closes(model, cleanup, names, depth)
    if cleanup.kind == "call_expression":  # return connect(), whose result is the cleanup
        target = _target(model, Call(cleanup))
        if target is None or depth > 2:
            return None
        returned = [each.children[0] for each in target.find("return_statement") if each.children]
        if not returned:
            return False
        return _any(closes(model, each, names, depth + 1) for each in returned)
    return False if cleanup.kind in ("undefined", "null") else None


def is_close(call: Call) -> bool:
    """Tell a call that closes something."""
    return call.receiver is not None and bool(_CLOSE.fullmatch(call.name))


def _closing(model: Model, call: Call, names: frozenset[str], depth: int) -> bool | None:
    receiver = call.receiver
    if receiver is not None and is_named(receiver, names):
        return bool(_CLOSE.fullmatch(call.name))
    is_closing = receiver is not None and bool(_CLOSE.fullmatch(call.name))
    if receiver is not None and is_closing and _SOCKET_LIKE.search(normal(receiver.text)):
        return None if _is_other(receiver, names) else True
    target = _target(model, call) if depth < 3 else None
    if target is not None:
        return _any(_closing(model, each, names, depth + 1) for each in target.calls())
    given = any(is_named(arg, names) for arg in call.args)
    return None if given or _CLOSE_LIKE.search(call.name) else False


def _is_other(receiver: Node, names: frozenset[str]) -> bool:
    """Tell whether this may be another socket: its file knows ours by a plain name."""
    return bool(names) and root_of(normal(receiver.text)) not in {root_of(name) for name in names}


def _named_closes(model: Model, node: Node, names: frozenset[str], depth: int) -> bool | None:
    if node.kind == "member_expression":
        holder, name = node.field("object"), node.field("property")
        if holder is not None and name is not None and is_named(holder, names):
            return bool(_CLOSE.fullmatch(name.text))
        return None
    function = _function_named(model, node)
    if function is None or depth > 2:
        return None
    return _any(_closing(model, each, names, depth + 1) for each in function.calls())


def _target(model: Model, call: Call) -> Node | None:
    """Return the function that a call runs, also one in ``useCallback`` or an object's method."""
    if call.receiver is None:
        callee = call.callee
        return _function_named(model, callee) if callee is not None else None
    found = model.project.target(call)
    return found.node if found is not None else None


def _function_named(model: Model, name: Node) -> Node | None:
    found = model.project.resolve(name.file, name.text)
    if isinstance(found, Function):
        return found.node
    if isinstance(found, Class) or name.kind != "identifier":
        return None
    for each in name.file.root.find("variable_declarator"):
        left, value = each.field("name"), each.field("value")
        if left is None or value is None or left.text != name.text:
            continue
        if value.kind == "call_expression" and Call(value).args:
            first = Call(value).args[0]
            return first if first.kind in FUNCTIONS else None
    return None


def _any(answers: Iterator[bool | None]) -> bool | None:
    """Return True if one is; else None if one can't be known."""
    result: bool | None = False
    for answer in answers:
        if answer:
            return True
        if answer is None:
            result = None
    return result
