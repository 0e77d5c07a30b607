"""Whether a browser's cookies say who a client is, and whether code looks at the origin."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tidegate.review.facts.tokens import server_functions
from tidegate.review.model import Function, Gateway, Model
from tidegate.review.source import Node, SourceFile

__all__ = [
    "cookie_read",
    "functions_of_app",
    "looks_at_origin",
    "origin_middleware",
    "python_reach",
    "session_use",
]

_COOKIE = re.compile(
    r"headers\)?!?(?:\.cookies?\b|\[['\"]cookie['\"]\])"
    r"|\b(?:handshake|request|req|websocket|ws)!?\.(?:cookies|signedCookies|session)\b"
    r"|\bscope\[['\"](?:cookies|session)['\"]\]"
    r"|environ(?:\.get\(|\[)['\"]HTTP_COOKIE['\"]"
)
_READS = ("member_expression", "subscript_expression", "attribute", "subscript", "call")
_ORIGIN = re.compile(r"b?['\"](?:origin|Origin|HTTP_ORIGIN|sec-fetch-site|Sec-Fetch-Site)['\"]")


def functions_of_app(model: Model, app: str) -> list[Function]:
    """Return what runs for the clients of an application, helpers outside of it too."""
    apps = {gateway.app for gateway in model.gateways}
    return [
        function
        for function in server_functions(model)
        if (of := model.app_of(function.file)) == app or of not in apps
    ]


def cookie_read(functions: Iterable[Function]) -> Node | None:
    """Return where functions read a cookie or a session of the request."""
    for function in functions:
        text = function.node.text
        if not re.search(r"cookie|session", text, re.IGNORECASE):
            continue
        for node in function.node.find(*_READS):
            if _COOKIE.search(node.text.replace("?.", ".")) and not _is_written(node):
                return node
        for pattern in function.node.find("shorthand_property_identifier_pattern"):
            if pattern.text in ("cookie", "cookies") and _is_of_headers(pattern):
                return pattern
        for parameter in function.parameters:
            if function.file.is_python and re.search(r"\bCookie\(", parameter.node.text):
                return parameter.node
    return None


def _is_written(node: Node) -> bool:
    parent = node.parent
    if parent is None or parent.kind not in ("assignment_expression", "assignment"):
        return False
    return parent.field("left") == node


def _is_of_headers(pattern: Node) -> bool:
    declarator = pattern.enclosing("variable_declarator")
    value = declarator.field("value") if declarator is not None else None
    return value is not None and bool(re.search(r"headers|handshake|request|req\b", value.text))


def session_use(model: Model, app: str) -> Node | None:
    """Return where sessions of Express are given to a Socket.IO server: ``io.engine.use(…)``."""
    for file in model.files:
        if file.is_python or "ession" not in file.text or model.app_of(file) != app:
            continue
        for call in file.calls:
            if call.name != "use" or call.receiver is None or not call.args:
                continue
            is_socket = re.search(
                r"(?:^|\.)(?:io|engine|nsp|namespace|server)$|\.of\(", call.receiver.text
            )
            is_express = re.search(r"(?:^|\.)app$|router", call.receiver.text)
            names = [each.text for each in call.args[0].identifiers()]
            if is_socket and not is_express and _names_session(names):
                return call.node
    return None


def _names_session(names: list[str]) -> bool:
    return any(re.search(r"session|passport|cookieParser", name, re.IGNORECASE) for name in names)


def looks_at_origin(functions: Iterable[Function]) -> bool:
    """Tell whether functions read where a request comes from."""
    return any(_reads_origin(function.node) for function in functions)


def _reads_origin(node: Node) -> bool:
    if not re.search(r"origin|sec-fetch-site", node.text, re.IGNORECASE):
        return False
    for text in node.find("string"):
        is_key = text.parent is not None and text.parent.kind == "pair"
        if _ORIGIN.fullmatch(text.text) and not is_key:
            return True
    for name in node.find("property_identifier"):
        if name.text == "origin" and name.parent and name.parent.kind == "member_expression":
            return True
    patterns = node.find("shorthand_property_identifier_pattern", "pair_pattern")
    return any(re.match(r"origin\b", each.text) for each in patterns)


def python_reach(model: Model, gateway: Gateway) -> list[Function]:
    """Return what runs for a WebSocket endpoint: its handlers, and what it depends on."""
    found: dict[Node, Function] = {}
    waiting = [handler.function for handler in gateway.handlers]
    for start in waiting:
        for each in model.project.reach(start):
            found.setdefault(each.node, each)
        waiting += [each for each in _depends(model, start) if each.node not in found]
    return list(found.values())


def _depends(model: Model, function: Function) -> Iterator[Function]:
    for parameter in function.parameters:
        for match in re.finditer(r"(?:Depends|Security)\(\s*([\w.]+)", parameter.node.text):
            target = model.project.resolve(function.file, match[1])
            if isinstance(target, Function):
                yield target


def origin_middleware(model: Model, app: str) -> SourceFile | None:
    """Return a file with a middleware that looks at the origin of all requests (Python)."""
    for file in model.project.files.values():
        if not file.is_python or model.app_of(file) != app or "origin" not in file.text.lower():
            continue
        for owner in model.project.classes(file).values():
            call = owner.methods.get("__call__")
            if call is not None and _reads_origin(owner.node):
                return file
    return None
