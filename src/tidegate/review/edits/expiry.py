"""The timer that ends a socket when its token expires, as a correction."""

from __future__ import annotations

import re

from tidegate.review.edits.imports import import_edit
from tidegate.review.facts.auth.jwt_checks import Check
from tidegate.review.fix import Fix, line_after, suggested
from tidegate.review.model import Function, Gateway
from tidegate.review.source import Node

__all__ = ["ending_at_expiry"]

_LONGEST = "2 ** 31 - 1"
"""What a timer of Node can wait for, in milliseconds: one of 25 days would fire at once."""

_SOCKET = re.compile(r"^_?(?:\w*socket|client|sock|conn|connection|ws|sid)$", re.IGNORECASE)


def ending_at_expiry(gateway: Gateway, check: Check) -> Fix | None:
    """Return a timer right after the verification, if the claims and the socket have names."""
    node = check.verification.call.node
    claims, socket = _claims(node), _socket(check)
    inner = node.function
    if not claims or not socket or inner is None or check.place != node:
        return None
    if node.file.is_python:
        return _python_fix(gateway, check, claims, socket)
    if node.file.language != "javascript":
        is_open = check.verification.library == "jsonwebtoken" and " as " not in node.parent.text  # type: ignore[union-attr]
        claims = f"({claims} as {{ exp: number }})" if is_open else claims
    left = f"{claims}.exp{'!' if check.verification.library == 'jose' else ''} * 1000 - Date.now()"
    return suggested(
        line_after(
            node,
            f"const timeLeft = Math.min({left}, {_LONGEST});\n"
            f"const timer = setTimeout(() => {socket}.disconnect(true), timeLeft);\n"
            f"{socket}.once('disconnect', () => clearTimeout(timer));",
        )
    )


def _python_fix(gateway: Gateway, check: Check, claims: str, socket: str) -> Fix | None:
    if not check.function.is_async or check.verification.call.node.function != check.function.node:
        return None
    if gateway.framework == "python-socketio":
        server = next(iter(gateway.servers), "sio")
        end = f"{server}.disconnect({socket})"
    elif gateway.framework == "websocket":
        end = f"{socket}.close(code=1008)"
    else:
        return None
    later = f"lambda: asyncio.ensure_future({end})"
    line = f'asyncio.get_running_loop().call_later({claims}["exp"] - time.time(), {later})'
    file = check.function.file
    missing = [each for each in ("import asyncio", "import time") if each not in file.text]
    imports = import_edit(file, "\n".join(missing)) if missing else []
    return suggested(line_after(check.verification.call.node, line), *imports)


def _claims(node: Node) -> str:
    """Return what the claims are assigned to, as written."""
    for around in node.ancestors():
        if around.kind in ("variable_declarator", "assignment", "assignment_expression"):
            name = around.field("name") or around.field("left")
            if name is None:
                return ""
            if name.kind == "object_pattern":
                return "payload" if re.fullmatch(r"\{\s*payload\s*\}", name.text) else ""
            return name.text
        if around.kind not in (
            "await_expression",
            "await",
            "as_expression",
            "parenthesized_expression",
        ):
            return ""
    return ""


def _socket(check: Check) -> str:
    """Return the name of the client's socket: in the middleware that verifies, or around it."""
    inner = check.verification.call.node.function
    given = Function(inner, "").parameters if inner is not None else []
    for parameters in (given, check.function.parameters):
        named = [each for each in parameters if re.fullmatch(r"\w+", each.name)]
        typed = [each for each in named if re.search("Socket", each.type)]
        likely = [each for each in named if _SOCKET.search(each.name)]
        if typed or likely:
            return (typed or likely)[0].name
    first = next(iter(check.function.parameters), None)
    is_own = inner is None or inner == check.function.node
    return first.name if first is not None and is_own and re.fullmatch(r"\w+", first.name) else ""
