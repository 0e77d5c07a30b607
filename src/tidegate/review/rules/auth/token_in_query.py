"""``token-in-query``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.model import Function, Gateway, Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Node, SourceFile

RULE = Rule(
    name="token-in-query",
    topic="auth",
    severity="high",
    languages=("typescript", "python"),
    summary="A token travels in the address of the connection.",
    why=(
        "Addresses are written to the logs of servers, proxies and load balancers, to traces "
        "and histories. Whoever reads those has the token, and with it the session, until it "
        "expires."
    ),
    remedy="Take it from `auth` of the Socket.IO handshake, or from the first message.",
    examples=(
        Example(
            "typescript",
            title="server",
            bad="""\
import { Server } from 'socket.io';

export function authenticate(io: Server) {
  io.use((socket, next) => {
    verify(socket.handshake.query.token, next);
  });
}
""",
            good="""\
import { Server } from 'socket.io';

export function authenticate(io: Server) {
  io.use((socket, next) => {
    verify(socket.handshake.auth.token, next);
  });
}
""",
        ),
        Example(
            "typescript",
            title="client",
            bad="""\
import { io } from 'socket.io-client';

export const connect = (token: string) => io('/chat', { query: { token } });
""",
            good="""\
import { io } from 'socket.io-client';

export const connect = (token: () => string) =>
  io('/chat', { auth: (send) => send({ token: token() }) });
""",
        ),
        Example(
            "python",
            bad="""\
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def feed(websocket: WebSocket, token: str):
    user = verify(token)
    await websocket.accept()
    await serve(websocket, user)
""",
            good="""\
import asyncio

from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def feed(websocket: WebSocket):
    await websocket.accept()
    async with asyncio.timeout(5):
        user = verify(await websocket.receive_text())
    await serve(websocket, user)
""",
        ),
    ),
)

_TOKEN = re.compile(
    r"(?:\w*_)?(?:access|auth|id|jwt|bearer|session|user)?_?-?(?:token|jwt)|authorization|api_?key",
    re.I,
)
_NO_TOKEN = re.compile(
    r"csrf|xsrf|push|device|fcm|page|next|cursor|tokens?_?(?:count|type|name)", re.I
)
_IN_URL = re.compile(
    r"[?&](?:access_?|auth_?|id_?|jwt_?|bearer_?)?(?:token|jwt|authorization)=\s*(?:\$?\{|['\"`]\s*(?:\+|\.|$)|%s)",
    re.I,
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at servers that read it there, and at clients that write it there."""
    for file in model.files:
        yield from _python_reads(file) if file.is_python else _node_reads(file)
    for gateway in model.gateways:
        if gateway.framework == "websocket":
            yield from _parameters(model, gateway)
    for client in model.clients:
        query = model.project.value((client.options or {}).get("query"))
        if query is not None and query.kind == "object":
            for key, value in query.pairs().items():
                if is_token(key):
                    yield RULE.fault(value, f"The client sends `{key}` in the address.")
    for file in model.files:
        yield from _urls(file)


def is_token(name: str) -> bool:
    """Tell whether a name is one of a secret that authenticates."""
    return bool(_TOKEN.fullmatch(name)) and not _NO_TOKEN.search(name)


def _node_reads(file: SourceFile) -> Iterator[Finding]:
    for node in file.root.find("member_expression", "subscript_expression"):
        holder = node.field("object")
        name = node.field("property") or node.field("index")
        if holder is None or name is None or not is_token(name.string or name.text):
            continue
        if re.search(r"handshake\??\.query$|\brequest\??\._query$", _plain(holder)):
            yield RULE.fault(node, "The server takes the token from the address.")
    for node in file.root.find("variable_declarator"):
        pattern, value = node.field("name"), node.field("value")
        if pattern is None or value is None or pattern.kind != "object_pattern":
            continue
        if re.search(r"handshake\??\.query!?$", _plain(value)):
            for name in pattern.find(
                "shorthand_property_identifier_pattern", "property_identifier"
            ):
                if is_token(name.text):
                    yield RULE.fault(name, "The server takes the token from the address.")
    for call in file.calls:
        # new URL(request.url).searchParams.get('token'), of a request that becomes a WebSocket
        if call.name != "get" or not call.args or not is_token(call.args[0].string or ""):
            continue
        if re.search(r"searchParams$", call.path.removesuffix(".get")) and _is_upgrade(call.node):
            yield RULE.fault(call.node, "The server takes the token from the address.")


def _is_upgrade(node: Node) -> bool:
    function = node.function
    text = function.text if function is not None else ""
    return bool(re.search(r"handshake|IncomingMessage|handleUpgrade|\bsocket\b", text))


def _python_reads(file: SourceFile) -> Iterator[Finding]:
    for call in file.calls:
        if call.name != "get" or not call.args or not is_token(call.args[0].string or ""):
            continue
        if call.receiver is not None and _is_query(call.receiver):
            yield RULE.fault(call.node, "The server takes the token from the address.")
    for node in file.root.find("subscript"):
        holder, key = node.field("value"), node.field("subscript")
        if holder is None or key is None or not is_token(key.string or ""):
            continue
        if _is_query(holder):
            yield RULE.fault(node, "The server takes the token from the address.")


def _is_query(node: Node) -> bool:
    """Tell whether this is the query of a WebSocket, not of a plain request."""
    text = node.text
    if re.search(r"(?:websocket|\bws|socket|self)\w*\.query_params$", text):
        return True
    if not re.fullmatch(r"\w+|parse_qs\(.*\)", text, re.DOTALL):
        return False
    function = node.function
    made = text if text.startswith("parse_qs") else ""
    for each in function.find("assignment") if function is not None and not made else ():
        left, right = each.field("left"), each.field("right")
        if left is not None and right is not None and left.text == text:
            made = right.text
    if function is None or not made:
        return False
    is_parsed = re.search(r"parse_qsl?\(|query_params|\.args\b", made)
    around = function.text
    is_socket = re.search(r"scope\[['\"]query_string|environ|websocket|query_string", around)
    return bool(is_parsed and is_socket and re.search(r"query", around))


def _parameters(model: Model, gateway: Gateway) -> Iterator[Finding]:
    """Find parameters that FastAPI fills from the query, in an endpoint and its dependencies."""
    function = gateway.handlers[0].function
    path = gateway.namespace or ""
    if not model.project.imports_from(function.file, "fastapi"):
        return
    waiting, seen = [function], {function.node}
    while waiting:
        each = waiting.pop()
        for parameter in each.parameters:
            default = parameter.default.text if parameter.default is not None else ""
            text = f"{parameter.type} {default}"
            depends = re.search(r"Depends\((\w+)\)", text)
            if depends:
                target = model.project.resolve(each.file, depends[1])
                if isinstance(target, Function) and target.node not in seen:
                    seen.add(target.node)
                    waiting.append(target)
                continue
            if not is_token(parameter.name) or f"{{{parameter.name}" in path:
                continue
            is_query = "Query(" in text or not re.search(
                r"Header|Cookie|Body|Security|Depends", text
            )
            is_plain = re.match(
                r"(?:str|Annotated\[\s*(?:str|Union|Optional)|Optional\[str|Union\[str|$)",
                parameter.type.strip(),
            )
            if is_query and is_plain:
                message = f"FastAPI takes `{parameter.name}` from the address."
                yield RULE.fault(parameter.node, message)


def _urls(file: SourceFile) -> Iterator[Finding]:
    """Find addresses of WebSockets that are built with a token."""
    names = (
        "WebSocket",
        "io",
        "connect",
        "ReconnectingWebSocket",
        "create_connection",
        "useWebSocket",
    )
    for call in file.calls:
        if call.name not in names or not call.args:
            continue
        if call.name in ("connect",) and not re.search(r"websocket|socketio|sio\b", call.path):
            continue
        first = call.args[0]
        address = first
        if first.kind == "identifier":
            address = _local(first) or first
        if _IN_URL.search(address.text):
            yield RULE.fault(call.node, "The client puts the token into the address.")


def _local(name: Node) -> Node | None:
    """Return what a local name was set to, in the functions around."""
    for around in [
        each
        for each in name.ancestors()
        if each.function is None or each.kind.endswith(("function", "definition", "declaration"))
    ]:
        for each in around.find("variable_declarator", "assignment"):
            left = each.field("name") or each.field("left")
            if left is not None and left.text == name.text:
                return each.field("value") or each.field("right")
    return None


def _plain(node: Node) -> str:
    text = node.text
    while text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    text = re.sub(r"\s+as\s+[\w<>\[\], ]+$", "", text)
    return text.replace("!", "")
