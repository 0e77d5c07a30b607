"""``token-in-query``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.facts.auth.cut_tokens import is_cut_from_address
from tidegate.review.facts.auth.sent_tokens import local_value, sent_in_address
from tidegate.review.facts.auth.unpacking import parts_of, unpacked
from tidegate.review.facts.tokens import is_token_name, server_functions
from tidegate.review.fix import Fix, replaced, suggested
from tidegate.review.model import Function, Gateway, Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import FUNCTIONS, Node, SourceFile

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

_READ = "The server takes the token from the address."
_TOKEN = re.compile(r"(?:\w*_)?token(?:_key)?")
_QUERY = re.compile(
    r"handshake\??\.query$|\brequest\)?\??\._query$|\brequest\)?\??\.?\[['\"]_query['\"]\]$"
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at servers that read it there, and at clients that write it there."""
    for file in model.files:
        yield from _python_reads(model, file) if file.is_python else _node_reads(file)
    for gateway in model.gateways:
        if gateway.framework == "websocket" and gateway.handlers:
            yield from _parameters(model, gateway)
    for node, message, fix in sent_in_address(model):
        yield RULE.fault(node, message, fix=fix)


# Servers on Node


def _node_reads(file: SourceFile) -> Iterator[Finding]:
    for node in file.root.find("member_expression", "subscript_expression"):
        holder = node.field("object")
        name = node.field("property") or node.field("index")
        if holder is None or name is None or not is_token_name(name.string or name.text):
            continue
        origin = _origin(holder)
        if _is_asked_before(node):
            continue  # typeof query.token === 'string' ? query.token : undefined: told there
        if _QUERY.search(_plain(origin)) or _QUERY.search(unpacked(holder)):
            again = [node, *(each for each in _repeated(node))]
            fixes = [_from_auth(each) for each in map(_holder, again) if each is not None]
            edits = [edit for fix in fixes if fix is not None for edit in fix.edits]
            fix = suggested(*edits) if origin == holder and edits else None
            yield RULE.fault(node, _READ, fix=fix)
        elif (_is_parsed_url(_plain(origin)) or _is_parsed_url(unpacked(holder))) and _is_upgrade(
            node
        ):
            yield RULE.fault(node, _READ)
    for node in file.root.find("variable_declarator"):
        pattern, value = node.field("name"), node.field("value")
        if pattern is None or value is None or pattern.kind != "object_pattern":
            continue
        for inner, text in [(pattern, _plain(_origin(value))), *parts_of(pattern, value)]:
            if not _QUERY.search(text) and not (_is_parsed_url(text) and _is_upgrade(node)):
                continue
            names = inner.find("shorthand_property_identifier_pattern", "property_identifier")
            is_whole = inner == pattern and len(pattern.children) == 1
            for name in (each for each in names if is_token_name(each.text)):
                yield RULE.fault(name, _READ, fix=_from_auth(value) if is_whole else None)
    for call in file.calls:
        if is_cut_from_address(call) and _is_upgrade(call.node):
            yield RULE.fault(call.node, _READ)
            continue
        # new URL(request.url).searchParams.get('token'), of a request that becomes a WebSocket
        if call.name != "get" or not call.args or not is_token_name(call.args[0].string or ""):
            continue
        is_parsed = call.receiver is not None and (
            _is_parsed_url(_plain(_origin(call.receiver)))
            or _is_parsed_url(unpacked(call.receiver))
        )
        if is_parsed and _is_upgrade(call.node):
            yield RULE.fault(call.node, _READ)


def _holder(node: Node) -> Node | None:
    return node.field("object")


def _repeated(node: Node) -> list[Node]:
    """Return the same read in the branches of a condition that asks for it."""
    around = node.enclosing("ternary_expression")
    if around is None or not around.children or not _is_within(node, around.children[0]):
        return []
    kinds = ("member_expression", "subscript_expression")
    found = [each for branch in around.children[1:] for each in (branch, *branch.find(*kinds))]
    return [each for each in dict.fromkeys(found) if each.text == node.text]


def _is_asked_before(node: Node) -> bool:
    """Tell a read in a branch of a condition that asks for the very value."""
    around = node.enclosing("ternary_expression")
    if around is None or not around.children or _is_within(node, around.children[0]):
        return False
    kinds = ("member_expression", "subscript_expression")
    return any(each.text == node.text for each in around.children[0].find(*kinds))


def _is_within(node: Node, outer: Node) -> bool:
    return outer.start <= node.start and node.end <= outer.end


def _origin(node: Node) -> Node:
    """Return what a local name was set to, such as ``socket.handshake.query``."""
    if node.kind != "identifier":
        return node
    made = local_value(node)
    if made is not None and made.kind == "identifier":
        return node
    return made or node


def _is_parsed_url(text: str) -> bool:
    return bool(
        re.search(r"searchParams$", text)
        or re.search(r"new URLSearchParams\(.*\burl\b", text, re.DOTALL)
        or re.search(
            r"\bparse\(\s*\w+\.url\b.*\)(?:\.query)?$|querystring\.parse\(", text, re.DOTALL
        )
    )


def _is_upgrade(node: Node) -> bool:
    """Tell the request of a WebSocket from that of a plain route."""
    around = node
    for each in node.ancestors():
        if each.kind in FUNCTIONS:
            around = each
            parameters = each.field("parameters")
            if parameters is not None and re.search(r"\bres(?:ponse)?\b", parameters.text):
                return False
    parent = around.parent
    holder = parent.parent if parent is not None and parent.kind == "arguments" else None
    text = around.text + (holder.text[:80] if holder is not None else "")
    return bool(
        re.search(
            r"handshake|IncomingMessage|handleUpgrade|\bsocket\b|\bws\b|\bwss\b|verifyClient"
            r"|['\"]connection['\"]|['\"]upgrade['\"]|WebSocket",
            text,
        )
    )


def _from_auth(holder: Node) -> Fix | None:
    """Return the read from ``handshake.auth``, where clients have it out of the address."""
    inner = holder
    while inner.kind in ("parenthesized_expression", "as_expression", "non_null_expression"):
        inner = inner.children[0]
    name = inner.field("property")
    is_handshake = name is not None and "handshake" in inner.text
    return suggested(replaced(name, "auth")) if name is not None and is_handshake else None


# Servers in Python


def _python_reads(model: Model, file: SourceFile) -> Iterator[Finding]:
    sockets = {each.node for each in server_functions(model) if each.file == file}
    for call in file.calls:
        if is_cut_from_address(call) and not _is_kept_as_token(call.node):
            yield RULE.fault(call.node, _READ)
            continue
        if call.name not in ("get", "getlist", "pop") or not call.args or call.receiver is None:
            continue
        if _is_token_key(call.args[0]) and _is_query(call.receiver, sockets):
            yield RULE.fault(call.node, _READ)
    for node in file.root.find("subscript"):
        holder, key = node.field("value"), node.field("subscript")
        if holder is None or key is None or not _is_token_key(key):
            continue
        if _is_query(holder, sockets):
            yield RULE.fault(node, _READ)
    for node in file.root.find("assignment"):
        left, right = node.field("left"), node.field("right")
        if left is None or right is None or not _TOKEN.fullmatch(left.text):
            continue
        is_split = re.search(r"query_string|QUERY_STRING", right.text) and "split" in right.text
        is_path = re.search(
            r"url_route['\"]\]\[['\"]kwargs['\"]\](?:\[|\.get\()['\"]token", right.text
        )
        if (is_split and "parse_qs" not in right.text and ".get(" not in right.text) or is_path:
            yield RULE.fault(node, _READ)


def _is_kept_as_token(node: Node) -> bool:
    """Tell whether a value is assigned to what is called a token, which is reported already."""
    around = node.enclosing("assignment")
    left, right = (
        (around.field("left"), around.field("right")) if around is not None else (None,) * 2
    )
    if left is None or right is None or not _TOKEN.fullmatch(left.text):
        return False
    return re.search(r"query_string|QUERY_STRING", right.text) is not None


def _is_token_key(key: Node) -> bool:
    text = key.string or ""
    is_bytes = re.fullmatch(r"b['\"](\w+)['\"]", key.text)
    return is_token_name(is_bytes[1] if is_bytes else text)


def _is_query(node: Node, sockets: set[Node]) -> bool:
    """Tell whether this is the query of a WebSocket, not of a plain request."""
    text = node.text
    if re.search(r"(?:websocket|\bws|socket|self|\bconn\w*)\w*\.query_params$", text):
        return True
    function = node.function
    if re.search(r"(?:^|[._])request\.args$", text):
        return function is not None and function in sockets
    if not re.fullmatch(r"\w+|(?:\w+\.)*(?:parse_qsl?|dict|QueryDict)\(.*\)", text, re.DOTALL):
        return False
    made = "" if re.fullmatch(r"\w+", text) else text
    for each in function.find("assignment") if function is not None and not made else ():
        left, right = each.field("left"), each.field("right")
        if left is not None and right is not None and left.text == text:
            made = right.text
    if function is None or not made:
        return False
    if re.search(r"(?:^|[._])request\.args\b", made):
        return function in sockets
    is_parsed = re.search(r"parse_qsl?\(|query_params|query_string|QUERY_STRING|QueryDict\(", made)
    around = function.text
    is_socket = re.search(
        r"scope\[['\"]query_string|environ|websocket|query_string|QUERY_STRING", around
    )
    return bool(is_parsed and is_socket and re.search(r"query", around, re.IGNORECASE))


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
            if not is_token_name(parameter.name):
                continue
            if f"{{{parameter.name}" in path:
                if re.fullmatch(r"token|access_token|auth_token|jwt(?:_token)?", parameter.name):
                    message = f"FastAPI takes `{parameter.name}` from the address's path."
                    yield RULE.fault(parameter.node, message)
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


def _plain(node: Node) -> str:
    text, before = node.text, ""
    while text != before:
        before = text
        if re.fullmatch(r"\([^()]*\)", text, re.DOTALL):
            text = text[1:-1]
        text = re.sub(r"\s+as\s+(?:[\w<>\[\], |]+|\{[^{}]*\})$", "", text)
        text = re.sub(r"\s*(?:\|\||\?\?)\s*\{\s*\}$", "", text)  # query || {}
    return text.replace("!", "")
