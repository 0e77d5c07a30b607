"""``expiry-ignored``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.imports import import_edit
from tidegate.review.facts.auth.jwt_checks import Check, connect_checks, message_checks
from tidegate.review.fix import Fix, line_after, suggested
from tidegate.review.model import Function, Gateway, Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Node

RULE = Rule(
    name="expiry-ignored",
    topic="auth",
    severity="medium",
    languages=("typescript", "python"),
    summary="A token's expiry is checked when the client connects, and the socket outlives it.",
    why=(
        "A socket stays open for days. Whoever connected with a token of fifteen minutes keeps "
        "getting events long after it expired, after the account was closed or moved to another "
        "tenant."
    ),
    remedy="Disconnect the socket when `exp` is reached; clients come back with a fresh token.",
    examples=(
        Example(
            "typescript",
            bad="""\
import jwt from 'jsonwebtoken';
import { Server } from 'socket.io';

export function authenticate(io: Server, key: string) {
  io.use((socket, next) => {
    const claims = jwt.verify(socket.handshake.auth.token, key, { algorithms: ['ES256'] });
    socket.data.user = claims.sub;
    next();
  });
  io.on('connection', (socket) => socket.join(`user:${socket.data.user}`));
}
""",
            good="""\
import jwt from 'jsonwebtoken';
import { Server } from 'socket.io';

export function authenticate(io: Server, key: string) {
  io.use((socket, next) => {
    const claims = jwt.verify(socket.handshake.auth.token, key, { algorithms: ['ES256'] });
    const timer = setTimeout(() => socket.disconnect(true), claims.exp * 1000 - Date.now());
    socket.once('disconnect', () => clearTimeout(timer));
    socket.data.user = claims.sub;
    next();
  });
  io.on('connection', (socket) => socket.join(`user:${socket.data.user}`));
}
""",
        ),
        Example(
            "python",
            bad="""\
import jwt
import socketio

sio = socketio.AsyncServer()


@sio.event
async def connect(sid, environ, auth):
    claims = jwt.decode(auth["token"], KEY, algorithms=["ES256"])
    await sio.enter_room(sid, f"user:{claims['sub']}")
""",
            good="""\
import asyncio
import time

import jwt
import socketio

sio = socketio.AsyncServer()


async def disconnect_later(sid, seconds):
    await asyncio.sleep(seconds)
    await sio.disconnect(sid)


@sio.event
async def connect(sid, environ, auth):
    claims = jwt.decode(auth["token"], KEY, algorithms=["ES256"])
    sio.start_background_task(disconnect_later, sid, claims["exp"] - time.time())
    await sio.enter_room(sid, f"user:{claims['sub']}")
""",
        ),
    ),
)

_EXPIRY = re.compile(
    r"\.exp\b|['\"]exp['\"]|\bexp\b\s*[,}:]|expires?_?at\b|\bexpiry|token_?expir(?:y|es|ation)|expireTime",
    re.IGNORECASE,
)
_TIMERS = re.compile(
    r"(?:setTimeout|setInterval|call_later|call_at|start_background_task|create_task|wait_for"
    r"|Cron|SchedulerRegistry)\b"
)
_ENDS = re.compile(r"\bdisconnect\w*\(|\.close\(|verify|expire")


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at gateways that verify a token at the connection, and never think of it again."""
    seen: set[Node] = set()
    for gateway in model.gateways:
        if gateway.framework == "tidegate":
            continue
        checks = connect_checks(model, gateway)
        if not checks or checks[0].place in seen:
            continue
        seen.add(checks[0].place)
        if any(_is_off(each) for each in checks) or _knows_expiry(model, gateway, checks):
            continue
        message = "The socket stays open after the token has expired."
        fix = _fix(gateway, checks[0])
        yield RULE.fault(checks[0].place, message, confidence="likely", fix=fix)


def _is_off(check: Check) -> bool:
    """Tell what is ``jwt-not-verified`` already: the expiry isn't checked at all."""
    return bool(
        re.search(
            r"ignoreExpiration['\"]?\s*:\s*true|verify\w*['\"]?\s*[:=]\s*False",
            check.verification.call.node.text,
        )
    )


def _knows_expiry(model: Model, gateway: Gateway, checks: list[Check]) -> bool:
    if any(True for _ in message_checks(model, gateway)):
        return True  # each message is checked again, which is verified-again-in-handler
    functions: list[Function] = [each.function for each in checks]
    functions += [handler.function for handler in gateway.handlers]
    texts = {gateway.file.text} | {each.file.text for each in functions}
    for function in functions:
        texts |= {each.node.text for each in model.project.reach(function)}
    for text in texts:
        if _EXPIRY.search(text):
            return True
        for timer in _TIMERS.finditer(text):
            if _ENDS.search(text[timer.start() : timer.start() + 400]):
                return True
    return False


# The correction


def _fix(gateway: Gateway, check: Check) -> Fix | None:
    """Return a timer right after the verification, if the claims and the socket have names."""
    node = check.verification.call.node
    claims, socket = _claims(node), _socket(check)
    inner = node.function
    if not claims or not socket or inner is None or check.place != node:
        return None
    if node.file.is_python:
        return _python_fix(gateway, check, claims, socket)
    if not node.file.is_python and node.file.language != "javascript":
        is_open = check.verification.library == "jsonwebtoken" and " as " not in node.parent.text  # type: ignore[union-attr]
        claims = f"({claims} as {{ exp: number }})" if is_open else claims
    delay = f"{claims}.exp{'!' if check.verification.library == 'jose' else ''} * 1000 - Date.now()"
    return suggested(
        line_after(
            node,
            f"const timer = setTimeout(() => {socket}.disconnect(true), {delay});\n"
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
    parameters = check.function.parameters
    if not parameters:
        return ""
    first = next((each for each in parameters if re.search("Socket", each.type)), parameters[0])
    return first.name if re.fullmatch(r"\w+", first.name) else ""
