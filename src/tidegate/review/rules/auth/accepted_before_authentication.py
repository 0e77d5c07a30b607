"""``accepted-before-authentication``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.facts.auth.authentication import authentication_before
from tidegate.review.facts.auth.connecting import accepts
from tidegate.review.facts.auth.failed_checks import FailedCheck, failed_checks, is_verifying
from tidegate.review.fix import (
    Edit,
    Fix,
    inserted_before,
    line_after,
    removed_line,
    replaced,
    suggested,
)
from tidegate.review.fix import statement as statement_of
from tidegate.review.model import Function, Gateway, Handler, Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import FUNCTIONS, Call, Node

RULE = Rule(
    name="accepted-before-authentication",
    topic="auth",
    severity="high",
    languages=("typescript", "python"),
    summary="A WebSocket is accepted before anybody knows whose it is.",
    why=(
        "Once it is accepted, a stranger holds an open connection. What is registered or sent "
        "before the check reaches it, and if the token comes in a message, it may never come: "
        "without a deadline a few lines of script keep thousands of such connections open."
    ),
    remedy="Check the token before you accept; or give the first message a deadline.",
    examples=(
        Example(
            "python",
            bad="""\
from fastapi import FastAPI, WebSocket

from tokens import verify_token

app = FastAPI()


@app.websocket("/live")
async def live(websocket: WebSocket, token: str = ""):
    await websocket.accept()
    user = verify_token(token)
    if user is None:
        await websocket.close(code=1008)
        return
    await websocket.send_json({"hello": user.name})
""",
            good="""\
from fastapi import FastAPI, WebSocket

from tokens import verify_token

app = FastAPI()


@app.websocket("/live")
async def live(websocket: WebSocket, token: str = ""):
    user = verify_token(token)
    if user is None:
        await websocket.close(code=1008)
        return
    await websocket.accept()
    await websocket.send_json({"hello": user.name})
""",
        ),
        Example(
            "python",
            title="The token comes in the first message",
            file="first_message.py",
            bad="""\
from fastapi import FastAPI, WebSocket

from tokens import verify_token

app = FastAPI()


@app.websocket("/live")
async def live(websocket: WebSocket):
    await websocket.accept()
    hello = await websocket.receive_json()
    if not verify_token(hello["token"]):
        await websocket.close(code=1008)
        return
    await websocket.send_json({"ready": True})
""",
            good="""\
import asyncio

from fastapi import FastAPI, WebSocket

from tokens import verify_token

app = FastAPI()


@app.websocket("/live")
async def live(websocket: WebSocket):
    await websocket.accept()
    try:
        hello = await asyncio.wait_for(websocket.receive_json(), timeout=10)
    except TimeoutError:
        await websocket.close(code=1008)
        return
    if not verify_token(hello["token"]):
        await websocket.close(code=1008)
        return
    await websocket.send_json({"ready": True})
""",
        ),
        Example(
            "typescript",
            bad="""\
import { WebSocketServer } from 'ws';
import { verifyToken } from './tokens';

const wss = new WebSocketServer({ port: 8080 });

wss.on('connection', (ws) => {
  ws.on('message', (data) => {
    const message = JSON.parse(data.toString());
    if (message.type === 'auth' && !verifyToken(message.token)) {
      ws.close(1008, 'Unauthorized');
    }
  });
});
""",
            good="""\
import { WebSocketServer } from 'ws';
import { verifyToken } from './tokens';

const wss = new WebSocketServer({ port: 8080 });

wss.on('connection', (ws) => {
  const deadline = setTimeout(() => ws.close(1008, 'Unauthorized'), 10_000);
  ws.on('message', (data) => {
    const message = JSON.parse(data.toString());
    if (message.type === 'auth') {
      clearTimeout(deadline);
      if (!verifyToken(message.token)) ws.close(1008, 'Unauthorized');
    }
  });
});
""",
        ),
    ),
)

_DEADLINE = re.compile(
    r"wait_for|\btimeout\(|move_on_after|fail_after|async_timeout|call_later|setTimeout|setInterval"
    r"|[dD]eadline|AUTH_TIMEOUT|auth_?[tT]imeout"
)
_REFUSES = re.compile(r"reject|refuse|deny|close|fail|error|kick", re.IGNORECASE)
_MEANT = re.compile(r"accept.{0,80}(?:close|code|reason|reject)", re.IGNORECASE | re.DOTALL)
_SERVES = re.compile(
    r"send\w*|receive\w*|iter_\w+|group_add|broadcast\w*|append|add|register\w*|join\w*|subscribe\w*"
)
_LOGS_IN = re.compile(r"auth|login|identify|token|handshake", re.IGNORECASE)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at what a WebSocket's handler does between accepting and checking."""
    for gateway in model.gateways:
        if gateway.framework == "tidegate":
            continue
        if authentication_before(model, gateway).verdict != "no":
            continue
        for handler in gateway.of_kind("connect"):
            if not gateway.file.is_python:
                yield from _by_message(model, gateway, handler)
            elif gateway.framework in ("websocket", "channels"):
                yield from _judge(model, gateway, handler)


# Python: accept() is a call


def _judge(model: Model, gateway: Gateway, handler: Handler) -> Iterator[Finding]:
    function = handler.function
    accepted = [call for call in accepts(model, function) if not _is_for_refusal(call)]
    checks = _checks(model, function)
    if not accepted:
        return
    accept = accepted[0]
    if not checks:
        if gateway.framework == "channels":
            yield from _by_message(model, gateway, handler, accept)
        return
    first = checks[0]
    if first.start < accept.node.start:
        return
    between = [
        call
        for call in function.calls
        if accept.node.end <= call.node.start < first.start and call.node.function == function.node
    ]
    if any(call.name.startswith(("receive", "iter_")) for call in between) or _receives(
        model, first, function
    ):
        if not any(is_verifying(call) for call in function.calls) and not _receives(
            model, first, function
        ):
            return  # what a message says is checked, and not who sends it
        if not _has_deadline(model, function):
            yield RULE.fault(
                accept.node,
                "The token comes in a message that may never come: there is no deadline.",
                fix=_deadline_fix(between),
            )
        return
    is_served = accept.name != "accept" or any(_SERVES.fullmatch(call.name) for call in between)
    if is_served:
        message = "The client is served before its token is checked."
        yield RULE.fault(accept.node, message, fix=_move(model, function, accept, first))
        return
    if _is_meant(accept):
        yield RULE.could_not_tell(accept.node, "It is accepted so that it can be told why not.")
        return
    yield RULE.fault(
        accept.node,
        "The socket is accepted before its token is checked.",
        confidence="likely",
        severity="medium",
        fix=_move(model, function, accept, first),
    )


def _checks(model: Model, function: Function) -> list[Node]:
    """Return where a function checks who the client is, in order.

    An ``else`` runs for strangers, and the question before it is the check.
    """
    calls = [
        call.node
        for call in function.calls
        if is_verifying(call) and call.node.function == function.node
    ]
    failed = [
        each.around if each.node.kind == "else_clause" else each.node
        for each in failed_checks(model, function)
        if each.node.function == function.node
    ]
    return sorted([*calls, *failed], key=lambda node: node.start)


def _is_for_refusal(call: Call) -> bool:
    """Tell ``accept()`` right before ``close(code)``, by which a refusal gets its code."""
    if call.name != "accept":
        return bool(_REFUSES.search(call.name))
    block = next((each for each in call.node.ancestors() if each.kind == "block"), None)
    if block is None or block.parent is None or block.parent.kind == "function_definition":
        return False
    return any(each.name == "close" and each.node.start > call.node.start for each in block.calls())


def _receives(model: Model, node: Node, function: Function) -> bool:
    """Tell whether a check is a helper that reads the first message itself."""
    if node.kind != "call":
        return any(_receives(model, each.node, function) for each in node.calls())
    target = model.project.target(Call(node), function)
    return target is not None and any(
        call.name.startswith(("receive", "iter_"))
        for each in model.project.reach(target)[:6]
        for call in each.calls
    )


def _has_deadline(model: Model, function: Function) -> bool:
    return any(_DEADLINE.search(each.node.text) for each in model.project.reach(function)[:12])


def _is_meant(accept: Call) -> bool:
    """Tell whether a comment says that a refusal needs the socket to be accepted."""
    file, line = accept.file, accept.node.line
    near = [each.text for each in file.comments if line - 4 <= each.line <= line]
    return bool(_MEANT.search("\n".join(near)))


# Others: the socket is there when the handler begins


def _by_message(
    model: Model, gateway: Gateway, handler: Handler, accept: Call | None = None
) -> Iterator[Finding]:
    """Yield a gateway whose clients show their token in a message, whenever they like."""
    function = handler.function
    if _has_deadline(model, function) or (accept is None and _checks(model, function)):
        return
    logins = [each for each in gateway.of_kind("message") if _is_login(model, gateway, each)]
    if not logins or any(_has_deadline(model, each.function) for each in logins):
        return
    node = accept.node if accept is not None else _node_of(gateway, handler)
    message = "A client shows its token in a message, and may stay as long as it shows none."
    fix = None if gateway.file.is_python else _timer(gateway, handler)
    yield RULE.fault(node, message, confidence="likely", fix=fix)


def _is_login(model: Model, gateway: Gateway, handler: Handler) -> bool:
    is_named = gateway.framework in ("websocket", "channels") or bool(
        _LOGS_IN.search(f"{handler.event or ''} {handler.function.name}")
    )
    return is_named and any(
        is_verifying(call)
        for each in model.project.reach(handler.function)[:6]
        for call in each.calls
    )


def _node_of(gateway: Gateway, handler: Handler) -> Node:
    if gateway.call is not None:
        return gateway.call.node
    return handler.function.node.field("name") or handler.function.node


# Corrections


def _move(model: Model, function: Function, accept: Call, first: Node) -> Fix | None:
    """Return the accepting statement, moved after the check, if that is all it takes."""
    check = next(
        (each for each in failed_checks(model, function) if each.node.start >= first.start), None
    )
    if check is None or not _is_movable(accept, check):
        return None
    return suggested(removed_line(accept.node), line_after(check.around, _code(accept)))


def _is_movable(accept: Call, check: FailedCheck) -> bool:
    holder = statement_of(accept.node)
    if holder.parent is None or check.around.parent != holder.parent:
        return False
    if not check.body.find("return_statement", "raise_statement"):
        return False
    text = check.node.file.text[holder.end : check.around.end]
    return re.search(r"\.(?:send|receive|iter)_?\w*\(|group_add", text) is None


def _code(accept: Call) -> str:
    return statement_of(accept.node).text


def _deadline_fix(between: list[Call]) -> Fix | None:
    """Return the first message with a deadline."""
    received = next((each for each in between if each.name.startswith("receive")), None)
    if received is None:
        return None
    file = received.file
    edits = [replaced(received.node, f"asyncio.wait_for({received.node.text}, timeout=10)")]
    if not re.search(r"^import asyncio\b", file.text, re.MULTILINE):
        edits.append(_import(file.root))
    return suggested(*edits)


def _import(root: Node) -> Edit:
    first = next(
        (
            each
            for each in root.children
            if each.kind in ("import_statement", "import_from_statement")
            and not each.text.startswith("from __future__")
        ),
        root,
    )
    return inserted_before(first, "import asyncio\n")


def _timer(gateway: Gateway, handler: Handler) -> Fix | None:
    """Return a deadline at the begin of the connect handler."""
    body = handler.function.body
    if body.kind != "statement_block" or not body.children or not handler.socket:
        return None
    if handler.function.node.kind not in FUNCTIONS:
        return None
    close = (
        "close(1008, 'Unauthorized')" if gateway.framework == "websocket" else "disconnect(true)"
    )
    first = body.children[0]
    line = gateway.file.text
    indent = line[line.rfind("\n", 0, first.start) + 1 : first.start]
    code = (
        "// Clear this when the client is known.\n"
        f"{indent}const deadline = setTimeout(() => {handler.socket}.{close}, 10_000);\n{indent}"
    )
    return suggested(Edit(body.file.name, first.start, first.start, code))
